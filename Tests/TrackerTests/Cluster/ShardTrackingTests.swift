import Cluster
import Foundation
import TestSupport
import Testing
import Wire

@testable import Tracker

/// One shard by itself: what it takes, what it refuses, and what another one makes of its reports.
@Suite struct ShardTrackingTests {
  private static let start = ClusterTraffic.startTick

  private func tracking(
    _ state: ShardState = ShardState(), rowsMax: Int = 8192, book: SharedAddresses? = nil
  ) throws -> ShardTracking {
    try ShardTracking(
      ShardOwner(shard: 0, shardCount: 1, name: "t", incarnation: 1), TrackerConfiguration(),
      rowsMax: rowsMax, addresses: try book ?? SharedAddresses(capacity: 1000), recovered: state)
  }

  private func batch(
    _ sequence: UInt64, of point: String = "p", run: UInt64 = 1, before: UInt64 = 0,
    _ packets: [TrafficPacket] = [], minute: UInt32? = nil
  ) -> RecordBatch {
    var batch = RecordBatch()
    batch.point = point
    batch.run = run
    batch.shardCount = 1
    batch.sequence = sequence
    batch.recordsBefore = before
    batch.baseTick = packets.first?.tick ?? ShardTrackingTests.start
    batch.reachedTick = packets.last?.tick ?? ShardTrackingTests.start
    batch.period = minute ?? ClusterTraffic.minute(batch.baseTick)
    ClusterTraffic.fill(&batch, with: packets)
    return batch
  }

  private func message(_ batch: RecordBatch, _ sequence: UInt64) -> LogMessage {
    LogMessage(
      subject: ClusterSubject.records(point: batch.point, shard: 0), sequence: sequence,
      payload: batch.encoded())
  }

  private func packet(
    _ from: String, _ fromPort: UInt16, _ to: String, _ toPort: UInt16, _ flags: TCPFlags = .ack,
    at tick: UInt64
  ) throws -> TrafficPacket {
    TrafficPacket(
      source: try #require(IPAddress(from)), sourcePort: fromPort,
      destination: try #require(IPAddress(to)), destinationPort: toPort, number: 6, flags: flags,
      lengthBytes: 100, tick: ShardTrackingTests.start + tick)
  }

  private func packets(_ count: Int, from first: Int = 0) throws -> [TrafficPacket] {
    try (first..<first + count).map {
      try packet("10.0.0.9", UInt16(1000 + $0), "10.0.0.1", 80, at: UInt64($0))
    }
  }

  /// What the reports add up to for the next owner.
  private func recovered(
    _ reports: [EpochReport], book: SharedAddresses? = nil
  ) throws -> ShardState {
    let recovery = ShardRecovery(shard: 0, of: 1)
    for (number, report) in reports.enumerated() {
      try recovery.take(
        LogMessage(
          subject: ClusterSubject.epochs(shard: 0), sequence: UInt64(number + 1),
          payload: report.encoded()))
    }
    return try recovery.recovered(try book ?? SharedAddresses(capacity: 1000))
  }

  @Test("a gap is reported, waited for, and then counted as missing; what is old is refused")
  func gaps() throws {
    let shard = try tracking()
    #expect(shard.take(message(batch(1, try packets(3)), 1)) == .taken)
    let later = message(batch(3, before: 8, try packets(2, from: 8)), 2)
    #expect(shard.take(later) == .gap)
    let missing = message(batch(2, before: 3, try packets(5, from: 3)), 3)
    #expect(shard.isMissing(missing, before: later) && !shard.isMissing(later, before: later))
    #expect(shard.take(missing, isAhead: true) == .taken)
    #expect(shard.recordsSequence == 1)
    #expect(shard.take(later) == .taken)
    #expect(shard.recordsSequence == 2)
    #expect(shard.take(missing) == .taken)
    let gap = message(batch(9, before: 30, try packets(1, from: 30)), 4)
    #expect(shard.take(gap) == .gap)
    #expect(shard.take(gap, isGapTaken: true) == .taken)
    // A run that begins anew without its first batch, and one that is over.
    let other = message(batch(3, run: 2, before: 7, try packets(1)), 5)
    #expect(shard.take(other, isGapTaken: true) == .taken)
    #expect(shard.take(message(batch(10, run: 1, before: 31), 6)) == .taken)
    let report = try #require(shard.seal().first)
    #expect(report.refused == ["replayed": 2])
    let point = try #require(report.points.first)
    #expect(point.packets == 12 && point.missing == 27 && point.sequence == 3)
    #expect(point.run == 2 && point.recordsOfRun == 8)
    #expect(report.recordsSequence == 6)
  }

