internal import Glibc

/// A true IPv4 or IPv6 address.
///
/// Shape: 128 bits as two words in numeric (host) order. IPv4 is held as `::ffff:a.b.c.d`
/// (RFC 4291 section 2.5.5.2), so that one order covers both families.
public struct IPAddress: Hashable, Comparable, Sendable {
  public let high: UInt64
  public let low: UInt64

  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// An IPv4 address from its numeric value, 192.0.2.1 = 0xC0000201.
  @inlinable public init(v4 value: UInt32) {
    self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(value))
  }

  /// The 16 bytes at `bytes`, in network order.
  @inlinable public init(networkBytes bytes: UnsafeRawPointer) {
    self.init(
      high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
      low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
  }

  /// The text form; nil where it is neither IPv4 nor IPv6. A zone (`%eth0`) is cut off.
  public init?(_ text: String) {
    let plain = text.prefix { $0 != "%" }
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, String(plain), &four) == 1 {
      self.init(v4: UInt32(bigEndian: four.s_addr))
    } else if inet_pton(AF_INET6, String(plain), &six) == 1 {
      // SAFETY: in6_addr has 16 bytes, in network order.
      self = withUnsafeBytes(of: &six) { IPAddress(networkBytes: $0.baseAddress!) }
    } else {
      return nil
    }
  }

  @inlinable public var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

  /// The numeric IPv4 value; meaningful only where `isIPv4`.
  @inlinable public var v4: UInt32 { UInt32(truncatingIfNeeded: low) }

  /// 224.0.0.0/4, 255.255.255.255 or ff00::/8.
  @inlinable public var isMulticastOrBroadcast: Bool {
    isIPv4 ? v4 >> 28 == 0xE || v4 == .max : high >> 56 == 0xFF
  }

  /// 0.0.0.0 or ::, the source of a host that has no address yet.
  @inlinable public var isUnspecified: Bool { isIPv4 ? v4 == 0 : high == 0 && low == 0 }

  /// The address with all but its first bits cleared. `v4Bits` counts within IPv4's 32.
  public func masked(v4Bits: Int, v6Bits: Int) -> IPAddress {
    if isIPv4 {
      return IPAddress(v4: v4Bits <= 0 ? 0 : v4 & (UInt32.max << UInt32(max(0, 32 - v4Bits))))
    }
    let highMask = v6Bits >= 64 ? UInt64.max : v6Bits <= 0 ? 0 : UInt64.max << UInt64(64 - v6Bits)
    let lowMask =
      v6Bits >= 128 ? UInt64.max : v6Bits <= 64 ? 0 : UInt64.max << UInt64(128 - v6Bits)
    return IPAddress(high: high & highMask, low: low & lowMask)
  }

  @inlinable public static func < (left: IPAddress, right: IPAddress) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
  }
}

extension IPAddress: CustomStringConvertible {
  /// Dotted decimal, or RFC 5952 as inet_ntop(3) writes it.
  public var description: String {
    if isIPv4 {
      return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)"
    }
    var six = in6_addr()
    withUnsafeMutableBytes(of: &six) {
      $0.storeBytes(of: high.bigEndian, as: UInt64.self)
      $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    inet_ntop(AF_INET6, &six, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
