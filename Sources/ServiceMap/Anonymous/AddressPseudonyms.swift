public import Wire

/// Other addresses for those of a map, which keep what the map needs of them: two have as many first bits in
/// common as before (`CryptoPAn`), and what is special stays so.
///
/// Where the meaning of an address depends on its first bits, these are not turned: multicast, broadcast,
/// loopback and unspecified addresses stay what they are, private ones stay private and public ones public.
/// The price: of a public address those first bits are known that tell it from the nearest special network, as
/// a rule two or three, and more right beside one (docs/anonymous.md). An address that ends in .255 does so
/// afterwards, and no other does, since that may be a broadcast.
public struct AddressPseudonyms: Sendable {
  private let crypto: CryptoPAn

  /// Networks that keep their prefix, and whether all in them stays as it is.
  private static let special: [(prefix: Prefix, isFixed: Bool)] = [
    ("0.0.0.0/8", true), ("127.0.0.0/8", true), ("224.0.0.0/3", true), ("10.0.0.0/8", false),
    ("100.64.0.0/10", false), ("169.254.0.0/16", false), ("172.16.0.0/12", false),
    ("192.168.0.0/16", false), ("::/127", true), ("ff00::/8", true), ("fc00::/7", false),
    ("fe80::/10", false),
    // The last three bytes are those of somebody's unicast address (RFC 4291 section 2.7.1).
    ("ff02::1:ff00:0/104", false),
  ].map { text, isFixed in
    guard let prefix = Prefix(text) else { preconditionFailure("a special network is none") }
    return (prefix, isFixed)
  }

  /// Where IPv4 addresses are held (`IPAddress`): no IPv6 address may become one.
  private static let mapped = (IPAddress(high: 0, low: 0xFFFF_0000_0000), 96)

  /// - Parameter key: 32 bytes; the same give the same pseudonyms.
  public init(key: [UInt8]) throws { crypto = try CryptoPAn(key: key) }

  /// How many bytes a key has.
  public static let keyBytes = CryptoPAn.keyBytes

  /// - Complexity: up to 32 encryptions, of IPv6 128: some 5 µs and 20 µs.
  public func pseudonym(of address: IPAddress) throws -> IPAddress {
    guard let first = AddressPseudonyms.firstTurned(of: address) else { return address }
    if address.isIPv4 {
      var mask = try crypto.mask(v4: address.v4, from: first)
      // Of the last byte, the bits before which all are 1.
      var bit: UInt32 = 0x80
      while bit != 0 {
        mask &= ~bit
        if address.v4 & bit == 0 { break }
        bit >>= 1
      }
      return IPAddress(v4: address.v4 ^ mask)
    }
    let mask = try crypto.mask(v6: address, from: first)
    return IPAddress(high: address.high ^ mask.high, low: address.low ^ mask.low)
  }

  /// The first bit that may be turned; nil: none may. It depends on the bits before it alone.
  private static func firstTurned(of address: IPAddress) -> Int? {
    var first = 0
    var longest = -1
    var isFixed = false
    for one in special where one.prefix.address.isIPv4 == address.isIPv4 {
      let common = commonBits(address, one.prefix.address)
      // Up to the bit in which they differ it could still have become one of these.
      first = max(first, min(common + 1, one.prefix.bits))
      if common >= one.prefix.bits, one.prefix.bits > longest {
        longest = one.prefix.bits
        isFixed = one.isFixed
      }
    }
    if !address.isIPv4 { first = max(first, min(commonBits(address, mapped.0) + 1, mapped.1)) }
    return isFixed ? nil : first
  }

  /// How many first bits two addresses of one family have in common.
  static func commonBits(_ one: IPAddress, _ other: IPAddress) -> Int {
    if one.isIPv4 && other.isIPv4 { return (one.v4 ^ other.v4).leadingZeroBitCount }
    let high = (one.high ^ other.high).leadingZeroBitCount
    return high < 64 ? high : 64 + (one.low ^ other.low).leadingZeroBitCount
  }
}
