import Cluster
import Foundation
import Glibc
import TestSupport
import Testing
import Wire

@testable import Splitter

/// A collector's box of a cluster in memory, whose publisher can be killed.
final class PublisherRun {
  /// Offsets that a reader of a ring changes (`RingWords`), and a publisher of its memory.
  private static let (tail, state) = (256, 64)
  static let firstTick: UInt64 = 1_000_000_000

  let inputs: [Int32]
  let memory: SplitMemory
  let addresses: SharedAddresses
  let server = MemoryServer()
  let log: MemoryLog
  let folder: TemporaryDirectory
  let board: StatusBoard
  var settings: PublisherSettings
  var spoolBytesMax: Int
  /// Records by input so far.
  var sent: [UInt32]
  var now = 100.0

  init(inputs: Int, shards: Int, spoolBytesMax: Int = 64 << 20) throws {
    self.inputs = try (0..<inputs).map { _ in try makeRing(slots: 64) }
    memory = try SplitMemory()
    addresses = try SharedAddresses(capacity: 1000)
    log = MemoryLog(on: server)
    folder = try TemporaryDirectory()
    board = try StatusBoard(processes: inputs + 1)
    settings = PublisherSettings(
      point: "core-1", run: 77, shards: shards, interfaces: (0..<inputs).map { "eth\($0)" })
    self.spoolBytesMax = spoolBytesMax
    sent = [UInt32](repeating: 0, count: inputs)
  }

  deinit { for descriptor in inputs { close(descriptor) } }

  func spool() throws -> Spool {
    try Spool(path: folder.path("spool"), bytesMax: spoolBytesMax)
  }

  func publishing() throws -> ShardPublishing {
    try ShardPublishing(
      settings, inputs: inputs.count, input: { [inputs] in try openRing(inputs[$0]) },
      memory: memory, addresses: addresses, log: log, spool: try spool())
  }

  /// What changes with a step.
  struct Before {
    fileprivate var tails: [UInt64]
    fileprivate var state: UInt64
  }

  var before: Before {
    Before(
      tails: inputs.map { SharedBytes.word($0, at: PublisherRun.tail) },
      state: SharedBytes.word(memory.descriptor, at: PublisherRun.state))
  }

  /// As if the process had been killed when its messages were out, and that was not written down.
  func undoStored(_ before: Before) {
    for (place, tail) in before.tails.enumerated() {
      SharedBytes.set(inputs[place], at: PublisherRun.tail, to: tail)
    }
    SharedBytes.set(
      memory.descriptor, at: PublisherRun.state, to: before.state & ~0xFF | 1)
  }

  /// As if it had been killed when it had given back the slots of so many inputs.
  func undoReleased(_ before: Before, but released: Int) {
    for (place, tail) in before.tails.enumerated().dropFirst(released) {
      SharedBytes.set(inputs[place], at: PublisherRun.tail, to: tail)
    }
    let state = SharedBytes.word(memory.descriptor, at: PublisherRun.state)
    SharedBytes.set(memory.descriptor, at: PublisherRun.state, to: state & ~0xFF | 2)
  }

  /// Takes a step a second later.
  func step(_ publishing: ShardPublishing, after seconds: Double = 0.3) throws -> Bool {
    now += seconds
    return try publishing.step(now: now) { progress in
      Array("\(progress.records) \(progress.isLast)".utf8)
    }
  }

  // MARK: - Packets

  /// Fills a ring with a few batches of records, each of which is known by its input and number.
  func send(
    _ input: Int, batches: Int, recordsMax: Int = 150, using generator: inout SeededGenerator
  ) throws {
    var writer = RingWriter(try openRing(inputs[input]))
    for _ in 0..<batches {
      guard let slot = writer.tryReserve() else { return }
      let first = sent[input]
      var header = BatchHeader(
        kind: .records, streamID: UInt32(input),
        baseTick: PublisherRun.firstTick + UInt64(first) * 50)
      header.period = 100 + first / 2000
      var batch = BatchWriter(slot: slot, header: header)
      // Some say the time only.
      for _ in 0..<Int.random(in: 0...recordsMax, using: &generator) {
        let number = sent[input]
        let record = record(input, number)
        guard batch.hasRoom(bytes: PacketRecord.bytes) else { break }
        batch.append(record)
        sent[input] += 1
      }
      batch.finish()
      writer.publish()
    }
  }

