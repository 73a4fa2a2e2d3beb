internal import CLinux

/// Tells keys that occur once from those that may occur again, in a few bits a key.
///
/// Most endpoints of a map are a client's port that is used once. They need no place in a table; and
/// what tells them apart stays in the cache where a table does not.
struct RepeatFilter: Sendable {
  /// Words in pairs: bits of keys that were seen, and those of them that were seen again.
  private var words: [UInt64]

  /// - Parameter keys: how many are expected; at most an eighth of them is taken for repeated wrongly.
  init(keys: Int) {
    var bits = 1024
    while bits < keys * 4 { bits *= 2 }
    words = [UInt64](repeating: 0, count: bits / 32)
  }

  /// Asks for the memory that `insert` will want.
  @inline(__always) func prefetch(_ key: UInt64) {
    words.withUnsafeBufferPointer { words in
      // SAFETY: `place` gives a place within the words.
      renkei_prefetch(words.baseAddress! + place(of: key).word)
    }
  }

  /// - Complexity: O(1).
  @inline(__always) mutating func insert(_ key: UInt64) {
    let (word, bit) = place(of: key)
    words.withUnsafeMutableBufferPointer { words in
      words[word + 1] |= words[word] & bit
      words[word] |= bit
    }
  }

  /// Whether the key was inserted more than once. Never false where it was; seldom true where it was
  /// not.
  @inline(__always) func mayRepeat(_ key: UInt64) -> Bool {
    let (word, bit) = place(of: key)
    return words[word + 1] & bit != 0
  }

  @inline(__always) private func place(of key: UInt64) -> (word: Int, bit: UInt64) {
    let hash = WordIndex.mixed(key)
    let word = Int(truncatingIfNeeded: hash >> 6) & (words.count / 2 - 1)
    return (2 * word, 1 << (hash & 63))
  }
}
