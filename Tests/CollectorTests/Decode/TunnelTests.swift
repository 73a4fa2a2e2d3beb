import TestSupport
import Testing
import Wire

@testable import Collector

@Suite struct TunnelTests {
  static let inner4 = Frame.ipv4("10.0.0.1", "10.0.0.2", protocolNumber: 6, Frame.tcp(1234, 80))
  static let inner6 = Frame.ipv6("fd00::1", "fd00::2", nextHeader: 6, Frame.tcp(1234, 80))
  static let frame4 = Frame.ethernet(.ipv4, inner4)

  private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
  private static func v4(_ number: UInt8, _ payload: [UInt8]) -> [UInt8] {
    Frame.ethernet(.ipv4, Frame.ipv4(protocolNumber: number, payload))
  }
  private static func v6(_ number: UInt8, _ payload: [UInt8]) -> [UInt8] {
    Frame.ethernet(.ipv6, Frame.ipv6(nextHeader: number, payload))
  }
  private static func udp(_ port: UInt16, _ payload: [UInt8]) -> [UInt8] {
    v4(17, Frame.udp(50000, port, payload))
  }
  private static func gtp(_ flags: UInt8, _ middle: [UInt8], _ packet: [UInt8]) -> [UInt8] {
    udp(
      2152,
      [flags, 0xFF] + Frame.big(UInt16(middle.count + packet.count)) + [0, 0, 0, 1]
        + middle + packet)
  }

  /// Name, frame, and the inner packet's family.
  static let tunnels: [(String, [UInt8], Int)] = [
    ("IP in IP", v4(4, inner4), 4), ("6in4", v4(41, inner6), 6), ("4in6", v6(4, inner4), 4),
    ("6in6", v6(41, inner6), 6),
    (
      "IP in IP in 802.1Q",
      Frame.ethernet(0x8100, Frame.vlan(3, .ipv4, Frame.ipv4(protocolNumber: 4, inner4))), 4
    ),
    ("GRE", v4(47, [0, 0, 8, 0] + inner4), 4),
    ("GRE over IPv6", v6(47, [0, 0, 0x86, 0xDD] + inner6), 6),
    ("GRE with checksum, key and sequence", v4(47, [0xB0, 0, 8, 0] + zeros(12) + inner4), 4),
    ("GRE with Ethernet", v4(47, [0x20, 0, 0x65, 0x58] + zeros(4) + frame4), 4),
    ("GRE with MPLS", v4(47, [0, 0, 0x88, 0x47] + Frame.mpls([5], inner4)), 4),
    ("GRE with PPP", v4(47, [0, 0, 0x88, 0x0B, 0xFF, 3, 0, 0x21] + inner4), 4),
    ("PPTP", v4(47, [0x30, 0x81, 0x88, 0x0B] + zeros(12) + [0xFF, 3, 0, 0x21] + inner4), 4),
    ("WCCP version 1", v4(47, [0, 0, 0x88, 0x3E] + inner4), 4),
    ("WCCP version 2", v4(47, [0, 0, 0x88, 0x3E] + zeros(4) + inner4), 4),
    ("Aruba", v4(47, [0, 0, 0x82, 0, 8, 1] + zeros(22) + Frame.snap(.ipv4, inner4)), 4),
    ("ERSPAN type I", v4(47, [0, 0, 0x88, 0xBE] + frame4), 4),
    ("ERSPAN type II", v4(47, [0x10, 0, 0x88, 0xBE] + zeros(4) + [0x10] + zeros(7) + frame4), 4),
    ("ERSPAN type III", v4(47, [0x10, 0, 0x22, 0xEB] + zeros(4) + [0x20] + zeros(11) + frame4), 4),
    (
      "ERSPAN type III with a platform's header",
      v4(47, [0x10, 0, 0x22, 0xEB] + zeros(4) + [0x20] + zeros(10) + [1] + zeros(8) + frame4), 4
    ),
    (
      "ERSPAN type III with IP",
      v4(47, [0x10, 0, 0x22, 0xEB] + zeros(4) + [0x20] + zeros(9) + [8, 0] + inner4), 4
    ),
    ("EtherIP", v4(97, [0x30, 0] + frame4), 4),
    ("MPLS in IP", v4(137, Frame.mpls([5], inner4)), 4),
    ("VXLAN", udp(4789, [8, 0, 0, 0, 0, 0, 5, 0] + frame4), 4),
    ("VXLAN at Linux's port", udp(8472, [8, 0, 0, 0, 0, 0, 5, 0] + frame4), 4),
    ("VXLAN with group policy", udp(4789, [0x88, 0, 0, 9, 0, 0, 5, 0] + frame4), 4),
    ("VXLAN-GPE", udp(4790, [0x0C, 0, 0, 1, 0, 0, 5, 0] + inner4), 4),
    (
      "VXLAN-GPE with NSH",
      udp(4790, [0x0C, 0, 0, 4, 0, 0, 5, 0] + [0, 2, 1, 2, 0, 0, 0, 0] + inner6), 6
    ),
    ("Geneve", udp(6081, [0, 0, 0x65, 0x58, 0, 0, 5, 0] + frame4), 4),
    ("Geneve with options", udp(6081, [2, 0, 8, 0, 0, 0, 5, 0] + zeros(8) + inner4), 4),
    ("GTP-U", gtp(0x30, [], inner4), 4), ("GTP-U with sequence", gtp(0x32, zeros(4), inner6), 6),
    ("GTP-U with extensions", gtp(0x34, [0, 0, 0, 0x85, 1, 0, 0, 0xC0, 1, 0, 0, 0], inner4), 4),
    ("Teredo", udp(3544, inner6), 6),
    (
      "Teredo with authentication and origin",
      udp(3544, [0, 1, 0, 0] + zeros(9) + zeros(8) + inner6), 6
    ),
  ]

