/// The headers above Ethernet, each written in network byte order at the place given.
///
/// The network headers return the sum of the pseudo-header, which the transport checksums begin
/// with. Sums are taken over 32-bit words as they lie in memory and folded to 16 bits at the end: a
/// ones' complement sum does not care about byte order (RFC 1071 section 2).
extension FrameEncoder {
  /// Writes an IPv4 header of 20 octets (RFC 791), "don't fragment" set.
  @inline(__always)
  func encodeIPv4(
    _ session: UnsafeMutablePointer<Session>, source: UInt32, target: UInt32, fromClient: Bool,
    segmentBytes: UInt32, at header: UnsafeMutableRawPointer
  ) -> UInt64 {
    let identification =
      fromClient
      ? session.pointee.clientIdentification : session.pointee.serverIdentification
    if fromClient {
      session.pointee.clientIdentification = identification &+ 1
    } else {
      session.pointee.serverIdentification = identification &+ 1
    }
    let timeToLive =
      fromClient ? session.pointee.clientTimeToLive : session.pointee.serverTimeToLive
    let proto = session.pointee.transport.rawValue
    let word0 = (0x4500 << 16 | (20 + segmentBytes)).bigEndian
    let word1 = (UInt32(identification) << 16 | 0x4000).bigEndian
    let word2 = (UInt32(timeToLive) << 24 | UInt32(proto) << 16).bigEndian
    let word3 = source.bigEndian
    let word4 = target.bigEndian
    // SAFETY: 20 octets within the encoder's reserve.
    header.storeBytes(of: word0, as: UInt32.self)
    header.storeBytes(of: word1, toByteOffset: 4, as: UInt32.self)
    header.storeBytes(of: word2, toByteOffset: 8, as: UInt32.self)
    header.storeBytes(of: word3, toByteOffset: 12, as: UInt32.self)
    header.storeBytes(of: word4, toByteOffset: 16, as: UInt32.self)
    let addressSum = UInt64(word3) + UInt64(word4)
    let sum = UInt64(word0) + UInt64(word1) + UInt64(word2) + addressSum
    header.storeBytes(of: checksum(sum), toByteOffset: 10, as: UInt16.self)
    return addressSum + UInt64((UInt32(proto) << 16 | segmentBytes).bigEndian)
  }

  /// Writes an IPv6 header of 40 octets (RFC 8200).
  @inline(__always)
  func encodeIPv6(
    _ session: UnsafeMutablePointer<Session>, source: UInt32, target: UInt32, fromClient: Bool,
    segmentBytes: UInt32, at header: UnsafeMutableRawPointer
  ) -> UInt64 {
    let transport = session.pointee.transport
    let nextHeader: UInt32 = transport == .icmp ? 58 : UInt32(transport.rawValue)
    let hopLimit =
      fromClient ? session.pointee.clientTimeToLive : session.pointee.serverTimeToLive
    store32(0x6000_0000, at: header)
    store32(segmentBytes << 16 | nextHeader << 8 | UInt32(hopLimit), at: header + 4)
    let from = Address.ipv6(source)
    let to = Address.ipv6(target)
    // SAFETY: 40 octets within the encoder's reserve.
    header.storeBytes(of: from.high.bigEndian, toByteOffset: 8, as: UInt64.self)
    header.storeBytes(of: from.low.bigEndian, toByteOffset: 16, as: UInt64.self)
    header.storeBytes(of: to.high.bigEndian, toByteOffset: 24, as: UInt64.self)
    header.storeBytes(of: to.low.bigEndian, toByteOffset: 32, as: UInt64.self)
    return sum(header + 8, words: 8) + UInt64(segmentBytes.bigEndian)
      + UInt64(nextHeader.bigEndian)
  }

  /// Writes a TCP header (RFC 9293) of 20 octets, or 24 with the maximum segment size in a SYN.
  @inline(__always)
  func encodeTCP(
    _ packet: Packet, _ session: UnsafeMutablePointer<Session>, pseudoSum: UInt64,
    at header: UnsafeMutableRawPointer
  ) {
    storePorts(session, fromClient: packet.isFromClient, at: header)
    store32(packet.sequence, at: header + 4)
    store32(packet.acknowledgement, at: header + 8)
    let isSyn = packet.flags & TCPFlags.syn != 0
    let window: UInt32 = packet.flags & TCPFlags.rst != 0 ? 0 : 64_240
    let offset: UInt32 = isSyn ? 6 << 28 : 5 << 28
    store32(offset | UInt32(packet.flags) << 16 | window, at: header + 12)
    if isSyn {
      store32(session.pointee.traits.contains(.ipv6) ? 0x0204_05A0 : 0x0204_05B4, at: header + 20)
    }
    // A SYN has no payload; after any other header the prefix follows, or zeros.
    if !isSyn {
      store32(UInt32(truncatingIfNeeded: packet.payloadPrefix >> 32), at: header + 20)
      store32(UInt32(truncatingIfNeeded: packet.payloadPrefix), at: header + 24)
    }
    let total = pseudoSum + sum(header, words: 7)
    header.storeBytes(of: checksum(total), toByteOffset: 16, as: UInt16.self)
  }

