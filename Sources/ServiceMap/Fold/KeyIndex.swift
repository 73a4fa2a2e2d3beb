/// A 128-bit key: more than `WordIndex` takes.
@frozen public struct Key: Equatable, Sendable {
  public let high: UInt64
  public let low: UInt64

  @inlinable public init(_ high: UInt64, _ low: UInt64) {
    self.high = high
    self.low = low
  }

  @inlinable public static func == (left: Key, right: Key) -> Bool {
    left.high == right.high && left.low == right.low
  }
}

/// Gives each distinct key the next number, from 0: the index of its row in an array beside.
///
/// Open addressing over 4-byte slots, at most half full; the keys themselves are kept once.
struct KeyIndex: Sendable {
  private var slots: [UInt32]
  private var keys: [Key] = []

  init() {
    slots = [UInt32](repeating: 0, count: 4096)
  }

  var count: Int { keys.count }

  /// The number of `key`; a new one is how many keys there were before.
  ///
  /// - Complexity: O(1) amortised.
  mutating func number(of key: Key) -> Int {
    var slot = KeyIndex.hash(key) & (slots.count - 1)
    while slots[slot] != 0 {
      let number = Int(slots[slot]) - 1
      if keys[number] == key { return number }
      slot = (slot + 1) & (slots.count - 1)
    }
    keys.append(key)
    slots[slot] = UInt32(keys.count)
    if keys.count * 2 > slots.count { grow() }
    return keys.count - 1
  }

  /// The number of `key`, or nil where it has none.
  func find(_ key: Key) -> Int? {
    var slot = KeyIndex.hash(key) & (slots.count - 1)
    while slots[slot] != 0 {
      let number = Int(slots[slot]) - 1
      if keys[number] == key { return number }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: slots.count * 2)
    for (number, key) in keys.enumerated() {
      var slot = KeyIndex.hash(key) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = UInt32(number + 1)
    }
  }

  @inline(__always) private static func hash(_ key: Key) -> Int {
    var x = key.high &* 0x9E37_79B9_7F4A_7C15
    x = (x ^ x >> 32 ^ key.low) &* 0xD6E8_FEB8_6659_FD93
    return Int(truncatingIfNeeded: x ^ x >> 32)
  }
}
