internal import Cluster
internal import Foundation
internal import ServiceMap
internal import Wire

/// The merger of a cluster between two looks at its stream: takes what the trackers report, in the order of the
/// stream, and commits it to a store. May be killed at any moment; another one on the same store then goes on, and
/// nothing is lost or counted twice. What it books depends on the stream alone, so that two of them make the same map.
final class ClusterMerging {
  let settings: ClusterMergerSettings
  let periods: PeriodBook
  /// With what was booked, and as the store has it.
  private(set) var progress: ClusterProgress
  private(set) var committed: ClusterProgress
  /// By shard: the parts of what is not complete yet.
  private var waiting: [Waiting?]
  /// The last message that was taken.
  private var lastSequence: UInt64
  /// Whether messages were deleted that this store has not seen.
  private var hasMissed = false
  private let isFresh: Bool
  /// Messages that were refused, by reason.
  private(set) var refused: [String: UInt64] = [:]

  private struct Waiting {
    /// Sequence of the first part.
    let first: UInt64
    var parts: [EpochReport]
  }

  /// - Throws: `StoreError`; `MergerError.otherRun` where the store's run had another number of shards.
  init(_ settings: ClusterMergerSettings, store: UnitStore) throws {
    self.settings = settings
    periods = PeriodBook(
      store: store, linksMax: settings.linksMax,
      addresses: try SharedAddresses(capacity: settings.addressesMax))
    let shards = settings.layout.shards
    progress = ClusterProgress(shards: shards)
    let bytes = try store.progress(ofRun: settings.layout.createdNs)
    isFresh = bytes == nil
    if let bytes {
      progress = try JSONDecoder().decode(ClusterProgress.self, from: Data(bytes))
      guard progress.shards.count == shards else { throw MergerError.otherRun }
    }
    committed = progress
    periods.lastPeriod = progress.lastPeriod
    lastSequence = progress.sequence
    waiting = [Waiting?](repeating: nil, count: shards)
  }

  /// From which message of the stream on to read.
  var nextSequence: UInt64 { lastSequence + 1 }

  /// Whether something was taken that is not in the store.
  var hasNews: Bool { restart != committed.sequence || progress != committed }

  /// The last message before the oldest one that is still needed.
  private var restart: UInt64 {
    waiting.reduce(lastSequence) { min($0, ($1?.first ?? .max) - 1) }
  }

  // MARK: - The stream

  /// Takes the next message of the stream.
  ///
  /// - Throws: `MergerError.missedEpochs` where epochs are missing that this store has not; `.addressesFull`;
  ///   `StoreError`.
  /// - Complexity: O(entries).
  func take(_ message: LogMessage) throws {
    guard message.sequence > lastSequence else { return }
    if message.sequence > lastSequence + 1 && !isFresh { hasMissed = true }
    lastSequence = message.sequence
    var report: EpochReport
    do {
      report = try EpochReport(decoding: message.payload)
    } catch {
      refused[error.name, default: 0] += 1
      return
    }
    let shard = Int(report.shard)
    guard Int(report.shardCount) == waiting.count, shard < waiting.count,
      message.subject == ClusterSubject.epochs(shard: shard)
    else {
      refused["otherShard", default: 0] += 1
      return
    }
    // Of a snapshot only where it begins is of interest.
    if report.kind == .snapshot { (report.entries, report.addresses) = ([], []) }
    if report.part == 0 { waiting[shard] = Waiting(first: message.sequence, parts: []) }
    // The rest of one whose beginning need not be read again, or whose owner was not the owner any more.
    guard var found = waiting[shard], found.parts.count == Int(report.part),
      found.parts.last.map({ $0.isFollowed(by: report) }) ?? true
    else {
      waiting[shard] = nil
      return
    }
    found.parts.append(report)
    guard report.isLastPart else {
      waiting[shard] = found
      return
    }
    waiting[shard] = nil
    switch report.kind {
    case .snapshot: try note(snapshot: report, at: found.first, of: shard)
    case .changes: try note(found.parts, last: report, of: shard)
    }
  }