  @Test("what must not be here is refused by name, and the place in the stream goes on")
  func refusals() throws {
    let shard = try tracking()
    var foreign = batch(1)
    foreign.shard = 3
    foreign.shardCount = 4
    #expect(shard.take(message(foreign, 1)) == .taken)
    var impostor = message(batch(1), 2)
    impostor.subject = ClusterSubject.records(point: "q", shard: 0)
    #expect(shard.take(impostor) == .taken)
    #expect(shard.take(LogMessage(subject: "x", sequence: 3, payload: [1, 2])) == .taken)
    for number in 0..<20 { _ = shard.take(message(batch(1, of: "p\(number)"), UInt64(4 + number))) }
    var odd = batch(2, of: "p0")
    odd.report = Array("[no report".utf8)
    #expect(shard.take(message(odd, 30)) == .taken)
    let report = try #require(shard.seal().first)
    #expect(
      report.refused == [
        "otherShard": 1, "foreignPoint": 1, "tooShort": 1, "tooManyPoints": 4, "inconsistent": 1,
      ])
    #expect(report.recordsSequence == 30 && report.points.count == ShardTracking.pointsMax)
    #expect(report.points.allSatisfy { $0.report.isEmpty })
    #expect(report.points.first?.sequence == 2)
  }

  @Test("an epoch never spans two minutes of a point")
  func minutes() throws {
    let shard = try tracking()
    let some = try packets(1)
    let minute = ClusterTraffic.minute(some[0].tick)
    #expect(shard.take(message(batch(1, some, minute: minute), 1)) == .taken)
    #expect(shard.take(message(batch(1, of: "q", some, minute: minute - 1), 2)) == .taken)
    let next = message(batch(2, before: 1, try packets(1, from: 1), minute: minute + 1), 3)
    #expect(shard.take(next) == .sealFirst)
    let entries = try #require(shard.seal().first).entries
    #expect(entries.map(\.period) == [minute])
    #expect(shard.take(next) == .taken)
    // Late by seconds.
    let late = message(batch(3, before: 2, try packets(1, from: 2), minute: minute), 4)
    #expect(shard.take(late) == .taken)
    #expect(shard.seal().first?.entries.map(\.period) == [minute + 1, minute + 1])
  }

  @Test("reports of runs that are over are kept as one sum")
  func runs() throws {
    let shard = try tracking()
    for run in 1...4 as ClosedRange<UInt64> {
      var batch = batch(1, run: run)
      batch.report = ClusterTraffic.report(of: "p", packets: 10 * run)
      #expect(shard.take(message(batch, run)) == .taken)
    }
    let point = try #require(shard.seal().first?.points.first)
    #expect(point.pastReports.count == 1)
    let past = try JSONDecoder().decode(
      CaptureReport.self, from: Data(point.pastReports.first ?? []))
    #expect(past.accounting == ["mapped": 60])
    #expect(past.files == [.init(name: "eth0", packets: 60)])
    let now = try JSONDecoder().decode(CaptureReport.self, from: Data(point.report))
    #expect(now.accounting == ["mapped": 40])
  }

  @Test("rows are exchanged where the next owner's book has its handles in another order")
  func exchange() throws {
    let shard = try tracking()
    let some = [
      try packet("2001:db8::1", 5000, "2001:db8::2", 443, .syn, at: 0),
      try packet("2001:db8::2", 443, "2001:db8::1", 5000, [.syn, .ack], at: 9),
      try packet("2001:db8::1", 5000, "2001:db8::2", 443, .ack, at: 10),
    ]
    #expect(shard.take(message(batch(1, some), 1)) == .taken)
    #expect(shard.take(message(batch(1, of: "q", Array(some.prefix(2))), 2)) == .taken)
    let reports = shard.seal()
    let book = try SharedAddresses(capacity: 10)
    let address = try #require(IPAddress("2001:db8::2"))
    let later = try #require(book.handle(of: address))
    let state = try recovered(reports, book: book)
    let row = try #require(state.rows.first)
    #expect(state.rows.count == 1 && row.a == later && row.aPort == 443)
    #expect(row.packetsAB == 2 && row.packetsBA == 3)
    #expect(
      row.events == [
        .synFromB, .synAckFromA, .progressFromB, .firstFromB,
      ])
    #expect(row.handshakeTicks == 9)
    #expect(state.seen.first?.first?.packetsAB == 1 && state.seen.first?.first?.packetsBA == 1)
    // And it goes on with the same session.
    let next = try tracking(state, book: book)
    let more = try packet("2001:db8::1", 5000, "2001:db8::2", 443, .fin, at: 20)
    #expect(next.take(message(batch(2, before: 3, [more]), 3)) == .taken)
    let entry = try #require(next.seal().first?.entries.first)
    #expect(entry.number == 1 && entry.before.packetsBA == 3 && entry.after.packetsBA == 4)
    #expect(entry.after.events.contains(.finFromB))
  }

  @Test("what could not be finished has not happened; what is missing is an error")
  func recovery() throws {
    let shard = try tracking()
    var sequence: UInt64 = 0
    func epoch(_ count: Int) throws -> [EpochReport] {
      sequence += 1
      let some = try packets(count, from: Int(sequence) * 10)
      #expect(
        shard.take(message(batch(sequence, before: 0, some), sequence), isGapTaken: true)
          == .taken)
      return shard.seal()
    }
    let one = try epoch(3)
    let two = try epoch(4)
    let snapshot = shard.snapshot(part: 0)
    let three = try epoch(5)
    #expect(try recovered([]).epoch == 0)
    #expect(try recovered(one + two + three).rows.count == 12)
    #expect(try recovered([snapshot] + three).rows == recovered(one + two + three).rows)
    // The epochs before the snapshot are gone but for the last.
    #expect(try recovered(two + [snapshot] + three).rows.count == 12)
    #expect(throws: ShardRecoveryError.gap(after: 1, found: 3)) { try recovered(one + three) }
    #expect(throws: ShardRecoveryError.gap(after: 0, found: 2)) { try recovered(two + three) }
    #expect(throws: ShardRecoveryError.gap(after: 1, found: 2)) { try recovered(one + [snapshot]) }
    // An owner that had no time for its last part; then another one in its place.
    var begun = three[0]
    begun.isLastPart = false
    #expect(try recovered(one + two + [begun]).epoch == 2)
    var again = three[0]
    again.incarnation = 2
    again.part = 1
    #expect(try recovered(one + two + [begun, again]).epoch == 2)
    #expect(try recovered(one + two + [begun] + three).epoch == 3)
    var last = three[0]
    last.part = 1
    last.entries = []
    #expect(try recovered(one + two + [begun, last]).epoch == 3)
  }

  @Test("a flood stays within the room; no packet is lost, and what is forgotten is counted")
  func flood() throws {
    let rowsMax = 400
    let shard = try tracking(rowsMax: rowsMax)
    var merger = HonestMerger()
    var reports: [EpochReport] = []
    var sequence: UInt64 = 0
    for number in 0..<60 {
      sequence += 1
      let some = try packets(40, from: number * 40)
      let offered = message(batch(sequence, before: UInt64(number * 40), some), sequence)
      while true {
        let taken = shard.take(offered)
        if taken == .taken { break }
        try #require(taken == .compactFirst)
        reports += shard.seal()
        shard.compact()
        reports += (0..<shard.snapshotParts).map { shard.snapshot(part: $0) }
      }
    }
    reports += shard.seal()
    for report in reports { merger.take(report) }
    #expect(merger.contradictions == [] && merger.mapped == 2400 && merger.packets == 2400)
    #expect(shard.sessions <= rowsMax)
    #expect(shard.exportedEarly == UInt64(2400 - shard.sessions))
    let state = try recovered(reports)
    #expect(state.rows.count == shard.sessions && state.exportedEarly == shard.exportedEarly)
  }

  @Test("any bytes as a report of the shard make an error at most")
  func damage() throws {
    var generator = TestSeed.generator(for: "shard recovery")
    let shard = try tracking()
    _ = shard.take(message(batch(1, try packets(20)), 1))
    let report = try #require(shard.seal().first)
    for _ in 0..<300 {
      var wrong = report
      let place = Int.random(in: 0..<wrong.entries.count, using: &generator)
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: wrong.entries[place].number = .random(in: 0...40, using: &generator)
      case 1: wrong.entries[place].previous = .random(in: 0...40, using: &generator)
      case 2: wrong.entries[place].after = SessionRow()
      case 3: wrong.entries[place].sightingsAfter = [PointSighting(), PointSighting()]
      case 4: wrong.points = []
      default: wrong.entries.shuffle(using: &generator)
      }
      if let state = try? recovered([wrong]) { _ = try tracking(state).seal() }
    }
  }
}
