internal import Wire

/// Ethernet and what an EtherType can announce.
extension LinkLayer {
  /// IEEE 802.3 section 3.2.6: below 1,536 the type is a length, and LLC follows.
  static func ethernet(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(14) else { return .short(bytes) }
    return etherType(bytes.half(12), bytes.dropping(14), budget: budget - 1)
  }

  /// What follows an EtherType, through tags and shims, to the IP header.
  static func etherType(_ type: UInt16, _ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    var type = type
    var bytes = bytes
    var tags = 0
    while let length = tagLength(type) {
      tags += 1
      guard tags <= tagsMax else { return .none(.notIP) }
      guard bytes.has(length) else { return .short(bytes) }
      type = bytes.half(length - 2)
      bytes = bytes.dropping(length)
    }
    guard budget > 0 else { return .none(.notIP) }
    switch type {
    case 0x0800: return .ipv4(bytes)
    case 0x86DD: return .ipv6(bytes)
    case 0x8847, 0x8848: return mpls(bytes, budget: budget - 1)
    case 0x8864: return pppoe(bytes, budget: budget - 1)
    case 0x880B: return ppp(bytes, budget: budget - 1)
    case 0x6558: return ethernet(bytes, budget: budget - 1)
    case 0x894F: return nsh(bytes, budget: budget - 1)
    // Provider backbone bridge (802.1ah): a service tag of four bytes, then the customer's frame.
    case 0x88E7:
      return bytes.has(4) ? ethernet(bytes.dropping(4), budget: budget - 1) : .short(bytes)
    // Cisco FabricPath: tree and hop limit, then the frame.
    case 0x8903:
      return bytes.has(2) ? ethernet(bytes.dropping(2), budget: budget - 1) : .short(bytes)
    case 0x88E5: return macsec(bytes, budget: budget - 1)
    case 0x8870: return llc(bytes, budget: budget - 1)
    case 0..<1536: return llc(bytes, budget: budget - 1)
    default: return .none(.notIP)
    }
  }

  /// Octets of the tag that `type` announces, with the type that follows it; nil where none does.
  ///
  /// 802.1Q and 802.1ad and the numbers in use before the latter; 802.1BR's and Cisco's VN-tag; Cisco
  /// metadata with one security group.
  @inline(__always)
  private static func tagLength(_ type: UInt16) -> Int? {
    switch type {
    case 0x8100, 0x88A8, 0x9100, 0x9200, 0x9300: 4
    case 0x8926: 6
    case 0x8909: 8
    default: nil
    }
  }

  /// LLC (IEEE 802.2), with SNAP where that follows.
  static func llc(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard budget > 0 else { return .none(.notIP) }
    guard bytes.has(3) else { return .short(bytes) }
    switch bytes.half(0) {
    case 0xAAAA where bytes.byte(2) == 3:
      guard bytes.has(8) else { return .short(bytes) }
      return snap(bytes.dropping(3), budget: budget - 1)
    // The SAP for IP that RFC 1042 replaced.
    case 0x0606 where bytes.byte(2) == 3: return .byVersion(bytes.dropping(3))
    // ISO network layer protocols, of which IP is one (RFC 2684 section 5.2).
    case 0xFEFE where bytes.byte(2) == 3:
      guard bytes.has(4) else { return .short(bytes) }
      return networkLayerProtocol(bytes.dropping(3), budget: budget - 1)
    default: return .none(.notIP)
    }
  }

  /// SNAP: an organisation and its own type (RFC 1042). Five bytes must be readable.
  static func snap(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    let organisation = bytes.word(0) >> 8
    let type = bytes.half(3)
    let payload = bytes.dropping(5)
    switch organisation {
    // EtherTypes, also through a bridge that does not know the protocol (802.1H).
    case 0x000000, 0x0000F8:
      return type < 1536 ? .none(.notIP) : etherType(type, payload, budget: budget)
    // A bridged Ethernet frame, with or without its checksum, after two bytes of padding (RFC 2684
    // section 5.3).
    case 0x0080C2 where type == 1 || type == 7:
      guard payload.has(2) else { return .short(payload) }
      return ethernet(payload.dropping(2), budget: budget)
    default: return .none(.notIP)
    }
  }

