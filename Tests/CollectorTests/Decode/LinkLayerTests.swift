import TestSupport
import Testing
import Wire

@testable import Collector

@Suite struct LinkLayerTests {
  static let v4 = Frame.ipv4("192.0.2.1", "198.51.100.2", protocolNumber: 6, Frame.tcp(1234, 80))
  static let v6 = Frame.ipv6("2001:db8::1", "2001:db8::2", nextHeader: 17, Frame.udp(1234, 53))
  static let v4Text = "192.0.2.1:1234 > 198.51.100.2:80 6"
  static let v6Text = "2001:db8::1:1234 > 2001:db8::2:53 17"

  private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  /// A frame of each link type with an IPv4 packet in it.
  static let frames: [(LinkType, [UInt8])] = [
    (.null, [2, 0, 0, 0] + v4), (.null, [0, 0, 0, 2] + v4), (.null, [0x0F, 0, 8, 0] + v4),
    (.loop, [0, 0, 0, 2] + v4), (.enc, [2, 0, 0, 0] + zeros(8) + v4),
    (.ethernet, Frame.ethernet(.ipv4, v4)),
    (.ethernet, Frame.ethernet(EtherType(length: v4.count + 8), Frame.snap(.ipv4, v4))),
    (.ethernet, Frame.ethernet(EtherType(length: v4.count + 3), [6, 6, 3] + v4)),
    (.tokenRing, [0x10, 0x40] + zeros(12) + Frame.snap(.ipv4, v4)),
    (.tokenRing, [0x10, 0x40] + zeros(6) + [0x80] + zeros(5) + [2, 0] + Frame.snap(.ipv4, v4)),
    (.arcnet, [1, 2, 240] + v4), (.arcnet, [1, 2, 212, 0, 0, 0] + v4),
    (.arcnetLinux, [1, 2, 0, 0, 212, 0, 0, 0] + v4),
    (.slip, [0, 0x40] + zeros(14) + v4), (.fddi, [0x50] + zeros(12) + Frame.snap(.ipv4, v4)),
    (.ppp, [0xFF, 3, 0, 0x21] + v4), (.ppp, [0, 0x21] + v4), (.ppp, [0x21] + v4),
    (.pppHDLC, [0xFF, 3, 0, 0x21] + v4), (.pppHDLC, [0x0F, 0, 8, 0] + v4),
    (.pppEther, Frame.pppoe(0x21, v4)), (.pppPPPD, [1, 3, 0, 0x21] + v4),
    (.pppWithDirection, [1, 0xFF, 3, 0, 0x21] + v4),
    (.atmRFC1483, Frame.snap(.ipv4, v4)), (.atmRFC1483, [0xFE, 0xFE, 3, 0xCC] + v4),
    (.atmRFC1483, [0xAA, 0xAA, 3, 0, 0x80, 0xC2, 0, 7, 0, 0] + Frame.ethernet(.ipv4, v4)),
    (.atmCLIP, v4), (.atmCLIP, Frame.snap(.ipv4, v4)),
    (.sunATM, [2, 0, 0, 5] + Frame.snap(.ipv4, v4)),
    (.raw, v4), (.ipv4, v4), (.ciscoHDLC, [0x0F, 0, 8, 0] + v4),
    (.ciscoHDLCWithDirection, [1, 0x0F, 0, 8, 0] + v4),
    (.frameRelay, [0x18, 0x41, 3, 0xCC] + v4), (.frameRelay, [0x18, 0x41, 8, 0] + v4),
    (.frameRelay, [0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0] + v4),
    (.frameRelay, [0x18, 0x40, 0x41, 3, 0xCF, 0, 0x21] + v4),
    (.frameRelay, [0x18, 0x41, 3, 0x80, 0, 0x80, 0xC2, 0, 7] + Frame.ethernet(.ipv4, v4)),
    (.frameRelayWithDirection, [0, 0x18, 0x41, 3, 0xCC] + v4),
    (.mfr, [0xC0, 1, 0x18, 0x41, 3, 0xCC] + v4),
    (.ieee80211, [8, 1] + zeros(22) + Frame.snap(.ipv4, v4)),
    (.ieee80211, [0x88, 3] + zeros(30) + Frame.snap(.ipv4, v4)),
    (.ieee80211, [0x88, 1] + zeros(22) + [0x80, 0] + zeros(14) + Frame.snap(.ipv4, v4)),
    (.radiotap, [0, 0, 8, 0, 0, 0, 0, 0, 8, 1] + zeros(22) + Frame.snap(.ipv4, v4)),
    // Radiotap's flags say that the header is padded from 26 to 28 bytes.
    (
      .radiotap,
      [0, 0, 9, 0, 2, 0, 0, 0, 0x20, 0x88, 1] + zeros(26) + Frame.snap(.ipv4, v4)
    ),
    (.ppi, [0, 0, 8, 0, 105, 0, 0, 0, 8, 1] + zeros(22) + Frame.snap(.ipv4, v4)),
    (.prism, [0x44, 0, 0, 0] + zeros(140) + [8, 1] + zeros(22) + Frame.snap(.ipv4, v4)),
    (
      .avs,
      [0x80, 0x21, 0x10, 1, 0, 0, 0, 64] + zeros(56) + [8, 1] + zeros(22) + Frame.snap(.ipv4, v4)
    ),
    (.linuxSLL, zeros(14) + [8, 0] + v4), (.linuxSLL, zeros(14) + [0, 4] + Frame.snap(.ipv4, v4)),
    (.linuxSLL2, [8, 0] + zeros(18) + v4), (.pflog, [61, 2] + zeros(62) + v4),
    (.mpls, Frame.mpls([16], v4)), (.netAnalyzer, zeros(4) + Frame.ethernet(.ipv4, v4)),
    (
      .nflog,
      [2, 0, 0, 0, 6, 0, 1, 0, 7, 7, 0, 0] + Frame.little(UInt16(v4.count + 4)) + [9, 0] + v4
    ),
    (.pktap, [12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0] + Frame.ethernet(.ipv4, v4)),
    (.broadcomTag, zeros(16) + [8, 0] + v4), (.marvellDSA, zeros(16) + [8, 0] + v4),
    (.marvellEDSA, zeros(20) + [8, 0] + v4),
    (.broadcomTagPrepended, zeros(4) + Frame.ethernet(.ipv4, v4)),
  ]

