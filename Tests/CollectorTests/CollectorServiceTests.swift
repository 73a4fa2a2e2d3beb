import Foundation
import TestSupport
import Testing
import Wire

@testable import Collector

@Suite struct CollectorServiceTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private let packets = [
    Frame.ethernet(.ipv4, Frame.ipv4(protocolNumber: 6, Frame.tcp(40000, 443, flags: 2))),
    Frame.ethernet(.ipv4, Frame.ipv4(protocolNumber: 17, Frame.udp(40000, 53))),
    Frame.ethernet(.arp, [UInt8](repeating: 0, count: 28)),
    Frame.ethernet(.ipv4, [0x44] + [UInt8](repeating: 0, count: 40)),
    Array(Frame.ethernet(.ipv4, Frame.ipv4(protocolNumber: 6, Frame.tcp(1, 2))).prefix(20)),
  ].enumerated().map { index, bytes in
    TestPacket(
      bytes, timestampNs: 1_700_000_000_000_001_000 + UInt64(index) * 1000, originalLength: 60)
  }

  @Test("accounts for every packet, and reports on the stream in its last batch")
  func accounting() throws {
    let path = try directory.write(PcapWriter.file(packets), to: "a")
    let run = try CollectorRun(
      CollectorConfiguration(files: [path], capturePoint: 7, streamID: 9))
    #expect(run.failure == nil)
    #expect(run.accountsForEverything)
    #expect(run.accounting[.mapped] == 2)
    #expect(run.accounting[.notIP] == 1)
    #expect(run.accounting[.malformed] == 1)
    #expect(run.accounting[.truncated] == 1)
    #expect(run.headers.map(\.kind) == [.records, .report])
    #expect(run.headers.allSatisfy { $0.capturePoint == 7 && $0.streamID == 9 })
    let report = try #require(run.report)
    #expect(report.files == [CaptureReport.File(name: path, packets: 5)])
    #expect(report.startNs == 1_700_000_000_000_001_000)
    #expect(report.endNs == 1_700_000_000_000_005_000)
    #expect(report.frameBytes == 300)
    #expect(Set(report.accounting.keys) == Set(PacketOutcome.allCases.map(\.name)))
  }

  @Test("counts what a filter does not want, and looks at all packets for the times")
  func filter() throws {
    let path = try directory.write(PcapWriter.file(packets), to: "a")
    let run = try CollectorRun(CollectorConfiguration(files: [path], filter: "udp port 53"))
    #expect(run.accountsForEverything)
    #expect(run.records.map(\.record.destinationPort) == [53])
    #expect(run.accounting[.filtered] == 4)
    #expect(run.report?.filter == "udp port 53")
    #expect(run.report?.endNs == 1_700_000_000_000_005_000)
  }

  @Test("goes on with the next file after a damaged one, and says what happened")
  func damagedFile() throws {
    let file = PcapWriter.file(packets)
    let cut = try directory.write(Array(file.dropLast(3)), to: "cut")
    let whole = try directory.write(file, to: "whole")
    let run = try CollectorRun(CollectorConfiguration(files: [cut, whole]))
    #expect(run.failure == nil)
    #expect(run.accountsForEverything)
    let files = try #require(run.report?.files)
    #expect(files.map(\.packets) == [4, 5])
    #expect(files[0].warning?.hasPrefix("cut off at byte \(file.count - 3)") == true)
    #expect(files[1].warning == nil)
  }

  @Test("reads files without packets")
  func noPackets() throws {
    let path = try directory.write(PcapWriter.file([]), to: "a")
    let run = try CollectorRun(CollectorConfiguration(files: [path]))
    #expect(run.report?.files == [CaptureReport.File(name: path)])
    #expect(run.report?.startNs == nil)
    #expect(run.headers.map(\.kind) == [.report])
    #expect(run.accountsForEverything)
  }

  @Test("fails on a file that is damaged before its first packet, and leaves the ring open")
  func nothingRead() throws {
    let path = try directory.write(Array(PcapWriter.file(packets).prefix(50)), to: "a")
    let run = try CollectorRun(CollectorConfiguration(files: [path]))
    let error = try #require(run.failure as? CollectorError)
    guard case .damaged(let file, let damage) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(file == path)
    #expect(damage.offset == 50)
    #expect(run.report == nil)
  }

  @Test("waits for a slow reader and drops nothing")
  func slowReader() throws {
    let many = (0..<20_000).map { index in
      TestPacket(packets[0].bytes, timestampNs: 1_700_000_000_000_000_000 + UInt64(index))
    }
    let path = try directory.write(PcapWriter.file(many, nanoseconds: true), to: "a")
    let run = try CollectorRun(
      CollectorConfiguration(files: [path], deduplicate: false), slotCount: 1, slotBytes: 4096)
    #expect(run.records.count == 20_000)
    #expect(run.headers.count > 90)
    #expect(run.accountsForEverything)
  }

  @Test("keeps the status board up to date")
  func status() throws {
    let path = try directory.write(PcapWriter.file(packets), to: "a")
    let ring = try Ring(name: "test", slotCount: 4, slotBytes: 4096)
    let board = try StatusBoard(processes: 2)
    try CollectorService.run(
      CollectorConfiguration(files: [path, path]), output: RingWriter(ring), status: board,
      process: 1)
    let size = UInt64(PcapWriter.file(packets).count)
    #expect(board.get(.inputBytes, of: 1) == 2 * size)
    #expect(board.get(.inputBytesTotal, of: 1) == 2 * size)
    #expect(board.get(.items, of: 1) == 10)
    #expect(board.get(.items, of: 0) == 0)
  }
}
