internal import CLinux
internal import Wire

/// Which tracker owns which part of the space of sorted address pairs.
///
/// A session's pair (smaller address, larger address) is one 64-bit number; the space of these is
/// cut into ranges at quantiles of a sample, so that the ranges carry about equal traffic. Each
/// session has one owner, a hot host is cut by its peers' addresses, and each peer of an endpoint
/// lives in one range, so counts of distinct peers add up across trackers.
struct RangeTable: Sendable {
  /// Ranges a tracker, so that one heavy range can be balanced by several light ones.
  static let rangesPerTracker = 16

  /// Exclusive upper bounds of all ranges but the last, as a search tree: behind the unused first one
  /// the middle one, then those of the lower and of the upper half, then the four of the quarters, and
  /// so on. There is one less than a power of two (padded with `.max`), so that every search takes
  /// the same steps.
  private let tree: [UInt64]
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
    let bounds = cuts + [UInt64](repeating: .max, count: padding)
    tree = (0..<1 << steps).map { node in
      if node == 0 { return 0 }
      // Nodes 2^level and on are those of a level; each is the middle of its share.
      let level = node.bitWidth - 1 - node.leadingZeroBitCount
      let share = 1 << (steps - level)
      return bounds[(node - (1 << level)) * share + share / 2 - 1]
    }
    self.owners = owners + [UInt8](repeating: owners[cuts.count], count: padding)
  }

  /// The index of the tracker that owns `key`.
  ///
  /// - Complexity: O(log ranges).
  func owner(of key: UInt64) -> Int { withLookup { Int($0.owner(of: key)) } }

  /// The trackers that own the pairs of the `count` records at `records`, into `owners`; without meaning where
  /// a record has address handles.
  ///
  /// In a loop of its own, because then the searches of a dozen records run at the same time.
  ///
  /// - Complexity: O(count · log ranges); 5 ns a record with two trackers, 7 ns with eight.
  func findOwners(
    ofRecords records: UnsafeRawPointer, count: Int, into owners: UnsafeMutablePointer<UInt8>
  ) {
    withLookup { lookup in
      for index in 0..<count {
        // SAFETY: the caller has so many records, and as much room.
        let record = records + index &* PacketRecord.bytes
        let destination = UInt32(littleEndian: record.loadUnaligned(as: UInt32.self))
        let source = UInt32(littleEndian: record.loadUnaligned(fromByteOffset: 6, as: UInt32.self))
        owners[index] = lookup.owner(of: RangeTable.key(source, destination))
      }
    }
  }

  /// The table for many keys in a row; valid only within `body`.
  @inline(__always)
  private func withLookup<Result>(_ body: (Lookup) throws -> Result) rethrows -> Result {
    try tree.withUnsafeBufferPointer { tree in
      try owners.withUnsafeBufferPointer { owners in
        // SAFETY: neither is ever empty.
        try body(
          Lookup(
            tree: tree.baseAddress.unsafelyUnwrapped, owners: owners.baseAddress.unsafelyUnwrapped,
            steps: steps))
      }
    }
  }

  private struct Lookup {
    let tree: UnsafePointer<UInt64>
    let owners: UnsafePointer<UInt8>
    /// There are 2^steps owners.
    let steps: Int

    /// The index of the tracker that owns `key`.
    ///
    /// - Complexity: O(log ranges); no jump that could be guessed wrong.
    @inline(__always)
    func owner(of key: UInt64) -> UInt8 {
      var node = 1
      for _ in 0..<steps {
        // SAFETY: below 2^steps, as there are steps left.
        // Opaque, because the compiler makes a jump of a comparison here, and half of these are guessed
        // wrong.
        let isAbove = renkei_opaque(key >= tree[node] ? 1 : 0)
        node = node &<< 1 | Int(truncatingIfNeeded: isAbove)
      }
      return owners[node &- (1 &<< steps)]
    }
  }

  /// The 64-bit key of the pair of two range keys.
  @inline(__always)
  static func key(_ one: UInt32, _ other: UInt32) -> UInt64 {
    one < other ? UInt64(one) << 32 | UInt64(other) : UInt64(other) << 32 | UInt64(one)
  }
}
