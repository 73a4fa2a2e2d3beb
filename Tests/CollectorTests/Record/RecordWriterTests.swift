import Foundation
import TestSupport
import Testing
import Wire

@testable import Collector

/// What leaves the collector: batches, times, address entries, counters.
@Suite struct RecordWriterTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func file(_ packets: [TestPacket], named name: String = "a") throws -> String {
    try directory.write(PcapWriter.file(packets, nanoseconds: true), to: name)
  }

  private static func frame(_ index: Int) -> [UInt8] {
    Frame.ethernet(
      .ipv4, Frame.ipv4(protocolNumber: 17, Frame.udp(1000, UInt16(truncatingIfNeeded: index))))
  }

  private let epoch: UInt64 = 1_700_000_000_000_000_000

  @Test("writes times that do not depend on where batches begin")
  func times() throws {
    var generator = TestSeed.generator(for: "times")
    var ns = epoch
    let packets = (0..<3000).map { index in
      ns = ns &+ .random(in: 0...2_000_000, using: &generator)
      // Steps back of up to 50 ms, and pauses of up to a second.
      if index % 50 == 0 { ns -= .random(in: 0...50_000_000, using: &generator) }
      if index % 90 == 0 { ns += .random(in: 0...1_000_000_000, using: &generator) }
      return TestPacket(RecordWriterTests.frame(index), timestampNs: ns)
    }
    let run = try CollectorRun(
      CollectorConfiguration(files: [file(packets)], deduplicate: false), slotBytes: 4096)
    #expect(run.failure == nil)
    #expect(run.records.map(\.tick) == packets.map { $0.timestampNs >> 12 })
    #expect(run.records.map { Int($0.record.destinationPort) } == Array(0..<3000))
    #expect(run.headers.map(\.sequence) == Array(1...UInt64(run.headers.count)))
    #expect(run.accountsForEverything)
  }

  @Test("holds small steps back in one batch, and opens another for larger ones and for late times")
  func batchTimes() throws {
    let tick: UInt64 = 4096
    let start = epoch
    func batches(_ offsets: [Int64]) throws -> [Int] {
      let packets = offsets.map { offset in
        TestPacket(
          RecordWriterTests.frame(0), timestampNs: UInt64(Int64(start) + offset * Int64(tick)))
      }
      let run = try CollectorRun(CollectorConfiguration(files: [file(packets)], deduplicate: false))
      return run.headers.filter { $0.kind == .records }.map(\.itemCount)
    }
    #expect(try batches([0, -8192]) == [2])
    #expect(try batches([0, -8193]) == [1, 1])
    #expect(try batches([0, 65535 - 8192]) == [2])
    #expect(try batches([0, 65535 - 8191]) == [1, 1])
    #expect(try batches([0, 100_000, 100_001, 0]) == [1, 2, 1])
  }

  @Test("keeps base times above 0 for captures that begin in 1970")
  func beginningOfTime() throws {
    let packets = [0, 5000, 10_000_000].map {
      TestPacket(RecordWriterTests.frame(0), timestampNs: $0)
    }
    let run = try CollectorRun(CollectorConfiguration(files: [file(packets)], deduplicate: false))
    #expect(run.headers.first?.baseTick == 0)
    #expect(run.records.map(\.tick) == [0, 1, 2441])
  }

  @Test("gives the same records however a capture is split into files")
  func splitFiles() throws {
    let packets = (0..<200).map { index in
      let bytes =
        index % 3 == 0
        ? Frame.ethernet(
          .ipv6, Frame.ipv6("2001:db8::\(index % 7)", nextHeader: 17, Frame.udp(1, 2)))
        : RecordWriterTests.frame(index)
      return TestPacket(bytes, timestampNs: epoch + UInt64(index) * 3_000_000)
    }
    let whole = try CollectorRun(CollectorConfiguration(files: [file(packets)], deduplicate: false))
    let parts = try [0..<50, 50..<51, 51..<200].enumerated().map { index, range in
      try file(Array(packets[range]), named: "part\(index)")
    }
    let split = try CollectorRun(CollectorConfiguration(files: parts))
    // Whole: the base times differ, the absolute ones do not.
    #expect(split.records.map(\.tick) == whole.records.map(\.tick))
    #expect(split.records.map(\.record.source) == whole.records.map(\.record.source))
    #expect(split.records.map(\.destination) == whole.records.map(\.destination))
    #expect(split.report?.files.map(\.packets) == [50, 1, 149])
    #expect(split.report?.frameBytes == whole.report?.frameBytes)
    #expect(split.report?.startNs == epoch)
    #expect(split.report?.endNs == epoch + 199 * 3_000_000)
  }

  @Test("announces each address once, in or before the batch that uses it first")
  func addresses() throws {
    let packets = (0..<2000).map { index in
      TestPacket(
        Frame.ethernet(
          .ipv6,
          Frame.ipv6(
            "2001:db8::\(String(index % 500, radix: 16))", "2001:db8:1::1", nextHeader: 6,
            Frame.tcp(1, 2))), timestampNs: epoch)
    }
    let run = try CollectorRun(
      CollectorConfiguration(files: [file(packets)], deduplicate: false), slotBytes: 4096)
    #expect(run.entries.count == 501)
    #expect(Set(run.entries.map(\.0)).count == 501)
    #expect(run.entries.map(\.0) == (0..<501).map { AddressHandle.first + UInt32($0) })
    #expect(run.records.count == 2000)
    for (index, record) in run.records.enumerated() {
      #expect(record.source == IPAddress("2001:db8::\(String(index % 500, radix: 16))"))
      #expect(record.record.flags == .hasHandle)
    }
  }

  @Test("gives handles to IPv4 addresses among the handles, but not to the broadcast address")
  func reservedAddresses() throws {
    let packets = [
      ("240.0.0.1", "10.0.0.1"), ("10.0.0.1", "255.255.255.255"), ("10.0.0.1", "255.0.0.9"),
    ]
    .map { source, destination in
      TestPacket(
        Frame.ethernet(
          .ipv4, Frame.ipv4(source, destination, protocolNumber: 17, Frame.udp(1, 2))))
    }
    let run = try CollectorRun(CollectorConfiguration(files: [file(packets)], deduplicate: false))
    #expect(run.entries.map(\.1) == [IPAddress("240.0.0.1"), IPAddress("255.0.0.9")])
    #expect(
      run.records.map(\.source) == ["240.0.0.1", "10.0.0.1", "10.0.0.1"].map { IPAddress($0) })
    #expect(
      run.records.map(\.destination)
        == ["10.0.0.1", "255.255.255.255", "255.0.0.9"].map { IPAddress($0) })
    #expect(run.records.map(\.record.flags) == [.hasHandle, [], .hasHandle])
  }

  @Test("counts packets for whose addresses the book has no room")
  func bookFull() throws {
    let packets = (0..<10).map { index in
      TestPacket(
        Frame.ethernet(
          .ipv6, Frame.ipv6("2001:db8::\(index)", "2001:db8::0", nextHeader: 6, Frame.tcp(1, 2))))
    }
    let run = try CollectorRun(
      CollectorConfiguration(files: [file(packets)], addressCapacity: 4))
    #expect(run.records.count == 4)
    #expect(run.accounting[.addressBookFull] == 6)
    #expect(run.accountsForEverything)
  }

  @Test("counts lengths that a record cannot hold")
  func saturation() throws {
    let frame = Frame.ethernet(
      .ipv4, Frame.ipv4(protocolNumber: 6, totalLength: 0, Frame.tcp(1, 2)))
    let run = try CollectorRun(
      CollectorConfiguration(
        files: [
          file([
            TestPacket(frame, originalLength: 80_000), TestPacket(frame, originalLength: 65_549),
          ])
        ], deduplicate: false))
    #expect(run.records.map(\.record.lengthBytes) == [65_535, 65_535])
    #expect(run.report?.lengthSaturated == 1)
    #expect(run.report?.frameBytes == 145_549)
  }
}
