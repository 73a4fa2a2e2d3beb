internal import Cluster
internal import Foundation

/// Which trackers live: those whose entry in the bucket `renkei-status` goes on changing.
///
/// Judged by the reader's own monotonic clock and the revisions of the entries alone; clocks of boxes are never compared.
struct Membership {
  private struct Member {
    var incarnation: UInt64
    var revision: UInt64
    var changedAtSeconds: Double
    /// Whether it was seen to change, and not only to be there.
    var isConfirmed: Bool
  }

  /// Silence after which a tracker is dead.
  let takeoverSeconds: Double
  private var members: [String: Member] = [:]
  private var observedAtSeconds: Double?
  private var alive: Set<Assignment.Owner> = []
  private var aliveSinceSeconds: Double = 0
  /// When those who are not there any more were last known to be.
  private(set) var goneAtSeconds: [Assignment.Owner: Double] = [:]

  static let keyPrefix = "tracker."

  init(takeoverSeconds: Double) { self.takeoverSeconds = takeoverSeconds }

  /// Takes what the bucket says at the moment.
  mutating func observe(_ entries: [String: BucketValue], nowSeconds: Double) {
    if let last = observedAtSeconds, nowSeconds - last > takeoverSeconds / 2 {
      // Nobody could be heard for a while, so nobody's silence means anything.
      for name in Array(members.keys) {
        guard let member = members[name], last - member.changedAtSeconds <= takeoverSeconds else {
          continue
        }
        members[name]?.changedAtSeconds = nowSeconds
        members[name]?.isConfirmed = false
      }
    }
    var seen: Set<String> = []
    for (key, value) in entries where key.hasPrefix(Membership.keyPrefix) {
      let name = String(key.dropFirst(Membership.keyPrefix.count))
      guard
        let status = try? JSONDecoder().decode(ProcessStatus.self, from: Data(value.value)),
        status.name == name
      else { continue }
      seen.insert(name)
      if let known = members[name] {
        if known.revision == value.revision { continue }
        if known.incarnation != status.incarnation { leave(name) }
        members[name] = Member(
          incarnation: status.incarnation, revision: value.revision,
          changedAtSeconds: nowSeconds, isConfirmed: true)
      } else {
        // What was there before this process first looked may have been dead for long.
        members[name] = Member(
          incarnation: status.incarnation, revision: value.revision,
          changedAtSeconds: nowSeconds, isConfirmed: observedAtSeconds != nil)
      }
    }
    for name in Array(members.keys) where !seen.contains(name) { leave(name) }
    observedAtSeconds = nowSeconds
    let now = keeping(nowSeconds: nowSeconds)
    if now != alive {
      alive = now
      aliveSinceSeconds = nowSeconds
    }
  }

  private mutating func leave(_ name: String) {
    guard let member = members.removeValue(forKey: name) else { return }
    if goneAtSeconds.count > 1000 { goneAtSeconds = [:] }
    let owner = Assignment.Owner(name: name, incarnation: member.incarnation)
    goneAtSeconds[owner] = member.changedAtSeconds
  }

  /// Who is not known to be dead, and keeps what he has.
  func keeping(nowSeconds: Double) -> Set<Assignment.Owner> {
    owners { nowSeconds - $0.changedAtSeconds <= takeoverSeconds }
  }

  /// Who is certainly alive, and may get more.
  func receiving(nowSeconds: Double) -> Set<Assignment.Owner> {
    owners { $0.isConfirmed && nowSeconds - $0.changedAtSeconds <= takeoverSeconds * 5 / 8 }
  }

  /// When an owner last gave a sign of life; nil where he was never seen.
  func lastSeenSeconds(of owner: Assignment.Owner) -> Double? {
    if let member = members[owner.name], member.incarnation == owner.incarnation {
      return member.changedAtSeconds
    }
    return goneAtSeconds[owner]
  }

  /// How long the same trackers have been alive.
  func stableSeconds(nowSeconds: Double) -> Double { nowSeconds - aliveSinceSeconds }

  private func owners(_ isMeant: (Member) -> Bool) -> Set<Assignment.Owner> {
    Set(
      members.filter { isMeant($0.value) }
        .map { Assignment.Owner(name: $0.key, incarnation: $0.value.incarnation) })
  }
}
