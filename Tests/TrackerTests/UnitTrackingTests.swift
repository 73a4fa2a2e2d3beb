import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Tracker

/// A unit's tracker against the table that audits of files use: the same packets, any epochs, killed anywhere.
@Suite struct UnitTrackingTests {
  /// A batch, as the splitter writes it.
  private struct Batch {
    var records: [PacketRecord]
    var baseTick: UInt64
    var period: UInt32

    func bytes(_ slotBytes: Int) -> [UInt8] {
      var slot = [UInt8](repeating: 0, count: slotBytes)
      slot.withUnsafeMutableBytes { bytes in
        var header = BatchHeader(kind: .records, sequence: 1, baseTick: baseTick)
        header.period = period
        var writer = BatchWriter(slot: bytes, header: header)
        for record in records { writer.append(record) }
        writer.finish()
      }
      return slot
    }
  }

  private static let slotBytes = 4096

  /// Packets of sessions that begin, end, are reused and fall silent.
  private static func batches(
    packets: Int, endpoints: UInt32, secondsEach: Double, using generator: inout SeededGenerator
  ) -> [Batch] {
    let ticksPerSecond = Double(Tick.seconds(1))
    var batches: [Batch] = []
    var tick = Tick.of(nanoseconds: 1_700_000_000_000_000_000)
    var left = packets
    while left > 0 {
      var batch = Batch(
        records: [], baseTick: tick, period: UInt32(Tick.nanoseconds(tick) / 60_000_000_000))
      let count = min(left, .random(in: 0...190, using: &generator))
      var offset: UInt64 = 0
      while batch.records.count < count {
        offset += UInt64(.random(in: 0...2 * secondsEach, using: &generator) * ticksPerSecond)
        // The next one begins another batch.
        if offset > UInt64(UInt16.max) { break }
        let client = v4("10.0.0.0") + .random(in: 1...endpoints, using: &generator)
        let server = v4("10.1.0.0") + .random(in: 1...4, using: &generator)
        let isTCP = Bool.random(using: &generator)
        let isBack = Bool.random(using: &generator)
        let flags: [TCPFlags] = [
          .syn, [.syn, .ack], .ack, .ack, .ack, .ack, [.psh, .ack], [.fin, .ack], .rst,
        ]
        let port = UInt16.random(in: 50_000...50_003, using: &generator)
        batch.records.append(
          PacketRecord(
            destination: isBack ? client : server, destinationPort: isBack ? port : 80,
            source: isBack ? server : client, sourcePort: isBack ? 80 : port,
            protocolNumber: isTCP ? IPProtocolNumber.tcp : IPProtocolNumber.udp,
            tcpFlags: isTCP ? flags.randomElement(using: &generator) ?? .ack : [],
            lengthBytes: .random(in: 40...1500, using: &generator),
            // Now and then one that comes late.
            tick: UInt16(
              Int.random(in: 0..<30, using: &generator) == 0 ? offset / 2 : offset)))
      }
      batches.append(batch)
      left -= batch.records.count
      tick += offset + Tick.seconds(1) / 1000
      // Silences, some longer than a session lasts.
      switch Int.random(in: 0..<40, using: &generator) {
      case 0: tick += Tick.seconds(30)
      case 1: tick += Tick.seconds(3)
      default: break
      }
    }
    return batches
  }

  /// What `SessionRow` says of a session, without what only the table needs.
  private struct Session: Hashable, Comparable {
    var words: [UInt64]

    init(_ row: SessionRow) {
      words = [
        UInt64(row.a) << 32 | UInt64(row.b), UInt64(row.aPort) << 16 | UInt64(row.bPort),
        UInt64(row.protocolNumber), UInt64(row.events.rawValue), UInt64(row.packetsAB),
        UInt64(row.packetsBA), row.bytesAB, row.bytesBA, row.firstTick, row.lastTick,
        UInt64(row.handshakeTicks), UInt64(row.kind),
      ]
    }

    static func < (one: Session, other: Session) -> Bool {
      one.words.lexicographicallyPrecedes(other.words)
    }
  }

  private struct Sink: ~Copyable, SessionSink {
    var sessions: [Session] = []
    mutating func export(_ row: SessionRow) { sessions.append(Session(row)) }
  }

