internal import Wire

/// IPv4 and IPv6.
extension FrameDecoder {
  /// Decodes the IPv4 header at the start of `bytes` and what follows it (RFC 791 section 3.1).
  ///
  /// - Parameter depth: how many tunnels are around it.
  mutating func decodeIPv4(
    _ bytes: PacketBytes, at timestampNs: UInt64, depth: Int, into headers: inout PacketHeaders
  ) -> PacketOutcome {
    guard !bytes.has(1) || bytes.byte(0) >> 4 == 4 else { return .malformed }
    guard bytes.has(20) else { return bytes.isCut ? .truncated : .malformed }
    let headerLength = Int(bytes.byte(0) & 15) * 4
    guard headerLength >= 20 && headerLength <= bytes.original else { return .malformed }
    var totalLength = Int(bytes.half(2))
    // 0: the network card was to cut the packet up (TSO), and would have filled in the length.
    if totalLength == 0 { totalLength = bytes.original }
    guard totalLength >= headerLength else { return .malformed }

    headers.source = bytes.word(12)
    headers.destination = bytes.word(16)
    headers.lengthBytes = totalLength
    headers.start = bytes.base
    headers.capturedBytes = min(bytes.captured, totalLength)
    let protocolNumber = bytes.byte(9)
    headers.protocolNumber = protocolNumber
    let fragment = bytes.half(6)
    let isFragment = fragment & 0x3FFF != 0
    let key = FragmentTable.Key(
      source: headers.source, destination: headers.destination, protocolNumber: protocolNumber,
      identification: bytes.half(4))
    if fragment & 0x1FFF != 0 {
      takePorts(ofFragment: key, at: timestampNs, into: &headers)
      return .mapped
    }
    guard bytes.has(headerLength) else {
      headers.flags.insert(.portsCutOff)
      return .mapped
    }
    decodePayload(
      bytes.limited(to: totalLength).dropping(headerLength),
      fragment: isFragment ? key : nil, at: timestampNs, depth: depth, into: &headers)
    return .mapped
  }

  /// Decodes the IPv6 header at the start of `bytes` and what follows it (RFC 8200 section 3).
  mutating func decodeIPv6(
    _ bytes: PacketBytes, at timestampNs: UInt64, depth: Int, into headers: inout PacketHeaders
  ) -> PacketOutcome {
    guard !bytes.has(1) || bytes.byte(0) >> 4 == 6 else { return .malformed }
    guard bytes.has(40) else { return bytes.isCut ? .truncated : .malformed }
    let nextHeader = bytes.byte(6)
    var totalLength = Int(bytes.half(4)) + 40
    let mayBeLonger =
      nextHeader == IPProtocolNumber.tcp || nextHeader == IPProtocolNumber.udp
      || nextHeader == IPv6Extension.hopByHop
    if totalLength == 40 && mayBeLonger {
      // A jumbogram (RFC 2675), or a packet that the network card was to cut up.
      totalLength = bytes.original
    }
    headers.addresses6 = bytes.base + 8
    headers.lengthBytes = totalLength
    headers.start = bytes.base
    headers.capturedBytes = min(bytes.captured, totalLength)
    headers.protocolNumber = nextHeader
    decodePayload(
      bytes.limited(to: totalLength).dropping(40), fragment: nil, at: timestampNs, depth: depth,
      into: &headers)
    return .mapped
  }

  /// A later fragment: its ports are those of the first one, where that was seen.
  func takePorts(
    ofFragment key: FragmentTable.Key, at timestampNs: UInt64, into headers: inout PacketHeaders
  ) {
    if let ports = fragments.ports(of: key, at: timestampNs) {
      headers.sourcePort = ports.source
      headers.destinationPort = ports.destination
      headers.protocolNumber = ports.protocolNumber
    } else if TransportLayer.hasPorts(headers.protocolNumber)
      || IPv6Extension.isOne(headers.protocolNumber)
    {
      headers.flags.insert(.fragmentWithoutPorts)
    }
  }
}

/// Headers between IPv6 (the authentication header: also IPv4) and the transport layer.
///
/// Source: IANA "IPv6 Extension Header Types".
enum IPv6Extension {
  static let hopByHop: UInt8 = 0
  static let routing: UInt8 = 43
  static let fragment: UInt8 = 44
  static let authentication: UInt8 = 51
  static let noNextHeader: UInt8 = 59
  static let destinationOptions: UInt8 = 60
  static let mobility: UInt8 = 135
  static let hostIdentity: UInt8 = 139
  static let shim6: UInt8 = 140
  /// No packet has more of them.
  static let countMax = 16

  @inline(__always)
  static func isOne(_ number: UInt8) -> Bool {
    switch number {
    case hopByHop, routing, fragment, authentication, destinationOptions, mobility, hostIdentity,
      shim6:
      true
    default: false
    }
  }

  /// Octets of the header at the start of `bytes`, of which two must be readable.
  static func length(of number: UInt8, _ bytes: PacketBytes) -> Int {
    switch number {
    case fragment: 8
    // RFC 4302 section 2.2: in words of 4 octets, minus 2.
    case authentication: (Int(bytes.byte(1)) + 2) * 4
    default: (Int(bytes.byte(1)) + 1) * 8
    }
  }
}