  @Test("maps the packet inside of a tunnel", arguments: tunnels)
  func inner(name: String, frame: [UInt8], family: Int) {
    let decoded = DecodedFrame(frame)
    let text = family == 4 ? "10.0.0.1:1234 > 10.0.0.2:80 6" : "fd00::1:1234 > fd00::2:80 6"
    #expect(decoded.description == text, "\(name)")
    #expect(decoded.flags == .insideTunnel, "\(name)")
    let length = family == 4 ? TunnelTests.inner4.count : TunnelTests.inner6.count
    #expect(decoded.lengthBytes == length, "\(name)")
  }

  @Test("maps the carrying packet where tunnels are not to be opened", arguments: tunnels)
  func outer(name: String, frame: [UInt8], family: Int) {
    let decoded = DecodedFrame(frame, decapsulate: false)
    #expect(decoded.outcome == .mapped)
    #expect(decoded.flags == [], "\(name)")
    #expect([IPAddress("192.0.2.1"), IPAddress("2001:db8::1")].contains(decoded.source))
  }

  @Test("maps the carrying packet where the one inside is cut off", arguments: tunnels)
  func cutInside(name: String, frame: [UInt8], family: Int) {
    // Without TCP (20) and half of the inner IP header.
    let kept = frame.count - 20 - (family == 4 ? 10 : 20)
    let decoded = DecodedFrame(Array(frame.prefix(kept)), originalLength: frame.count)
    #expect(decoded.outcome == .mapped)
    #expect(!decoded.flags.contains(.insideTunnel), "\(name)")
  }

  static let noTunnels: [(String, [UInt8])] = [
    ("VXLAN without the I flag", udp(4789, [0, 0, 0, 0, 0, 0, 5, 0] + frame4)),
    ("VXLAN with a reserved byte", udp(4789, [8, 0, 0, 0, 0, 0, 5, 1] + frame4)),
    ("VXLAN with ARP", udp(4789, [8, 0, 0, 0, 0, 0, 5, 0] + Frame.ethernet(.arp, zeros(28)))),
    ("GTP signalling", udp(2152, [0x32, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0])),
    (
      "GTP with a length beyond the packet",
      gtp(0x30, [], Frame.ipv4(protocolNumber: 6, totalLength: 900, Frame.tcp(1, 2)))
    ),
    ("Geneve of another version", udp(6081, [0x40, 0, 8, 0, 0, 0, 5, 0] + inner4)),
    ("DNS at Teredo's port", udp(3544, [0x12, 0x34, 1, 0] + zeros(40))),
    ("GRE of version 2", v4(47, [0, 2, 8, 0] + inner4)),
    ("GRE with routing", v4(47, [0x40, 0, 8, 0] + zeros(4) + inner4)),
    ("IP in IP with nothing", v4(4, [])), ("6in4 with IPv4", v4(41, inner4)),
  ]

  @Test("does not take for a tunnel what is none", arguments: noTunnels)
  func notATunnel(name: String, frame: [UInt8]) {
    let decoded = DecodedFrame(frame)
    #expect(decoded.outcome == .mapped, "\(name)")
    #expect(decoded.flags == [], "\(name)")
    #expect(decoded.source == IPAddress("192.0.2.1"), "\(name)")
  }

  @Test("opens as many tunnels in each other as asked, and maps what is there then")
  func depth() {
    // 10.9.0.5 in … in 10.9.0.1: five tunnels around TCP.
    var packet = TunnelTests.inner4
    for level in (1...5).reversed() {
      packet = Frame.ipv4("10.9.0.\(level)", "10.9.9.9", protocolNumber: 4, packet)
    }
    let frame = Frame.ethernet(.ipv4, packet)
    for depth in 0...5 {
      let decoded = DecodedFrame(frame, tunnelDepthMax: depth)
      let source = depth == 5 ? "10.0.0.1" : "10.9.0.\(depth + 1)"
      #expect(decoded.source == IPAddress(source))
      #expect(decoded.flags == (depth == 0 ? [] : .insideTunnel))
    }
  }
}