  /// The sessions as an audit of a file finds them.
  private static func audited(
    _ batches: [Batch], _ configuration: TrackerConfiguration
  ) throws -> [Session] {
    var configuration = configuration
    // A unit reports by epochs, not by time.
    configuration.activeTimeoutSeconds = 100_000_000
    var table = SessionTable(configuration)
    var sink = Sink()
    for batch in batches { try track(batch, in: &table, into: &sink) }
    table.drain(into: &sink)
    return sink.sessions.sorted()
  }

  private static func track(
    _ batch: Batch, first: Int? = nil, in table: inout SessionTable, into sink: inout Sink
  ) throws {
    try batch.bytes(slotBytes).withUnsafeBytes { slot in
      let read = try BatchReader(slot)
      guard let payload = read.payload.baseAddress else { return }
      table.track(
        payload, count: min(first ?? .max, read.header.itemCount), baseTick: batch.baseTick,
        into: &sink)
    }
  }

  /// A merger that keeps every session as the epochs tell of it, on a thread of its own.
  private final class Booking: Sendable {
    struct State {
      var epoch: UInt64 = 0
      var packets: UInt64 = 0
      var sessions: [Session: Int] = [:]
      /// Of sessions that nothing was told of before.
      var unknown = 0
      var isLast = false
      var isStopped = false
    }

    let state = Mutex(State())
    private let memory: SessionMemory
    private let ended = DispatchSemaphore(value: 0)

    init(_ descriptor: Int32) throws {
      memory = try SessionMemory(inherited: dup(descriptor))
      let thread = Thread { [self] in
        while !state.withLock({ book(&$0) }) { usleep(50) }
        ended.signal()
      }
      thread.start()
    }

    private func book(_ state: inout State) -> Bool {
      let epoch = memory.sealed
      // Never more than one ahead: the log of the one before would be gone.
      precondition(epoch <= state.epoch + 1, "an epoch was sealed that nobody acknowledged")
      if epoch > state.epoch {
        let seal = memory.seal(of: epoch)
        for entry in memory.entries(of: epoch) {
          if entry.before.kind != SessionRow.free {
            let before = Session(entry.before)
            let count = state.sessions[before, default: 0]
            if count == 0 { state.unknown += 1 }
            state.sessions[before] = count > 1 ? count - 1 : nil
          }
          state.sessions[Session(entry.after), default: 0] += 1
        }
        state.epoch = epoch
        state.packets = seal.packets
        state.isLast = seal.isLast != 0
        memory.acknowledge(epoch)
      }
      return state.isLast || state.isStopped
    }

    func stop() {
      state.withLock { $0.isStopped = true }
      ended.wait()
    }

    var sessions: [Session] {
      state.withLock { state in
        state.sessions.flatMap { [Session](repeating: $0.key, count: $0.value) }.sorted()
      }
    }
  }

  /// Runs trackers one after the other over the batches, each of which is dropped at some moment.
  ///
  /// - Returns: how many there were.
  private func run(
    _ batches: [Batch], _ configuration: TrackerConfiguration, memory: SessionMemory,
    killsPerMille: Int, using generator: inout SeededGenerator
  ) throws -> Int {
    let descriptor = try makeRing(slots: 16, slotBytes: UnitTrackingTests.slotBytes)
    defer { close(descriptor) }
    var writer = RingWriter(try openRing(descriptor))
    var next = 0
    var trackers = 0
    var sink = Sink()
    while true {
      trackers += 1
      var tracking = UnitTracking(
        configuration, input: try openRing(descriptor), memory: memory,
        epochSeconds: [0, 0.0005, 0.005, 1].randomElement(using: &generator) ?? 0)
      while Int.random(in: 0..<1000, using: &generator) >= killsPerMille {
        while next < batches.count, let slot = writer.tryReserve() {
          slot.copyBytes(from: batches[next].bytes(UnitTrackingTests.slotBytes))
          writer.publish()
          next += 1
          if next == batches.count { writer.close() }
        }
        if try !tracking.step() { return trackers }
      }
      _ = consume tracking
      if Bool.random(using: &generator), let batch = batches.randomElement(using: &generator) {
        // Or it was within a batch: its table has rows of which the next one must know nothing. Which batch
        // does not matter.
        var table = SessionTable(configuration, memory: memory)
        if table.hasRoom(packets: batch.records.count) {
          try UnitTrackingTests.track(
            batch, first: .random(in: 0...batch.records.count, using: &generator), in: &table,
            into: &sink)
        }
      }
    }
  }

