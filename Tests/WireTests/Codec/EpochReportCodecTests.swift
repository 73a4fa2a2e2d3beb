import TestSupport
import Testing

@testable import Wire

@Suite struct EpochReportCodecTests {
  @Test(
    "gives back what was encoded", arguments: [0, 1, 2, 500], [0, 1, 40])
  func roundTrip(entries: Int, addresses: Int) throws {
    var generator = TestSeed.generator(for: "EpochReportCodecTests.roundTrip")
    for points in [0, 1, 3] {
      let report = WireSamples.report(
        entries: entries, addresses: addresses, points: points, &generator)
      #expect(try EpochReport(decoding: report.encoded()) == report)
    }
  }

  @Test("holds as many entries, points, addresses and sightings as it may")
  func largest() throws {
    var generator = SeededGenerator(seed: 1)
    var report = WireSamples.report(
      entries: EpochReport.entriesMax, addresses: 1 << 16, points: EpochReport.pointsMax,
      &generator)
    report.entries[7].sightingsAfter = Array(repeating: PointSighting(), count: 255)
    #expect(try EpochReport(decoding: report.encoded()) == report)
  }

  @Test("the same report is always the same message, whatever the order in its dictionary")
  func isDeterministic() {
    let names = (0..<100).map { "name\($0)" }
    var one = EpochReport()
    var other = EpochReport()
    other.refused.reserveCapacity(1000)
    for (index, name) in names.enumerated() { one.refused[name] = UInt64(index) }
    for (index, name) in names.enumerated().reversed() { other.refused[name] = UInt64(index) }
    #expect(one.encoded() == other.encoded())
  }

  @Test("that there was nothing before costs nothing")
  func snapshot() {
    var report = EpochReport()
    report.kind = .snapshot
    report.newestTick = 1 << 49
    var generator = SeededGenerator(seed: 3)
    report.entries = (1...4000).map { number in
      var entry = EpochReport.Entry()
      entry.number = UInt32(number)
      entry.after.a = 0x0A00_0000 | generator.next() & 0xFFF
      entry.after.aPort = 443
      entry.after.b = 0x0A01_0000 | generator.next() & 0xFFF
      entry.after.bPort = generator.next()
      entry.after.state = SessionRow.whole
      entry.after.packetsAB = 10
      entry.after.lastTick =
        report.newestTick - UInt64(UInt16.random(in: 0...9999, using: &generator))
      entry.after.firstTick = entry.after.lastTick - 100
      return entry
    }
    let message = report.encoded()
    for index in report.entries.indices {
      report.entries[index].before = report.entries[index].after
    }
    let twice = report.encoded()
    // Equal rows are differences of nothing.
    #expect(twice.count - message.count < 4000 * SessionRow.bytes / 100)
    #expect(message.count < 4000 * 12)
  }

  @Test("refuses a handle that has no address", arguments: [0, 1, 2, 3])
  func handles(place: Int) throws {
    for (handle, isKnown) in [(0, true), (1, false), (Int(AddressHandle.count) - 1, false)] {
      var report = EpochReport()
      report.addresses = [IPAddress(high: 1, low: 2)]
      var entry = EpochReport.Entry()
      entry.before.state = SessionRow.whole
      let value = AddressHandle.first + UInt32(handle)
      switch place {
      case 0: entry.before.a = value
      case 1: entry.before.b = value
      case 2: entry.after.a = value
      default: entry.after.b = value
      }
      report.entries = [entry]
      let message = report.encoded()
      if isKnown {
        #expect(try EpochReport(decoding: message) == report)
      } else {
        #expect(throws: WireError.inconsistent) { try EpochReport(decoding: message) }
      }
    }
  }
}
