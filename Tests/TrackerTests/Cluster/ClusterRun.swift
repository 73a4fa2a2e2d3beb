import Cluster
import TestSupport
import Testing
import Wire

@testable import Tracker

/// Trackers of a cluster over a log in memory, one step after the other, with everything that may happen between two
/// steps.
struct ClusterRun {
  struct Faults {
    /// Of a thousand steps.
    var kills = 0
    var joins = 0
    /// A tracker stands still for some seconds, or goes on by a clock that does.
    var zombies = 0
    var cutOffs = 0
    var lostAnswers = 0
    /// Batches that were here already, and messages that are none.
    var replays = 0
    var garbage = 0
    /// A batch is published after some that follow it.
    var reorders = 0
    /// Whether what all have passed is deleted.
    var isForgetting = true
  }

  private final class Process {
    let tracking: ClusterTracking
    let log: MemoryLog
    /// Where its clock stands; nil: it goes.
    var frozenAtSeconds: Double?
    var isAsleep = false
    var name = ""
    var untilSeconds = 0.0

    init(_ tracking: ClusterTracking, _ log: MemoryLog) {
      self.tracking = tracking
      self.log = log
    }
  }

  let shards: Int
  var settings: ClusterTrackerSettings
  private(set) var merger = HonestMerger()
  /// All messages that were published, as they are in the stream.
  private(set) var published: [LogMessage] = []
  private(set) var refusals: [String: UInt64] = [:]
  private(set) var takeovers = 0
  private(set) var stops = 0

  init(shards: Int, _ configuration: TrackerConfiguration) {
    self.shards = shards
    settings = ClusterTrackerSettings(
      name: "t", shards: shards, tracker: configuration, host: "here", version: "0")
    settings.addressesExactly = 1 << 12
    settings.rowsMax = 8192
  }