  @Test("finds IPv4 in frames of every link type", arguments: frames)
  func everyLinkType(type: LinkType, frame: [UInt8]) {
    #expect(DecodedFrame(frame, linkType: type).description == LinkLayerTests.v4Text)
  }

  @Test("has a test for every link type but those that are IPv6 or unsupported")
  func coverage() {
    let covered = Set(LinkLayerTests.frames.map(\.0))
    #expect(Set(LinkType.allCases).subtracting(covered) == [.ipv6, .unsupported])
  }

  static let frames6: [(LinkType, [UInt8])] = [
    (.null, [30, 0, 0, 0] + v6), (.null, [24, 0, 0, 0] + v6), (.null, [28, 0, 0, 0] + v6),
    (.loop, [0, 0, 0, 24] + v6), (.ethernet, Frame.ethernet(.ipv6, v6)), (.raw, v6), (.ipv6, v6),
    (.ppp, [0, 0x57] + v6), (.frameRelay, [0x18, 0x41, 3, 0x8E] + v6),
    (.linuxSLL, zeros(14) + [0x86, 0xDD] + v6), (.pflog, [61, 24] + zeros(62) + v6),
    (.ethernet, Frame.ethernet(0x8847, Frame.mpls([16, 17], v6))),
  ]

  @Test("finds IPv6", arguments: frames6)
  func ipv6(type: LinkType, frame: [UInt8]) {
    #expect(DecodedFrame(frame, linkType: type).description == LinkLayerTests.v6Text)
  }

