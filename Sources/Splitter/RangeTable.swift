/// Which tracker owns which part of the space of sorted address pairs.
///
/// A session's pair (smaller address, larger address) is one 64-bit number; the space of these is
/// cut into ranges at quantiles of a sample, so that the ranges carry about equal traffic. Each
/// session has one owner, a hot host is cut by its peers' addresses, and each peer of an endpoint
/// lives in one range, so counts of distinct peers add up across trackers.
struct RangeTable: Sendable {
  /// Ranges a tracker, so that one heavy range can be balanced by several light ones.
  static let rangesPerTracker = 16

  /// Exclusive upper bounds of all ranges but the last, ascending; the count is a power of two
  /// minus one (padded with `.max`), so that the search has no branch to mispredict.
  private let bounds: [UInt64]
  private let owners: [UInt8]
  private let steps: Int

  /// Cuts the space at quantiles of `sample`.
  ///
  /// - Parameters:
  ///   - sample: pair keys as packets bring them; may be empty, may repeat.
  ///   - trackers: 1–64.
  init(sample: [UInt64], trackers: Int) {
    precondition((1...64).contains(trackers), "trackers: 1 to 64")
    let sorted = sample.sorted()
    let wanted = trackers == 1 ? 1 : trackers * RangeTable.rangesPerTracker
    var cuts: [UInt64] = []
    if !sorted.isEmpty {
      for index in 1..<wanted {
        let cut = sorted[sorted.count * index / wanted]
        if cut != cuts.last && cut != 0 { cuts.append(cut) }
      }
    }
    // The heaviest range goes to the tracker that has least so far.
    var weights = [Int](repeating: 0, count: cuts.count + 1)
    var range = 0
    for key in sorted {
      while range < cuts.count && key >= cuts[range] { range += 1 }
      weights[range] += 1
    }
    var load = [Int](repeating: 0, count: trackers)
    var owners = [UInt8](repeating: 0, count: cuts.count + 1)
    for range in weights.indices.sorted(by: { (weights[$1], $0) < (weights[$0], $1) }) {
      let tracker = load.indices.min { (load[$0], $0) < (load[$1], $1) } ?? 0
      owners[range] = UInt8(tracker)
      load[tracker] += weights[range] + 1
    }
    var steps = 0
    while (1 << steps) < cuts.count + 1 { steps += 1 }
    self.steps = steps
    let padding = (1 << steps) - 1 - cuts.count
    bounds = cuts + [UInt64](repeating: .max, count: padding)
    self.owners = owners + [UInt8](repeating: owners[cuts.count], count: padding)
  }

  /// The index of the tracker that owns `key`.
  ///
  /// - Complexity: O(log ranges), no branches.
  @inline(__always)
  func owner(of key: UInt64) -> Int {
    bounds.withUnsafeBufferPointer { bounds in
      var position = 0
      var width = 1 << steps
      for _ in 0..<steps {
        width >>= 1
        // SAFETY: position + width - 1 < 2^steps - 1 = bounds.count at every step.
        position &+= key >= bounds[position &+ width &- 1] ? width : 0
      }
      return Int(owners[position])
    }
  }

  /// The 64-bit key of the pair of two range keys.
  @inline(__always)
  static func key(_ one: UInt32, _ other: UInt32) -> UInt64 {
    one < other ? UInt64(one) << 32 | UInt64(other) : UInt64(other) << 32 | UInt64(one)
  }
}
