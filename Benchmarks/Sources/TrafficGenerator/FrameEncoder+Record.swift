/// A packet as a collector would hand it on, without a frame in between.
extension FrameEncoder {
  /// Octets of a record with its time.
  static let recordBytes = 25

  /// Writes microseconds since 1970 (8 octets), then, as in renkei's records: destination address and
  /// port, source address and port (ICMP: type and code in the destination port), protocol, flags (0),
  /// TCP flags, octets of the IP packet. All little-endian.
  ///
  /// - Parameter record: where to; `reservedBytes` must be free.
  /// - Returns: octets of the record.
  @inline(__always)
  func encodeRecord(
    _ packet: Packet, of session: Session, timeUs: UInt64, at record: UnsafeMutableRawPointer
  ) -> Int {
    let fromClient = packet.isFromClient
    let isTCP = session.transport == .tcp
    var sourcePort = fromClient ? session.clientPort : session.serverPort
    var targetPort = fromClient ? session.serverPort : session.clientPort
    if session.transport == .icmp {
      sourcePort = 0
      // Echo request and reply (RFC 792); errors only exist in attacks.
      targetPort = session.traits.contains(.hostile) ? 3 << 8 | 1 : fromClient ? 8 << 8 : 0
    }
    let headerBytes: UInt32 = !isTCP ? 8 : packet.flags & TCPFlags.syn != 0 ? 24 : 20
    let octets = 20 + headerBytes + packet.payloadBytes
    let words = (
      UInt64(startSeconds) * 1_000_000 + timeUs,
      fromClient ? session.serverAddress : session.clientAddress,
      fromClient ? session.clientAddress : session.serverAddress
    )
    // SAFETY: 25 octets within the encoder's reserve.
    record.storeBytes(of: words.0.littleEndian, as: UInt64.self)
    record.storeBytes(of: words.1.littleEndian, toByteOffset: 8, as: UInt32.self)
    record.storeBytes(of: targetPort.littleEndian, toByteOffset: 12, as: UInt16.self)
    record.storeBytes(of: words.2.littleEndian, toByteOffset: 14, as: UInt32.self)
    record.storeBytes(of: sourcePort.littleEndian, toByteOffset: 18, as: UInt16.self)
    record.storeBytes(of: session.transport.rawValue, toByteOffset: 20, as: UInt8.self)
    record.storeBytes(of: 0, toByteOffset: 21, as: UInt8.self)
    record.storeBytes(of: isTCP ? packet.flags : 0, toByteOffset: 22, as: UInt8.self)
    record.storeBytes(
      of: UInt16(min(octets, 65_535)).littleEndian, toByteOffset: 23, as: UInt16.self)
    return FrameEncoder.recordBytes
  }
}
