internal import Wire

/// UDP ports behind which a tunnel may be.
enum UDPTunnelPort {
  static let gtpUser: UInt16 = 2152
  static let teredo: UInt16 = 3544
  static let vxlan: UInt16 = 4789
  static let vxlanGPE: UInt16 = 4790
  static let geneve: UInt16 = 6081
  /// VXLAN before it had a port of its own; still Linux's default.
  static let vxlanLinux: UInt16 = 8472

  @inline(__always)
  static func isOne(_ port: UInt16) -> Bool {
    switch port {
    case gtpUser, teredo, vxlan, vxlanGPE, geneve, vxlanLinux: true
    default: false
    }
  }

  /// The destination's port tells; where a program answers from the tunnel's port, the source's.
  @inline(__always)
  static func areSome(_ source: UInt16, _ destination: UInt16) -> Bool {
    isOne(destination) || isOne(source)
  }
}

extension Tunnel {
  /// Looks for a tunnel in a UDP payload. A port number is only a hint, so the header must be
  /// plausible, and so must the packet inside.
  static func insideUDP(
    _ bytes: PacketBytes, _ headers: PacketHeaders, isFragment: Bool
  ) -> NetworkPacket {
    let destination = headers.destinationPort
    let inner: NetworkPacket
    switch UDPTunnelPort.isOne(destination) ? destination : headers.sourcePort {
    case UDPTunnelPort.vxlan, UDPTunnelPort.vxlanLinux: inner = vxlan(bytes)
    case UDPTunnelPort.vxlanGPE: inner = vxlanGPE(bytes)
    case UDPTunnelPort.geneve: inner = geneve(bytes)
    case UDPTunnelPort.gtpUser: inner = gtpUser(bytes)
    case UDPTunnelPort.teredo: inner = teredo(bytes)
    default: inner = .none(.notIP)
    }
    return isFragment || inner.isPlausible ? inner : .none(.notIP)
  }

  /// RFC 7348 section 5: the I flag set, reserved fields zero; the group policy extension uses one
  /// more flag and the two bytes after the flags.
  private static func vxlan(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(8) else { return .short(bytes) }
    guard bytes.byte(0) & 0x7F == 0x08, bytes.byte(7) == 0 else { return .none(.notIP) }
    return LinkLayer.ethernet(bytes.dropping(8), budget: LinkLayer.budgetMax)
  }

  /// draft-ietf-nvo3-vxlan-gpe section 3.1. The flag that announces the next protocol is not always
  /// set where there is one.
  private static func vxlanGPE(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(8) else { return .short(bytes) }
    let flags = bytes.byte(0)
    guard flags & 0xF8 == 0x08, bytes.byte(7) == 0 else { return .none(.notIP) }
    let payload = bytes.dropping(8)
    switch bytes.byte(3) {
    case 0 where flags & 0x04 == 0:
      return LinkLayer.ethernet(payload, budget: LinkLayer.budgetMax)
    case 1: return .ipv4(payload)
    case 2: return .ipv6(payload)
    case 3: return LinkLayer.ethernet(payload, budget: LinkLayer.budgetMax)
    case 4: return LinkLayer.nsh(payload, budget: LinkLayer.budgetMax)
    default: return .none(.notIP)
    }
  }

  /// RFC 8926 section 3.4.
  private static func geneve(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(8) else { return .short(bytes) }
    let length = 8 + Int(bytes.byte(0) & 0x3F) * 4
    guard bytes.byte(0) >> 6 == 0, bytes.byte(1) & 0x3F == 0, bytes.byte(7) == 0 else {
      return .none(.notIP)
    }
    guard bytes.has(length) else { return .short(bytes) }
    return LinkLayer.etherType(
      bytes.half(2), bytes.dropping(length), budget: LinkLayer.budgetMax)
  }

  /// GTPv1-U (3GPP TS 29.281 section 5.1): a G-PDU, whose optional fields and extension headers
  /// come before the packet.
  private static func gtpUser(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(8) else { return .short(bytes) }
    let flags = bytes.byte(0)
    let length = 8 + Int(bytes.half(2))
    guard flags & 0xF0 == 0x30, bytes.byte(1) == 0xFF else { return .none(.notIP) }
    let message = bytes.limited(to: length)
    var offset = 8
    if flags & 0x07 != 0 {
      guard message.has(12) else { return .short(message) }
      offset = 12
      // The next-extension field counts only where the E flag is set.
      var next = flags & 0x04 != 0 ? message.byte(11) : 0
      var extensions = 0
      while next != 0 {
        guard message.has(offset + 1) else { return .short(message) }
        let extensionLength = Int(message.byte(offset)) * 4
        extensions += 1
        guard extensionLength > 0, extensions <= 8 else { return .none(.malformed) }
        guard message.has(offset + extensionLength) else { return .short(message) }
        next = message.byte(offset + extensionLength - 1)
        offset += extensionLength
      }
    }
    return .byVersion(message.dropping(offset))
  }

  /// RFC 4380 section 5.1.1: authentication and origin indication may come before the IPv6 header.
  private static func teredo(_ bytes: PacketBytes) -> NetworkPacket {
    var rest = bytes
    if rest.has(4), rest.half(0) == 1 {
      let length = 13 + Int(rest.byte(2)) + Int(rest.byte(3))
      guard rest.has(length) else { return .short(rest) }
      rest = rest.dropping(length)
    }
    if rest.has(8), rest.half(0) == 0 { rest = rest.dropping(8) }
    guard rest.has(1), rest.byte(0) >> 4 == 6 else { return .none(.notIP) }
    return .ipv6(rest)
  }
}
