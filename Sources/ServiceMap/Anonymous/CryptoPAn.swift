internal import Crypto
internal import CryptoExtras
internal import Wire

/// Crypto-PAn: which bits of an address are turned so that two addresses have as many first bits in common
/// afterwards as they had before.
///
/// Source: Xu, Fan, Ammar, Moon, "Prefix-preserving IP address anonymization", ICNP 2002, with AES-128 as the
/// authors' implementation has it; bit i is turned where the first bit of the encryption of the first i bits,
/// filled up with a secret, is 1. IPv6 is the same over 128 bits.
struct CryptoPAn: Sendable {
  /// A key for AES, and what becomes the secret.
  static let keyBytes = 32
  private let key: SymmetricKey
  private let pad: [UInt8]

  /// - Parameter bytes: 32.
  init(key bytes: [UInt8]) throws {
    precondition(bytes.count == CryptoPAn.keyBytes)
    key = SymmetricKey(data: bytes[..<16])
    var pad = Array(bytes[16...])
    try AES.permute(&pad, key: key)
    self.pad = pad
  }

  /// The bits of an IPv4 address that are turned, those before `first` left out.
  ///
  /// - Complexity: an encryption a bit, about 0.2 µs each.
  func mask(v4 address: UInt32, from first: Int = 0) throws -> UInt32 {
    var mask: UInt32 = 0
    let padding = pad[..<4].reduce(0) { $0 << 8 | UInt32($1) }
    for bit in max(0, first)..<max(32, first) {
      let kept = bit == 0 ? 0 : UInt32.max << UInt32(32 - bit)
      let word = address & kept | padding & ~kept
      var block = pad
      for byte in 0..<4 { block[byte] = UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * byte)) }
      try AES.permute(&block, key: key)
      mask |= UInt32(block[0] >> 7) << UInt32(31 - bit)
    }
    return mask
  }

  /// The same of an IPv6 address.
  func mask(v6 address: IPAddress, from first: Int = 0) throws -> (high: UInt64, low: UInt64) {
    var (high, low): (UInt64, UInt64) = (0, 0)
    for bit in max(0, first)..<max(128, first) {
      let kept = address.masked(v4Bits: 0, v6Bits: bit)
      var block = pad
      for byte in 0..<16 where byte * 8 < bit {
        let word = byte < 8 ? kept.high : kept.low
        let value = UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (byte % 8)))
        let bits = UInt8(min(8, bit - byte * 8))
        let keptBits = bits == 8 ? UInt8.max : ~(UInt8.max >> bits)
        block[byte] = value & keptBits | pad[byte] & ~keptBits
      }
      try AES.permute(&block, key: key)
      let turned = UInt64(block[0] >> 7)
      if bit < 64 { high |= turned << UInt64(63 - bit) } else { low |= turned << UInt64(127 - bit) }
    }
    return (high, low)
  }
}
