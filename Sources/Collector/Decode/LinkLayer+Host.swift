internal import Wire

/// Headers that an operating system makes up for a capture.
extension LinkLayer {
  /// Linux cooked capture: the EtherType is the last field of 16 bytes (LINKTYPE_LINUX_SLL).
  static func linuxSLL(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(16) else { return .short(bytes) }
    return cooked(
      bytes.half(14), hardware: bytes.half(2), bytes.dropping(16), budget: budget - 1)
  }

  /// Version 2: the EtherType is the first field of 20 bytes (LINKTYPE_LINUX_SLL2).
  static func linuxSLL2(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(20) else { return .short(bytes) }
    return cooked(
      bytes.half(0), hardware: bytes.half(8), bytes.dropping(20), budget: budget - 1)
  }

  /// - Parameter hardware: an ARPHRD_ value; with netlink the type is no EtherType.
  private static func cooked(
    _ type: UInt16, hardware: UInt16, _ bytes: PacketBytes, budget: Int
  ) -> NetworkPacket {
    if hardware == 824 { return .none(.notIP) }
    // Below 1,536 there are Linux's own numbers, of which 4 is LLC.
    if type < 1536 { return type == 4 ? llc(bytes, budget: budget) : .none(.notIP) }
    return etherType(type, bytes, budget: budget)
  }

  /// BSD loopback: the address family in the byte order of the capturing host (LINKTYPE_NULL) or
  /// in network order (LINKTYPE_LOOP). Families of IPv6 differ between systems.
  static func loopback(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(4) else { return .short(bytes) }
    // Some programs write an EtherType in the second half; no family is numbered like these.
    if bytes.half(2) == 0x0800 || bytes.half(2) == 0x86DD {
      return etherType(bytes.half(2), bytes.dropping(4), budget: budget - 1)
    }
    let family = bytes.word(0)
    return addressFamily(family > 0xFFFF ? family.byteSwapped : family, bytes.dropping(4))
  }

  /// OpenBSD's encapsulating interface: family, security index and flags (LINKTYPE_ENC).
  static func enc(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(12) else { return .short(bytes) }
    let family = bytes.word(0)
    return addressFamily(family > 0xFFFF ? family.byteSwapped : family, bytes.dropping(12))
  }

  /// OpenBSD's packet filter log: its own length, which leaves out padding to four bytes, and the
  /// family (LINKTYPE_PFLOG).
  static func pflog(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(2) else { return .short(bytes) }
    let length = (Int(bytes.byte(0)) + 3) & ~3
    guard length >= 4 else { return .none(.malformed) }
    guard bytes.has(length) else { return .short(bytes) }
    return addressFamily(UInt32(bytes.byte(1)), bytes.dropping(length))
  }

  private static func addressFamily(_ family: UInt32, _ bytes: PacketBytes) -> NetworkPacket {
    switch family {
    case 2: .ipv4(bytes)
    // Linux; NetBSD and OpenBSD; FreeBSD; Darwin.
    case 10, 24, 28, 30: .ipv6(bytes)
    default: .none(.notIP)
    }
  }

  /// Netfilter's log: four bytes, then fields of type and length in the capturing host's byte order
  /// (taken to be little-endian), padded to four bytes; 9 is the packet (LINKTYPE_NFLOG).
  static func nflog(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(4) else { return .short(bytes) }
    guard bytes.byte(0) == 2 || bytes.byte(0) == 10 else { return .none(.notIP) }
    var rest = bytes.dropping(4)
    while rest.has(4) {
      let length = Int(rest.half(0).byteSwapped)
      guard length >= 4 else { return .none(.malformed) }
      if rest.half(2).byteSwapped & 0x7FFF == 9 {
        return .byVersion(rest.limited(to: length).dropping(4))
      }
      let padded = (length + 3) & ~3
      guard rest.has(padded) else { return .short(rest) }
      rest = rest.dropping(padded)
    }
    return rest.isCut ? .none(.truncated) : .none(.notIP)
  }

  /// Darwin's per-packet header: its length, and the link type of what follows (LINKTYPE_PKTAP).
  static func pktap(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(12) else { return .short(bytes) }
    let length = bytes.word(0).byteSwapped
    let type = LinkType(number: bytes.word(8).byteSwapped)
    guard length >= 12 else { return .none(.malformed) }
    guard bytes.has(Int(length)) else { return .short(bytes) }
    return locate(type, bytes.dropping(Int(length)), budget: budget - 1)
  }
}
