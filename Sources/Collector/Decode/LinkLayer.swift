internal import Wire

/// From the first byte of a frame to its IP header.
///
/// Functions of bytes alone. `budget` counts down with each layer, so that a frame made of layers
/// within layers ends the search.
enum LinkLayer {
  /// Layers until IP; real frames have up to about eight.
  static let budgetMax = 16
  /// Tags, each of which costs a frame four bytes.
  static let tagsMax = 8

  /// - Complexity: O(layers).
  static func locate(
    _ type: LinkType, _ bytes: PacketBytes, budget: Int = budgetMax
  ) -> NetworkPacket {
    guard budget > 0 else { return .none(.notIP) }
    switch type {
    case .ethernet: return ethernet(bytes, budget: budget)
    case .raw: return .byVersion(bytes)
    case .ipv4: return .ipv4(bytes)
    case .ipv6: return .ipv6(bytes)
    case .linuxSLL: return linuxSLL(bytes, budget: budget)
    case .linuxSLL2: return linuxSLL2(bytes, budget: budget)
    case .null, .loop: return loopback(bytes, budget: budget)
    case .enc: return enc(bytes)
    case .pflog: return pflog(bytes)
    case .nflog: return nflog(bytes)
    case .pktap: return pktap(bytes, budget: budget)
    case .ppi: return ppi(bytes, budget: budget)
    case .ieee80211: return ieee80211(bytes, budget: budget)
    case .radiotap: return radiotap(bytes, budget: budget)
    case .prism: return prism(bytes, budget: budget)
    case .avs: return avs(bytes, budget: budget)
    case .ppp: return ppp(bytes, budget: budget)
    case .pppPPPD, .pppWithDirection: return ppp(directed: bytes, budget: budget)
    case .pppHDLC: return pppHDLC(bytes, budget: budget)
    case .pppEther: return pppoe(bytes, budget: budget)
    case .ciscoHDLC: return ciscoHDLC(bytes, budget: budget)
    case .ciscoHDLCWithDirection: return skipping(1, bytes) { ciscoHDLC($0, budget: budget) }
    case .frameRelay: return frameRelay(bytes, budget: budget)
    case .frameRelayWithDirection: return skipping(1, bytes) { frameRelay($0, budget: budget) }
    case .mfr: return multilinkFrameRelay(bytes, budget: budget)
    case .slip: return slip(bytes)
    case .atmRFC1483: return llc(bytes, budget: budget)
    case .atmCLIP: return atmCLIP(bytes, budget: budget)
    case .sunATM: return sunATM(bytes, budget: budget)
    case .fddi: return fddi(bytes, budget: budget)
    case .tokenRing: return tokenRing(bytes, budget: budget)
    case .arcnet: return arcnet(bytes, typeOffset: 2)
    case .arcnetLinux: return arcnet(bytes, typeOffset: 4)
    case .mpls: return mpls(bytes, budget: budget)
    case .netAnalyzer, .broadcomTagPrepended:
      return skipping(4, bytes) { ethernet($0, budget: budget) }
    case .broadcomTag, .marvellDSA: return switchTagged(bytes, typeOffset: 16, budget: budget)
    case .marvellEDSA: return switchTagged(bytes, typeOffset: 20, budget: budget)
    case .unsupported: return .none(.unsupportedLinkType)
    }
  }

  /// For link types that put a header of fixed length before another one.
  @inline(__always)
  private static func skipping(
    _ count: Int, _ bytes: PacketBytes, _ next: (PacketBytes) -> NetworkPacket
  ) -> NetworkPacket {
    bytes.has(count) ? next(bytes.dropping(count)) : .short(bytes)
  }
}
