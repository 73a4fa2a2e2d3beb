import TestSupport
import Testing
import Wire

@testable import Collector

/// Which packets count as copies. Every packet goes through the whole collector.
@Suite struct DuplicateTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private static let epoch: UInt64 = 1_700_000_000_000_000_000
  private static let ms: UInt64 = 1_000_000

  /// A frame and when it was seen, in microseconds.
  private struct Seen {
    var frame: [UInt8]
    var microseconds: Int
    init(_ frame: [UInt8], _ microseconds: Int) {
      self.frame = frame
      self.microseconds = microseconds
    }
  }

  private func duplicates(
    _ seen: [Seen], linkType: UInt32 = 1, decapsulate: Bool = true, deduplicate: Bool = true
  ) throws -> Int {
    let packets = seen.map {
      TestPacket($0.frame, timestampNs: DuplicateTests.epoch + UInt64($0.microseconds) * 1000)
    }
    let path = try directory.write(PcapWriter.file(packets, linkType: linkType), to: "a")
    let run = try CollectorRun(
      CollectorConfiguration(
        files: [path], decapsulate: decapsulate, deduplicate: deduplicate))
    #expect(run.failure == nil)
    #expect(run.accountsForEverything)
    #expect(run.accounting.captured == UInt64(seen.count))
    return Int(run.accounting[.duplicate])
  }

  /// TCP with an identification, a sequence number and a checksum.
  private static func tcp(
    id: UInt16, sequence: UInt32 = 1, checksum: UInt16 = 0, ttl: UInt8 = 64, service: UInt8 = 0,
    options: [UInt8] = [], _ payload: [UInt8] = []
  ) -> [UInt8] {
    var segment = Frame.tcp(40000, 443, payload)
    segment.replaceSubrange(4..<8, with: Frame.big(sequence))
    segment.replaceSubrange(16..<18, with: Frame.big(checksum))
    var packet = Frame.ipv4(protocolNumber: 6, options: options, identification: id, segment)
    packet[1] = service
    packet[8] = ttl
    packet[10] = ttl
    return packet
  }

  private static func ethernet(
    _ packet: [UInt8], from: UInt8 = 1, vlan: UInt16? = nil
  ) -> [UInt8] {
    var frame = Frame.ethernet(
      vlan == nil ? .ipv4 : .vlan, vlan.map { Frame.vlan($0, .ipv4, packet) } ?? packet)
    frame[11] = from
    return frame
  }

  private static func acknowledgement6(_ number: Int, hopLimit: UInt8 = 64) -> [UInt8] {
    var segment = Frame.tcp(40000, 443)
    segment.replaceSubrange(8..<12, with: Frame.big(UInt32(number)))
    var packet = Frame.ipv6(nextHeader: 6, segment)
    packet[7] = hopLimit
    return Frame.ethernet(.ipv6, packet)
  }

  // MARK: - What a copy is

  @Test(
    "takes for a copy what differs only in what is rewritten on the way",
    arguments: [
      ethernet(tcp(id: 7)), ethernet(tcp(id: 7), from: 9), ethernet(tcp(id: 7), vlan: 5),
      ethernet(tcp(id: 7, ttl: 63)), ethernet(tcp(id: 7, service: 0xB8)),
      ethernet(tcp(id: 7, checksum: 0x1234)),
      ethernet(tcp(id: 7)) + [0, 0, 0, 0, 0, 0],
      ethernet(tcp(id: 7, ttl: 60, service: 3), from: 9, vlan: 5) + [1, 2, 3],
    ])
  func copies(copy: [UInt8]) throws {
    let first = Seen(DuplicateTests.ethernet(DuplicateTests.tcp(id: 7)), 0)
    #expect(try duplicates([first, Seen(copy, 50)]) == 1)
    #expect(try duplicates([first, Seen(copy, 50)], deduplicate: false) == 0)
    // Files that were merged step back.
    #expect(try duplicates([Seen(first.frame, 5000), Seen(copy, 0)]) == 1)
  }

  @Test(
    "does not take for a copy what was sent again or is another packet",
    arguments: [
      // A retransmission.
      ethernet(tcp(id: 8)), ethernet(tcp(id: 7, sequence: 2)), ethernet(tcp(id: 7, [1])),
      // Other addresses, protocol, fragment.
      ethernet(
        Frame.ipv4("192.0.2.3", protocolNumber: 6, identification: 7, Frame.tcp(40000, 443))),
      ethernet(Frame.ipv4(protocolNumber: 17, identification: 7, Frame.tcp(40000, 443))),
      ethernet(
        Frame.ipv4(
          protocolNumber: 6, identification: 7, moreFragments: true, Frame.tcp(40000, 443))),
    ])
  func others(other: [UInt8]) throws {
    let first = Seen(DuplicateTests.ethernet(DuplicateTests.tcp(id: 7)), 0)
    #expect(try duplicates([first, Seen(other, 50)]) == 0)
  }

  @Test("takes nothing for a copy that comes later than 20 ms")
  func window() throws {
    let frame = DuplicateTests.ethernet(DuplicateTests.tcp(id: 7))
    #expect(try duplicates([Seen(frame, 0), Seen(frame, 19_900)]) == 1)
    #expect(try duplicates([Seen(frame, 0), Seen(frame, 20_100)]) == 0)
  }

  @Test("tells fragments apart, and finds the copy of each")
  func fragments() throws {
    let payload = [UInt8](repeating: 7, count: 64)
    let frames = (0..<4).map { index in
      Frame.ethernet(
        .ipv4,
        Frame.ipv4(
          protocolNumber: 17, identification: 9, fragmentOffset: index * 64,
          moreFragments: index < 3, payload))
    }
    let seen = frames.enumerated().map { Seen($1, $0) }
    #expect(try duplicates(seen) == 0)
    #expect(try duplicates(seen + seen.map { Seen($0.frame, $0.microseconds + 100) }) == 4)
  }

  @Test("tells echo requests apart by their number, and UDP by its checksum or its first bytes")
  func otherProtocols() throws {
    let pings = (0..<20).map { index in
      Frame.ethernet(
        .ipv4,
        Frame.ipv4(
          protocolNumber: 1, identification: 3, [8, 0, 0, 0, 0, 1, 0, UInt8(index), 5, 5]))
    }
    #expect(try duplicates(pings.map { Seen($0, 0) }) == 0)
    let datagrams = (0..<20).map { index in
      Frame.ethernet(
        .ipv4,
        Frame.ipv4(protocolNumber: 17, identification: 3, Frame.udp(1, 2, [0x80, UInt8(index)])))
    }
    #expect(try duplicates(datagrams.map { Seen($0, 0) }) == 0)
  }

  @Test("uses what there is where the snaplen cut the transport header", arguments: 34...54)
  func cut(length: Int) throws {
    let one = DuplicateTests.ethernet(DuplicateTests.tcp(id: 7, [1, 2, 3, 4]))
    let other = DuplicateTests.ethernet(DuplicateTests.tcp(id: 8, [1, 2, 3, 4]))
    let packets = [one, one, other].map {
      TestPacket(Array($0.prefix(length)), originalLength: $0.count)
    }
    let path = try directory.write(PcapWriter.file(packets), to: "a")
    let run = try CollectorRun(CollectorConfiguration(files: [path]))
    #expect(run.accounting[.duplicate] == 1)
    #expect(run.accountsForEverything)
  }

  @Test("counts a packet once that is seen inside and outside of a tunnel")
  func tunnel() throws {
    let inner = DuplicateTests.tcp(id: 7)
    let gre = Frame.ethernet(
      .ipv4, Frame.ipv4(protocolNumber: 47, identification: 1, [0, 0, 8, 0] + inner))
    let plain = DuplicateTests.ethernet(inner)
    let seen = [Seen(plain, 0), Seen(gre, 30)]
    #expect(try duplicates(seen) == 1)
    #expect(try duplicates(seen, decapsulate: false) == 0)
    #expect(try duplicates(seen.reversed().map { Seen($0.frame, 0) }) == 1)
  }

  @Test("counts a packet once that the any device shows coming and going")
  func cooked() throws {
    func frame(_ type: UInt8, ttl: UInt8) -> [UInt8] {
      [0, type, 0, 1, 0, 6, 2, 0, 0, 0, 0, type, 0, 0, 8, 0] + DuplicateTests.tcp(id: 7, ttl: ttl)
    }
    #expect(
      try duplicates([Seen(frame(0, ttl: 64), 0), Seen(frame(4, ttl: 63), 9)], linkType: 113) == 1)
  }

  @Test("counts every round of a routing loop but the first")
  func loop() throws {
    let seen = (0..<30).map { index in
      Seen(DuplicateTests.ethernet(DuplicateTests.tcp(id: 7, ttl: UInt8(60 - index))), index * 100)
    }
    #expect(try duplicates(seen) == 29)
  }

  // MARK: - Packets without identification

  @Test("keeps equal packets without identification in an ordinary capture")
  func ordinary() throws {
    var seen: [Seen] = []
    for index in 0..<400 {
      let start = index * 1000
      seen.append(Seen(DuplicateTests.ethernet(DuplicateTests.tcp(id: UInt16(index + 1))), start))
      // Three acknowledgements for the same segment; a datagram that was sent twice.
      for repetition in 0..<3 {
        seen.append(Seen(DuplicateTests.acknowledgement6(index), start + 10 * repetition))
      }
      let poll = DuplicateTests.ethernet(
        Frame.ipv4(protocolNumber: 17, identification: 0, Frame.udp(1, 2, [UInt8(index & 7)])))
      seen += [Seen(poll, start + 100), Seen(poll, start + 200)]
    }
    #expect(try duplicates(seen) == 0)
  }

  @Test("drops them where a router, a bridge or a VLAN was between the two")
  func otherPath() throws {
    let packet = DuplicateTests.tcp(id: 0)
    let first = Seen(DuplicateTests.ethernet(packet), 0)
    #expect(try duplicates([first, first]) == 0)
    for copy in [
      DuplicateTests.ethernet(DuplicateTests.tcp(id: 0, ttl: 63)),
      DuplicateTests.ethernet(packet, from: 9), DuplicateTests.ethernet(packet, vlan: 5),
    ] {
      #expect(try duplicates([first, Seen(copy, 5)]) == 1)
    }
    #expect(
      try duplicates([
        Seen(DuplicateTests.acknowledgement6(1), 0),
        Seen(DuplicateTests.acknowledgement6(1, hopLimit: 63), 5),
      ]) == 1)
  }

  @Test("drops them where packets with an identification come twice", arguments: [1, 2, 4])
  func mirror(oneIn: Int) throws {
    var seen: [Seen] = []
    var copies = 0
    for index in 0..<3000 {
      let frame =
        index % 3 == 0
        ? DuplicateTests.ethernet(DuplicateTests.tcp(id: UInt16(index + 1)))
        : DuplicateTests.acknowledgement6(index)
      seen.append(Seen(frame, index * 40))
      if index % oneIn == 0 {
        seen.append(Seen(frame, index * 40 + 3))
        copies += 1
      }
    }
    #expect(try duplicates(seen) == copies)
  }

  @Test("drops them, all but the first ones, where nothing has an identification")
  func mirrorWithoutIdentification() throws {
    let seen = (0..<1000).flatMap { index in
      let frame = DuplicateTests.acknowledgement6(index)
      return [Seen(frame, index * 40), Seen(frame, index * 40 + 3)]
    }
    #expect(try duplicates(seen) == 1000 - 15)
  }

  @Test("keeps a flood and a poll of equal packets, whatever their identification")
  func repeated() throws {
    for interval in [1, 500, 6000, 15_000] {
      let flood6 = (0..<3000).map { Seen(DuplicateTests.acknowledgement6(1), $0 * interval) }
      #expect(try duplicates(flood6) == 0)
      let constant = (0..<3000).map {
        Seen(DuplicateTests.ethernet(DuplicateTests.tcp(id: 54321)), $0 * interval)
      }
      #expect(try duplicates(constant) <= 16)
    }
  }

  @Test("keeps what a device repeats that puts one number into every packet")
  func constantIdentification() throws {
    let seen = (0..<2000).flatMap { index in
      let frame = DuplicateTests.ethernet(
        DuplicateTests.tcp(id: 1, sequence: UInt32(index)))
      return [Seen(frame, index * 100), Seen(frame, index * 100 + 30)]
    }
    // The first few may be taken for copies, before this shows.
    #expect(try duplicates(seen) <= 16)
  }

  @Test("finds copies in what mutated frames leave of packets, and keeps its books")
  func fuzz() throws {
    var generator = TestSeed.generator(for: "duplicates")
    var table = CopyTable()
    for _ in 0..<20_000 {
      let isIPv6 = Bool.random(using: &generator)
      let count = Int.random(in: (isIPv6 ? 40 : 20)...90, using: &generator)
      var bytes = [UInt8](repeating: 0, count: count)
      for index in bytes.indices where Int.random(in: 0..<4, using: &generator) == 0 {
        bytes[index] = .random(in: 0...255, using: &generator)
      }
      // Exactly as many bytes as there are: the address sanitizer sees reads beyond them.
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
      defer { memory.deallocate() }
      memory.copyBytes(from: bytes)
      let base = UnsafeRawPointer(try #require(memory.baseAddress))
      let time = UInt64.random(in: 0...UInt64.max, using: &generator)
      for link in [0, UInt64.random(in: 0...UInt64.max, using: &generator)] {
        _ = table.isCopy(
          PacketBytes(base, captured: count, original: count), isIPv6: isIPv6, link: link, at: time)
      }
    }
  }
}
