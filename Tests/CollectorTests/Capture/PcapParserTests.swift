import TestSupport
import Testing

@testable import Collector

@Suite struct PcapParserTests {
  static let packets = (0..<5).map { index in
    TestPacket(
      Frame.ethernet(.ipv4, Frame.ipv4(protocolNumber: 17, Frame.udp(1000, UInt16(index)))),
      timestampNs: 1_700_000_000_123_456_000 + UInt64(index) * 1_000_000, originalLength: 1500)
  }

  @Test(
    "reads packets, times and lengths in both byte orders and resolutions",
    arguments: ByteOrder.allCases, [false, true])
  func variants(order: ByteOrder, nanoseconds: Bool) throws {
    let file = PcapWriter.file(
      PcapParserTests.packets, linkType: 113, order: order, nanoseconds: nanoseconds)
    let reading = try Reading(whole: file)
    #expect(reading.damage == nil)
    #expect(reading.packets.map(\.bytes) == PcapParserTests.packets.map(\.bytes))
    #expect(reading.packets.map(\.timestampNs) == PcapParserTests.packets.map(\.timestampNs))
    #expect(reading.packets.allSatisfy { $0.originalLength == 1500 && $0.linkType == .linuxSLL })
  }

  @Test("leaves the bits for a frame check sequence out of the link type")
  func frameCheckSequence() throws {
    let reading = try Reading(
      whole: PcapWriter.file(PcapParserTests.packets, linkType: 0x5400_0001))
    #expect(reading.packets.map(\.linkType) == Array(repeating: .ethernet, count: 5))
  }

  @Test("exchanges the lengths in files of version 2.2, where they stand the other way round")
  func oldVersion() throws {
    var file = PcapWriter.file([TestPacket([1, 2, 3], originalLength: 60)])
    file[6] = 2
    // The writer puts the captured length first; the old order has it second.
    (file[32], file[36]) = (file[36], file[32])
    let reading = try Reading(whole: file)
    #expect(reading.packets.map(\.bytes) == [[1, 2, 3]])
    #expect(reading.packets.map(\.originalLength) == [60])
  }

  @Test("refuses versions it does not know")
  func unknownVersion() throws {
    var file = PcapWriter.file(PcapParserTests.packets)
    file[4] = 3
    let damage = try #require(try Reading(whole: file).damage)
    #expect(damage.description.contains("version 3.4"))
  }

  @Test("reads a file without packets as a file without packets")
  func noPackets() throws {
    #expect(try Reading(whole: PcapWriter.file([])) == Reading(whole: PcapWriter.file([])))
    #expect(try Reading(whole: PcapWriter.file([])).damage == nil)
  }

  @Test("stops at an impossible length and says where", arguments: [262_145, UInt32.max])
  func impossibleLength(length: UInt32) throws {
    var file = PcapWriter.file(PcapParserTests.packets)
    let third = 24 + 2 * (16 + PcapParserTests.packets[0].bytes.count)
    file.replaceSubrange(third + 8..<third + 12, with: Frame.little(length))
    let reading = try Reading(whole: file)
    #expect(reading.packets.count == 2)
    #expect(reading.damage?.offset == UInt64(third))
    #expect(reading.damage?.isCutOff == false)
  }

  @Test("accepts the largest packet that Wireshark accepts")
  func largestPacket() throws {
    let packet = TestPacket([UInt8](repeating: 7, count: 262_144))
    #expect(try Reading(whole: PcapWriter.file([packet])).packets.count == 1)
  }

  @Test("accepts packets beyond 256 KiB from link types that have them", arguments: [231, 249])
  func largeLinkTypes(linkType: UInt32) throws {
    let packet = TestPacket([UInt8](repeating: 7, count: 300_000))
    let reading = try Reading(whole: PcapWriter.file([packet], linkType: linkType))
    #expect(reading.packets.count == 1)
    #expect(reading.packets[0].linkType == .unsupported)
  }

  @Test("reads what is there of a file cut at any byte, and says where it ends")
  func cutAnywhere() throws {
    let file = PcapWriter.file(PcapParserTests.packets)
    let size = 16 + PcapParserTests.packets[0].bytes.count
    for end in 4...file.count {
      let reading = try Reading(whole: Array(file.prefix(end)))
      #expect(reading.packets.count == max(0, (end - 24)) / size)
      let isWhole = end >= 24 && (end - 24) % size == 0
      #expect((reading.damage == nil) == isWhole, "cut at \(end)")
      if !isWhole { #expect(reading.damage?.offset == UInt64(end)) }
    }
  }
}