  /// Labels (RFC 3032) down to the bottom of the stack. Nothing says what is below them: IP by its
  /// version, or a pseudowire's frame with or without a control word (RFC 4448, RFC 4385).
  static func mpls(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard budget > 0 else { return .none(.notIP) }
    var rest = bytes
    var labels = 0
    var isBottom = false
    while !isBottom {
      labels += 1
      guard labels <= 2 * tagsMax else { return .none(.notIP) }
      guard rest.has(4) else { return .short(rest) }
      isBottom = rest.byte(2) & 1 != 0
      rest = rest.dropping(4)
    }
    guard rest.has(1) else { return .short(rest) }
    switch rest.byte(0) >> 4 {
    case 0 where rest.has(18) && isPlausibleEthernet(rest.dropping(4)):
      return ethernet(rest.dropping(4), budget: budget - 1)
    case _ where isPlausibleEthernet(rest): return ethernet(rest, budget: budget - 1)
    case 4: return .ipv4(rest)
    case 6: return .ipv6(rest)
    default: return .none(.notIP)
    }
  }

  /// Whether `bytes` could be an Ethernet frame with something that renkei reads in it.
  private static func isPlausibleEthernet(_ bytes: PacketBytes) -> Bool {
    guard bytes.has(15) else { return false }
    switch bytes.half(12) {
    case 0x0800: return bytes.byte(14) >> 4 == 4 && bytes.byte(14) & 15 >= 5
    case 0x86DD: return bytes.byte(14) >> 4 == 6
    case 0x0806, 0x8100, 0x88A8, 0x8847, 0x8864: return true
    default: return false
    }
  }

  /// Network service header (RFC 8300 section 2): its length in words, and what follows.
  static func nsh(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard budget > 0 else { return .none(.notIP) }
    guard bytes.has(8) else { return .short(bytes) }
    let length = Int(bytes.byte(1) & 0x3F) * 4
    guard length >= 8 else { return .none(.malformed) }
    guard bytes.has(length) else { return .short(bytes) }
    let payload = bytes.dropping(length)
    switch bytes.byte(3) {
    case 1: return .ipv4(payload)
    case 2: return .ipv6(payload)
    case 3: return ethernet(payload, budget: budget - 1)
    case 5: return mpls(payload, budget: budget - 1)
    default: return .none(.notIP)
    }
  }

  /// MACsec (IEEE 802.1AE section 9) that only signs, and does not encrypt.
  private static func macsec(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(6) else { return .short(bytes) }
    let control = bytes.byte(0)
    guard control & 0x0C == 0 else { return .none(.notIP) }
    let length = control & 0x20 == 0 ? 6 : 14
    guard bytes.has(length + 2) else { return .short(bytes) }
    return etherType(bytes.half(length), bytes.dropping(length + 2), budget: budget)
  }

  /// A switch chip's tag between the addresses and the type (LINKTYPE_DSA_TAG_BRCM and others).
  static func switchTagged(_ bytes: PacketBytes, typeOffset: Int, budget: Int) -> NetworkPacket {
    guard bytes.has(typeOffset + 2) else { return .short(bytes) }
    return etherType(
      bytes.half(typeOffset), bytes.dropping(typeOffset + 2), budget: budget - 1)
  }

  // MARK: - Other local networks

  /// FDDI: frame control, addresses, then LLC in frames of class 01 (ANSI X3.139).
  static func fddi(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(13) else { return .short(bytes) }
    guard bytes.byte(0) & 0xF0 == 0x50 else { return .none(.notIP) }
    return llc(bytes.dropping(13), budget: budget - 1)
  }

  /// Token ring: access and frame control, addresses, source routing where the source's top bit
  /// announces it, then LLC (IEEE 802.5).
  static func tokenRing(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(15) else { return .short(bytes) }
    guard bytes.byte(1) & 0xC0 == 0x40 else { return .none(.notIP) }
    let routing = bytes.byte(8) & 0x80 == 0 ? 0 : Int(bytes.byte(14) & 0x1F)
    guard bytes.has(14 + routing) else { return .short(bytes) }
    return llc(bytes.dropping(14 + routing), budget: budget - 1)
  }

  /// ARCNET: type 212 is RFC 1201 (with a flag and a sequence number, and longer in exception
  /// frames), 240 is RFC 1051.
  static func arcnet(_ bytes: PacketBytes, typeOffset: Int) -> NetworkPacket {
    guard bytes.has(typeOffset + 2) else { return .short(bytes) }
    let length: Int
    switch bytes.byte(typeOffset) {
    case 240: length = 1
    case 212 where bytes.byte(typeOffset + 1) == 0xFF: length = 8
    // An even flag other than 0 is a later piece of a split packet.
    case 212 where bytes.byte(typeOffset + 1) & 1 == 1 || bytes.byte(typeOffset + 1) == 0:
      length = 4
    default: return .none(.notIP)
    }
    guard bytes.has(typeOffset + length) else { return .short(bytes) }
    return .byVersion(bytes.dropping(typeOffset + length))
  }
}
