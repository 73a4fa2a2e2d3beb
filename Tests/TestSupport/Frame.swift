internal import Glibc

/// Builds frames, layer around layer: `Frame.ethernet(.ipv4, Frame.ipv4(…, Frame.tcp(…)))`.
///
/// All functions answer the bytes of their header and of `payload`. Checksums are 0: nothing in
/// renkei reads them.
public enum Frame {
  // MARK: - Link layer

  public static func ethernet(_ type: EtherType, _ payload: [UInt8]) -> [UInt8] {
    [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2] + big(type.rawValue) + payload
  }

  /// A tag of four bytes: what follows the EtherType 8100 (88a8, …).
  public static func vlan(_ id: UInt16, _ type: EtherType, _ payload: [UInt8]) -> [UInt8] {
    big(id) + big(type.rawValue) + payload
  }

  /// MPLS labels, the last one marked as the bottom of the stack.
  public static func mpls(_ labels: [UInt32], _ payload: [UInt8]) -> [UInt8] {
    labels.enumerated().flatMap { index, label in
      big(label << 12 | (index == labels.count - 1 ? 0x100 : 0) | 64)
    } + payload
  }

  /// A PPPoE session header and a PPP protocol number.
  public static func pppoe(_ protocolNumber: UInt16, _ payload: [UInt8]) -> [UInt8] {
    [0x11, 0, 0, 1] + big(UInt16(payload.count + 2)) + big(protocolNumber) + payload
  }

  /// LLC and SNAP with an EtherType.
  public static func snap(_ type: EtherType, _ payload: [UInt8]) -> [UInt8] {
    [0xAA, 0xAA, 3, 0, 0, 0] + big(type.rawValue) + payload
  }

  // MARK: - IP

  /// An IPv4 packet.
  ///
  /// - Parameters:
  ///   - options: a multiple of four bytes.
  ///   - fragmentOffset: in bytes, a multiple of eight.
  ///   - totalLength: what the header claims; nil: the truth.
  public static func ipv4(
    _ source: String = "192.0.2.1", _ destination: String = "198.51.100.2",
    protocolNumber: UInt8, options: [UInt8] = [], identification: UInt16 = 1,
    fragmentOffset: Int = 0, moreFragments: Bool = false, totalLength: Int? = nil,
    _ payload: [UInt8]
  ) -> [UInt8] {
    let headerLength = 20 + options.count
    let length = UInt16(truncatingIfNeeded: totalLength ?? headerLength + payload.count)
    let fragment = UInt16(fragmentOffset / 8) | (moreFragments ? 0x2000 : 0)
    return [0x40 | UInt8(headerLength / 4), 0] + big(length) + big(identification) + big(fragment)
      + [64, protocolNumber, 0, 0] + address(source) + address(destination) + options + payload
  }

  /// An IPv6 packet.
  ///
  /// - Parameter payloadLength: what the header claims; nil: the truth.
  public static func ipv6(
    _ source: String = "2001:db8::1", _ destination: String = "2001:db8::2",
    nextHeader: UInt8, payloadLength: Int? = nil, _ payload: [UInt8]
  ) -> [UInt8] {
    let length = UInt16(truncatingIfNeeded: payloadLength ?? payload.count)
    return [0x60, 0, 0, 0] + big(length) + [nextHeader, 64] + address(source)
      + address(destination) + payload
  }

  /// An IPv6 extension header of eight bytes (hop-by-hop, routing, destination options, …).
  public static func ipv6Extension(next: UInt8, _ payload: [UInt8]) -> [UInt8] {
    [next, 0, 1, 4, 0, 0, 0, 0] + payload
  }

  /// An IPv6 fragment header.
  public static func ipv6Fragment(
    next: UInt8, offset: Int, moreFragments: Bool, identification: UInt32, _ payload: [UInt8]
  ) -> [UInt8] {
    [next, 0] + big(UInt16(offset) | (moreFragments ? 1 : 0)) + big(identification) + payload
  }

  // MARK: - Transport

  public static func tcp(
    _ source: UInt16, _ destination: UInt16, flags: UInt8 = 0x10, _ payload: [UInt8] = []
  ) -> [UInt8] {
    big(source) + big(destination) + big(UInt32(1)) + big(UInt32(2)) + [0x50, flags, 0x10, 0]
      + [0, 0, 0, 0] + payload
  }

  public static func udp(
    _ source: UInt16, _ destination: UInt16, _ payload: [UInt8] = []
  ) -> [UInt8] {
    big(source) + big(destination) + big(UInt16(payload.count + 8)) + [0, 0] + payload
  }

  /// SCTP with one chunk.
  public static func sctp(_ source: UInt16, _ destination: UInt16, chunk: UInt8) -> [UInt8] {
    big(source) + big(destination) + [0, 0, 0, 0, 0, 0, 0, 0] + [chunk, 0, 0, 4]
  }

  public static func dccp(_ source: UInt16, _ destination: UInt16, type: UInt8) -> [UInt8] {
    big(source) + big(destination) + [4, 0, 0, 0, type << 1 | 1, 0, 0, 0, 0, 0, 0, 0]
  }

  public static func icmp(type: UInt8, code: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
    [type, code, 0, 0, 0, 0, 0, 0] + payload
  }

  // MARK: - Fields

  /// A number in network order.
  public static func big<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }

  /// A number in little-endian order.
  public static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// The 4 or 16 bytes of an address.
  public static func address(_ text: String) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes.prefix(4)) }
    precondition(inet_pton(AF_INET6, text, &bytes) == 1, "\(text) is no address")
    return bytes
  }
}

/// The field after Ethernet's addresses: a type, or a length below 1,536. A number can stand for it.
public struct EtherType: ExpressibleByIntegerLiteral, Sendable {
  public let rawValue: UInt16

  public init(integerLiteral value: UInt16) {
    rawValue = value
  }

  /// A length, as in frames with LLC.
  public init(length: Int) {
    rawValue = UInt16(length)
  }

  public static let ipv4: EtherType = 0x0800
  public static let ipv6: EtherType = 0x86DD
  public static let arp: EtherType = 0x0806
  public static let vlan: EtherType = 0x8100
}