  private func note(snapshot: EpochReport, at first: UInt64, of shard: Int) throws {
    if let epoch = progress.shards[shard].epoch {
      guard snapshot.epoch <= epoch else {
        throw MergerError.missedEpochs(shard: shard, last: epoch, found: snapshot.epoch)
      }
      // Of a tracker that was the owner no more: nothing goes on from there.
      guard snapshot.epoch == epoch else { return }
    } else {
      guard !hasMissed || snapshot.epoch == 0 else {
        throw MergerError.missedEpochs(shard: shard, last: 0, found: snapshot.epoch)
      }
      begin(shard, after: snapshot)
    }
    progress.shards[shard].snapshotSequence = max(progress.shards[shard].snapshotSequence, first)
  }

  /// What was before this store began is counted in another one.
  private func begin(_ shard: Int, after snapshot: EpochReport) {
    var one = ClusterProgress.Shard()
    one.epoch = snapshot.epoch
    one.recordsSequence = snapshot.recordsSequence
    one.newestTick = snapshot.newestTick
    for point in snapshot.points {
      var count = ClusterProgress.Count(point)
      count.packetsBase = point.packets
      count.missingBase = point.missing
      one.points[point.name] = count
    }
    progress.shards[shard] = one
    guard snapshot.epoch > 0, noteReports(snapshot.points) else { return }
    progress.base = reported
  }

  private func note(_ parts: [EpochReport], last: EpochReport, of shard: Int) throws {
    let epoch = progress.shards[shard].epoch
    if epoch == nil && last.epoch > 1 && !hasMissed { return }
    guard last.epoch > epoch ?? 0 else { return }
    guard last.epoch == (epoch ?? 0) + 1 else {
      throw MergerError.missedEpochs(shard: shard, last: epoch ?? 0, found: last.epoch)
    }
    try book(parts, of: shard)
    progress.shards[shard].epoch = last.epoch
    progress.shards[shard].recordsSequence = last.recordsSequence
    progress.shards[shard].exportedEarly = last.exportedEarly
    progress.shards[shard].newestTick = last.newestTick
    for point in last.points {
      var count = ClusterProgress.Count(point)
      let before = progress.shards[shard].points[point.name]
      count.packetsBase = before?.packetsBase ?? 0
      count.missingBase = before?.missingBase ?? 0
      progress.shards[shard].points[point.name] = count
    }
    let isNew = noteReports(last.points)
    if periods.lastPeriod == 0 {
      // Nothing but what is in no session.
      let reached = last.points.map(\.reachedTick).max() ?? 0
      periods.lastPeriod =
        Tick.nanoseconds(max(last.newestTick, reached)) / 60_000_000_000
    }
    for point in last.points { noteEnd(of: point.name) }
    try attribute(isNew: isNew)
  }

  // MARK: - Booking

  private func book(_ parts: [EpochReport], of shard: Int) throws {
    // All addresses first: an epoch is booked wholly or not at all.
    let values = try parts.map { report in
      try report.addresses.map { address in
        guard let value = periods.value(of: address) else { throw MergerError.addressesFull }
        return value
      }
    }
    var links: PeriodLinks?
    var period: UInt32?
    for (report, values) in zip(parts, values) {
      for entry in report.entries {
        if period != entry.period {
          period = entry.period
          links = try periods.links(of: UInt64(entry.period))
        }
        guard let links else { continue }
        periods.lastPeriod = links.period
        let session = CountedSession(entry, addresses: report.addresses, values: values)
        links.book(session.entry, elsewhere: session.elsewhere)
        progress.shards[shard].mapped &+= session.packets
        progress.shards[shard].elsewhere &+= session.elsewhere.after &- session.elsewhere.before
      }
    }
  }

  // MARK: - Reports

  /// Takes what collectors have reported; answers whether there was anything.
  private func noteReports(_ points: [EpochReport.Point]) -> Bool {
    var isNew = false
    for point in points where !(point.report.isEmpty && point.pastReports.isEmpty) {
      var one = progress.points[point.name] ?? ClusterProgress.Point()
      let before = one
      do {
        var past = CaptureReport()
        for bytes in point.pastReports {
          past.add(try JSONDecoder().decode(CaptureReport.self, from: Data(bytes)))
        }
        // Until the new run has reported, nothing is known of it.
        one.report =
          point.report.isEmpty
          ? CaptureReport()
          : try JSONDecoder().decode(CaptureReport.self, from: Data(point.report))
        one.past = past
        one.run = point.run
      } catch {
        refused["report", default: 0] += 1
        continue
      }
      progress.points[point.name] = one
      isNew = isNew || one != before
    }
    return isNew
  }

