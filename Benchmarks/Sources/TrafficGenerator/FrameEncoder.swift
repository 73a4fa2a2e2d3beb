/// Writes a packet as a pcap record: record header, Ethernet, VLAN tag, IP, transport header.
///
/// Payloads are written as zeros (see `SessionShape.payloadPrefix` for the exception), and count in full in all length fields and in the
/// record's original length. Checksums are right: zeros add nothing. A frame has at
/// least 64 octets with its frame check sequence, which this capture keeps (as zeros): so the
/// original length is never below 64 and each record of a 64-octet capture is 80 octets long.
struct FrameEncoder {
  /// Octets of a frame that are kept.
  let snapLength: Int
  /// Seconds of the epoch at which the capture begins.
  let startSeconds: UInt32

  /// Octets of a pcap record header.
  static let recordHeaderBytes = 16
  /// Octets that the headers of one packet may take at most, behind the record header: Ethernet 14,
  /// VLAN 4, IPv6 40, TCP 28 with an option or a payload prefix; rounded up.
  static let headerBytesMax = 96

  /// Octets that must be free behind the place a record is written to.
  var reservedBytes: Int {
    FrameEncoder.recordHeaderBytes + max(snapLength, FrameEncoder.headerBytesMax)
  }

  /// Writes a record.
  ///
  /// - Parameters:
  ///   - timeUs: microseconds since the capture began.
  ///   - record: where to; `reservedBytes` must be free, all may be written.
  /// - Returns: octets of the record: the header's 16 and the captured length.
  @inline(__always)
  func encode(
    _ packet: Packet, of session: UnsafeMutablePointer<Session>, timeUs: UInt64,
    at record: UnsafeMutableRawPointer
  ) -> Int {
    clear(record)
    // SAFETY: everything below stays within `headerBytesMax` of `frame`, see there.
    let frame = record + FrameEncoder.recordHeaderBytes
    let isIPv6 = session.pointee.traits.contains(.ipv6)
    let fromClient = packet.isFromClient
    let client = session.pointee.clientAddress
    let server = session.pointee.serverAddress
    let source = fromClient ? client : server
    let target = fromClient ? server : client

    store48(Address.hardware(target, isIPv6: isIPv6), at: frame)
    store48(Address.hardware(source, isIPv6: isIPv6), at: frame + 6)
    var cursor = frame + 12
    if session.pointee.vlan != 0 {
      store16(0x8100, at: cursor)
      store16(session.pointee.vlan, at: cursor + 2)
      cursor += 4
    }
    store16(isIPv6 ? 0x86DD : 0x0800, at: cursor)
    cursor += 2

    let transport = session.pointee.transport
    let isSyn = transport == .tcp && packet.flags & TCPFlags.syn != 0
    let headerBytes: UInt32 = transport == .tcp ? (isSyn ? 24 : 20) : 8
    let segmentBytes = headerBytes + packet.payloadBytes
    let network = cursor
    cursor += isIPv6 ? 40 : 20
    let pseudoSum: UInt64
    if isIPv6 {
      pseudoSum = encodeIPv6(
        session, source: source, target: target, fromClient: fromClient,
        segmentBytes: segmentBytes, at: network)
    } else {
      pseudoSum = encodeIPv4(
        session, source: source, target: target, fromClient: fromClient,
        segmentBytes: segmentBytes, at: network)
    }
    switch transport {
    case .tcp: encodeTCP(packet, session, pseudoSum: pseudoSum, at: cursor)
    case .udp:
      encodeUDP(
        session, fromClient: fromClient, segmentBytes: segmentBytes, pseudoSum: pseudoSum,
        at: cursor)
    case .icmp:
      if session.pointee.traits.contains(.hostile) {
        encodeUnreachable(session, at: cursor)
      } else {
        encodeEcho(packet, session, pseudoSum: isIPv6 ? pseudoSum : 0, isIPv6: isIPv6, at: cursor)
      }
    }

    let originalBytes = max(60, (cursor - frame) + Int(segmentBytes)) + 4
    let capturedBytes = min(originalBytes, snapLength)
    let seconds = timeUs / 1_000_000
    let micros = timeUs - seconds * 1_000_000
    store32Little(startSeconds &+ UInt32(truncatingIfNeeded: seconds), at: record)
    store32Little(UInt32(truncatingIfNeeded: micros), at: record + 4)
    store32Little(UInt32(truncatingIfNeeded: capturedBytes), at: record + 8)
    store32Little(UInt32(truncatingIfNeeded: originalBytes), at: record + 12)
    return FrameEncoder.recordHeaderBytes + capturedBytes
  }

  /// Sets all octets that the record may use to zero.
  @inline(__always)
  private func clear(_ record: UnsafeMutableRawPointer) {
    let fixed = FrameEncoder.recordHeaderBytes + FrameEncoder.headerBytesMax
    // SAFETY: both lie within `reservedBytes`. The first has a constant size and compiles to a few
    // vector stores; the second is only for longer captures.
    record.initializeMemory(as: UInt8.self, repeating: 0, count: fixed)
    if snapLength > FrameEncoder.headerBytesMax {
      (record + fixed).initializeMemory(
        as: UInt8.self, repeating: 0, count: snapLength - FrameEncoder.headerBytesMax)
    }
  }
}

// MARK: - Stores at any alignment
// SAFETY: the callers of all four own the octets they name; the encoder reserves them.

/// Stores 16 bits in network byte order.
@inline(__always)
func store16(_ value: UInt16, at place: UnsafeMutableRawPointer) {
  place.storeBytes(of: value.bigEndian, as: UInt16.self)
}

/// Stores 32 bits in network byte order.
@inline(__always)
func store32(_ value: UInt32, at place: UnsafeMutableRawPointer) {
  place.storeBytes(of: value.bigEndian, as: UInt32.self)
}

/// Stores 32 bits in little-endian order, that of the pcap file.
@inline(__always)
func store32Little(_ value: UInt32, at place: UnsafeMutableRawPointer) {
  place.storeBytes(of: value.littleEndian, as: UInt32.self)
}

/// Stores the low 48 bits in network byte order.
@inline(__always)
func store48(_ value: UInt64, at place: UnsafeMutableRawPointer) {
  store16(UInt16(truncatingIfNeeded: value >> 32), at: place)
  store32(UInt32(truncatingIfNeeded: value), at: place + 2)
}
