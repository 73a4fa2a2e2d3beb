/// A code that gives what is frequent few bits (Huffman 1952), of up to 256 symbols.
///
/// Only the lengths of its words are sent. From them both sides make the same words, in the manner of deflate (RFC 1951
/// section 3.2.2): those of one length are consecutive numbers in the order of the symbols, and shorter ones come
/// first. A word's first bit is the lowest.
struct PrefixCode {
  /// Bits of a word, at most: so many that a table of all of them stays in the first-level cache.
  static let longest = 12

  /// Bits of each symbol's word; 0 where it has none.
  private(set) var lengths: [UInt8] = []
  /// By symbol.
  private(set) var words: [Word] = []

  /// What stands for a symbol; its first bit is the lowest.
  struct Word {
    var bits: UInt16
    var length: UInt16
  }

  /// Makes the code for symbols that occur so often.
  ///
  /// - Complexity: O(symbols · log symbols); once a batch.
  mutating func fit(_ counts: [UInt32]) {
    var counts = counts
    repeat {
      lengths = PrefixCode.depths(counts)
      // Flatter, until the rarest are not too deep: at the latest when all are equal.
      for symbol in counts.indices { counts[symbol] = (counts[symbol] + 1) / 2 }
    } while lengths.contains { $0 > PrefixCode.longest }
    words = [Word](repeating: Word(bits: 0, length: 0), count: lengths.count)
    PrefixCode.forEachWord(lengths) { symbol, length, bits in
      words[symbol] = Word(bits: bits, length: UInt16(length))
    }
  }

  /// How deep each symbol lies in the best tree.
  private static func depths(_ counts: [UInt32]) -> [UInt8] {
    var depths = [UInt8](repeating: 0, count: counts.count)
    // Counts above, symbols below: equal counts stay in the order of the symbols, on every machine.
    let leaves = counts.indices.filter { counts[$0] > 0 }
      .map { UInt64(counts[$0]) << 16 | UInt64($0) }.sorted()
    guard leaves.count > 1 else {
      for leaf in leaves { depths[Int(leaf & 0xFFFF)] = 1 }
      return depths
    }
    // Leaves first, then the nodes that join two: both in rising order, so the two smallest are at the fronts.
    var weights = leaves.map { $0 >> 16 }
    var parents = [Int](repeating: 0, count: 2 * leaves.count - 1)
    var (leaf, node) = (0, leaves.count)
    for joint in leaves.count..<2 * leaves.count - 1 {
      var sum: UInt64 = 0
      for _ in 0..<2 {
        let isLeaf = leaf < leaves.count && (node >= joint || weights[leaf] <= weights[node])
        sum += weights[isLeaf ? leaf : node]
        parents[isLeaf ? leaf : node] = joint
        if isLeaf { leaf += 1 } else { node += 1 }
      }
      weights.append(sum)
    }
    var depth = [UInt8](repeating: 0, count: parents.count)
    for place in (0..<parents.count - 1).reversed() { depth[place] = depth[parents[place]] + 1 }
    for (place, leaf) in leaves.enumerated() { depths[Int(leaf & 0xFFFF)] = depth[place] }
    return depths
  }

  /// Calls `body` with symbol, length and word of every symbol that has one.
  fileprivate static func forEachWord(
    _ lengths: some Collection<UInt8>, _ body: (Int, Int, UInt16) -> Void
  ) {
    var next = [UInt16](repeating: 0, count: longest + 2)
    for length in lengths where length > 0 { next[Int(length) + 1] += 1 }
    for length in 1...longest { next[length + 1] = (next[length + 1] + next[length]) << 1 }
    // Now `next[length]` is twice what all shorter words take, which is where those of this length begin.
    for (symbol, length) in lengths.enumerated() where length > 0 {
      let word = next[Int(length)]
      next[Int(length)] += 1
      var reversed: UInt16 = 0
      for bit in 0..<UInt16(length) where word >> bit & 1 == 1 {
        reversed |= 1 << (UInt16(length) - 1 - bit)
      }
      body(symbol, Int(length), reversed)
    }
  }
}

/// The other side of a `PrefixCode`: a table of what every sequence of bits begins with.
struct PrefixTable {
  /// Symbol above, length in the lower four bits; 0 where no word begins so.
  private var entries: [UInt16]
  private let mask: UInt64

  /// - Throws: `WireError.inconsistent` where the lengths are those of no code.
  init(lengths: UnsafeRawBufferPointer) throws(WireError) {
    let longest = Int(lengths.max() ?? 0)
    guard longest <= PrefixCode.longest else { throw .inconsistent }
    // In units of the longest word.
    let taken = lengths.reduce(0) { $0 + ($1 > 0 ? 1 << (longest - Int($1)) : 0) }
    guard taken <= 1 << longest else { throw .inconsistent }
    var entries = [UInt16](repeating: 0, count: 1 << longest)
    PrefixCode.forEachWord(lengths) { symbol, length, word in
      for place in stride(from: Int(word), to: entries.count, by: 1 << length) {
        entries[place] = UInt16(symbol) << 4 | UInt16(length)
      }
    }
    self.entries = entries
    mask = UInt64(entries.count - 1)
  }

  /// The next symbol; nil where no word begins so.
  @inline(__always) func next(_ bits: inout BitReader) -> Int? {
    let entry = entries[Int(truncatingIfNeeded: bits.peek() & mask)]
    bits.skip(Int(entry & 15))
    return entry == 0 ? nil : Int(entry >> 4)
  }
}