  /// Once all shards are in a later run of a point, what has not come of those before it won't come any more.
  private func noteEnd(of name: String) {
    // Of what was before this store nothing is known in it.
    guard progress.base == nil, var point = progress.points[name], point.run > 0 else { return }
    var came: UInt64 = 0
    for shard in progress.shards {
      guard let count = shard.points[name], count.run == point.run else { return }
      came &+= count.packets &+ count.missing &- count.recordsOfRun
    }
    let sent = point.past.outcomes[.mapped]
    guard sent > came &+ point.lostAtEnd else { return }
    point.lostAtEnd = sent - came
    progress.points[name] = point
  }

  /// What all points have reported, as one; their files and interfaces named with the point.
  private var reported: CaptureReport {
    var sum = CaptureReport()
    var filters: [String: String] = [:]
    for (name, point) in progress.points.sorted(by: { $0.key < $1.key }) {
      var total = point.total
      for place in total.files.indices {
        total.files[place].name = "\(name):\(total.files[place].name)"
      }
      filters[name] = total.filter
      total.filter = ""
      sum.add(total)
    }
    if Set(filters.values).count == 1 {
      sum.filter = filters.values.first ?? ""
    } else {
      sum.filter = filters.sorted { $0.key < $1.key }.filter { !$0.value.isEmpty }
        .map { "\($0.key): \($0.value)" }.joined(separator: "; ")
    }
    return sum
  }

  /// Gives packets that are in no link to the period of the last ones.
  private func attribute(isNew: Bool) throws {
    let reasons = progress.reasons
    var attributed = PacketOutcome.allCases.map { progress.attributed[$0.name] ?? 0 }
    guard isNew || PacketOutcome.allCases.contains(where: { reasons[$0] > attributed[$0.rawValue] })
    else { return }
    try periods.attribute(reasons, attributed: &attributed)
    for outcome in PacketOutcome.allCases where attributed[outcome.rawValue] > 0 {
      progress.attributed[outcome.name] = attributed[outcome.rawValue]
    }
  }

  /// Of the run so far.
  var capture: CaptureReport {
    var capture = reported
    if let base = progress.base {
      capture.frameBytes -= min(capture.frameBytes, base.frameBytes)
      capture.lengthSaturated -= min(capture.lengthSaturated, base.lengthSaturated)
    }
    capture.sessionsExportedEarly = progress.shards.reduce(0) { $0 &+ $1.exportedEarly }
    let accounting = progress.accounting
    capture.accounting = [:]
    for outcome in PacketOutcome.allCases { capture.accounting[outcome.name] = accounting[outcome] }
    return capture
  }

  // MARK: - The store

  /// Writes what was booked, and how far that is; answers whether it is in the store: false where that is full.
  ///
  /// - Throws: `StoreError`, but where the store is full.
  func commit() throws -> Bool {
    progress.sequence = restart
    progress.lastPeriod = periods.lastPeriod
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard
      try periods.commit(
        run: settings.layout.createdNs, progress: [UInt8](try encoder.encode(progress)),
        capture: capture)
    else { return false }
    committed = progress
    periods.forgetQuietPeriods()
    try periods.renewAddresses(capacity: settings.addressesMax)
    return true
  }

  /// What the streams need not keep for this merger.
  var watermark: ClusterWatermark {
    let shards = committed.shards
    return ClusterWatermark(
      records: shards.map(\.recordsSequence).min() ?? 0,
      epochs: max(1, shards.map(\.snapshotSequence).min() ?? 0) - 1)
  }
}

extension EpochReport {
  /// Whether `next` is the next part of the same report.
  fileprivate func isFollowed(by next: EpochReport) -> Bool {
    kind == next.kind && epoch == next.epoch && incarnation == next.incarnation
      && owner == next.owner && !isLastPart
  }
}
