import TestSupport
import Testing
import Wire

@testable import Collector

@Suite struct PacketFilterTests {
  private static let https = Frame.ipv4(protocolNumber: 6, Frame.tcp(40000, 443))
  private static let dns = Frame.ipv4(protocolNumber: 17, Frame.udp(40000, 53))
  /// TCP plain, TCP in VLAN 5, TCP in VLAN 6 within 5, TCP behind MPLS, DNS plain, DNS in VLAN 5,
  /// and ARP.
  private static let frames = [
    Frame.ethernet(.ipv4, https), Frame.ethernet(.vlan, Frame.vlan(5, .ipv4, https)),
    Frame.ethernet(0x88A8, Frame.vlan(5, .vlan, Frame.vlan(6, .ipv4, https))),
    Frame.ethernet(0x8847, Frame.mpls([7], https)), Frame.ethernet(.ipv4, dns),
    Frame.ethernet(.vlan, Frame.vlan(5, .ipv4, dns)),
    Frame.ethernet(.arp, [UInt8](repeating: 0, count: 28)),
  ]

  private func matching(_ expression: String) throws -> [Int] {
    var filter = try PacketFilter(expression)
    return PacketFilterTests.frames.indices.filter { index in
      PacketFilterTests.frames[index].withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return false }
        let packet = CapturedPacket(
          bytes: base, capturedLength: bytes.count, originalLength: bytes.count, timestampNs: 0,
          linkType: .ethernet)
        let network = LinkLayer.locate(
          .ethernet, PacketBytes(base, captured: bytes.count, original: bytes.count))
        return filter.matches(packet, network)
      }
    }
  }

  @Test(
    "finds packets by address and port whatever tags and labels they have",
    arguments: [
      ("tcp port 443", [0, 1, 2, 3]), ("udp", [4, 5]), ("port 53 or port 443", [0, 1, 2, 3, 4, 5]),
      ("host 192.0.2.1", [0, 1, 2, 3, 4, 5]), ("net 10.0.0.0/8", []), ("ip6", []),
      ("tcp[13] & 16 != 0", [0, 1, 2, 3]), ("ip[8] = 64", [0, 1, 2, 3, 4, 5]),
    ])
  func network(expression: String, expected: [Int]) throws {
    #expect(try matching(expression) == expected)
  }

  @Test(
    "means the same as in tcpdump where the link layer is asked for, and for frames without IP",
    arguments: [
      ("vlan 5 and tcp", [1]), ("vlan", [1, 2, 5]), ("arp", [6]), ("not tcp", [4, 5, 6]),
      ("not arp", [0, 1, 2, 3, 4, 5]), ("mpls 7", [3]),
      ("ether dst 02:00:00:00:00:01", Array(0..<7)),
      ("ether broadcast", []), ("ip multicast", []),
    ])
  func linkLevel(expression: String, expected: [Int]) throws {
    #expect(try matching(expression) == expected)
  }

  @Test(
    "agrees with tcpdump on filters about the link layer",
    .enabled(if: Tool("tcpdump").isInstalled),
    arguments: ["vlan 5 and tcp", "arp", "mpls 7", "ether multicast", "not arp", "vlan and vlan"])
  func tcpdump(expression: String) throws {
    let directory = try TemporaryDirectory()
    let file = try directory.write(
      PcapWriter.file(PacketFilterTests.frames.map { TestPacket($0) }), to: "a")
    let output = directory.path + "/b"
    let result = try Tool("tcpdump").run(["-r", file, "-w", output, expression])
    #expect(result.status == 0)
    let kept = try Reading(path: output).packets.map(\.bytes)
    #expect(try matching(expression).map { PacketFilterTests.frames[$0] } == kept)
  }

  @Test(
    "tells words about the link layer from names that contain them",
    arguments: [
      ("vlan 5", true), ("host vlan.example.net", false), ("tcp and (arp or ip)", true),
      ("ether[0] & 1 = 0", true), ("ip broadcast", false), ("broadcast", true),
      ("ip6 multicast", false), ("ether proto \\arp", true), ("port 80 and host arp-server", false),
      ("VLAN", true), ("type mgt", true), ("icmp[icmptype] = icmp-echo", false),
    ])
  func words(expression: String, isLinkLevel: Bool) {
    #expect(FilterWords.areLinkLevel(expression) == isLinkLevel)
  }

  @Test(
    "says what is wrong with a filter, in one line", arguments: ["tcp prot 80", "host", "(tcp"])
  func bad(expression: String) throws {
    let error = try #require(throws: CollectorError.self) {
      try CaptureFilter.check(expression)
    }
    #expect(error.description.hasPrefix("filter \"\(expression)\": "))
    #expect(!error.description.contains("\n"))
  }

  @Test("accepts filters that only some link types have", arguments: ["type mgt", "vlan 5", ""])
  func good(expression: String) throws {
    try CaptureFilter.check(expression)
  }
}
