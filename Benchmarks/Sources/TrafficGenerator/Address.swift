import Glibc

/// From the number that stands for a host to its addresses on the wire and in text.
///
/// One 32-bit number a host is enough for all: the IPv4 address is the number itself, the IPv6 and
/// hardware addresses are made from it. So no table is asked while packets are written.
enum Address {
  /// True for IPv4 multicast (RFC 5771).
  @inline(__always)
  static func isMulticast(_ number: UInt32) -> Bool {
    number >> 28 == 0xE
  }

  /// True for the broadcast address, or that of a /24 network.
  @inline(__always)
  static func isBroadcast(_ number: UInt32) -> Bool {
    number & 0xFF == 0xFF && !isMulticast(number)
  }

  /// High and low half of the IPv6 address, as numbers: 2001:db8:…, the prefix for documentation
  /// (RFC 3849), or the link-local group of the same protocol.
  @inline(__always)
  static func ipv6(_ number: UInt32) -> (high: UInt64, low: UInt64) {
    if isMulticast(number) {
      let group: UInt64 = number == 0xE000_00FB ? 0xFB : number == 0xE000_00FC ? 0x1_0003 : 0xC
      return (0xFF02 << 48, group)
    }
    return (0x2001_0DB8 << 32 | UInt64(number >> 8), UInt64(number & 0xFF))
  }

  /// The hardware address in the low 48 bits: locally administered 02:00 and the number for hosts,
  /// and what RFC 1112 and RFC 2464 say for groups.
  @inline(__always)
  static func hardware(_ number: UInt32, isIPv6: Bool) -> UInt64 {
    if number & 0xFF == 0xFF || number >> 28 == 0xE {
      if isBroadcast(number) { return 0xFFFF_FFFF_FFFF }
      if isIPv6 { return 0x3333 << 32 | ipv6(number).low }
      return 0x0100_5E00_0000 | UInt64(number & 0x7F_FFFF)
    }
    return 0x0200 << 32 | UInt64(number)
  }

  /// The address as people write it (inet_ntop(3), hence RFC 5952 for IPv6).
  static func text(_ number: UInt32, isIPv6: Bool) -> String {
    guard isIPv6 else {
      return "\(number >> 24).\(number >> 16 & 0xFF).\(number >> 8 & 0xFF).\(number & 0xFF)"
    }
    let halves = ipv6(number)
    var binary = in6_addr()
    var characters = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    // SAFETY: `in6_addr` has 16 octets, the two halves fill them; the text buffer has the size that
    // inet_ntop asks for and ends in zero.
    withUnsafeMutableBytes(of: &binary) { octets in
      octets.storeBytes(of: halves.high.bigEndian, toByteOffset: 0, as: UInt64.self)
      octets.storeBytes(of: halves.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    inet_ntop(AF_INET6, &binary, &characters, socklen_t(characters.count))
    let octets = characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: octets, as: UTF8.self)
  }
}
