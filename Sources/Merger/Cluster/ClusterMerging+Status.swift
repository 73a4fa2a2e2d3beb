internal import Cluster
internal import Wire

extension ClusterMerging {
  /// What a merger says of itself to the cluster: what is in its store, not what is booked.
  ///
  /// - Parameter pending: messages of the stream that wait for it.
  func status(pending: UInt64) -> ProcessStatus.Merger {
    var status = ProcessStatus.Merger()
    status.store = settings.store
    status.commits = periods.commits
    status.pending = pending
    status.links = UInt64(periods.linkCount)
    let accounting = committed.accounting
    status.mapped = accounting[.mapped]
    for outcome in PacketOutcome.allCases where accounting[outcome] > 0 {
      status.accounting[outcome.name] = accounting[outcome]
    }
    status.inPipeline = committed.inPipeline
    status.captured = accounting.captured &+ status.inPipeline
    for shard in committed.shards {
      for (name, count) in shard.points where count.missing > count.missingBase {
        status.missing[name, default: 0] &+= count.missing - count.missingBase
      }
    }
    for (name, point) in committed.points where point.lostAtEnd > 0 {
      status.missing[name, default: 0] &+= point.lostAtEnd
    }
    status.points = committed.points.keys.sorted()
    return status
  }

  /// Records and refused messages aside: packets taken so far, and the newest one's time.
  var items: UInt64 { progress.accounting[.mapped] &+ progress.accounting[.seenElsewhere] }

  var newestTick: UInt64 { progress.shards.map(\.newestTick).max() ?? 0 }

  /// Whether all collectors have ended and all that they sent is booked.
  var isEnded: Bool {
    !progress.points.isEmpty && progress.inPipeline == 0
      && progress.points.keys.allSatisfy { name in
        progress.shards.allSatisfy { $0.points[name]?.isEnded ?? false }
      }
  }

  /// Where a tracker counted other packets than it reported the sessions of: a fault of renkei's.
  var contradiction: String? {
    for (number, shard) in progress.shards.enumerated() {
      let taken = shard.points.values.reduce(0) { $0 &+ $1.packets &- $1.packetsBase }
      let told = shard.mapped &+ shard.elsewhere
      if taken != told {
        return "shard \(number): the trackers took \(taken) packets and told of \(told): "
          + "this is a fault in renkei"
      }
    }
    return nil
  }
}
