/// The flows of a batch, in the order of appearance, and where each was last.
struct FlowNumbers {
  /// The smaller endpoint as in `RecordView`, with protocol and flags above it.
  private(set) var firsts: [UInt64] = []
  private(set) var seconds: [UInt64] = []
  /// Where each was last.
  private var lasts: [UInt16] = []
  /// Open addressing, at most half full: number and 1; 0 is free.
  private var slots: [UInt16] = []

  mutating func clear(for records: Int) {
    firsts.removeAll(keepingCapacity: true)
    seconds.removeAll(keepingCapacity: true)
    lasts.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    slots.append(contentsOf: repeatElement(0, count: slotCount(for: records)))
  }

  /// Where the flow was last, of which there is a record at `place` now: there, too, where it is the first.
  ///
  /// - Complexity: O(1).
  @inline(__always) mutating func last(_ first: UInt64, _ second: UInt64, _ place: Int) -> Int {
    var hash = (first ^ second &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
    hash ^= hash >> 32
    let mask = slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      let found = Int(slots[slot]) &- 1
      if firsts[found] == first && seconds[found] == second {
        let last = lasts[found]
        lasts[found] = UInt16(truncatingIfNeeded: place)
        return Int(last)
      }
      slot = (slot &+ 1) & mask
    }
    firsts.append(first)
    seconds.append(second)
    lasts.append(UInt16(truncatingIfNeeded: place))
    slots[slot] = UInt16(firsts.count)
    return place
  }
}

/// Gives each kind of a batch its number, in the order of appearance, and the frequent ones symbols.
struct KindNumbers {
  private(set) var values: [UInt32] = []
  private var counts: [UInt32] = []
  /// By number: the kind's place in `chosen`, or how many were chosen.
  private(set) var symbols: [UInt8] = []
  /// The kinds that have a symbol.
  private(set) var chosen: [UInt32] = []
  private var slots: [UInt16] = []

  mutating func clear(for records: Int) {
    values.removeAll(keepingCapacity: true)
    counts.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    slots.append(contentsOf: repeatElement(0, count: slotCount(for: records)))
  }

  /// - Complexity: O(1).
  @inline(__always) mutating func number(_ kind: UInt32) -> UInt16 {
    let hash = UInt64(kind) &* 0x9E37_79B9_7F4A_7C15 >> 32
    var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[place] != 0 {
      let found = Int(slots[place]) - 1
      if values[found] == kind {
        counts[found] += 1
        return UInt16(found)
      }
      place = (place + 1) & (slots.count - 1)
    }
    values.append(kind)
    counts.append(1)
    slots[place] = UInt16(values.count)
    return UInt16(values.count - 1)
  }

  /// Chooses the most frequent kinds, `max` at most: those that occur more often than a threshold, in the order of
  /// appearance. One that occurs once is never worth its line.
  ///
  /// - Returns: how often each symbol occurs; the last one stands for all kinds that were not chosen.
  /// - Complexity: O(kinds).
  mutating func choose(_ max: Int) -> [UInt32] {
    var byCount = [Int](repeating: 0, count: 64)
    for count in counts { byCount[min(Int(count), 63)] += 1 }
    // Kinds of the highest class are few: a batch has room for 130 of them.
    var threshold = 63
    var sum = byCount[63]
    while threshold > 2 && sum + byCount[threshold - 1] <= max {
      threshold -= 1
      sum += byCount[threshold]
    }
    chosen.removeAll(keepingCapacity: true)
    symbols.removeAll(keepingCapacity: true)
    var symbolCounts: [UInt32] = []
    var others: UInt32 = 0
    let rest = UInt8(sum)
    for (kind, count) in counts.enumerated() {
      if count >= threshold {
        symbols.append(UInt8(chosen.count))
        chosen.append(values[kind])
        symbolCounts.append(count)
      } else {
        symbols.append(rest)
        others += count
      }
    }
    return symbolCounts + [others]
  }
}

/// A power of two, at least twice as many.
private func slotCount(for records: Int) -> Int {
  var count = 256
  while count < 2 * records { count *= 2 }
  return count
}

extension AddressHandle {
  /// Whether a record's 32 bits are an address, or a handle of one of the first `count` addresses.
  static func isKnown(_ value: UInt32, of count: Int) -> Bool {
    !isHandle(value) || Int(value &- first) < count
  }
}