  /// Publishes the messages and has them tracked, to the end.
  mutating func run(
    _ messages: [ClusterTraffic.Message], faults: Faults, using generator: inout SeededGenerator
  ) throws {
    let server = MemoryServer()
    let collector = MemoryLog(on: server)
    var processes: [Process] = []
    var nowSeconds = 1000.0
    var next = 0
    var born: UInt64 = 0
    func spawn(_ using: inout SeededGenerator) throws {
      born += 1
      var settings = settings
      // Names come again.
      let taken = Set(processes.map(\.name))
      let free = (0..<9).map { "t\($0)" }.filter { !taken.contains($0) }
      settings.name = free.randomElement(using: &using) ?? "t"
      settings.epochSeconds = [0, 0.3, 1].randomElement(using: &using) ?? 1
      settings.snapshotSeconds = .random(in: 0.5...20, using: &using)
      let log = MemoryLog(on: server)
      let process = Process(try ClusterTracking(settings, log: log, incarnation: born), log)
      process.name = settings.name
      processes.append(process)
    }
    func isFault(_ perMille: Int, _ using: inout SeededGenerator) -> Bool {
      next < messages.count && Int.random(in: 0..<1000, using: &using) < perMille
    }
    for _ in 0..<Int.random(in: 1...3, using: &generator) { try spawn(&generator) }
    var steps = 0
    while true {
      steps += 1
      nowSeconds += .random(in: 0...0.3, using: &generator)
      if next < messages.count {
        for _ in 0..<Int.random(in: 0...3, using: &generator) where next < messages.count {
          try publish(messages[next].batch, on: collector, copy: "")
          next += 1
        }
        if isFault(faults.reorders, &generator) {
          // A few that are stored in another order, since of the first ones it was not known whether they were.
          // Only of one run: the next one begins when all of the last one's are stored.
          var end = next
          var runs: [String: UInt64] = [:]
          while end < min(messages.count, next + 12) {
            let batch = messages[end].batch
            if runs[batch.point, default: batch.run] != batch.run { break }
            runs[batch.point] = batch.run
            end += 1
          }
          for message in messages[next..<end].shuffled(using: &generator) {
            try publish(message.batch, on: collector, copy: "")
          }
          next = end
        }
        if isFault(faults.replays, &generator) {
          let old = messages[.random(in: 0..<max(1, next), using: &generator)].batch
          if next > 0 {
            try publish(old, on: collector, copy: ".\(steps)")
            refusals["replayed", default: 0] += 1
          }
        }
        if isFault(faults.garbage, &generator) { try garbage(on: collector, steps, &generator) }
      }
      for process in processes {
        if process.untilSeconds < nowSeconds || next == messages.count {
          process.frozenAtSeconds = nil
          process.isAsleep = false
          process.log.isCutOff = false
        }
        if process.isAsleep || Int.random(in: 0..<4, using: &generator) == 0 { continue }
        _ = try process.tracking.turn(nowSeconds: process.frozenAtSeconds ?? nowSeconds)
      }
      if let process = processes.randomElement(using: &generator) {
        let until = nowSeconds + .random(in: 1...9, using: &generator)
        if isFault(faults.zombies, &generator) {
          process.untilSeconds = until
          if Bool.random(using: &generator) {
            process.frozenAtSeconds = nowSeconds
          } else {
            process.isAsleep = true
          }
        }
        if isFault(faults.cutOffs, &generator) {
          process.untilSeconds = until
          process.log.isCutOff = true
        }
        if isFault(faults.lostAnswers, &generator) {
          if Bool.random(using: &generator) {
            process.log.loseAnswers(.random(in: 1...3, using: &generator))
          } else {
            process.log.loseRequests(.random(in: 1...3, using: &generator))
          }
        }
        if isFault(faults.kills, &generator) {
          if Int.random(in: 0..<4, using: &generator) == 0 {
            process.tracking.stop(nowSeconds: nowSeconds)
          }
          processes.removeAll { $0 === process }
          stops += 1
        }
      }
      if processes.isEmpty || processes.count < 5 && isFault(faults.joins, &generator) {
        try spawn(&generator)
      }
      if steps % 20 == 0 || next == messages.count {
        try merger.read(server.messages(of: .epochs))
        if faults.isForgetting { try forget(collector) }
        if next == messages.count && isAllBooked { break }
      }
      try #require(steps < 100_000, "the trackers do not come to an end")
    }
    for process in processes { process.tracking.stop(nowSeconds: nowSeconds) }
    try merger.read(server.messages(of: .epochs))
    // Who ends leaves no entry, so that the others need not wait for him to be dead.
    let left = try collector.all("tracker.", in: .status)
    #expect(processes.allSatisfy { left["tracker.\($0.name)"] == nil })
  }

  private var isAllBooked: Bool {
    var last: [Int: UInt64] = [:]
    for message in published {
      if let shard = message.subject.split(separator: ".").last.flatMap({ Int($0) }) {
        last[shard] = message.sequence
      }
    }
    return last.allSatisfy { (merger.shards[$0.key]?.recordsSequence ?? 0) >= $0.value }
  }

  private mutating func publish(
    _ batch: RecordBatch, on log: MemoryLog, copy: String
  ) throws {
    try publish(
      batch.encoded(),
      as: ClusterSubject.records(point: batch.point, shard: Int(batch.shard)),
      id: "\(batch.point).\(batch.run).\(batch.shard).\(batch.sequence)\(copy)", on: log)
  }

  private mutating func publish(
    _ payload: [UInt8], as subject: String, id: String, on log: MemoryLog
  ) throws {
    let entry = LogEntry(subject: subject, id: id, payload: payload)
    let left = try log.store([entry])
    #expect(left == nil)
    published.append(
      LogMessage(subject: subject, sequence: UInt64(published.count + 1), payload: payload))
  }

