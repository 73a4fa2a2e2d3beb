import Testing
import Wire

/// Messages as version 1 has written them: who changes how they are read has made a new version.
@Suite struct WireVersionTests {
  private static let batchMessage =
    "524e4b570100010012cee738c886ca67b4000000850000009206636f72652d310100010052020010"
    + "00030b002300040800130508005306000000070c007001020000007b7d37004320010db816000002"
    + "0010532f00001e0000040010002100c100f0003502000011060100015c00800a0040049c003c782f"
    + "00310100024c00070200610201020303023f00040200e0020900000075d0280002fbff2f67"
  private static let reportMessage =
    "524e4b5701000200d2e2f32d9f490bc856010000d2000000c201000100100003742d310200010012"
    + "0307002000040800100505000202001040070010060500f10200000001000000087265706c617965"
    + "640713000215007006636f72652d3120000002000f55000207580005500000310001050000320020"
    + "02030a00030200040b001002090010097800300000007300002f00400a5000061800e3f051000100"
    + "0a00000014000000e8c30010d0260001020021f01f0700300000200500001f0015fc1c0004020000"
    + "0a01040c000f02000619101a0000820001b100005200000200800400000000000000"

  private func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
  }

  @Test("reads a batch of version 1")
  func batch() throws {
    var batch = RecordBatch()
    batch.point = "core-1"
    batch.run = 1
    batch.shard = 2
    batch.shardCount = 16
    batch.sequence = 3
    batch.recordsBefore = 4
    batch.baseTick = 5
    batch.period = 6
    batch.reachedTick = 7
    batch.isLast = true
    batch.report = Array("{}".utf8)
    batch.addresses = [IPAddress(high: 0x2001_0DB8_0000_0000, low: 0x53)]
    func query(_ tick: UInt16) -> PacketRecord {
      PacketRecord(
        destination: AddressHandle.first, destinationPort: 53, source: 0x0A00_0001,
        sourcePort: 40_000, protocolNumber: 17, flags: .hasHandle, lengthBytes: 60, tick: tick)
    }
    func answer(_ tick: UInt16) -> PacketRecord {
      PacketRecord(
        destination: 0x0A00_0001, destinationPort: 40_000, source: AddressHandle.first,
        sourcePort: 53, protocolNumber: 17, flags: .hasHandle, lengthBytes: 120, tick: tick)
    }
    let other = PacketRecord(
      destination: 1, destinationPort: 2, source: 3, sourcePort: 4, protocolNumber: 6,
      tcpFlags: .syn, lengthBytes: 40, tick: 2)
    batch.records = [query(1), answer(3), other, query(9), answer(9)]
      .flatMap(WireSamples.bytes(of:))
    #expect(try RecordBatch(decoding: bytes(Self.batchMessage)) == batch)
  }

  @Test("reads an epoch report of version 1")
  func report() throws {
    var report = EpochReport()
    report.shard = 1
    report.shardCount = 16
    report.owner = "t-1"
    report.incarnation = 2
    report.epoch = 3
    report.part = 4
    report.isLastPart = false
    report.recordsSequence = 5
    report.newestTick = 1 << 30
    report.exportedEarly = 6
    report.refused = ["replayed": 7]
    var point = EpochReport.Point()
    point.name = "core-1"
    point.run = 1
    point.sequence = 2
    point.packets = 3
    point.missing = 4
    point.recordsOfRun = 5
    point.reachedTick = 6
    point.isEnded = true
    point.report = [1]
    point.pastReports = [[2, 3]]
    report.points = [point]
    report.addresses = [IPAddress(high: 1, low: 2)]
    var entry = EpochReport.Entry()
    entry.number = 9
    entry.previous = 8
    entry.period = 7
    entry.after.a = 0x0A00_0001
    entry.after.aPort = 80
    entry.after.protocolNumber = 6
    entry.after.state = SessionRow.whole
    entry.after.b = AddressHandle.first
    entry.after.bPort = 81
    entry.after.events = .synFromA
    entry.after.packetsAB = 10
    entry.after.packetsBA = 20
    entry.after.bytesAB = 1000
    entry.after.bytesBA = 2000
    entry.after.firstTick = 1 << 20
    entry.after.lastTick = 1 << 29
    entry.after.handshakeTicks = 3
    entry.after.reportedAt = 4
    entry.before = entry.after
    entry.before.packetsAB = 9
    entry.before.lastTick = 1 << 28
    entry.before.events = []
    var sighting = PointSighting()
    sighting.packetsAB = 1
    sighting.packetsBA = 2
    sighting.bytesAB = 3
    sighting.bytesBA = 4
    entry.sightingsAfter = [sighting]
    report.entries = [entry]
    #expect(try EpochReport(decoding: bytes(Self.reportMessage)) == report)
  }
}
