internal import Wire

/// Ports and flags of the transport protocols.
enum TransportLayer {
  /// Whether records of protocol `number` carry something in their port fields.
  @inline(__always)
  static func hasPorts(_ number: UInt8) -> Bool {
    switch number {
    case IPProtocolNumber.tcp, IPProtocolNumber.udp, IPProtocolNumber.sctp, IPProtocolNumber.dccp,
      IPProtocolNumber.udplite, IPProtocolNumber.icmp, IPProtocolNumber.icmpv6:
      true
    default: false
    }
  }

  /// Reads the header at the start of `bytes` into `headers`, whose protocol is known.
  static func decode(_ bytes: PacketBytes, into headers: inout PacketHeaders) {
    let number = headers.protocolNumber
    guard hasPorts(number) else { return }
    if number == IPProtocolNumber.icmp || number == IPProtocolNumber.icmpv6 {
      guard bytes.has(2) else {
        headers.flags.insert(.portsCutOff)
        return
      }
      headers.destinationPort = bytes.half(0)
      return
    }
    guard bytes.has(4) else {
      headers.flags.insert(.portsCutOff)
      return
    }
    headers.sourcePort = bytes.half(0)
    headers.destinationPort = bytes.half(2)
    switch number {
    case IPProtocolNumber.tcp:
      if bytes.has(14) { headers.tcpFlags = TCPFlags(rawValue: bytes.byte(13)) }
    case IPProtocolNumber.sctp:
      if bytes.has(13) { headers.tcpFlags = flags(ofSCTPChunk: bytes.byte(12)) }
    case IPProtocolNumber.dccp:
      if bytes.has(9) { headers.tcpFlags = flags(ofDCCPType: bytes.byte(8) >> 1 & 15) }
    default: break
    }
  }

  /// RFC 9260 section 3.2.
  private static func flags(ofSCTPChunk type: UInt8) -> TCPFlags {
    switch type {
    case 1: .syn
    case 2: [.syn, .ack]
    case 6: .rst
    case 7, 14: .fin
    default: .ack
    }
  }

  /// RFC 4340 section 5.1.
  private static func flags(ofDCCPType type: UInt8) -> TCPFlags {
    switch type {
    case 0: .syn
    case 1: [.syn, .ack]
    case 5, 6: .fin
    case 7: .rst
    default: .ack
    }
  }
}

extension FrameDecoder {
  /// Walks over extension headers to the transport layer, reads that, and looks into a tunnel.
  ///
  /// - Parameters:
  ///   - bytes: what follows the IP header, without the link layer's padding.
  ///   - fragment: the datagram's name where this is the first fragment of several.
  ///   - headers: with the IP header's addresses and protocol.
  mutating func decodePayload(
    _ bytes: PacketBytes, fragment: FragmentTable.Key?, at timestampNs: UInt64, depth: Int,
    into headers: inout PacketHeaders
  ) {
    var bytes = bytes
    var fragment = fragment
    var extensions = 0
    while IPv6Extension.isOne(headers.protocolNumber) {
      let number = headers.protocolNumber
      // IPv4 has the authentication header only; the other numbers mean nothing special there.
      if headers.addresses6 == nil && number != IPv6Extension.authentication { return }
      extensions += 1
      guard extensions <= IPv6Extension.countMax, bytes.has(8) else {
        headers.flags.insert(.portsCutOff)
        return
      }
      let next = bytes.byte(0)
      // Mobility, HIP and shim6 messages have nothing behind them and are what the packet is about.
      if next == IPv6Extension.noNextHeader && number >= IPv6Extension.mobility { return }
      let length = IPv6Extension.length(of: number, bytes)
      headers.protocolNumber = next
      if number == IPv6Extension.fragment, let addresses = headers.addresses6 {
        let position = bytes.half(2)
        let key = FragmentTable.Key(addresses: addresses, identification: bytes.word(4))
        if position & 0xFFF8 != 0 {
          takePorts(ofFragment: key, at: timestampNs, into: &headers)
          return
        }
        if position & 1 != 0 { fragment = key }
      }
      guard bytes.has(length) else {
        if TransportLayer.hasPorts(next) || IPv6Extension.isOne(next) {
          headers.flags.insert(.portsCutOff)
        }
        return
      }
      bytes = bytes.dropping(length)
    }
    TransportLayer.decode(bytes, into: &headers)
    if let fragment, !headers.flags.contains(.portsCutOff) {
      fragments.remember(
        FragmentTable.Ports(
          source: headers.sourcePort, destination: headers.destinationPort,
          protocolNumber: headers.protocolNumber),
        of: fragment, at: timestampNs)
    }
    guard depth < tunnelDepthMax else { return }
    let inner = Tunnel.inside(bytes, headers, isFragment: fragment != nil)
    var innerHeaders = PacketHeaders()
    let outcome: PacketOutcome =
      switch inner {
      case .none(let reason): reason
      case .ipv4(let bytes):
        decodeIPv4(bytes, at: timestampNs, depth: depth + 1, into: &innerHeaders)
      case .ipv6(let bytes):
        decodeIPv6(bytes, at: timestampNs, depth: depth + 1, into: &innerHeaders)
      }
    if outcome == .mapped {
      headers = innerHeaders
      headers.flags.insert(.insideTunnel)
    }
  }
}
