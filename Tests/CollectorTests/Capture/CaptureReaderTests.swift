import Glibc
import TestSupport
import Testing

@testable import Collector

@Suite struct CaptureReaderTests {
  static let packets = (0..<40).map { index in
    TestPacket([UInt8](repeating: UInt8(index), count: 10 + index * 7), timestampNs: UInt64(index))
  }
  static let pcap = PcapWriter.file(packets, nanoseconds: true)

  @Test(
    "gives the same packets through a sliding window of any size as from a mapped file",
    arguments: [1, 2, 3, 7, 16, 24, 25, 64, 100, 1000, 1 << 20])
  func slidingWindow(windowBytes: Int) throws {
    let directory = try TemporaryDirectory()
    for file in [CaptureReaderTests.pcap, PcapngParserTests.mixed] {
      let path = try directory.write(file, to: "a")
      let streamed = try Reading(streaming: path, windowBytes: windowBytes)
      #expect(try streamed == Reading(path: path))
      #expect(try streamed == Reading(whole: file))
    }
  }

  @Test("finds the same end of a cut file through a window as from a mapped file")
  func cutInAStream() throws {
    let directory = try TemporaryDirectory()
    for file in [CaptureReaderTests.pcap, PcapngParserTests.mixed] {
      for end in stride(from: 4, to: file.count, by: file.count / 200 + 1) {
        let path = try directory.write(Array(file.prefix(end)), to: "a")
        #expect(try Reading(streaming: path, windowBytes: 5) == Reading(path: path))
      }
    }
  }

  static let compressors = ["gzip", "zstd", "lz4"]

  @Test(
    "reads what gzip, zstd and lz4 compressed, in one piece or several",
    .enabled(if: compressors.allSatisfy { Tool($0).isInstalled }), arguments: compressors)
  func compressed(program: String) throws {
    let directory = try TemporaryDirectory()
    let file = CaptureReaderTests.pcap
    let cut = file.count / 3
    _ = try directory.write(file, to: "whole")
    _ = try directory.write(Array(file.prefix(cut)), to: "first")
    _ = try directory.write(Array(file.dropFirst(cut)), to: "second")
    var parts: [String: [UInt8]] = [:]
    for name in ["whole", "first", "second"] {
      let path = directory.path + "/" + name
      let result = try Tool(program).run(
        program == "lz4"
          ? ["-q", path, path + ".z"]
          : program == "zstd" ? ["-q", path, "-o", path + ".z"] : ["-S", ".z", path])
      #expect(result.status == 0)
      parts[name] = try TemporaryDirectory.read(path + ".z")
    }
    let whole = try #require(parts["whole"])
    let first = try #require(parts["first"])
    let second = try #require(parts["second"])
    let expected = try Reading(whole: file)
    let single = try directory.write(whole, to: "single")
    #expect(try Reading(path: single) == expected)
    #expect(try Reading(streaming: single, windowBytes: 3) == expected)
    let several = try directory.write(first + second, to: "several")
    #expect(try Reading(path: several) == expected)

    // Cut anywhere: never more packets than there were, and the end is noticed.
    for end in stride(from: 5, to: whole.count, by: 3) {
      let path = try directory.write(Array(whole.prefix(end)), to: "cut")
      let reading = try? Reading(path: path)
      guard let reading else { continue }
      #expect(reading.packets == Array(expected.packets.prefix(reading.packets.count)))
      // The last bytes are a checksum or an end mark: all packets may be there.
      #expect(reading.damage != nil || reading.packets.count == expected.packets.count)
    }
  }

  @Test(
    "ignores padding after the last gzip member, as gzip does",
    .enabled(if: Tool("gzip").isInstalled))
  func paddedGzip() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(CaptureReaderTests.pcap, to: "a")
    _ = try Tool("gzip").run([path])
    let padded = try TemporaryDirectory.read(path + ".gz") + [UInt8](repeating: 0, count: 512)
    let reading = try Reading(path: try directory.write(padded, to: "b"))
    #expect(try reading == Reading(whole: CaptureReaderTests.pcap))
  }

  @Test("leaves formats of old kernels to libpcap")
  func libpcapFallback() throws {
    // The modified pcap: another magic, and eight bytes more in each packet header.
    var file = Frame.little(0xA1B2_CD34 as UInt32) + Frame.little(2 as UInt16)
    file += Frame.little(4 as UInt16) + [UInt8](repeating: 0, count: 8)
    file += Frame.little(65535 as UInt32) + Frame.little(1 as UInt32)
    let header = [7, 9, 4, 60].flatMap { Frame.little($0 as UInt32) }
    file += header + [UInt8](repeating: 0, count: 8) + [1, 2, 3, 4]
    let directory = try TemporaryDirectory()
    let reading = try Reading(path: try directory.write(file, to: "a"))
    #expect(reading.packets.map(\.bytes) == [[1, 2, 3, 4]])
    #expect(reading.packets.map(\.timestampNs) == [7_000_009_000])
    #expect(reading.packets.map(\.originalLength) == [60])
  }
}
