public import Wire

/// A network: the first bits of an address that all of its addresses have in common.
///
/// Text: `10.0.0.0/8`, `2001:db8::/32` (RFC 4632, RFC 4291 section 2.3); of full length the address alone.
public struct Prefix: Hashable, Comparable, Sendable {
  /// The first address; all bits past the prefix are zero.
  public let address: IPAddress
  /// Of IPv4 0 to 32, of IPv6 0 to 128.
  public let bits: Int

  /// The network of `address`; a length past the family's is cut to it.
  public init(_ address: IPAddress, bits: Int) {
    self.bits = min(max(0, bits), Prefix.bitsMax(of: address))
    self.address = address.masked(v4Bits: bits, v6Bits: bits)
  }

  /// The network that `address` lies in, as a map has them.
  public init(_ address: IPAddress, in lengths: ServiceMap.NetworkBits) {
    self.init(address, bits: address.isIPv4 ? lengths.v4 : lengths.v6)
  }

  /// Nil where it is no network, also where bits past its length are set: whether the address or the length
  /// is a slip, nobody knows.
  public init?(_ text: String) {
    guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else {
      guard let address = IPAddress(text) else { return nil }
      self.init(address, bits: 128)
      return
    }
    let digits = text[slash...].dropFirst()
    guard let address = IPAddress(String(text[..<slash])), (1...3).contains(digits.utf8.count),
      digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let bits = Int(digits),
      bits <= Prefix.bitsMax(of: address)
    else { return nil }
    self.init(address, bits: bits)
    guard self.address == address else { return nil }
  }

  /// Whether `address` lies in it. An IPv4 address lies in no IPv6 network, also not in `::/0`.
  public func contains(_ address: IPAddress) -> Bool {
    address.isIPv4 == self.address.isIPv4
      && address.masked(v4Bits: bits, v6Bits: bits) == self.address
  }

  /// Whether it is a single address.
  public var isAddress: Bool { bits == Prefix.bitsMax(of: address) }

  public static func < (left: Prefix, right: Prefix) -> Bool {
    left.address != right.address ? left.address < right.address : left.bits < right.bits
  }

  private static func bitsMax(of address: IPAddress) -> Int { address.isIPv4 ? 32 : 128 }
}

extension Prefix: CustomStringConvertible {
  public var description: String { isAddress ? "\(address)" : "\(address)/\(bits)" }
}

/// Values of networks, found by address: the longest prefix that holds it decides, as in routing.
struct PrefixTable<Value: Sendable>: Sendable {
  private(set) var values: [Prefix: Value] = [:]
  /// The lengths that there are, descending.
  private var v4Lengths: [Int] = []
  private var v6Lengths: [Int] = []

  subscript(prefix: Prefix) -> Value? { values[prefix] }

  /// - Complexity: O(1) on average.
  mutating func set(_ prefix: Prefix, _ value: Value) {
    values[prefix] = value
    if prefix.address.isIPv4 {
      PrefixTable.insert(prefix.bits, into: &v4Lengths)
    } else {
      PrefixTable.insert(prefix.bits, into: &v6Lengths)
    }
  }

  private static func insert(_ length: Int, into lengths: inout [Int]) {
    let place = lengths.firstIndex { $0 <= length } ?? lengths.count
    guard place == lengths.count || lengths[place] != length else { return }
    lengths.insert(length, at: place)
  }

  /// That of the longest prefix that holds `address`.
  ///
  /// - Complexity: O(different lengths), 129 at most.
  func longest(_ address: IPAddress) -> Value? {
    for bits in address.isIPv4 ? v4Lengths : v6Lengths {
      if let value = values[Prefix(address, bits: bits)] { return value }
    }
    return nil
  }
}
