import TestSupport
import Testing

@testable import Collector

@Suite struct PcapngParserTests {
  static let frame = Frame.ethernet(.ipv4, Frame.ipv4(protocolNumber: 17, Frame.udp(1, 2)))

  /// Two sections of different byte order, several interfaces, all kinds of packet blocks, and
  /// blocks that nobody knows.
  static let mixed: [UInt8] = {
    var writer = PcapngWriter()
    writer.section(.little)
    writer.interface(linkType: 1)
    writer.interface(linkType: 101, resolution: 9)
    writer.packet(frame, ticks: 5_000_000)
    writer.block(0x0BAD, [1, 2, 3, 4, 5])
    writer.packet([0x45, 1, 2], interface: 1, ticks: 5_000_000_001, originalLength: 99)
    writer.section(.big)
    writer.interface(linkType: 113, snaplen: 4)
    writer.block(5, [UInt8](repeating: 0, count: 12))
    writer.obsoletePacket(frame, ticks: 7_000_000)
    writer.simplePacket([1, 2, 3, 4], originalLength: 60)
    return writer.bytes
  }()

  @Test("reads sections of either byte order, several interfaces and all packet blocks")
  func everything() throws {
    let reading = try Reading(whole: PcapngParserTests.mixed)
    #expect(reading.damage == nil)
    let frame = PcapngParserTests.frame
    #expect(reading.packets.map(\.bytes) == [frame, [0x45, 1, 2], frame, [1, 2, 3, 4]])
    #expect(reading.packets.map(\.linkType) == [.ethernet, .raw, .linuxSLL, .linuxSLL])
    #expect(reading.packets.map(\.originalLength) == [frame.count, 99, frame.count, 60])
    // A simple packet block has no time, and gets that of the packet before it.
    #expect(
      reading.packets.map(\.timestampNs)
        == [5_000_000_000, 5_000_000_001, 7_000_000_000, 7_000_000_000])
  }

  @Test(
    "counts time as the interface says",
    arguments: [
      (nil, nil, 1_500_000, 1_500_000_000), (6, nil, 1_500_000, 1_500_000_000),
      (9, nil, 1_500_000_007, 1_500_000_007), (3, nil, 1500, 1_500_000_000),
      (0, nil, 3, 3_000_000_000), (12, nil, 1_500_000_007_999, 1_500_000_007),
      (0x80 | 1, nil, 3, 1_500_000_000), (0x80 | 20, nil, 3 << 19, 1_500_000_000),
      (0x80, nil, 2, 2_000_000_000), (0x80 | 127, nil, UInt64.max, 0), (127, nil, UInt64.max, 0),
      (6, 10, 1_500_000, 11_500_000_000), (6, -1, 1_500_000, 500_000_000), (6, -9, 1_500_000, 0),
      (0, nil, UInt64.max, UInt64(Int64.max)), (0, Int64.max, 1, UInt64(Int64.max)),
    ] as [(UInt8?, Int64?, UInt64, UInt64)])
  func clock(resolution: UInt8?, offset: Int64?, ticks: UInt64, expected: UInt64) throws {
    for order in ByteOrder.allCases {
      var writer = PcapngWriter()
      writer.section(order)
      writer.interface(resolution: resolution, offsetSeconds: offset)
      writer.packet([1], ticks: ticks)
      #expect(try Reading(whole: writer.bytes).packets.map(\.timestampNs) == [expected])
    }
  }

  @Test("stops where a packet belongs to an interface that the section does not describe")
  func undeclaredInterface() throws {
    var writer = PcapngWriter()
    writer.section()
    writer.interface()
    writer.packet([1], ticks: 1)
    writer.section()
    let offset = writer.bytes.count
    writer.packet([1], ticks: 1)
    let reading = try Reading(whole: writer.bytes)
    #expect(reading.packets.count == 1)
    #expect(reading.damage?.offset == UInt64(offset))
  }

  @Test("stops at a block of impossible length", arguments: [0, 8, 11, 13, 64 << 20, UInt32.max])
  func impossibleLength(length: UInt32) throws {
    var writer = PcapngWriter()
    writer.section()
    writer.interface()
    writer.packet([1], ticks: 1)
    let offset = writer.bytes.count
    let file = writer.bytes + Frame.little(6 as UInt32) + Frame.little(length) + Frame.little(0)
    let reading = try Reading(whole: file)
    #expect(reading.packets.count == 1)
    #expect(reading.damage?.offset == UInt64(offset))
  }

  @Test("stops where a block's two lengths differ")
  func differentLengths() throws {
    var file = PcapngParserTests.mixed
    file[28] ^= 4
    // The section header's second length is at offset 24.
    file[24] ^= 4
    #expect(try Reading(whole: file).damage?.offset == 0)
  }

  @Test("stops at a packet that is longer than its block")
  func longerThanItsBlock() throws {
    var writer = PcapngWriter()
    writer.section()
    writer.interface()
    let offset = writer.bytes.count
    writer.packet([1, 2, 3, 4], ticks: 1)
    var file = writer.bytes
    file[offset + 20] = 5
    #expect(try Reading(whole: file).damage?.offset == UInt64(offset))
  }

  @Test("reads what is there of a file cut at any byte")
  func cutAnywhere() throws {
    let file = PcapngParserTests.mixed
    let whole = try Reading(whole: file)
    var counts: [Int] = []
    for end in 4...file.count {
      let reading = try Reading(whole: Array(file.prefix(end)))
      #expect(reading.packets == Array(whole.packets.prefix(reading.packets.count)))
      counts.append(reading.packets.count)
      if end == file.count { #expect(reading.damage == nil) }
    }
    #expect(counts == counts.sorted())
    #expect(Set(counts) == [0, 1, 2, 3, 4])
  }
}
