/// A link type that renkei reads, by its number in capture files.
///
/// Source: the LINKTYPE_ values of <https://www.tcpdump.org/linktypes.html>.
enum LinkType: UInt16, CaseIterable, Sendable {
  case null = 0
  case ethernet = 1
  case tokenRing = 6
  case arcnet = 7
  case slip = 8
  case ppp = 9
  case fddi = 10
  case pppHDLC = 50
  case pppEther = 51
  case atmRFC1483 = 100
  case raw = 101
  case ciscoHDLC = 104
  case ieee80211 = 105
  case atmCLIP = 106
  case frameRelay = 107
  case loop = 108
  case enc = 109
  case linuxSLL = 113
  case pflog = 117
  case prism = 119
  case sunATM = 123
  case radiotap = 127
  case arcnetLinux = 129
  case avs = 163
  case pppPPPD = 166
  case mfr = 182
  case ppi = 192
  case pppWithDirection = 204
  case ciscoHDLCWithDirection = 205
  case frameRelayWithDirection = 206
  case mpls = 219
  case ipv4 = 228
  case ipv6 = 229
  case nflog = 239
  case netAnalyzer = 240
  case pktap = 258
  case linuxSLL2 = 276
  case broadcomTag = 281
  case broadcomTagPrepended = 282
  case marvellDSA = 284
  case marvellEDSA = 285
  /// Every other one.
  case unsupported = 0xFFFF

  /// The link type numbered `number` in a file.
  ///
  /// libpcap writes raw IP as 101; 12 and 14 are the numbers that systems use at run time and that
  /// some programs wrote to files. 11 is the run-time number of ATM RFC 1483.
  init(number: UInt32) {
    switch number {
    case 11: self = .atmRFC1483
    case 12, 14: self = .raw
    default: self = UInt16(exactly: number).flatMap(LinkType.init(rawValue:)) ?? .unsupported
    }
  }

  /// The number that libpcap's functions take (DLT_ in pcap/dlt.h, Linux values).
  var runTimeNumber: Int32 {
    switch self {
    case .raw: 12
    case .atmRFC1483: 11
    case .atmCLIP: 19
    default: Int32(rawValue)
    }
  }

  /// Of every link type but those few.
  static let capturedLengthMax = 262_144

  /// The largest captured length that a packet of link type `number` may have, as Wireshark has it:
  /// 256 KiB, and more where the "packets" are D-Bus messages, USB transfers or ELAN bus frames.
  static func capturedLengthMax(number: UInt32) -> Int {
    switch number {
    case 231, 249: 128 << 20
    case 279: 32 << 20
    default: capturedLengthMax
    }
  }
}