  /// A message that must be refused, and as what.
  private mutating func garbage(
    on log: MemoryLog, _ step: Int, _ generator: inout SeededGenerator
  ) throws {
    var batch = RecordBatch()
    batch.point = "p0"
    batch.run = 1_000_000
    batch.sequence = 1
    batch.shardCount = UInt16(shards)
    let shard = Int.random(in: 0..<shards, using: &generator)
    batch.shard = UInt16(shard)
    var subject = ClusterSubject.records(point: "p0", shard: shard)
    var payload = batch.encoded()
    let name: String
    switch Int.random(in: 0..<4, using: &generator) {
    case 0:
      payload = Array("good morning, this is not a message of renkei's at all......".utf8)
      name = WireError.notAMessage.name
    case 1:
      payload[payload.count - 1] ^= 0x40
      name = WireError.brokenChecksum.name
    case 2:
      batch.shardCount *= 2
      payload = batch.encoded()
      name = "otherShard"
    default:
      subject = ClusterSubject.records(point: "p9", shard: shard)
      name = "foreignPoint"
    }
    refusals[name, default: 0] += 1
    try publish(payload, as: subject, id: "garbage.\(step)", on: log)
  }

  /// As mergers do that have committed all that they read.
  private func forget(_ log: MemoryLog) throws {
    guard merger.shards.count == shards else { return }
    let records = merger.shards.values.map(\.recordsSequence).min() ?? 0
    let epochs = merger.shards.values.map(\.snapshotSequence).min() ?? 0
    if records > 0 { try log.forget(.records, upTo: records) }
    if epochs > 1 { try log.forget(.epochs, upTo: epochs - 1) }
  }

  // MARK: - What must come out

  /// What one table a shard makes of the same messages, undisturbed and in one piece.
  func undisturbed() throws -> HonestMerger {
    var merger = HonestMerger()
    for shard in 0..<shards {
      let tracking = try ShardTracking(
        ShardOwner(shard: shard, shardCount: shards, name: "u", incarnation: 1),
        settings.tracker, rowsMax: 1 << 16,
        addresses: try SharedAddresses(capacity: 1 << 14), recovered: ShardState())
      for message in published where message.subject.hasSuffix(".\(shard)") {
        if tracking.take(message) == .sealFirst {
          for report in tracking.seal() { merger.take(report) }
          #expect(tracking.take(message) == .taken)
        }
      }
      for report in tracking.seal() { merger.take(report) }
    }
    return merger
  }

  /// The sessions that an audit of a file with these packets finds.
  static func audited(
    _ packets: [TrafficPacket], _ configuration: TrackerConfiguration
  ) throws -> [ClusterSession] {
    struct Sink: ~Copyable, SessionSink {
      var rows: [SessionRow] = []
      mutating func export(_ row: SessionRow) { rows.append(row) }
    }
    var configuration = configuration
    configuration.activeTimeoutSeconds = 100_000_000
    let book = try SharedAddresses(capacity: 1 << 14)
    var table = SessionTable(configuration)
    var sink = Sink()
    func value(_ address: IPAddress) throws -> UInt32 {
      address.isIPv4 && !AddressHandle.isHandle(address.v4)
        ? address.v4 : try #require(book.handle(of: address))
    }
    for packet in packets {
      let record = PacketRecord(
        destination: try value(packet.destination), destinationPort: packet.destinationPort,
        source: try value(packet.source), sourcePort: packet.sourcePort,
        protocolNumber: packet.number, tcpFlags: packet.flags, lengthBytes: packet.lengthBytes)
      var bytes = [UInt8](repeating: 0, count: PacketRecord.bytes)
      bytes.withUnsafeMutableBytes { raw in
        if let base = raw.baseAddress {
          record.write(to: base)
          table.track(base, count: 1, baseTick: packet.tick, into: &sink)
        }
      }
    }
    table.drain(into: &sink)
    return sink.rows.map { ClusterSession($0, book.address(of:)) }.sorted()
  }
}
