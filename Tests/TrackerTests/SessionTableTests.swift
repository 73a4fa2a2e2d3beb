import TestSupport
import Testing
import Wire

@testable import Tracker

@Suite struct SessionTableTests {
  /// Collects what leaves the table.
  struct Sink: ~Copyable, SessionSink {
    var rows: [SessionRow] = []
    mutating func export(_ row: SessionRow) { rows.append(row) }
  }

  /// One packet of a test: who sends to whom, when, saying what.
  struct Step {
    var from: UInt32
    var fromPort: UInt16
    var to: UInt32
    var toPort: UInt16
    var flags: TCPFlags = []
    var second: Double = 0
    var number: UInt8 = IPProtocolNumber.tcp
    var bytes: UInt16 = 100
  }

  private let client = v4("10.0.0.9")
  private let server = v4("10.0.0.1")

  private func track(
    _ steps: [Step], configuration: TrackerConfiguration = TrackerConfiguration()
  ) throws -> (rows: [SessionRow], early: UInt64) {
    var table = SessionTable(configuration)
    var sink = Sink()
    for step in steps {
      let tick = Tick.of(nanoseconds: 1_700_000_000_000_000_000) + UInt64(step.second * 244140.625)
      let record = PacketRecord(
        destination: step.to, destinationPort: step.toPort, source: step.from,
        sourcePort: step.fromPort, protocolNumber: step.number, tcpFlags: step.flags,
        lengthBytes: step.bytes, tick: 0)
      let bytes = makeBatch([record], baseTick: tick)
      try bytes.withUnsafeBytes { slot in
        let batch = try BatchReader(slot)
        table.track(
          try #require(batch.payload.baseAddress), count: 1, baseTick: tick, into: &sink)
      }
    }
    table.drain(into: &sink)
    return (sink.rows, table.exportedEarly)
  }

  private func there(
    _ flags: TCPFlags, at second: Double, port: UInt16 = 50000, _ number: UInt8 = 6
  ) -> Step {
    Step(
      from: client, fromPort: port, to: server, toPort: 80, flags: flags, second: second,
      number: number)
  }

  private func back(
    _ flags: TCPFlags, at second: Double, port: UInt16 = 50000, _ number: UInt8 = 6
  ) -> Step {
    Step(
      from: server, fromPort: 80, to: client, toPort: port, flags: flags, second: second,
      number: number)
  }

  @Test("a handshake, data and a close are one session with every fact")
  func handshake() throws {
    let rows = try track([
      there(.syn, at: 0), back([.syn, .ack], at: 0.5), there(.ack, at: 0.6),
      there([.psh, .ack], at: 1), back(.ack, at: 1.9), there([.fin, .ack], at: 2.8),
      back([.fin, .ack], at: 3.1), there(.ack, at: 3.2),
    ]).rows
    let row = try #require(rows.first)
    #expect(rows.count == 1)
    #expect(row.a == server && row.b == client && row.aPort == 80 && row.bPort == 50000)
    #expect(row.packetsAB == 3 && row.packetsBA == 5)
    #expect(row.bytesAB == 300 && row.bytesBA == 500)
    #expect(
      row.events == [
        .synFromB, .synAckFromA, .finFromA, .finFromB, .firstFromB, .progressFromA, .progressFromB,
      ])
    #expect(row.state == SessionRow.whole)
    #expect(abs(Int(row.handshakeTicks) - 122_070) <= 1)
    #expect(row.lastTick - row.firstTick == UInt64(3.2 * 244140.625))
  }

  @Test("a SYN after the close begins a new session; the close's last packets don't")
  func portReuse() throws {
    let rows = try track([
      there(.syn, at: 0), back([.syn, .ack], at: 0.1), there([.fin, .ack], at: 1),
      back([.fin, .ack], at: 1.1), there(.ack, at: 1.2), there(.syn, at: 30),
      back([.syn, .ack], at: 30.1),
    ]).rows
    #expect(rows.map(\.packetsBA).sorted() == [1, 3])
  }

