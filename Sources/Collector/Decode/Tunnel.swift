internal import Wire

/// Packets inside of packets.
///
/// The answer is where the inner packet's IP header begins; `.none(.notIP)` where there is no tunnel
/// or it carries something else.
enum Tunnel {
  /// Looks for a tunnel in the payload of a packet.
  ///
  /// - Parameters:
  ///   - bytes: from the transport header on.
  ///   - isFragment: the packet is the first of several fragments, so what is inside may claim to be
  ///     longer than what is here.
  /// - Complexity: O(1); nothing but a switch for packets that are no tunnel's.
  @inline(__always)
  static func inside(
    _ bytes: PacketBytes, _ headers: PacketHeaders, isFragment: Bool
  ) -> NetworkPacket {
    switch headers.protocolNumber {
    case IPProtocolNumber.udp:
      let isCandidate = UDPTunnelPort.areSome(headers.sourcePort, headers.destinationPort)
      return isCandidate && bytes.has(8)
        ? insideUDP(bytes.dropping(8), headers, isFragment: isFragment) : .none(.notIP)
    case 4: return .ipv4(bytes)
    case 41: return .ipv6(bytes)
    case 47: return gre(bytes)
    case 97: return etherIP(bytes)
    case 137: return LinkLayer.mpls(bytes, budget: LinkLayer.budgetMax)
    default: return .none(.notIP)
    }
  }

  /// Generic routing encapsulation: RFC 2784, RFC 2890; version 1: RFC 2637.
  static func gre(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(4) else { return .short(bytes) }
    let flags = bytes.half(0)
    let type = bytes.half(2)
    let hasKey = flags & 0x2000 != 0
    let hasSequence = flags & 0x1000 != 0
    var length = 4
    switch flags & 7 {
    case 0:
      // A routing field (RFC 1701) is long out of use, and its length is not in the header.
      if flags & 0x4000 != 0 { return .none(.notIP) }
      if flags & 0x8000 != 0 { length += 4 }
    case 1:
      // PPTP: the key holds the payload's length and the call; there may be an acknowledgement.
      guard type == 0x880B && hasKey else { return .none(.notIP) }
      if flags & 0x0080 != 0 { length += 4 }
    default: return .none(.notIP)
    }
    if hasKey { length += 4 }
    if hasSequence { length += 4 }
    guard bytes.has(length) else { return .short(bytes) }
    let payload = bytes.dropping(length)
    switch type {
    case 0x88BE: return erspan(payload, hasHeader: hasSequence)
    case 0x22EB: return erspanIII(payload)
    case 0x883E:
      // WCCP: version 2 puts four bytes before the IPv4 header, version 1 none.
      guard payload.has(5) else { return .short(payload) }
      return .byVersion(payload.byte(0) >> 4 == 4 ? payload : payload.dropping(4))
    // Aruba's access points send 802.11 frames, with the radio's number in the type.
    case 0x8200...0x820F: return LinkLayer.ieee80211(payload, budget: LinkLayer.budgetMax)
    default: return LinkLayer.etherType(type, payload, budget: LinkLayer.budgetMax)
    }
  }

  /// A mirrored frame (draft-foschiano-erspan): type I has no header of its own and no sequence
  /// number in GRE; type II has eight bytes.
  private static func erspan(_ bytes: PacketBytes, hasHeader: Bool) -> NetworkPacket {
    if !hasHeader { return LinkLayer.ethernet(bytes, budget: LinkLayer.budgetMax) }
    guard bytes.has(8) else { return .short(bytes) }
    switch bytes.byte(0) >> 4 {
    case 1: return LinkLayer.ethernet(bytes.dropping(8), budget: LinkLayer.budgetMax)
    case 2: return erspanIII(bytes)
    default: return .none(.notIP)
    }
  }

  /// Type III: twelve bytes; the last bit says whether eight more follow, and the frame type
  /// whether the mirrored frame is Ethernet or IP.
  private static func erspanIII(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(12) else { return .short(bytes) }
    guard bytes.byte(0) >> 4 == 2 else { return .none(.notIP) }
    let length = bytes.byte(11) & 1 == 0 ? 12 : 20
    guard bytes.has(length) else { return .short(bytes) }
    switch bytes.byte(10) >> 2 & 0x1F {
    case 0: return LinkLayer.ethernet(bytes.dropping(length), budget: LinkLayer.budgetMax)
    case 2: return .byVersion(bytes.dropping(length))
    default: return .none(.notIP)
    }
  }

  /// RFC 3378: version 3 and twelve zero bits, then an Ethernet frame.
  private static func etherIP(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(2), bytes.half(0) == 0x3000 else { return .none(.notIP) }
    return LinkLayer.ethernet(bytes.dropping(2), budget: LinkLayer.budgetMax)
  }
}
