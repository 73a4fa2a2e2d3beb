import Glibc
import TestSupport
import Testing
import Wire

@testable import Splitter

/// A unit's splitter, killed at every point of a step.
@Suite struct UnitSplittingTests {
  /// Offsets that a writer and a reader of a ring change (`RingWords`), and a splitter of its memory.
  private static let (head, tail, isBegun, dropped) = (128, 256, 64, 128)

  /// A record by what makes it different from all others.
  private struct Seen: Hashable {
    var stream: UInt16
    var number: UInt32
  }

  /// A run with rings for several collectors and trackers.
  private final class Run {
    let inputs: [Int32]
    let outputs: [Int32]
    let memory: SplitMemory
    let addresses: SharedAddresses
    var sent: [UInt32]

    init(inputs: Int, outputs: Int) throws {
      self.inputs = try (0..<inputs).map { _ in try makeRing(slots: 64) }
      self.outputs = try (0..<outputs).map { _ in try makeRing(slots: 64) }
      memory = try SplitMemory()
      addresses = try SharedAddresses(capacity: 1000)
      sent = [UInt32](repeating: 0, count: inputs)
    }

    deinit { for descriptor in inputs + outputs { close(descriptor) } }

    func splitting() throws -> UnitSplitting {
      try UnitSplitting(
        inputs: inputs.count, input: { [inputs] in try openRing(inputs[$0]) },
        outputs: outputs.count, output: { [outputs] in try openRing(outputs[$0]) },
        memory: memory, addresses: addresses)
    }

    /// The words that a step changes, in the order in which it does.
    var words: [(descriptor: Int32, offset: Int)] {
      outputs.map { ($0, UnitSplittingTests.head) } + inputs.map { ($0, UnitSplittingTests.tail) }
    }
  }

  /// Fills `collector`'s ring with a few batches. Sessions are known by the pair of addresses.
  private func send(
    _ run: Run, collector: Int, batches: Int, using generator: inout SeededGenerator
  ) throws {
    var writer = RingWriter(try openRing(run.inputs[collector]))
    for _ in 0..<batches {
      guard let slot = writer.tryReserve() else { return }
      let sent = run.sent[collector]
      var header = BatchHeader(
        kind: .records, streamID: UInt32(collector), baseTick: 1_000_000 + UInt64(sent) * 50)
      header.period = 100 + sent / 2000
      var batch = BatchWriter(slot: slot, header: header)
      // Some say the time only.
      for _ in 0..<Int.random(in: 0...150, using: &generator) {
        let number = run.sent[collector]
        let six = IPAddress(high: 0x2001_0DB8 << 32, low: UInt64(number % 31))
        let isSix = number % 5 == 0
        let source = isSix ? run.addresses.handle(of: six) ?? 0 : v4("10.0.0.0") + number % 97
        batch.append(
          PacketRecord(
            destination: v4("10.9.0.0") + number % 13, destinationPort: UInt16(collector),
            source: source, sourcePort: UInt16(truncatingIfNeeded: number),
            protocolNumber: UInt8(number >> 16), flags: isSix ? .hasHandle : [], lengthBytes: 60,
            tick: UInt16(truncatingIfNeeded: number % 1000)))
        run.sent[collector] += 1
      }
      batch.finish()
      writer.publish()
    }
  }