  static let shims: [[UInt8]] = [
    Frame.ethernet(0x8100, Frame.vlan(5, .ipv4, v4)),
    Frame.ethernet(0x88A8, Frame.vlan(5, 0x8100, Frame.vlan(6, .ipv4, v4))),
    Frame.ethernet(0x9100, Frame.vlan(5, 0x9200, Frame.vlan(6, 0x9300, Frame.vlan(7, .ipv4, v4)))),
    Frame.ethernet(0x8847, Frame.mpls([1000], v4)),
    Frame.ethernet(0x8848, Frame.mpls([1, 2, 3, 4], v4)),
    // Pseudowires, with and without a control word.
    Frame.ethernet(0x8847, Frame.mpls([9], [0, 0, 0, 0] + Frame.ethernet(.ipv4, v4))),
    Frame.ethernet(0x8847, Frame.mpls([9], Frame.ethernet(.ipv4, v4))),
    Frame.ethernet(0x8864, Frame.pppoe(0x21, v4)),
    Frame.ethernet(0x8100, Frame.vlan(5, 0x8864, Frame.pppoe(0x21, v4))),
    Frame.ethernet(0x88E7, [0, 0, 0, 1] + Frame.ethernet(.ipv4, v4)),
    Frame.ethernet(0x8926, [0, 0, 0, 0] + [8, 0] + v4),
    Frame.ethernet(0x8903, [0, 0] + Frame.ethernet(.ipv4, v4)),
    Frame.ethernet(0x8909, [1, 1, 0, 1, 0, 9] + [8, 0] + v4),
    Frame.ethernet(0x894F, [0, 2, 1, 1, 0, 0, 0, 0] + v4),
    Frame.ethernet(0x894F, [0, 2, 1, 3, 0, 0, 0, 0] + Frame.ethernet(.ipv4, v4)),
    Frame.ethernet(0x88E5, [0, 0, 0, 0, 0, 1] + [8, 0] + v4),
    Frame.ethernet(0x88E5, [0x20, 0, 0, 0, 0, 1] + zeros(8) + [8, 0] + v4),
  ]

  @Test("finds IPv4 behind tags, labels and shims", arguments: shims)
  func shim(frame: [UInt8]) {
    let decoded = DecodedFrame(frame)
    #expect(decoded.description == LinkLayerTests.v4Text)
    #expect(!decoded.flags.contains(.insideTunnel))
  }

  @Test("reads eight tags and gives up at nine")
  func manyTags() {
    func tagged(_ count: Int) -> [UInt8] {
      let inner = (1..<count).reduce(Frame.vlan(1, .ipv4, LinkLayerTests.v4)) { inner, id in
        Frame.vlan(UInt16(id), 0x8100, inner)
      }
      return Frame.ethernet(0x8100, inner)
    }
    #expect(DecodedFrame(tagged(8)).outcome == .mapped)
    #expect(DecodedFrame(tagged(9)).outcome == .notIP)
  }

  static let others: [(LinkType, [UInt8])] = [
    (.ethernet, Frame.ethernet(.arp, zeros(28))), (.ethernet, Frame.ethernet(0x88CC, zeros(28))),
    // Spanning tree over LLC, PPP's own protocols, PPPoE discovery, SLARP.
    (.ethernet, Frame.ethernet(38, [0x42, 0x42, 3] + zeros(35))),
    (.ppp, [0xFF, 3, 0xC0, 0x21] + zeros(10)),
    (.ethernet, Frame.ethernet(0x8864, [0x11, 9, 0, 0, 0, 0] + zeros(10))),
    (.ciscoHDLC, [0x8F, 0, 0x80, 0x35] + zeros(14)),
    // A beacon, an encrypted frame, a frame without body.
    (.ieee80211, [0x80, 0] + zeros(40)), (.ieee80211, [8, 0x41] + zeros(60)),
    (.ieee80211, [0x48, 1] + zeros(22)), (.null, [7, 0, 0, 0] + zeros(20)),
    (.linuxSLL, [0, 0, 3, 0x38] + zeros(10) + [8, 0] + v4),
  ]

  @Test("counts frames without IP as such", arguments: others)
  func notIP(type: LinkType, frame: [UInt8]) {
    #expect(DecodedFrame(frame, linkType: type) == DecodedFrame(.notIP))
  }

  @Test("counts link types that it does not read as such")
  func unsupported() {
    #expect(LinkType(number: 227) == .unsupported)
    #expect(LinkType(number: 70000) == .unsupported)
    let frame = LinkLayerTests.v4
    #expect(DecodedFrame(frame, linkType: .unsupported) == DecodedFrame(.unsupportedLinkType))
  }
}