  private func record(_ input: Int, _ number: UInt32) -> PacketRecord {
    let six = IPAddress(high: 0x2001_0DB8 << 32, low: UInt64(number % 31))
    let isSix = number % 5 == 0
    let source = isSix ? addresses.handle(of: six) ?? 0 : v4("10.0.0.0") + number % 97
    return PacketRecord(
      destination: v4("10.9.0.0") + number % 13, destinationPort: UInt16(input), source: source,
      sourcePort: UInt16(truncatingIfNeeded: number), protocolNumber: UInt8(number >> 16),
      flags: isSix ? .hasHandle : [], lengthBytes: 60,
      tick: UInt16(truncatingIfNeeded: number % 1000))
  }

  func closeInputs() throws {
    for descriptor in inputs {
      var writer = RingWriter(try openRing(descriptor))
      writer.close()
    }
  }

  // MARK: - What arrived

  /// Reads the stream as a tracker does, and checks all that a tracker relies on.
  struct Arrived {
    var records = 0
    var batches = 0
    /// Messages that were there already.
    var replayed = 0
    /// Records that were sent and never came, by the messages' own numbers.
    var missing: UInt64 = 0
    var lastReports: [String] = []
    var isLast = Set<Int>()
    var beats = 0
  }

  func arrived(isComplete: Bool = true) throws -> Arrived {
    var arrived = Arrived()
    var sequences = [UInt64](repeating: 0, count: settings.shards)
    var counts = sequences
    var last: [[UInt32]] = Array(
      repeating: Array(repeating: 0, count: inputs.count), count: settings.shards)
    var seen = Set<UInt64>()
    let bits = UInt64(settings.shards.trailingZeroBitCount)
    for message in server.messages(of: .records) {
      let batch = try RecordBatch(decoding: message.payload)
      let shard = Int(batch.shard)
      #expect(message.subject == "renkei.records.core-1.\(shard)")
      #expect(batch.run == settings.run && batch.shardCount == UInt16(settings.shards))
      if batch.sequence <= sequences[shard] {
        arrived.replayed += 1
        continue
      }
      if batch.sequence > sequences[shard] + 1 {
        arrived.missing += batch.recordsBefore - counts[shard]
      } else {
        #expect(batch.recordsBefore == counts[shard])
      }
      #expect(!arrived.isLast.contains(shard), "something follows the last batch")
      sequences[shard] = batch.sequence
      counts[shard] = batch.recordsBefore + UInt64(batch.recordCount)
      arrived.batches += 1
      arrived.records += batch.recordCount
      if batch.isLast { arrived.isLast.insert(shard) }
      if batch.recordCount == 0 { arrived.beats += 1 }
      if !batch.report.isEmpty {
        #expect(shard == 0)
        arrived.lastReports.append(String(decoding: batch.report, as: UTF8.self))
      }
      var table = AddressTable()
      for (place, address) in batch.addresses.enumerated() {
        table.learn(handle: AddressHandle.first + UInt32(place), address: address)
      }
      try batch.records.withUnsafeBytes { bytes in
        for index in 0..<batch.recordCount {
          let record = PacketRecord(
            reading: try #require(bytes.baseAddress) + index * PacketRecord.bytes)
          let number = UInt32(record.sourcePort) | UInt32(record.protocolNumber) << 16
          let input = Int(record.destinationPort)
          let isNew = seen.insert(UInt64(input) << 32 | UInt64(number)).inserted
          #expect(isNew, "twice")
          #expect(number + 1 > last[shard][input], "out of order")
          last[shard][input] = number + 1
          let source = table.address(of: record.source)
          let destination = table.address(of: record.destination)
          let expected =
            number % 5 == 0
            ? IPAddress(high: 0x2001_0DB8 << 32, low: UInt64(number % 31))
            : IPAddress(v4: v4("10.0.0.0") + number % 97)
          #expect(source == expected)
          #expect(destination == IPAddress(v4: v4("10.9.0.0") + number % 13))
          let owner = VirtualShard.of(
            VirtualShard.key(of: source), VirtualShard.key(of: destination), bits: bits)
          #expect(owner == shard)
          // A batch of the ring has up to 150 records, its ticks begin with the first of them.
          let tick = batch.baseTick + UInt64(record.tick)
          let base = tick - UInt64(number % 1000) - PublisherRun.firstTick
          #expect(base % 50 == 0 && base / 50 <= UInt64(number))
          #expect(batch.period == 100 + UInt32(base / 50) / 2000)
        }
      }
    }
    if isComplete {
      #expect(arrived.records == sent.reduce(0) { $0 + Int($1) })
      #expect(arrived.isLast.count == settings.shards)
      #expect(arrived.missing == 0)
    }
    return arrived
  }
}