  /// What a tracker got since the last time, and releases.
  private func take(_ descriptor: Int32) throws -> [(seen: Seen, pair: UInt64, tick: UInt64)] {
    var reader = RingReader(try openRing(descriptor))
    var got: [(Seen, UInt64, UInt64)] = []
    while case .slot(let slot) = reader.poll() {
      let batch = try BatchReader(slot)
      for index in 0..<batch.header.itemCount {
        let record = PacketRecord(
          reading: try #require(batch.payload.baseAddress) + index * PacketRecord.bytes)
        let number = UInt32(record.sourcePort) | UInt32(record.protocolNumber) << 16
        #expect(batch.header.period == 100 + number / 2000 || batch.header.period >= 100)
        got.append(
          (
            Seen(stream: record.destinationPort, number: number),
            UInt64(record.source) << 32 | UInt64(record.destination),
            batch.header.baseTick + UInt64(record.tick)
          ))
      }
      reader.release()
    }
    return got
  }

  @Test(
    "each record reaches one tracker once and in order, wherever splitters are killed",
    arguments: [(1, 2), (2, 3), (3, 1)])
  func killed(inputs: Int, outputs: Int) throws {
    var generator = TestSeed.generator(for: "unit splitting")
    let run = try Run(inputs: inputs, outputs: outputs)
    var splitting = try run.splitting()
    var counts: [Seen: Int] = [:]
    var last: [[UInt32]] = Array(
      repeating: Array(repeating: 0, count: inputs), count: outputs)
    var owner: [UInt64: Int] = [:]
    var (records, inMiddle) = (0, 0)
    func drain() throws {
      for (tracker, descriptor) in run.outputs.enumerated() {
        for (seen, pair, _) in try take(descriptor) {
          counts[seen, default: 0] += 1
          #expect(owner[pair, default: tracker] == tracker)
          owner[pair] = tracker
          let stream = Int(seen.stream)
          #expect(seen.number + 1 > last[tracker][stream], "out of order")
          last[tracker][stream] = seen.number + 1
        }
      }
    }
    for _ in 0..<400 {
      for collector in 0..<inputs {
        try send(
          run, collector: collector, batches: .random(in: 0...12, using: &generator),
          using: &generator)
      }
      let before = run.words.map { SharedBytes.word($0.descriptor, at: $0.offset) }
      let droppedBefore = run.memory.dropped
      let round = try splitting.round()
      if round.records > 0 {
        let words = run.words
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
          // Killed before the step was written down: nothing of it has happened.
          for (place, word) in words.enumerated() {
            SharedBytes.set(word.descriptor, at: word.offset, to: before[place])
          }
          SharedBytes.set(
            run.memory.descriptor, at: UnitSplittingTests.dropped, to: droppedBefore)
          splitting = try run.splitting()
        case 1:
          // Killed when some of it was done.
          let done = Int.random(in: 0...words.count, using: &generator)
          for (place, word) in words.enumerated().dropFirst(done) {
            SharedBytes.set(word.descriptor, at: word.offset, to: before[place])
          }
          SharedBytes.set(run.memory.descriptor, at: UnitSplittingTests.isBegun, to: 1)
          splitting = try run.splitting()
          #expect(run.memory.begun(inputs: inputs, outputs: outputs) == nil)
          records += round.records
          inMiddle += 1
        case 2:
          splitting = try run.splitting()
          records += round.records
        default: records += round.records
        }
      }
      try drain()
    }
    // The rest, undisturbed.
    for descriptor in run.inputs {
      var writer = RingWriter(try openRing(descriptor))
      writer.close()
    }
    while true {
      let round = try splitting.round()
      records += round.records
      try drain()
      if round.isEnded { break }
    }
    let sent = run.sent.reduce(0) { $0 + Int($1) }
    #expect(inMiddle > 20)
    #expect(records == sent)
    #expect(counts.count == sent && counts.values.allSatisfy { $0 == 1 })
    #expect(run.memory.dropped == 0)
    #expect(sent > 50_000)
    if outputs > 1 { #expect(Set(owner.values).count == outputs) }
  }

  private func fill(_ descriptor: Int32) throws -> Double { try openRing(descriptor).fill }

  @Test("a tracker that is not there costs its own records only, each of them counted")
  func stoppedTracker() throws {
    var generator = TestSeed.generator(for: "stopped tracker")
    let run = try Run(inputs: 1, outputs: 2)
    var splitting = try run.splitting()
    var got = 0
    for round in 0..<600 {
      try send(run, collector: 0, batches: 12, using: &generator)
      // The second tracker takes what comes; the first one nothing, until the end.
      let waiting = try fill(run.inputs[0])
      let dropped = run.memory.dropped
      // It never waits for the first one, so that this returns.
      _ = try splitting.round()
      // Only where the input is nearly full as well, anything is dropped.
      if waiting < 0.7 { #expect(run.memory.dropped == dropped) }
      if round % 10 == 0 { splitting = try run.splitting() }
      got += try take(run.outputs[1]).count
      if run.memory.dropped > 5000 { break }
    }
    #expect(run.memory.dropped > 5000)
    #expect(got > 5000)
    got += try take(run.outputs[0]).count
    var writer = RingWriter(try openRing(run.inputs[0]))
    writer.close()
    while try !splitting.round().isEnded {
      for descriptor in run.outputs { got += try take(descriptor).count }
    }
    for descriptor in run.outputs { got += try take(descriptor).count }
    #expect(UInt64(got) + run.memory.dropped == UInt64(run.sent[0]))
  }
}
