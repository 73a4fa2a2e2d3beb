internal import Wire

/// What a cluster's merger has booked, and from where it goes on: kept with the run in the store, in the same
/// transaction as the links.
struct ClusterProgress: Codable, Equatable {
  /// Of the messages in the stream of epochs: all up to this one need not be read again.
  var sequence: UInt64 = 0
  /// The period of the last packets, minutes since 1970; 0 where there were none.
  var lastPeriod: UInt64 = 0
  var shards: [Shard]
  /// By name of the capture point: what its collectors have reported.
  var points: [String: Point] = [:]
  /// What the points had reported when this store began to be written, where that was not the beginning: it is
  /// in another store.
  var base: CaptureReport?
  /// By `PacketOutcome.name`: what is in a period.
  var attributed: [String: UInt64] = [:]

  init(shards: Int) { self.shards = [Shard](repeating: Shard(), count: shards) }

  struct Shard: Codable, Equatable {
    /// The last epoch that is booked; nil where nothing was heard of the shard yet.
    var epoch: UInt64?
    /// Up to which sequence in the stream of records that is.
    var recordsSequence: UInt64 = 0
    /// Sequence of the first part of the last snapshot; 0 where there was none.
    var snapshotSequence: UInt64 = 0
    /// Packets that are in the links, and those that other capture points have seen as well.
    var mapped: UInt64 = 0
    var elsewhere: UInt64 = 0
    var exportedEarly: UInt64 = 0
    var newestTick: UInt64 = 0
    /// By name of the capture point.
    var points: [String: Count] = [:]
  }

  /// How far a shard has come with a capture point: as in `EpochReport.Point`.
  struct Count: Codable, Equatable {
    var run: UInt64
    var packets: UInt64
    var missing: UInt64
    var recordsOfRun: UInt64
    var isEnded: Bool
    /// Of `packets` and `missing`, what was before this store.
    var packetsBase: UInt64 = 0
    var missingBase: UInt64 = 0

    init(_ point: EpochReport.Point) {
      run = point.run
      packets = point.packets
      missing = point.missing
      recordsOfRun = point.recordsOfRun
      isEnded = point.isEnded
    }
  }

  struct Point: Codable, Equatable {
    /// The run that `report` is of.
    var run: UInt64 = 0
    /// Of the collector's run, so far; and of all the runs before it.
    var report = CaptureReport()
    var past = CaptureReport()
    /// Packets of past runs that were sent and never came, without a gap that would have shown it.
    var lostAtEnd: UInt64 = 0

    var total: CaptureReport {
      var sum = past
      sum.add(report)
      return sum
    }
  }
}

extension ClusterProgress {
  /// What became of all packets that are not in the map or on their way to it, but for those of sessions that
  /// several points have seen.
  var reasons: Accounting {
    var sum = Accounting()
    for point in points.values {
      let total = point.total.outcomes
      for outcome in PacketOutcome.allCases { sum[outcome] &+= total[outcome] }
      sum[.lostInTransit] &+= point.lostAtEnd
    }
    for shard in shards {
      for count in shard.points.values {
        sum[.lostInTransit] &+= count.missing &- count.missingBase
      }
    }
    if let base = base?.outcomes {
      for outcome in PacketOutcome.allCases {
        sum[outcome] &-= min(sum[outcome], base[outcome])
      }
    }
    sum[.mapped] = 0
    return sum
  }

  /// What became of all packets that are accounted for in this store: mapped, and by reason.
  var accounting: Accounting {
    var sum = reasons
    for shard in shards {
      sum[.mapped] &+= shard.mapped
      sum[.seenElsewhere] &+= shard.elsewhere
    }
    return sum
  }

  /// Packets that collectors have reported to be sent, and that have not come yet.
  var inPipeline: UInt64 {
    var sum: UInt64 = 0
    for (name, point) in points {
      let sent = point.total.outcomes[.mapped]
      let came = shards.reduce(point.lostAtEnd) { sum, shard in
        guard let count = shard.points[name] else { return sum }
        return sum &+ count.packets &+ count.missing
      }
      sum &+= sent - min(sent, came)
    }
    return sum
  }
}

extension CaptureReport {
  /// Adds what another run, or another capture point, has reported; files of the same name become one.
  mutating func add(_ other: CaptureReport) {
    for file in other.files {
      if let place = files.firstIndex(where: { $0.name == file.name }) {
        files[place].packets += file.packets
        files[place].warning = file.warning ?? files[place].warning
      } else {
        files.append(file)
      }
    }
    if filter.isEmpty { filter = other.filter }
    if let start = other.startNs { startNs = min(startNs ?? .max, start) }
    if let end = other.endNs { endNs = max(endNs ?? 0, end) }
    frameBytes &+= other.frameBytes
    lengthSaturated &+= other.lengthSaturated
    sessionsExportedEarly &+= other.sessionsExportedEarly
    accounting.merge(other.accounting) { $0 &+ $1 }
  }

  /// What became of the packets, by the number of the outcome.
  var outcomes: Accounting {
    var outcomes = Accounting()
    for outcome in PacketOutcome.allCases { outcomes[outcome] = accounting[outcome.name] ?? 0 }
    return outcomes
  }
}
