import TestSupport
import Testing
import Wire

@testable import Collector

@Suite struct FragmentTests {
  private let second: UInt64 = 1_000_000_000

  private func v4(_ offset: Int, more: Bool, identification: UInt16 = 7) -> [UInt8] {
    Frame.ethernet(
      .ipv4,
      Frame.ipv4(
        protocolNumber: 17, identification: identification, fragmentOffset: offset,
        moreFragments: more,
        offset == 0 ? Frame.udp(5000, 53, [UInt8](repeating: 0, count: 16)) : [9, 9, 9, 9]))
  }

  private func v6(_ offset: Int, more: Bool, identification: UInt32 = 7) -> [UInt8] {
    let payload =
      offset == 0 ? Frame.udp(5000, 53, [UInt8](repeating: 0, count: 16)) : [9, 9, 9, 9]
    return Frame.ethernet(
      .ipv6,
      Frame.ipv6(
        nextHeader: 44,
        Frame.ipv6Fragment(
          next: 17, offset: offset, moreFragments: more, identification: identification, payload)))
  }

  @Test("gives later fragments the ports of the first")
  func laterFragments() {
    var decoder = FrameDecoder()
    for (first, later) in [
      (v4(0, more: true), v4(24, more: false)), (v6(0, more: true), v6(24, more: false)),
    ] {
      let a = DecodedFrame(decoding: first, by: &decoder)
      let b = DecodedFrame(decoding: later, timestampNs: 29 * second, by: &decoder)
      #expect((a.sourcePort, a.destinationPort, a.protocolNumber) == (5000, 53, 17))
      #expect((b.sourcePort, b.destinationPort, b.protocolNumber) == (5000, 53, 17))
      #expect(b.flags == [])
    }
  }

  @Test("says of later fragments whose first was not seen that their ports are unknown")
  func withoutFirst() {
    for frame in [v4(24, more: false), v6(24, more: true)] {
      let decoded = DecodedFrame(frame)
      #expect(decoded.flags == .fragmentWithoutPorts)
      #expect((decoded.sourcePort, decoded.destinationPort) == (0, 0))
      #expect(decoded.protocolNumber == 17)
    }
  }

  @Test("forgets a first fragment after 30 s of capture time, forwards or backwards")
  func expiry() {
    var decoder = FrameDecoder()
    let frame = v4(24, more: false)
    _ = DecodedFrame(decoding: v4(0, more: true), timestampNs: 100 * second, by: &decoder)
    for (seconds, isKnown) in [(70, true), (130, true), (69, false), (131, false)] {
      let decoded = DecodedFrame(
        decoding: frame, timestampNs: UInt64(seconds) * second, by: &decoder)
      #expect(decoded.flags.isEmpty == isKnown, "\(seconds)")
    }
  }

  @Test("keeps datagrams apart by identification, and survives more of them than it has room for")
  func manyDatagrams() {
    var decoder = FrameDecoder()
    _ = DecodedFrame(decoding: v4(0, more: true, identification: 1), by: &decoder)
    #expect(
      DecodedFrame(decoding: v4(24, more: false, identification: 2), by: &decoder).flags
        == .fragmentWithoutPorts)
    for identification in 0..<UInt16.max {
      let first = v4(0, more: true, identification: identification)
      let later = v4(24, more: false, identification: identification)
      _ = DecodedFrame(decoding: first, timestampNs: UInt64(identification), by: &decoder)
      let decoded = DecodedFrame(
        decoding: later, timestampNs: UInt64(identification), by: &decoder)
      guard decoded.destinationPort == 53 else {
        Issue.record("datagram \(identification) was forgotten at once")
        return
      }
    }
  }

  @Test("reads an IPv6 packet that is a fragment of itself alone")
  func atomicFragment() {
    let decoded = DecodedFrame(v6(0, more: false))
    #expect(decoded.destinationPort == 53)
    #expect(decoded.flags == [])
  }
}