  @Test("retransmitted SYNs are one session, also when each is refused at once")
  func retransmission() throws {
    #expect(
      try track([there(.syn, at: 0), there(.syn, at: 1), there(.syn, at: 3)]).rows.count == 1)
    let refused = try track([
      there(.syn, at: 0), back([.rst, .ack], at: 0.01), there(.syn, at: 0.5),
      back([.rst, .ack], at: 0.51),
    ]).rows
    #expect(refused.count == 1)
  }

  @Test("a late copy of the SYN does not begin a second session")
  func duplicateSyn() throws {
    let rows = try track([
      there(.syn, at: 0), back([.syn, .ack], at: 0.001), there(.ack, at: 0.002),
      there(.syn, at: 0.003), there([.ack, .psh], at: 0.01),
    ]).rows
    #expect(rows.count == 1)
  }

  @Test(
    "silence ends a session after the protocol's own time",
    arguments: [(UInt8(6), 3599.0, 1), (6, 3601.0, 2), (17, 119.0, 1), (17, 121.0, 2)])
  func idle(number: UInt8, gap: Double, sessions: Int) throws {
    let rows = try track([there(.ack, at: 0, 50000, number), there(.ack, at: gap, 50000, number)])
      .rows
    #expect(rows.filter { $0.state == SessionRow.whole }.count == sessions)
    #expect(rows.reduce(0) { $0 + $1.packetsBA } == 2)
  }

  private func there(_ flags: TCPFlags, at second: Double, _ port: UInt16, _ number: UInt8) -> Step
  {
    there(flags, at: second, port: port, number)
  }

  @Test("a session past the active timeout is reported in parts and counted once")
  func active() throws {
    let rows = try track((0..<50).map { there(.ack, at: Double($0) * 100) }).rows
    #expect(rows.count == 3)
    #expect(rows.filter { $0.state == SessionRow.whole }.count == 1)
    #expect(rows.reduce(0) { $0 + $1.packetsBA } == 50)
    #expect(Set(rows.map(\.firstTick)).count == 1)
  }

  @Test("time that steps back makes no new session and no negative duration")
  func backwards() throws {
    let rows = try track([there(.ack, at: 100), there(.ack, at: 50), there(.ack, at: 101)]).rows
    let row = try #require(rows.first)
    #expect(rows.count == 1 && row.lastTick > row.firstTick)
  }

  /// When the client (+) and the server (−) send, in seconds, and who broke a silence.
  static let silences: [(seconds: [Double], broken: SessionEvents)] = [
    ([1, -1.5, 2, -2.999], []),
    ([1, -1.5, 2.6], [.brokeSilenceB]),
    ([1, -2.1, 2.6], [.brokeSilenceA]),
    ([1, -2.1, 3.2, -3.3, 3.4], [.brokeSilenceA, .brokeSilenceB]),
    // A second is no silence yet; the first packet ends none.
    ([7.5, -8, 9], []),
    // What was stored behind its time breaks nothing, nor does what comes right after it.
    ([9, -4, 9.5], []),
  ]

  @Test("who sends after more than a second of silence broke it", arguments: silences)
  func silence(seconds: [Double], broken: SessionEvents) throws {
    for number in [IPProtocolNumber.tcp, IPProtocolNumber.udp] {
      let steps = seconds.map {
        $0 > 0 ? there(.ack, at: $0, 50000, number) : back(.ack, at: -$0, port: 50000, number)
      }
      let row = try #require(try track(steps).rows.first)
      #expect(row.events.intersection([.brokeSilenceA, .brokeSilenceB]) == broken)
    }
  }

  @Test("the silence between two sessions is nobody's, and nor is another session's")
  func silenceApart() throws {
    let rows = try track([
      there(.ack, at: 0, 50000, 17), there(.ack, at: 0, 50001, 17),
      back(.ack, at: 0.5, port: 50000, 17), there(.ack, at: 500, 50000, 17),
    ]).rows
    #expect(rows.count == 3)
    #expect(rows.allSatisfy { $0.events.isDisjoint(with: [.brokeSilenceA, .brokeSilenceB]) })
  }

  @Test("an echo request and its reply are one session of the one who answers")
  func ping() throws {
    func echo(_ from: UInt32, _ to: UInt32, _ type: UInt16) -> Step {
      Step(
        from: from, fromPort: 0, to: to, toPort: type << 8, second: 0,
        number: IPProtocolNumber.icmp)
    }
    let rows = try track([echo(client, server, 8), echo(server, client, 0)]).rows
    let row = try #require(rows.first)
    #expect(rows.count == 1)
    #expect(row.aPort == 8 << 8 && row.bPort == 0)
    #expect(row.events == [.synFromB, .synAckFromA, .firstFromB])
  }

  @Test("one address talking to itself keeps its two ports apart")
  func loopback() throws {
    let rows = try track([
      Step(from: server, fromPort: 5000, to: server, toPort: 80, flags: .syn),
      Step(from: server, fromPort: 80, to: server, toPort: 5000, flags: [.syn, .ack]),
    ]).rows
    let row = try #require(rows.first)
    #expect(rows.count == 1 && row.aPort == 80 && row.events.contains([.synFromB, .synAckFromA]))
  }

  @Test("grows past its first size and loses nothing", arguments: [10_000, 100_000])
  func growth(sessions: Int) throws {
    var table = SessionTable(TrackerConfiguration())
    var sink = Sink()
    for round in 0..<3 {
      for first in stride(from: 0, to: sessions, by: 1000) {
        let records = (first..<first + 1000).map { number in
          PacketRecord(
            destination: server &+ UInt32(number), destinationPort: 80, source: client,
            sourcePort: UInt16(truncatingIfNeeded: number), protocolNumber: 17, lengthBytes: 50)
        }
        try makeBatch(records).withUnsafeBytes { slot in
          let batch = try BatchReader(slot)
          table.track(
            try #require(batch.payload.baseAddress), count: 1000, baseTick: UInt64(round),
            into: &sink)
        }
      }
    }
    #expect(table.count == sessions && sink.rows.isEmpty)
    table.drain(into: &sink)
    #expect(sink.rows.count == sessions)
    #expect(sink.rows.allSatisfy { $0.packetsAB + $0.packetsBA == 3 })
  }

  @Test("sessions that are all equally old keep the cap too, and no packet is lost")
  func capOfEquals() throws {
    let steps = (0..<5000).map { there(.ack, at: 0, port: UInt16(1000 + $0)) }
    let (rows, early) = try track(steps, configuration: TrackerConfiguration(sessionsMax: 100))
    #expect(rows.count == 5000)
    #expect(early == 49 * 101)
    #expect(rows.reduce(0) { $0 + Int($1.packetsBA) } == 5000)
  }

  @Test("past the cap the longest idle leave early, are counted, and no packet is lost")
  func cap() throws {
    let steps = (0..<5000).map { there(.ack, at: Double($0) * 0.01, port: UInt16(1000 + $0)) }
    let (rows, early) = try track(steps, configuration: TrackerConfiguration(sessionsMax: 1000))
    #expect(rows.count == 5000)
    #expect(early >= 4000 && early < 5000)
    #expect(rows.reduce(0) { $0 + Int($1.packetsBA) } == 5000)
  }
}
