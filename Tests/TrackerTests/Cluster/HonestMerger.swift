import Cluster
import Wire

/// A session as the map counts it, with true addresses: what does not depend on who tracked it.
struct ClusterSession: Hashable, Comparable, CustomStringConvertible {
  var a: IPAddress
  var b: IPAddress
  var words: [UInt64]

  /// - Parameter address: what a row's 32 bits stand for.
  init(_ row: SessionRow, _ address: (UInt32) -> IPAddress) {
    var row = row
    var (a, b) = (address(row.a), address(row.b))
    if (a, row.aPort) > (b, row.bPort) {
      (a, b) = (b, a)
      (row.aPort, row.bPort) = (row.bPort, row.aPort)
      (row.packetsAB, row.packetsBA) = (row.packetsBA, row.packetsAB)
      (row.bytesAB, row.bytesBA) = (row.bytesBA, row.bytesAB)
      row.events = row.events.exchanged
    }
    self.a = a
    self.b = b
    words = [
      UInt64(row.aPort) << 16 | UInt64(row.bPort), UInt64(row.protocolNumber),
      UInt64(row.events.rawValue), UInt64(row.packetsAB), UInt64(row.packetsBA), row.bytesAB,
      row.bytesBA, row.firstTick, row.lastTick, UInt64(row.handshakeTicks), UInt64(row.kind),
    ]
  }

  var packets: UInt64 { words[3] + words[4] }

  static func < (one: ClusterSession, other: ClusterSession) -> Bool {
    (one.a, one.b) == (other.a, other.b)
      ? one.words.lexicographicallyPrecedes(other.words) : (one.a, one.b) < (other.a, other.b)
  }

  var description: String { "\(a) \(b) \(words)" }
}

/// Books what is in the stream of epochs, as a merger does that keeps to what the reports say: complete epochs in
/// their order, each once.
struct HonestMerger {
  struct Shard {
    var epoch: UInt64 = 0
    var recordsSequence: UInt64 = 0
    var points: [EpochReport.Point] = []
    var refused: [String: UInt64] = [:]
    var exportedEarly: UInt64 = 0
    var snapshots = 0
    /// Where the last complete snapshot begins.
    var snapshotSequence: UInt64 = 0
    fileprivate var firstPartSequence: UInt64 = 0
    fileprivate var parts: [EpochReport] = []
  }

  private(set) var shards: [Int: Shard] = [:]
  private var sessions: [ClusterSession: Int] = [:]
  private(set) var elsewhere: UInt64 = 0
  /// Changes of sessions that nothing was told of before, and epochs that were not the next.
  private(set) var contradictions: [String] = []
  private(set) var sequence: UInt64 = 0

  /// Takes what is new among the messages of the stream.
  mutating func read(_ messages: [LogMessage]) throws {
    for message in messages where message.sequence > sequence {
      sequence = message.sequence
      take(try EpochReport(decoding: message.payload), sequence: message.sequence)
    }
  }

  mutating func take(_ report: EpochReport, sequence: UInt64 = 0) {
    let number = Int(report.shard)
    var shard = shards[number] ?? Shard()
    defer { shards[number] = shard }
    if report.part == 0 {
      shard.parts = []
      shard.firstPartSequence = sequence
    }
    guard Int(report.part) == shard.parts.count,
      shard.parts.allSatisfy({
        $0.incarnation == report.incarnation && $0.kind == report.kind && $0.epoch == report.epoch
      })
    else {
      shard.parts = []
      return
    }
    shard.parts.append(report)
    guard report.isLastPart else { return }
    defer { shard.parts = [] }
    if report.kind == .snapshot {
      shard.snapshots += 1
      shard.snapshotSequence = shard.firstPartSequence
      return
    }
    if report.epoch != shard.epoch + 1 {
      contradictions.append("shard \(number): epoch \(report.epoch) after \(shard.epoch)")
    }
    if report.recordsSequence < shard.recordsSequence {
      contradictions.append("shard \(number): records go back")
    }
    shard.epoch = report.epoch
    shard.recordsSequence = report.recordsSequence
    shard.points = report.points
    shard.refused = report.refused
    shard.exportedEarly = report.exportedEarly
    for part in shard.parts {
      for entry in part.entries { book(entry, of: part) }
    }
  }

  private mutating func book(_ entry: EpochReport.Entry, of part: EpochReport) {
    func address(_ value: UInt32) -> IPAddress {
      AddressHandle.isHandle(value)
        ? part.addresses[Int(value - AddressHandle.first)] : IPAddress(v4: value)
    }
    if entry.before.kind != SessionRow.free {
      let (row, more) = entry.before.counted(once: entry.sightingsBefore)
      elsewhere &-= more
      let before = ClusterSession(row, address)
      let count = sessions[before, default: 0]
      if count == 0 { contradictions.append("unknown before: \(before)") }
      sessions[before] = count > 1 ? count - 1 : nil
    }
    let (row, more) = entry.after.counted(once: entry.sightingsAfter)
    elsewhere &+= more
    sessions[ClusterSession(row, address), default: 0] += 1
  }

  /// All sessions, in an order of their own.
  var all: [ClusterSession] {
    sessions.flatMap { [ClusterSession](repeating: $0.key, count: $0.value) }.sorted()
  }

  /// Records taken, and missing, of all points.
  var packets: UInt64 {
    shards.values.reduce(0) { $0 + $1.points.reduce(0) { $0 + $1.packets } }
  }
  var missing: UInt64 {
    shards.values.reduce(0) { $0 + $1.points.reduce(0) { $0 + $1.missing } }
  }
  var refused: [String: UInt64] {
    shards.values.reduce(into: [:]) { $0.merge($1.refused) { $0 + $1 } }
  }
  var mapped: UInt64 { sessions.reduce(0) { $0 + $1.key.packets * UInt64($1.value) } }
}
