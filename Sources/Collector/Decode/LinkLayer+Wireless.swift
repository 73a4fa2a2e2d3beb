internal import Wire

/// IEEE 802.11 and the headers that capture programs put before it.
extension LinkLayer {
  /// An 802.11 frame (IEEE 802.11-2020 section 9.2): data frames that are not encrypted carry LLC.
  ///
  /// - Parameter isPadded: the header is padded to four bytes, as some chips do.
  static func ieee80211(
    _ bytes: PacketBytes, budget: Int, isPadded: Bool = false
  ) -> NetworkPacket {
    guard bytes.has(2) else { return .short(bytes) }
    let control = bytes.byte(0)
    let flags = bytes.byte(1)
    let isData = control & 0x0C == 0x08
    let hasNoBody = control & 0x40 != 0
    let isProtected = flags & 0x40 != 0
    guard control & 3 == 0, isData, !hasNoBody, !isProtected else { return .none(.notIP) }
    var length = 24
    if flags & 3 == 3 { length += 6 }
    let hasQuality = control & 0x80 != 0
    let qualityOffset = length
    if hasQuality { length += flags & 0x80 == 0 ? 2 : 6 }
    if isPadded { length = (length + 3) & ~3 }
    guard bytes.has(length) else { return .short(bytes) }
    // A later fragment of a frame has no LLC header.
    guard bytes.byte(22) & 15 == 0 else { return .none(.notIP) }
    var body = bytes.dropping(length)
    if hasQuality && bytes.byte(qualityOffset) & 0x80 != 0 {
      // Several frames in one (A-MSDU): the first one stands for all.
      guard body.has(14) else { return .short(body) }
      body = body.dropping(14)
    }
    return llc(body, budget: budget - 1)
  }

  /// Radiotap: its length is little-endian at offset 2; one of its fields tells about padding
  /// (<https://www.radiotap.org>).
  static func radiotap(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(8) else { return .short(bytes) }
    let length = Int(bytes.half(2).byteSwapped)
    guard bytes.byte(0) == 0, length >= 8 else { return .none(.malformed) }
    guard bytes.has(length) else { return .short(bytes) }
    let header = bytes.limited(to: length)
    let present = header.word(4).byteSwapped
    var offset = 8
    var word = present
    // Each presence word with its top bit set is followed by another one.
    while word >> 31 == 1 && header.has(offset + 4) {
      word = header.word(offset).byteSwapped
      offset += 4
    }
    if present & 1 != 0 { offset = ((offset + 7) & ~7) + 8 }
    let flags = present & 2 != 0 && header.has(offset + 1) ? header.byte(offset) : 0
    return ieee80211(
      bytes.dropping(length), budget: budget - 1, isPadded: flags & 0x20 != 0)
  }

  /// Per-packet information: its length and link type, little-endian (LINKTYPE_PPI).
  static func ppi(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(8) else { return .short(bytes) }
    let length = Int(bytes.half(2).byteSwapped)
    guard length >= 8 else { return .none(.malformed) }
    guard bytes.has(length) else { return .short(bytes) }
    let type = LinkType(number: bytes.word(4).byteSwapped)
    return locate(type, bytes.dropping(length), budget: budget - 1)
  }

  /// Prism: 144 bytes in the capturing host's byte order; some drivers write AVS instead.
  static func prism(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(8) else { return .short(bytes) }
    if bytes.word(0) & 0xFFFF_F000 == 0x8021_1000 { return avs(bytes, budget: budget) }
    guard bytes.has(144) else { return .short(bytes) }
    return ieee80211(bytes.dropping(144), budget: budget - 1)
  }

  /// AVS: version and length, big-endian.
  static func avs(_ bytes: PacketBytes, budget: Int) -> NetworkPacket {
    guard bytes.has(8) else { return .short(bytes) }
    let length = Int(bytes.word(4))
    guard length >= 8 else { return .none(.malformed) }
    guard bytes.has(length) else { return .short(bytes) }
    return ieee80211(bytes.dropping(length), budget: budget - 1)
  }
}
