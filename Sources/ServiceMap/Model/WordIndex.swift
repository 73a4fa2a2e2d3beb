internal import CLinux

/// Gives each distinct 64-bit key the next number, from 0: the index of its row in an array beside.
///
/// Open addressing, at most three quarters full. A slot holds the key's number and half of its hash, so
/// that a key that is not there costs one cache line; keys that come in batches wait for their lines
/// together.
public struct WordIndex: Sendable {
  /// Upper half: of the hash. Lower half: the number plus one; 0 is free.
  private var slots: [UInt64]
  /// The keys by number.
  public private(set) var keys: [UInt64] = []

  /// - Parameter capacity: how many keys are expected; more are no error.
  public init(capacity: Int = 0) {
    var count = 64
    while count < capacity { count *= 2 }
    slots = [UInt64](repeating: 0, count: count)
  }

  public var count: Int { keys.count }
  public var isEmpty: Bool { keys.isEmpty }

  /// The number of `key`; a new one is `count` as it was before.
  ///
  /// - Complexity: O(1) amortised.
  public mutating func number(of key: UInt64) -> Int {
    if (keys.count + 1) * 4 > slots.count * 3 { grow() }
    let hash = WordIndex.hash(key)
    var slot = hash.slot & (slots.count - 1)
    while slots[slot] != 0 {
      if let number = number(in: slots[slot], of: key, hash.tag) { return number }
      slot = (slot + 1) & (slots.count - 1)
    }
    keys.append(key)
    slots[slot] = hash.tag | UInt64(keys.count)
    return keys.count - 1
  }

  /// The numbers of `batch`, in its order, into the first elements of `numbers`.
  ///
  /// - Complexity: O(batch) amortised.
  public mutating func number(
    _ batch: UnsafeBufferPointer<UInt64>, into numbers: UnsafeMutableBufferPointer<UInt32>
  ) {
    while (keys.count + batch.count) * 4 > slots.count * 3 { grow() }
    let mask = slots.count - 1
    var known = keys.count
    keys.append(contentsOf: repeatElement(0, count: batch.count))
    slots.withUnsafeMutableBufferPointer { slots in
      keys.withUnsafeMutableBufferPointer { keys in
        // SAFETY: the mask keeps it within the slots.
        for key in batch { renkei_prefetch(slots.baseAddress! + (WordIndex.hash(key).slot & mask)) }
        for (position, key) in batch.enumerated() {
          let hash = WordIndex.hash(key)
          var slot = hash.slot & mask
          while true {
            let found = slots[slot]
            if found == 0 {
              keys[known] = key
              known += 1
              slots[slot] = hash.tag | UInt64(known)
              numbers[position] = UInt32(known - 1)
              break
            }
            let number = Int(found & ~WordIndex.tagMask) - 1
            if found & WordIndex.tagMask == hash.tag, keys[number] == key {
              numbers[position] = UInt32(number)
              break
            }
            slot = (slot + 1) & mask
          }
        }
      }
    }
    keys.removeLast(keys.count - known)
  }

  /// The number of `key`, or nil where it has none.
  public func find(_ key: UInt64) -> Int? {
    let hash = WordIndex.hash(key)
    var slot = hash.slot & (slots.count - 1)
    while slots[slot] != 0 {
      if let number = number(in: slots[slot], of: key, hash.tag) { return number }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// The number in a slot that is not free, if it is that of `key`.
  @inline(__always) private func number(in slot: UInt64, of key: UInt64, _ tag: UInt64) -> Int? {
    let number = Int(slot & ~WordIndex.tagMask) - 1
    return slot & WordIndex.tagMask == tag && keys[number] == key ? number : nil
  }

  private mutating func grow() {
    let count = slots.count * 2
    slots = [UInt64](repeating: 0, count: count)
    slots.withUnsafeMutableBufferPointer { slots in
      for (number, key) in keys.enumerated() {
        let hash = WordIndex.hash(key)
        var slot = hash.slot & (count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (count - 1) }
        slots[slot] = hash.tag | UInt64(number + 1)
      }
    }
  }

  private static let tagMask: UInt64 = 0xFFFF_FFFF_0000_0000

  /// Tag and slot come from different bits, so that neighbours in a cluster differ in their tags.
  @inline(__always) private static func hash(_ key: UInt64) -> (tag: UInt64, slot: Int) {
    let hash = mixed(key)
    return (hash & tagMask, Int(hash & ~tagMask))
  }

  @inline(__always) static func mixed(_ key: UInt64) -> UInt64 {
    var x = key &* 0x9E37_79B9_7F4A_7C15
    x = (x ^ x >> 32) &* 0xD6E8_FEB8_6659_FD93
    return x ^ x >> 32
  }
}
