import TestSupport
import Testing
import Wire

@testable import Collector

@Suite struct FrameDecoderTests {
  private func v4(
    _ protocolNumber: UInt8, _ payload: [UInt8], options: [UInt8] = [], totalLength: Int? = nil
  ) -> [UInt8] {
    Frame.ethernet(
      .ipv4,
      Frame.ipv4(
        protocolNumber: protocolNumber, options: options, totalLength: totalLength, payload))
  }

  @Test("reads addresses, ports, flags and length of TCP over IPv4, padding left out")
  func tcp() {
    let frame = v4(6, Frame.tcp(40000, 443, flags: 0x12)) + [0, 0, 0, 0, 0, 0]
    let decoded = DecodedFrame(frame)
    #expect(decoded.description == "192.0.2.1:40000 > 198.51.100.2:443 6")
    #expect(decoded.tcpFlags == [.syn, .ack])
    #expect(decoded.lengthBytes == 40)
    #expect(decoded.flags == [])
  }

  @Test("gives the same answer on the fast way and on the general one")
  func bothWays() {
    let frames = [
      v4(6, Frame.tcp(40000, 443, flags: 0x18, [1, 2, 3])),
      v4(17, Frame.udp(40000, 53, [UInt8](repeating: 1, count: 40))),
      v4(17, Frame.udp(40000, 4789, [UInt8](repeating: 0, count: 40))),
    ]
    for frame in frames {
      // The fast way takes one tag, and steps aside for two.
      let tagged = Array(frame.prefix(12)) + [0x81, 0, 0, 5] + Array(frame.dropFirst(12))
      let twice = Array(tagged.prefix(12)) + [0x81, 0, 0, 6] + Array(tagged.dropFirst(12))
      #expect(DecodedFrame(frame) == DecodedFrame(twice))
      #expect(DecodedFrame(tagged) == DecodedFrame(twice))
    }
  }

  @Test("reads IPv4 with options")
  func options() {
    let frame = v4(17, Frame.udp(5353, 5353), options: [UInt8](repeating: 1, count: 40))
    #expect(DecodedFrame(frame).description == "192.0.2.1:5353 > 198.51.100.2:5353 17")
  }

  @Test(
    "reads IPv6 behind extension headers",
    arguments: [0, 43, 60, 135, 139, 140] as [UInt8])
  func extensions(number: UInt8) {
    let inner = Frame.ipv6Extension(next: 6, Frame.tcp(1, 2, flags: 2))
    let frame = Frame.ethernet(.ipv6, Frame.ipv6(nextHeader: number, inner))
    let decoded = DecodedFrame(frame)
    #expect(decoded.description == "2001:db8::1:1 > 2001:db8::2:2 6")
    #expect(decoded.lengthBytes == 40 + 8 + 20)
    #expect(decoded.tcpFlags == .syn)
  }

  @Test("gives up after sixteen extension headers")
  func manyExtensions() {
    func chain(_ count: Int) -> [UInt8] {
      var inner = Frame.ipv6Extension(next: 17, Frame.udp(1, 2))
      for _ in 1..<count { inner = Frame.ipv6Extension(next: 60, inner) }
      return Frame.ethernet(.ipv6, Frame.ipv6(nextHeader: 60, inner))
    }
    #expect(DecodedFrame(chain(16)).destinationPort == 2)
    #expect(DecodedFrame(chain(17)).flags == .portsCutOff)
  }

  @Test("reads behind an authentication header in both families")
  func authentication() {
    let header: [UInt8] = [6, 4, 0, 0] + [UInt8](repeating: 0, count: 20)
    let inner = header + Frame.tcp(5, 6)
    #expect(DecodedFrame(v4(51, inner)).description == "192.0.2.1:5 > 198.51.100.2:6 6")
    let v6 = Frame.ethernet(.ipv6, Frame.ipv6(nextHeader: 51, inner))
    #expect(DecodedFrame(v6).description == "2001:db8::1:5 > 2001:db8::2:6 6")
  }

  @Test("puts ICMP's type and code where NetFlow has them, and looks no further")
  func icmp() {
    let quoted = Frame.ipv4("10.0.0.1", "10.0.0.2", protocolNumber: 17, Frame.udp(1, 2))
    let decoded = DecodedFrame(v4(1, Frame.icmp(type: 3, code: 4, quoted)))
    #expect(decoded.description == "192.0.2.1:0 > 198.51.100.2:772 1")
    let v6 = Frame.ipv6(nextHeader: 58, Frame.icmp(type: 128, code: 0))
    #expect(DecodedFrame(Frame.ethernet(.ipv6, v6)).destinationPort == 128 << 8)
  }

