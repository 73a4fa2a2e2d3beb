internal import Foundation
internal import Wire

/// Of what time a map is asked for, again and again.
public enum MapTime: Hashable, Sendable {
  /// All that is stored.
  case all
  /// The last so many seconds, up to a twelfth more: the begin stays for a while.
  case last(seconds: Int)
  /// Seconds since 1970; nil: from the first on, to the last.
  case between(from: Int?, to: Int?)

  /// - Parameter now: seconds since 1970.
  func range(now: Int) -> TimeRange? {
    switch self {
    case .all: return nil
    case .between(let from, let to): return TimeRange(from: from, to: to)
    case .last(let seconds):
      let step = max(60, seconds / 12)
      let from = now - seconds
      return TimeRange(from: from - (from % step + step) % step)
    }
  }
}

/// Reads a time of a store again and again while it is being written: what can't change any more is read once.
///
/// Each read answers what `MapStore.read` would, link by link. Where segments that were read are gone or have
/// changed, by compaction, retention or because the time has moved on, all is read anew.
///
/// Used from one thread at a time. Memory: the sum of what can't change is kept beside what is answered.
public final class StoreFollower {
  /// A minute is taken to be over so long after its end. If it is not, all is read anew.
  private static let settlingSeconds = 180

  private let path: String
  private let time: MapTime
  private let withSeries: Bool

  /// The first segments of the time, added up.
  private struct Base {
    var segments: [StoredSegment] = []
    var total = SegmentTotal()
  }
  private var base: Base?
  private var handles = AddressHandles()
  /// What was answered last.
  private var seen: Seen?

  private struct Seen: Equatable {
    var segments: [StoredSegment]
    var runs: [UInt64: CaptureReport]
  }

  public init(path: String, time: MapTime, withSeries: Bool) {
    self.path = path
    self.time = time
    self.withSeries = withSeries
  }

  /// The map of the time; nil: nothing has changed since the last call that answered one.
  ///
  /// - Parameter now: seconds since 1970, for `MapTime.last`.
  /// - Throws: as `MapStore.read`; the next call begins anew.
  /// - Complexity: O(links of what has changed), and O(links of the map), which is copied and joined.
  public func read(now: Int) throws -> MapStore.Content? {
    let range = time.range(now: now)
    let found: Found?
    do {
      found = try StoreReader.read(path: path) { try read(StoreReader($0, path: path), range) }
    } catch {
      forget()
      throw error
    }
    guard let found else { return nil }
    let content: MapStore.Content
    switch found.what {
    case .audit(let whole): content = whole
    case .sum(let reader, let total):
      do {
        content = try reader.content(of: found.seen.segments, total, handles.table)
      } catch {
        forget()
        throw error
      }
    }
    seen = found.seen
    return content
  }

  private struct Found {
    enum What {
      case audit(MapStore.Content)
      case sum(StoreReader, SegmentTotal)
    }
    var what: What
    var seen: Seen
  }

  private func forget() {
    base = nil
    seen = nil
    handles = AddressHandles()
  }

  /// What is done within the transaction.
  private func read(_ reader: StoreReader, _ range: TimeRange?) throws -> Found? {
    let chosen = try reader.chosen(range)
    let now = Seen(
      segments: chosen,
      runs: Dictionary(reader.runs.map { ($0.id, $0.capture) }) { first, _ in first })
    if now == seen { return nil }
    if reader.isAudit(chosen) {
      return Found(what: .audit(try reader.audit(chosen[0], reader.runs[0].capture)), seen: now)
    }
    // Nowhere else meanwhile, so that it is not copied when it grows.
    var base = self.base.take() ?? Base()
    if !StoreFollower.begins(chosen, with: base.segments) { base = Base() }
    let times = reader.times(of: chosen)
    if base.segments.isEmpty {
      handles = AddressHandles()
      if withSeries { base.total.series = SeriesBuilder(times) }
    } else {
      base.total.series?.extend(to: times)
    }
    let handle = try base.segments.isEmpty ? allHandles(reader) : fewHandles(reader)
    let settled = StoreFollower.settledCount(chosen)
    for place in base.segments.count..<max(base.segments.count, settled) {
      try reader.add(chosen[place], at: place, to: &base.total, handle: handle)
      base.segments.append(chosen[place])
    }
    var total = base.total
    for place in base.segments.count..<chosen.count {
      try reader.add(chosen[place], at: place, to: &total, handle: handle)
    }
    self.base = base
    return Found(what: .sum(reader, total), seen: now)
  }

  private static func begins(_ chosen: [StoredSegment], with known: [StoredSegment]) -> Bool {
    known.count <= chosen.count
      && zip(chosen, known).allSatisfy {
        // One that is closed has not changed thereby.
        $0.id == $1.id && $0.begin == $1.begin && $0.resolution == $1.resolution
          && $0.totals == $1.totals
      }
  }

  /// How many of the first segments can't change any more.
  private static func settledCount(_ chosen: [StoredSegment]) -> Int {
    let newest = chosen.map(\.end).max() ?? 0
    return chosen.firstIndex { $0.state == .open && $0.end + settlingSeconds >= newest }
      ?? chosen.count
  }

  private func allHandles(_ reader: StoreReader) throws -> (Int) throws -> UInt32? {
    let ids = try reader.learnAddresses(&handles)
    return { ids[$0] }
  }

  /// Ids may have been given again since the last read, so nothing is known of them.
  private func fewHandles(_ reader: StoreReader) throws -> (Int) throws -> UInt32? {
    let lookup = try reader.addressLookup()
    var known: [Int: UInt32] = [:]
    return { [self] id in
      if let handle = known[id] { return handle }
      guard let address = try lookup(id) else { return nil }
      let handle = try handles.handle(of: address, path: path)
      known[id] = handle
      return handle
    }
  }
}
