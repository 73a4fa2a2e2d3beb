internal import Wire

/// PPP, HDLC, frame relay, ATM and SLIP.
extension LinkLayer {
  /// PPP (RFC 1661, RFC 1662): address and control may be left out, and the protocol may be one byte.
  static func ppp(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard budget > 0 else { return .none(.notIP) }
    var rest = bytes
    if rest.has(2) && rest.half(0) == 0xFF03 { rest = rest.dropping(2) }
    guard rest.has(2) else { return .short(rest) }
    let isCompressed = rest.byte(0) & 1 == 1
    let number = isCompressed ? UInt16(rest.byte(0)) : rest.half(0)
    let payload = rest.dropping(isCompressed ? 1 : 2)
    switch number {
    case 0x0021: return .ipv4(payload)
    case 0x0057: return .ipv6(payload)
    case 0x0281, 0x0283: return mpls(payload, budget: budget - 1)
    // Bridging (RFC 3518): flags and a MAC type, of which 1 is Ethernet.
    case 0x0031:
      guard payload.has(2) else { return .short(payload) }
      guard payload.byte(1) == 1 else { return .none(.notIP) }
      return ethernet(payload.dropping(2), budget: budget - 1)
    default: return .none(.notIP)
    }
  }

  /// PPP after a byte that tells the direction (LINKTYPE_PPP_PPPD, LINKTYPE_PPP_WITH_DIR), in place
  /// of the address or before it.
  static func ppp(directed bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(2) else { return .short(bytes) }
    let replacesAddress = bytes.byte(1) == 0x03
    return ppp(bytes.dropping(replacesAddress ? 2 : 1), budget: budget - 1)
  }

  /// PPP in HDLC-like framing, or Cisco HDLC: the first byte tells (LINKTYPE_PPP_HDLC).
  static func pppHDLC(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(4) else { return .short(bytes) }
    switch bytes.byte(0) {
    case 0x0F, 0x8F: return ciscoHDLC(bytes, budget: budget)
    default: return ppp(bytes, budget: budget)
    }
  }

  /// PPPoE, session stage (RFC 2516 section 4): version and type 1, code 0.
  static func pppoe(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(6) else { return .short(bytes) }
    guard bytes.half(0) == 0x1100 else { return .none(.notIP) }
    return ppp(bytes.dropping(6), budget: budget - 1)
  }

  /// Address and control, then an EtherType (LINKTYPE_C_HDLC).
  static func ciscoHDLC(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(4) else { return .short(bytes) }
    let type = bytes.half(2)
    // Below, there are no lengths as in Ethernet.
    return type < 1536
      ? .none(.notIP) : etherType(type, bytes.dropping(4), budget: budget - 1)
  }

  /// Frame relay: an address of two to four bytes, then RFC 2427 or Cisco's EtherType.
  static func frameRelay(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard budget > 0 else { return .none(.notIP) }
    // The lowest bit is set in the address's last byte only.
    var length = 1
    while length <= 4 {
      guard bytes.has(length) else { return .short(bytes) }
      if bytes.byte(length - 1) & 1 == 1 { break }
      length += 1
    }
    guard 2...4 ~= length else { return .none(.notIP) }
    let rest = bytes.dropping(length)
    guard rest.has(2) else { return .short(rest) }
    guard rest.byte(0) == 0x03 else {
      let type = rest.half(0)
      return type < 1536
        ? .none(.notIP) : etherType(type, rest.dropping(2), budget: budget - 1)
    }
    let hasPadding = rest.byte(1) == 0
    guard !hasPadding || rest.has(3) else { return .short(rest) }
    return networkLayerProtocol(rest.dropping(hasPadding ? 2 : 1), budget: budget - 1)
  }

  /// A network layer protocol identifier (ISO/IEC TR 9577), as RFC 2427 uses it. One byte must be
  /// readable.
  static func networkLayerProtocol(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    let payload = bytes.dropping(1)
    switch bytes.byte(0) {
    case 0xCC: return .ipv4(payload)
    case 0x8E: return .ipv6(payload)
    case 0xCF: return ppp(payload, budget: budget - 1)
    case 0x80:
      guard payload.has(5) else { return .short(payload) }
      // Bridged frames follow without the padding that ATM has (RFC 2427 section 4.2).
      if payload.word(0) >> 8 == 0x0080C2 {
        return payload.half(3) == 1 || payload.half(3) == 7
          ? ethernet(payload.dropping(5), budget: budget - 1) : .none(.notIP)
      }
      return snap(payload, budget: budget - 1)
    default: return .none(.notIP)
    }
  }

  /// Multilink frame relay (FRF.16): control frames, and fragments of which only the first begins
  /// with a header.
  static func multilinkFrameRelay(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(2) else { return .short(bytes) }
    let isControl = bytes.byte(0) & 0x20 != 0
    let isBeginning = bytes.byte(0) & 0x80 != 0
    guard isBeginning && !isControl else { return .none(.notIP) }
    return frameRelay(bytes.dropping(2), budget: budget - 1)
  }

  /// Direction and the compression's header, 16 bytes (LINKTYPE_SLIP). Van Jacobson's compressed
  /// headers cannot be read without the ones before (RFC 1144).
  static func slip(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(16) else { return .short(bytes) }
    guard bytes.byte(1) & 0x80 == 0 else { return .none(.notIP) }
    return .byVersion(bytes.dropping(16))
  }

  /// Classical IP over ATM: LLC, or IP by itself (LINKTYPE_ATM_CLIP).
  static func atmCLIP(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(2) else { return .short(bytes) }
    return bytes.half(0) == 0xAAAA ? llc(bytes, budget: budget) : .byVersion(bytes)
  }

  /// Traffic type and circuit, four bytes, then LLC where the type says so (LINKTYPE_SUNATM).
  static func sunATM(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(4) else { return .short(bytes) }
    return bytes.byte(0) & 15 == 2
      ? llc(bytes.dropping(4), budget: budget - 1) : .none(.notIP)
  }
}
