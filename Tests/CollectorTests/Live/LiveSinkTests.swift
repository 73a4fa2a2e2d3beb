import CPcap
import Glibc
import TestSupport
import Testing
import Wire

@testable import Collector

/// What a live collector's process does with each packet, and what it leaves to the next one.
@Suite struct LiveSinkTests {
  private let ring: Int32
  private let board: StatusBoardHolder
  private let addresses: SharedAddresses

  /// Keeps a board, which can't be copied, in a suite.
  private final class StatusBoardHolder {
    let board: StatusBoard

    init() throws { board = try StatusBoard(processes: 1) }
  }

  init() throws {
    ring = try makeRing(slots: 64, slotBytes: 4096)
    board = try StatusBoardHolder()
    addresses = try SharedAddresses(capacity: 1024)
  }

  private let noon: UInt64 = 1_700_000_000_000_000_000

  private func sink(filter: String = "") throws -> LiveSink {
    var sink = try LiveSink(
      CollectorConfiguration(files: [], filter: filter, deduplicate: false),
      output: openRing(ring), addresses: addresses, status: board.board, process: 0)
    sink.linkType = .ethernet
    return sink
  }

  private func take(_ number: Int, atNs: UInt64, _ sink: inout LiveSink) {
    let frame = LiveRun.frames(number..<number + 1)[0]
    let time = timeval(
      tv_sec: Int(atNs / 1_000_000_000), tv_usec: Int(atNs % 1_000_000_000))
    let header = pcap_pkthdr(
      ts: time, caplen: UInt32(frame.count), len: UInt32(frame.count + 1000))
    frame.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { sink.take(header, base) }
    }
  }

  /// All records so far, as number and tick since 1970, and the headers.
  private func records() throws -> (headers: [BatchHeader], records: [(Int, UInt64)]) {
    var reader = RingReader(try openRing(ring))
    var headers: [BatchHeader] = []
    var records: [(Int, UInt64)] = []
    while case .slot(let slot) = reader.poll() {
      let batch = try BatchReader(slot)
      headers.append(batch.header)
      for index in 0..<batch.header.itemCount {
        guard let base = batch.payload.baseAddress else { continue }
        let record = PacketRecord(reading: base + index * PacketRecord.bytes)
        records.append((LiveRun.number(record), batch.header.baseTick + UInt64(record.tick)))
      }
      reader.advance()
    }
    return (headers, records)
  }

  @Test("tells each packet before it does anything with it, so that the next process misses none")
  func killedWithAnOpenBatch() throws {
    do {
      var first = try sink()
      for number in 0..<10 { take(number, atNs: noon, &first) }
      first.publish()
      for number in 10..<17 { take(number, atNs: noon, &first) }
      // Killed here: neither the batch nor its counters ever leave.
    }
    var second = try sink()
    #expect(second.taken == 17)
    take(17, atNs: noon + 1, &second)
    second.publish()
    second.tell()
    let (headers, records) = try records()
    #expect(records.map(\.0) == Array(0..<10) + [17])
    let accounting = board.board.accounting(of: 0)
    #expect(accounting[.mapped] == 11)
    #expect(accounting[.lostInCrash] == 7)
    #expect(accounting.captured == 18)
    #expect(headers.last?.accounting == accounting)
    // The batch that was lost had the number 2.
    #expect(headers.map(\.sequence) == [1, 2])
    #expect(board.board.get(.frameBytes, of: 0) == 1062)
  }

  @Test("counts what was in the kernel's buffer as lost, once")
  func killedWithFullBuffer() throws {
    do {
      var first = try sink()
      take(0, atNs: noon, &first)
      first.publish()
      first.tell()
      first.expect(50)
      // Four of these fifty.
      for number in 1..<5 { take(number, atNs: noon, &first) }
      #expect(board.board.get(.items, of: 0) == 51)
    }
    for _ in 0..<2 {
      let next = try sink()
      #expect(next.taken == 51)
      #expect(board.board.accounting(of: 0)[.lostInCrash] == 50)
    }
  }

  @Test("ends with every packet accounted for, and the last batch says so")
  func complete() throws {
    var sink = try sink(filter: "udp dst port 3")
    for number in 0..<5 { take(number, atNs: noon, &sink) }
    sink.countDroppedByKernel(8)
    sink.expect(1)
    sink.close(at: noon + 1)
    let (headers, records) = try records()
    #expect(records.map(\.0) == [3])
    let accounting = board.board.accounting(of: 0)
    #expect(accounting[.filtered] == 4)
    #expect(accounting.captured == 13)
    #expect(headers.last?.accounting == accounting)
    #expect(headers.last?.itemCount == 0)
    #expect(board.board.get(.items, of: 0) == 5)
  }

  @Test("leaves out what another socket has")
  func foreign() throws {
    var sink = try sink()
    sink.foreign = 3
    for number in 0..<5 { take(number, atNs: noon, &sink) }
    sink.close(at: noon + 1)
    #expect(try records().records.map(\.0) == [3, 4])
    #expect(board.board.accounting(of: 0).captured == 2)
    #expect(board.board.get(.items, of: 0) == 2)
  }

  @Test("goes along with a clock that is set, in both directions")
  func clockSteps() throws {
    let hour: UInt64 = 3_600_000_000_000
    let times = [
      noon, noon + 4096, noon + hour, noon + hour + 4096, noon - hour, noon - hour + 4096,
    ]
    var sink = try sink()
    for (number, time) in times.enumerated() { take(number, atNs: time, &sink) }
    sink.tellNewest()
    sink.close(at: noon - hour + 8192)
    let (headers, records) = try records()
    #expect(records.map(\.1) == times.map { Tick.of(nanoseconds: $0) })
    #expect(
      headers.map { UInt64($0.period) }
        == [noon, noon + hour, noon - hour, noon - hour].map { $0 / 60_000_000_000 })
    #expect(board.board.get(.newestTick, of: 0) == Tick.of(nanoseconds: noon - hour + 8192))
    #expect(board.board.get(.endTick, of: 0) == Tick.of(nanoseconds: noon + hour + 4096))
    #expect(board.board.get(.startTick, of: 0) == Tick.of(nanoseconds: noon - hour))
  }
}
