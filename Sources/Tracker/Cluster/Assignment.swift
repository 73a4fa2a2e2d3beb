/// Which tracker owns which virtual shard: one JSON value in the bucket `renkei-cluster`, under `assignment`, which every
/// tracker changes by compare-and-swap.
///
/// It only says who shall work; that two who both think so never both count is the matter of the stream of epochs.
struct Assignment: Codable, Equatable {
  static let key = "assignment"

  /// One of the lives of a tracker.
  struct Owner: Codable, Hashable, Comparable {
    var name: String
    /// Nanoseconds since 1970 of its start.
    var incarnation: UInt64

    static func < (one: Owner, other: Owner) -> Bool {
      (one.name, one.incarnation) < (other.name, other.incarnation)
    }
  }

  /// Of this shape.
  var version = 1
  /// By shard; one without an owner is not in it.
  var owners: [Int: Owner] = [:]

  /// The shards of an owner.
  func shards(of owner: Owner) -> Set<Int> {
    Set(owners.filter { $0.value == owner }.keys)
  }

  /// The assignment after who is dead has lost his shards.
  ///
  /// Deterministic: whoever makes it of the same facts makes the same. No shard moves but those of the dead, and as few as
  /// are needed until nobody has two more than another.
  ///
  /// - Parameters:
  ///   - keeping: who may keep what he has.
  ///   - receiving: who may get shards, because he is certainly alive.
  ///   - isLevelled: whether shards also move from one who is alive to another, so that each has as many.
  func balanced(
    shards: Int, keeping: Set<Owner>, receiving: Set<Owner>, isLevelled: Bool = true
  ) -> Assignment {
    let alive = keeping.union(receiving)
    var result = self
    result.owners = owners.filter { (0..<shards).contains($0.key) && alive.contains($0.value) }
    var counts: [Owner: Int] = [:]
    for owner in alive { counts[owner] = 0 }
    for owner in result.owners.values { counts[owner, default: 0] += 1 }
    func least() -> Owner? {
      receiving.min { (counts[$0] ?? 0, $0) < (counts[$1] ?? 0, $1) }
    }
    for shard in 0..<shards where result.owners[shard] == nil {
      guard let owner = least() else { return result }
      result.owners[shard] = owner
      counts[owner, default: 0] += 1
    }
    guard isLevelled else { return result }
    while let few = least(),
      let many = alive.max(by: { (counts[$0] ?? 0, $1) < (counts[$1] ?? 0, $0) }),
      (counts[many] ?? 0) > (counts[few] ?? 0) + 1,
      let shard = result.shards(of: many).max()
    {
      result.owners[shard] = few
      counts[many, default: 0] -= 1
      counts[few, default: 0] += 1
    }
    return result
  }
}