  @Test(
    "the epochs add up to the sessions of an audit, wherever they are cut and trackers killed",
    arguments: [0, 10, 60])
  func sameAsAudit(killsPerMille: Int) throws {
    var generator = TestSeed.generator(for: "unit tracking")
    let configuration = TrackerConfiguration(tcpIdleTimeoutSeconds: 20, idleTimeoutSeconds: 5)
    let batches = UnitTrackingTests.batches(
      packets: 15_000, endpoints: 60, secondsEach: 0.05, using: &generator)
    let memory = try SessionMemory(name: "test-sessions", rowsMax: 20_000)
    let booking = try Booking(memory.descriptor)
    let trackers = try run(
      batches, configuration, memory: memory, killsPerMille: killsPerMille, using: &generator)
    booking.stop()
    #expect(killsPerMille == 0 ? trackers == 1 : trackers > 3)
    let state = booking.state.withLock { ($0.packets, $0.unknown, $0.isLast) }
    #expect(state.0 == 15_000 && state.1 == 0 && state.2)
    let audited = try UnitTrackingTests.audited(batches, configuration)
    #expect(audited.count > 1000)
    #expect(booking.sessions == audited)
    // Who comes when all is said has nothing to do.
    let ring = try makeRing()
    defer { close(ring) }
    SharedBytes.set(ring, at: 128, to: memory.seal(of: memory.sealed).inputPosition)
    SharedBytes.set(ring, at: 256, to: memory.seal(of: memory.sealed).inputPosition)
    var late = UnitTracking(
      configuration, input: try openRing(ring), memory: memory, epochSeconds: 1)
    #expect(try !late.step())
    #expect(memory.acknowledged == memory.sealed)
  }

  @Test("compaction forgets only what is over, whenever trackers are killed")
  func compaction() throws {
    var generator = TestSeed.generator(for: "compaction")
    let configuration = TrackerConfiguration(tcpIdleTimeoutSeconds: 10, idleTimeoutSeconds: 2)
    // Some 20 sessions a second; those of 70 s and more are over, and there is room for thrice as many.
    let batches = UnitTrackingTests.batches(
      packets: 20_000, endpoints: 2000, secondsEach: 0.05, using: &generator)
    let memory = try SessionMemory(name: "test-sessions", rowsMax: 5000)
    let booking = try Booking(memory.descriptor)
    _ = try run(batches, configuration, memory: memory, killsPerMille: 15, using: &generator)
    booking.stop()
    #expect(memory.seal(of: memory.sealed).exportedEarly == 0)
    let audited = try UnitTrackingTests.audited(batches, configuration)
    #expect(audited.count > 10_000)
    #expect(booking.sessions == audited)
    #expect(booking.state.withLock { $0.unknown } == 0)
  }

  @Test(
    "a flood of sessions stays within the room, loses no packet, and is counted",
    arguments: [0, 10])
  func flood(killsPerMille: Int) throws {
    var generator = TestSeed.generator(for: "flood")
    // Nothing is over by itself.
    let configuration = TrackerConfiguration(idleTimeoutSeconds: 3600)
    let batches = UnitTrackingTests.batches(
      packets: 12_000, endpoints: 1 << 20, secondsEach: 0.0001, using: &generator)
    let memory = try SessionMemory(name: "test-sessions", rowsMax: 2000)
    let booking = try Booking(memory.descriptor)
    _ = try run(
      batches, configuration, memory: memory, killsPerMille: killsPerMille, using: &generator)
    booking.stop()
    let sessions = booking.sessions
    #expect(sessions.reduce(0) { $0 + $1.words[4] + $1.words[5] } == 12_000)
    // Nearly each packet is a session; what is not kept is counted, whoever has forgotten it.
    let left = memory.recover().count
    #expect(left <= 2000)
    #expect(memory.seal(of: memory.sealed).exportedEarly == UInt64(sessions.count - left))
  }
}
