/// How an address travels in a record: 32 bits, either IPv4 itself or a handle.
///
/// IPv6, and the rare real IPv4 address in 240.0.0.0/4, travel as a handle from 240.0.0.0 to
/// 254.255.255.255; 255.255.255.255 stays itself. A handle belongs to one stream and means nothing
/// outside of it; the batches of the stream carry handle→address entries before their first use.
public enum AddressHandle {
  /// The first handle, 240.0.0.0.
  @inlinable public static var first: UInt32 { 0xF000_0000 }
  /// How many handles there are: 240.0.0.0–254.255.255.255.
  @inlinable public static var count: UInt32 { 0x0F00_0000 }

  @inlinable public static func isHandle(_ value: UInt32) -> Bool {
    value &- first < count
  }
}

/// The producer's side: gives each IPv6 address its handle, in order of first appearance.
///
/// Open addressing over 4-byte slots, at most half full, beside the 16-byte addresses: at most 48
/// bytes an address, up to `capacity` addresses.
public struct AddressBook: ~Copyable {
  private var slots: [UInt32]
  private var addresses: [IPAddress] = []
  private let capacity: Int

  /// - Parameter capacity: how many addresses are kept; `intern` answers nil past it.
  public init(capacity: Int = 1 << 22) {
    precondition(capacity <= Int(AddressHandle.count))
    self.capacity = capacity
    slots = [UInt32](repeating: 0, count: 1024)
  }

  public var count: Int { addresses.count }

  /// The handle of `address`, and whether it was given just now; nil when the book is full.
  ///
  /// - Complexity: O(1) amortised; allocates only when a new address makes the book grow.
  public mutating func intern(_ address: IPAddress) -> (handle: UInt32, isNew: Bool)? {
    var index = Self.hash(address) & (slots.count - 1)
    while slots[index] != 0 {
      let position = Int(slots[index]) - 1
      if addresses[position] == address {
        return (AddressHandle.first + UInt32(position), false)
      }
      index = (index + 1) & (slots.count - 1)
    }
    guard addresses.count < capacity else { return nil }
    addresses.append(address)
    slots[index] = UInt32(addresses.count)
    if addresses.count * 2 > slots.count { grow() }
    return (AddressHandle.first + UInt32(addresses.count - 1), true)
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: slots.count * 2)
    for (position, address) in addresses.enumerated() {
      var index = Self.hash(address) & (slots.count - 1)
      while slots[index] != 0 { index = (index + 1) & (slots.count - 1) }
      slots[index] = UInt32(position + 1)
    }
  }

  @inline(__always) private static func hash(_ address: IPAddress) -> Int {
    var x = (address.high ^ (address.low &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93
    x ^= x >> 32
    return Int(truncatingIfNeeded: x)
  }
}

/// The consumer's side: what the handles of one stream stand for.
public struct AddressTable {
  private var addresses: [IPAddress] = []

  public init() {}

  /// Learns one entry of a batch. A handle outside the range is ignored: `address(of:)` then gives
  /// the raw value, which shows as an address in 240.0.0.0/4.
  public mutating func learn(handle: UInt32, address: IPAddress) {
    guard AddressHandle.isHandle(handle) else { return }
    let index = Int(handle - AddressHandle.first)
    while addresses.count <= index { addresses.append(IPAddress(high: 0, low: 0)) }
    addresses[index] = address
  }

  /// The true address behind a record's 32 bits.
  ///
  /// - Complexity: O(1).
  @inline(__always) public func address(of value: UInt32) -> IPAddress {
    guard AddressHandle.isHandle(value) else { return IPAddress(v4: value) }
    let index = Int(value - AddressHandle.first)
    return index < addresses.count ? addresses[index] : IPAddress(v4: value)
  }
}