  /// Writes a UDP header of 8 octets (RFC 768).
  @inline(__always)
  func encodeUDP(
    _ session: UnsafeMutablePointer<Session>, fromClient: Bool, segmentBytes: UInt32,
    pseudoSum: UInt64, at header: UnsafeMutableRawPointer
  ) {
    storePorts(session, fromClient: fromClient, at: header)
    store32(segmentBytes << 16, at: header + 4)
    let value = checksum(pseudoSum + sum(header, words: 2))
    // Zero means "no checksum" and is sent as its other form.
    header.storeBytes(of: value == 0 ? 0xFFFF : value, toByteOffset: 6, as: UInt16.self)
  }

  /// Writes an echo request or reply of 8 octets (RFC 792, RFC 4443).
  @inline(__always)
  func encodeEcho(
    _ packet: Packet, _ session: UnsafeMutablePointer<Session>, pseudoSum: UInt64, isIPv6: Bool,
    at header: UnsafeMutableRawPointer
  ) {
    let type: UInt32 = packet.isFromClient ? (isIPv6 ? 128 : 8) : (isIPv6 ? 129 : 0)
    store32(type << 24, at: header)
    store16(session.pointee.clientPort, at: header + 4)
    store16(UInt16(truncatingIfNeeded: packet.sequence), at: header + 6)
    header.storeBytes(
      of: checksum(pseudoSum + sum(header, words: 2)), toByteOffset: 2, as: UInt16.self)
  }

  /// Octets of the packet that an ICMP error is about and quotes: its IPv4 header and eight more.
  static let quotedBytes: UInt32 = 28

  /// Writes "destination unreachable" (RFC 792) about a SYN from client to server, with what is
  /// quoted of it.
  func encodeUnreachable(
    _ session: UnsafeMutablePointer<Session>, at header: UnsafeMutableRawPointer
  ) {
    let codes: [UInt32] = [1, 3, 13]
    store32(3 << 24 | codes[Int(session.pointee.clientPort % 3)] << 16, at: header)
    let quoted = header + 8
    store32(0x4500_0028, at: quoted)
    store32(UInt32(session.pointee.clientIdentification) << 16 | 0x4000, at: quoted + 4)
    store32(UInt32(session.pointee.clientTimeToLive) << 24 | 6 << 16, at: quoted + 8)
    store32(session.pointee.clientAddress, at: quoted + 12)
    store32(session.pointee.serverAddress, at: quoted + 16)
    quoted.storeBytes(of: checksum(sum(quoted, words: 5)), toByteOffset: 10, as: UInt16.self)
    storePorts(session, fromClient: true, at: quoted + 20)
    store32(session.pointee.clientSequence, at: quoted + 24)
    header.storeBytes(of: checksum(sum(header, words: 9)), toByteOffset: 2, as: UInt16.self)
  }

  /// Writes source and destination port.
  @inline(__always)
  private func storePorts(
    _ session: UnsafeMutablePointer<Session>, fromClient: Bool, at header: UnsafeMutableRawPointer
  ) {
    let client = session.pointee.clientPort
    let server = session.pointee.serverPort
    store16(fromClient ? client : server, at: header)
    store16(fromClient ? server : client, at: header + 2)
  }

  /// The sum of 32-bit words as they lie in memory.
  @inline(__always)
  private func sum(_ start: UnsafeMutableRawPointer, words: Int) -> UInt64 {
    var total: UInt64 = 0
    for index in 0..<words {
      // SAFETY: the callers name words of headers that they have just written.
      total &+= UInt64(start.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
    }
    return total
  }

  /// Folds a sum to 16 bits and complements it; to be stored as it is.
  @inline(__always)
  private func checksum(_ sum: UInt64) -> UInt16 {
    var folded = (sum & 0xFFFF_FFFF) + (sum >> 32)
    folded = (folded & 0xFFFF) + (folded >> 16)
    folded = (folded & 0xFFFF) + (folded >> 16)
    folded = (folded & 0xFFFF) + (folded >> 16)
    return ~UInt16(truncatingIfNeeded: folded)
  }
}
