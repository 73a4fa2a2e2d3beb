internal import Foundation
internal import Wire

/// Watches a cluster's buckets, and tells which of its processes live.
///
/// By their entries alone: an entry that has changed within the last seconds of our own monotonic clock is that of a
/// process that lives. Clocks of different boxes are never compared.
public struct ClusterObserver {
  /// An entry is written every second; one that has not changed for that long is a dead process's.
  public static let deadAfterSeconds = 4.0

  private struct Seen {
    var revision: UInt64
    var changedAt: Double?
    var firstAt: Double
  }

  private var seen: [String: Seen] = [:]

  public init() {}

  /// How the cluster is at this moment.
  ///
  /// - Parameters:
  ///   - streams: what JetStream says of them.
  ///   - now: seconds of a monotonic clock.
  /// - Throws: `ClusterError`.
  public mutating func look(
    at log: some ClusterLog, streams: [ClusterInspection.Stream], now: Double
  ) throws(ClusterError) -> ClusterCondition {
    var condition = ClusterCondition()
    condition.streams = streams
    if let layout = try log.get(ClusterLayout.key, in: .cluster) {
      condition.shards =
        (try? JSONDecoder().decode(ClusterLayout.self, from: Data(layout.value)))?.shards
    }
    let entries = try log.all("", in: .status)
    seen = seen.filter { entries[$0.key] != nil }
    for (key, entry) in entries.sorted(by: { $0.key < $1.key }) {
      var one = seen[key] ?? Seen(revision: entry.revision, changedAt: nil, firstAt: now)
      if one.revision != entry.revision {
        one.revision = entry.revision
        one.changedAt = now
      }
      seen[key] = one
      guard let status = try? JSONDecoder().decode(ProcessStatus.self, from: Data(entry.value))
      else { continue }
      let isAlive = one.changedAt.map { now - $0 < ClusterObserver.deadAfterSeconds } ?? false
      condition.members.append(
        ClusterCondition.Member(
          status: status, isAlive: isAlive,
          isEnded: status.collector?.isEnded ?? false, lagSeconds: nil))
    }
    condition.sortAndSum()
    condition.judge()
    return condition
  }

  /// Whether it is known of all processes whether they live: each has changed its entry, or been watched for long enough.
  public func isSettled(now: Double) -> Bool {
    seen.values.allSatisfy {
      $0.changedAt != nil || now - $0.firstAt >= ClusterObserver.deadAfterSeconds
    }
  }
}

extension ClusterCondition {
  fileprivate mutating func sortAndSum() {
    let order = ProcessStatus.Role.allCases
    func place(_ member: Member) -> Int { order.firstIndex(of: member.status.role) ?? 0 }
    members.sort { (place($0), $0.status.name) < (place($1), $1.status.name) }

    let newest = members(.collector).map(\.status.newestTick).max() ?? 0
    func behind(_ tick: UInt64) -> Double? {
      tick == 0 || newest == 0
        ? nil : Double(Tick.nanoseconds(newest - min(newest, tick))) / 1e9
    }
    var owned: Set<Int> = []
    for place in members.indices {
      let status = members[place].status
      switch status.role {
      case .collector:
        guard status.newestTick > 0 else { continue }
        let seconds = Double(Tick.nanoseconds(status.newestTick)) / 1e9
        members[place].lagSeconds = max(0, status.writtenAtSeconds - seconds)
      case .tracker:
        let shards = status.tracker?.shards ?? []
        if members[place].isAlive { owned.formUnion(shards.map(\.shard)) }
        members[place].lagSeconds = shards.compactMap { behind($0.newestTick) }.max()
      case .merger: members[place].lagSeconds = behind(status.newestTick)
      }
      for (reason, count) in status.refused where count > 0 {
        refused[reason, default: [:]][status.label] = count
      }
    }
    shardsWithoutOwner = (0..<(shards ?? 0)).filter { !owned.contains($0) }
  }
}