  @Test(
    "writes SCTP's chunks and DCCP's types as TCP flags",
    arguments: [
      (132, 1, .syn), (132, 2, [.syn, .ack]), (132, 6, .rst), (132, 7, .fin), (132, 14, .fin),
      (132, 0, .ack), (132, 3, .ack), (33, 0, .syn), (33, 1, [.syn, .ack]), (33, 7, .rst),
      (33, 5, .fin), (33, 6, .fin), (33, 2, .ack),
    ] as [(UInt8, UInt8, TCPFlags)])
  func handshakes(protocolNumber: UInt8, type: UInt8, flags: TCPFlags) {
    let payload =
      protocolNumber == 132 ? Frame.sctp(7, 8, chunk: type) : Frame.dccp(7, 8, type: type)
    let decoded = DecodedFrame(v4(protocolNumber, payload))
    #expect(decoded.tcpFlags == flags)
    #expect((decoded.sourcePort, decoded.destinationPort) == (7, 8))
  }

  @Test("maps other protocols without ports", arguments: [2, 50, 89, 112, 255] as [UInt8])
  func otherProtocols(number: UInt8) {
    let decoded = DecodedFrame(v4(number, [1, 2, 3, 4, 5, 6, 7, 8]))
    #expect(decoded.description == "192.0.2.1:0 > 198.51.100.2:0 \(number)")
    #expect(decoded.flags == [])
  }

  // MARK: - Lengths and cuts

  @Test("takes the frame's length where a card was to cut the packet up")
  func segmentationOffload() {
    let v4Frame = v4(6, Frame.tcp(1, 2), totalLength: 0)
    #expect(DecodedFrame(v4Frame, originalLength: 14 + 70_000).lengthBytes == 70_000)
    let v6 = Frame.ipv6(nextHeader: 6, payloadLength: 0, Frame.tcp(1, 2))
    let decoded = DecodedFrame(Frame.ethernet(.ipv6, v6), originalLength: 14 + 80_000)
    #expect(decoded.lengthBytes == 80_000)
    #expect(decoded.destinationPort == 2)
  }

  @Test("keeps what a snaplen left: ports without flags, or neither")
  func snaplen() {
    let frame = v4(6, Frame.tcp(1000, 2000, flags: 2))
    let whole = frame.count
    for captured in 0...whole {
      let decoded = DecodedFrame(Array(frame.prefix(captured)), originalLength: whole)
      switch captured {
      case 0..<34: #expect(decoded == DecodedFrame(.truncated), "\(captured)")
      case 34..<38:
        #expect(decoded.flags == .portsCutOff)
        #expect(decoded.destinationPort == 0)
      case 38..<48:
        #expect(decoded.destinationPort == 2000)
        #expect(decoded.tcpFlags == [])
      default:
        #expect(decoded.tcpFlags == .syn)
      }
      if captured >= 34 { #expect(decoded.lengthBytes == 40) }
    }
  }

  static let malformed: [[UInt8]] = [
    // Frames that were never longer.
    [], [1, 2, 3], Array(Frame.ethernet(.ipv4, [])), Frame.ethernet(.ipv4, [0x45, 0, 0]),
    Frame.ethernet(.ipv6, [0x60]), Frame.ethernet(0x8100, [0]),
    // Another version, a short header, a total length within the header, a header beyond the frame.
    Frame.ethernet(.ipv4, [0x65] + [UInt8](repeating: 0, count: 40)),
    Frame.ethernet(.ipv6, [0x45] + [UInt8](repeating: 0, count: 40)),
    Frame.ethernet(.ipv4, [0x44] + [UInt8](repeating: 0, count: 40)),
    Frame.ethernet(.ipv4, Frame.ipv4(protocolNumber: 6, totalLength: 19, Frame.tcp(1, 2))),
    Frame.ethernet(.ipv4, [0x4F, 0, 0, 60] + [UInt8](repeating: 0, count: 20)),
  ]

  @Test("counts headers that contradict themselves as malformed", arguments: malformed)
  func malformedHeaders(frame: [UInt8]) {
    #expect(DecodedFrame(frame) == DecodedFrame(.malformed))
  }

  @Test("maps a packet that claims more than was on the wire: switches cut mirrored frames")
  func shorterThanItClaims() {
    let decoded = DecodedFrame(v4(6, Frame.tcp(1, 2), totalLength: 1500))
    #expect(decoded.lengthBytes == 1500)
    #expect(decoded.destinationPort == 2)
  }

  @Test("does not read ports out of the link layer's padding")
  func padding() {
    let frame = v4(6, [], totalLength: 20) + [UInt8](repeating: 9, count: 26)
    let decoded = DecodedFrame(frame)
    #expect(decoded.flags == .portsCutOff)
    #expect(decoded.destinationPort == 0)
  }
}
