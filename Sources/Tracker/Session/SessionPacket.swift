internal import Wire

/// A packet as the session table wants it: endpoints sorted, direction and meaning apart.
struct SessionPacket {
  /// Bits 0–31 and 32–47: address and port of A, which is the one with the smaller address, then with
  /// the smaller port, by the stream's 32-bit values. Bits 48–55: the protocol.
  var a: UInt64
  /// Address and port of B.
  var b: UInt64
  var tick: UInt64
  var hash: UInt64
  var lengthBytes: UInt16
  /// What the packet says, of the side that sent it.
  var events: SessionEvents
  /// 1 where B sent it, else 0.
  var fromB: UInt8

  /// - Complexity: O(1), some 40 instructions, no memory but the arguments and a table of 64 bytes.
  @inline(__always)
  init(_ record: RecordView, baseTick: UInt64, meaning: borrowing FlagMeaning, hash: WordsHash) {
    var source = record.source
    var destination = record.destination
    var flags = record.tcpFlags
    let number = record.protocolNumber
    if number == IPProtocolNumber.icmp || number == IPProtocolNumber.icmpv6 {
      let (sourcePort, destinationPort, meant) = ICMPPairing.normalised(
        number, typeAndCode: UInt16(truncatingIfNeeded: destination >> 32))
      source = source & 0xFFFF_FFFF | UInt64(sourcePort) << 32
      destination = destination & 0xFFFF_FFFF | UInt64(destinationPort) << 32
      flags = meant
    }
    // Exchanged halves compare by address, then by port.
    let isFromB =
      (source << 32 | source >> 32) > (destination << 32 | destination >> 32)
    a = (isFromB ? destination : source) | UInt64(number) << 48
    b = isFromB ? source : destination
    fromB = isFromB ? 1 : 0
    lengthBytes = record.lengthBytes
    tick = baseTick &+ UInt64(record.tick)
    self.hash = hash(a, b)
    var bits = meaning[flags] &<< UInt16(fromB)
    if !record.flags.isEmpty {
      if record.flags.contains(.insideTunnel) { bits |= SessionEvents.insideTunnel.rawValue }
      if !record.flags.isDisjoint(with: .portsUnknown) {
        bits |= SessionEvents.portsUnknown.rawValue
      }
    }
    events = SessionEvents(rawValue: bits)
  }
}

/// What TCP's flags say, as bits of `SessionEvents` for side A; one shift turns them into side B's.
struct FlagMeaning: ~Copyable {
  private let bits: UnsafeMutablePointer<UInt16>

  init() {
    bits = .allocate(capacity: 32)
    for value in 0..<32 {
      let flags = TCPFlags(rawValue: UInt8(value))
      var events: SessionEvents = []
      switch (flags.contains(.syn), flags.contains(.ack), flags.contains(.rst)) {
      case (true, false, false): events.insert(.synFromA)
      case (true, true, false): events.insert(.synAckFromA)
      case (false, _, false): events.insert(.progressFromA)
      default: break
      }
      if flags.contains(.rst) { events.insert(.rstFromA) }
      if flags.contains(.fin) { events.insert(.finFromA) }
      bits[value] = events.rawValue
    }
  }

  deinit { bits.deallocate() }

  /// - Parameter flags: those above ACK mean nothing here.
  @inline(__always)
  subscript(flags: TCPFlags) -> UInt16 {
    // SAFETY: 5 bits are below 32.
    bits[Int(flags.rawValue & 31)]
  }
}

/// Which ICMP messages answer which, as one session between "client, port 0" and "server, request
/// type·256": the reply counts as the handshake's answer (RFC 792, RFC 950, RFC 4443).
enum ICMPPairing {
  /// Ports and flags of a message: a request like a SYN, a reply like a SYN+ACK.
  @inline(__always)
  static func normalised(
    _ protocolNumber: UInt8, typeAndCode: UInt16
  ) -> (sourcePort: UInt16, destinationPort: UInt16, flags: TCPFlags) {
    let type = typeAndCode >> 8
    if protocolNumber == IPProtocolNumber.icmp {
      switch type {
      case 8, 13, 15, 17: return (0, type << 8, .syn)
      case 0: return (8 << 8, 0, [.syn, .ack])
      case 14, 16, 18: return ((type - 1) << 8, 0, [.syn, .ack])
      default: return (0, typeAndCode, [])
      }
    }
    switch type {
    case 128: return (0, type << 8, .syn)
    case 129: return (128 << 8, 0, [.syn, .ack])
    default: return (0, typeAndCode, [])
    }
  }
}
