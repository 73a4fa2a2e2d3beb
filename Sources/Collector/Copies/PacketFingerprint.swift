internal import CLinux

/// What two copies of one IP packet have in common, in 64 bits.
///
/// In it: addresses, protocol, length, identification, flags and offset of the fragment, and the first
/// 16 bytes behind the header, where they were captured: of TCP the ports, the numbers, the flags and
/// the window; of UDP and ICMP the header with its checksum, and 8 bytes more. Not in it is what
/// differs between the copies: the link layer, the hop limit, the service byte, the header's
/// checksum, options, and TCP's checksum, which a network card may have had still to fill in.
///
/// Where nothing identifies the packet (IPv6, and IPv4 with identification 0) 8 bytes more are in it,
/// with TCP's checksum: it tells acknowledgements with other timestamps and blocks apart.
struct PacketFingerprint {
  /// Two different packets share one with a probability of about 2⁻⁶⁴.
  let hash: UInt64
  /// TTL of IPv4.
  let hopLimit: UInt8
  /// IPv4's, in the order of its bytes; 0 where there is none.
  let identification: UInt16

  /// All ones where there is no identification, else 0.
  let weakMask: UInt64

  /// - Parameter packet: from the IP header on, at most to the packet's end. The decoder has found
  ///   the header to be whole: 20 bytes of IPv4, 40 of IPv6.
  /// - Complexity: O(1), 6 or 8 loads and 3 or 5 multiplications.
  @inline(__always)
  init(ipv4 packet: PacketBytes, headerBytes: Int) {
    self.init(ipv4: packet, payload: PacketFingerprint.payload(of: packet, at: headerBytes))
  }

  /// As the other, for a header of 20 bytes with at least 8 more behind it.
  @inline(__always)
  init(plain packet: PacketBytes) {
    let last = packet.captured &- 8
    self.init(
      ipv4: packet,
      payload: (
        packet.quad(20), packet.quad(lower(28, last)), packet.quad(lower(36, last))
      ))
  }

  @inline(__always)
  private init(ipv4 packet: PacketBytes, payload: (UInt64, UInt64, UInt64)) {
    // Length, identification, flags and offset, TTL, protocol.
    let first = packet.quad(2)
    hopLimit = UInt8(truncatingIfNeeded: first >> 48)
    identification = UInt16(truncatingIfNeeded: first >> 16)
    weakMask = renkei_opaque(UInt64(bitPattern: (Int64(identification) &- 1) >> 63))
    let network = fold(first & ~(0xFF << 48) ^ key0, packet.quad(12) ^ key1)
    hash = fold(
      network ^ payload.2 & weakMask, fold(payload.0 ^ key2, payload.1 ^ key3) ^ key4)
  }

  /// As the other; flow label and traffic class are left out.
  @inline(__always)
  init(ipv6 packet: PacketBytes) {
    // Payload length, next header, hop limit, half of the source's prefix.
    let first = packet.quad(4)
    hopLimit = UInt8(truncatingIfNeeded: first >> 24)
    identification = 0
    weakMask = .max
    let payload = PacketFingerprint.payload(of: packet, at: 40)
    let source = fold(first & ~(0xFF << 24) ^ key0, packet.quad(12) ^ key1)
    let destination = fold(packet.quad(24) ^ key2, packet.quad(32) ^ key3)
    let rest = fold(payload.0 ^ key3, payload.1 ^ key4)
    hash = fold(source ^ payload.2, fold(destination ^ packet.quad(16), rest ^ key2) ^ key1)
  }

  /// Three times 8 bytes from `offset` on. What is not there is replaced by the last bytes that are,
  /// so that nothing needs to be asked: the packet's length is in the fingerprint.
  @inline(__always)
  private static func payload(
    of packet: PacketBytes, at offset: Int
  ) -> (UInt64, UInt64, UInt64) {
    let last = packet.captured &- 8
    return (
      packet.quad(lower(offset, last)), packet.quad(lower(offset &+ 8, last)),
      packet.quad(lower(offset &+ 16, last))
    )
  }
}

// Odd numbers without a pattern, those of wyhash.
private let key0: UInt64 = 0xA076_1D64_78BD_642F
private let key1: UInt64 = 0xE703_7ED1_A0B4_28DB
private let key2: UInt64 = 0x8EBC_6AF0_9C88_C6E3
private let key3: UInt64 = 0x5899_65CC_7537_4CC3
private let key4: UInt64 = 0x1D8E_4E27_C47D_124F

/// The lower of two numbers. A jump in its place would be guessed wrong in mixed traffic, and the compiler makes
/// one of `min` here.
@inline(__always)
func lower(_ one: Int, _ other: Int) -> Int {
  let difference = one &- other
  let sign = renkei_opaque(UInt64(bitPattern: Int64(difference >> 63)))
  return other &+ difference & Int(truncatingIfNeeded: sign)
}

/// Both halves of the product of two numbers: every bit of both reaches every bit of it.
@inline(__always)
private func fold(_ one: UInt64, _ other: UInt64) -> UInt64 {
  let product = one.multipliedFullWidth(by: other)
  return product.high ^ product.low
}
