/// Which known key somebody may have meant.
enum NearestKey {
  /// The key nearest to `word`, or nil where none is near: more than a third of the letters wrong, and
  /// more than two. One that goes on where `word` ends (`snaplen`) is near. Upper and lower case are the same.
  static func of(_ word: String, among keys: [String]) -> String? {
    let lower = word.lowercased()
    let longer = keys.filter { lower.count >= 3 && $0.lowercased().hasPrefix(lower) }
    if longer.count == 1 { return longer[0] }
    let near = keys.map { ($0, distance(lower, $0.lowercased())) }.min { $0.1 < $1.1 }
    guard let near, near.1 <= max(2, word.count / 3), near.1 < near.0.count else { return nil }
    return near.0
  }

  /// Letters to insert, leave out, change or swap with their neighbour (optimal string alignment).
  ///
  /// - Complexity: O(letters of one × letters of the other).
  static func distance(_ one: String, _ other: String) -> Int {
    let one = Array(one.prefix(64))
    let other = Array(other.prefix(64))
    var beforeLast: [Int] = []
    var last = Array(0...other.count)
    for row in one.indices {
      var current = [row + 1]
      for column in other.indices {
        var least = min(
          last[column + 1] + 1, current[column] + 1,
          last[column] + (one[row] == other[column] ? 0 : 1))
        if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
          least = min(least, beforeLast[column - 1] + 1)
        }
        current.append(least)
      }
      beforeLast = last
      last = current
    }
    return last[other.count]
  }
}
