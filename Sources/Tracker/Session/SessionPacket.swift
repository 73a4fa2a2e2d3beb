internal import Wire

/// A packet as the session table wants it: endpoints sorted, direction and meaning apart.
struct SessionPacket {
  /// Smaller address first, then smaller port, by the stream's 32-bit values.
  var a: UInt32
  var b: UInt32
  /// A's port, B's port and the protocol: bits 0–15, 16–31, 32–39.
  var rest: UInt64
  /// What the packet says, with A as its sender; exchanged where B sent it.
  var events: SessionEvents
  var fromB: Bool
  var lengthBytes: UInt16
  var tick: UInt64
  var hash: UInt64

  /// - Complexity: O(1), no memory but the arguments.
  @inline(__always)
  init(_ record: PacketRecord, baseTick: UInt64) {
    var sourcePort = record.sourcePort
    var destinationPort = record.destinationPort
    var flags = record.tcpFlags
    let number = record.protocolNumber
    if number == IPProtocolNumber.icmp || number == IPProtocolNumber.icmpv6 {
      (sourcePort, destinationPort, flags) = ICMPPairing.normalised(
        number, typeAndCode: destinationPort)
    }
    let fromB =
      record.source > record.destination
      || record.source == record.destination && sourcePort > destinationPort
    if fromB {
      a = record.destination
      b = record.source
      rest = UInt64(destinationPort) | UInt64(sourcePort) << 16
    } else {
      a = record.source
      b = record.destination
      rest = UInt64(sourcePort) | UInt64(destinationPort) << 16
    }
    rest |= UInt64(number) << 32
    self.fromB = fromB
    lengthBytes = record.lengthBytes
    tick = baseTick &+ UInt64(record.tick)

    // Bits of SessionEvents for side A; one shift turns them into side B's.
    let syn = flags.rawValue & 0x16
    var bits: UInt16 = syn == 0x02 ? SessionEvents.synFromA.rawValue : 0
    bits |= syn == 0x12 ? SessionEvents.synAckFromA.rawValue : 0
    bits |= flags.contains(.rst) ? SessionEvents.rstFromA.rawValue : 0
    bits |= flags.contains(.fin) ? SessionEvents.finFromA.rawValue : 0
    bits |= syn & 0x06 == 0 ? SessionEvents.progressFromA.rawValue : 0
    bits = fromB ? bits << 1 : bits
    if !record.flags.isEmpty {
      if record.flags.contains(.insideTunnel) { bits |= SessionEvents.insideTunnel.rawValue }
      if !record.flags.isDisjoint(with: .portsUnknown) {
        bits |= SessionEvents.portsUnknown.rawValue
      }
    }
    events = SessionEvents(rawValue: bits)

    hash = SessionPacket.hash(a, b, rest)
  }

  /// Two multiplications mix all 104 bits; the table takes the upper ones.
  @inline(__always)
  static func hash(_ a: UInt32, _ b: UInt32, _ rest: UInt64) -> UInt64 {
    var mixed = (UInt64(a) << 32 | UInt64(b)) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ mixed >> 29 ^ rest) &* 0xD6E8_FEB8_6659_FD93
    return mixed ^ mixed >> 32
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
