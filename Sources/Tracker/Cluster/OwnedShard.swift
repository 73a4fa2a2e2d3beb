internal import Cluster
internal import Wire

/// A shard that this tracker owns: first it reads what was reported so far, then it tracks and reports.
///
/// What is sealed waits in `outbox` until it is stored; meanwhile nothing more is taken, so memory stays bounded however long
/// the streams can't be reached.
final class OwnedShard {
  private enum Phase {
    case recovering(ShardRecovery, any LogReader, upTo: UInt64)
    case tracking(ShardTracking, any LogReader)
  }

  private enum Outgoing {
    case report(EpochReport)
    case snapshotPart(Int)
  }

  let shard: Int
  private let settings: ClusterTrackerSettings
  private let addresses: SharedAddresses
  private let log: any ClusterLog
  private let incarnation: UInt64
  private var phase: Phase?
  private var outbox: [Outgoing] = []
  /// The first of the outbox as it is sent, and sent again.
  private var first: LogEntry?
  /// Sequence of the subject's last message, as far as this owner knows.
  private var lastSequence: UInt64 = 0
  /// Messages that were polled and could not be taken yet, in their order.
  private var waiting: [LogMessage] = []
  /// Those of them that were taken ahead of their place, by sequence: there they are only passed.
  private var takenAhead: Set<UInt64> = []
  /// Since when the first of them waits for one that is missing before it.
  private var gapSinceSeconds: Double?
  /// So many of them are not the one.
  private var looked = 1
  private var sealedAtSeconds: Double
  private var snapshotAtSeconds: Double
  private var snapshotRows = 0
  /// Since when nobody has worked on the shard.
  private let freeSinceSeconds: Double
  /// How long that was, when this owner's first epoch was stored.
  private(set) var takeoverSeconds: Double?

  /// Messages taken in one turn, so that no shard starves.
  private static let messagesPerTurn = 16
  private static let recoveredPerTurn = 64
  /// How long, and behind how many messages, a batch is looked for that is missing.
  private static let gapSeconds = 3.0
  private static let gapMessages = 256
  private static let snapshotSeconds = 60.0
  /// Entries since the last snapshot from which on another one is worth it.
  private static let entriesMin = 20_000

  /// - Parameters:
  ///   - incarnation: of this taking over; never the same twice.
  ///   - freeSinceSeconds: by the monotonic clock.
  init(
    _ shard: Int, _ settings: ClusterTrackerSettings, addresses: SharedAddresses,
    log: any ClusterLog, incarnation: UInt64, freeSinceSeconds: Double, nowSeconds: Double
  ) {
    self.shard = shard
    self.settings = settings
    self.addresses = addresses
    self.log = log
    self.incarnation = incarnation
    self.freeSinceSeconds = freeSinceSeconds
    sealedAtSeconds = nowSeconds
    // Not all shards at the same time.
    snapshotAtSeconds =
      nowSeconds - OwnedShard.snapshotSeconds * Double(shard) / Double(max(1, settings.shards))
  }

  private var subject: String { ClusterSubject.epochs(shard: shard) }

  var exportedEarly: UInt64 { tracking?.exportedEarly ?? 0 }
  var newestTick: UInt64 { tracking?.newestTick ?? 0 }
  /// Whether all that was taken is reported and stored.
  var isAllStored: Bool { outbox.isEmpty && tracking?.hasMoved != true }
  /// Records that this owner took.
  var packets: UInt64 { (tracking?.packets ?? packetsBefore) &- packetsBefore }
  /// For people.
  var status: ProcessStatus.Tracker.Shard {
    var status = ProcessStatus.Tracker.Shard(shard: shard)
    guard case .tracking(let tracking, let reader) = phase else { return status }
    status.epoch = tracking.epoch
    status.pending = reader.pending + UInt64(waiting.count)
    status.sessions = UInt64(tracking.sessions)
    status.newestTick = tracking.newestTick
    return status
  }

  /// Messages that this owner refused.
  var refusedHere: [String: UInt64] {
    (tracking?.refused ?? [:]).merging(refusedBefore) { $0 &- $1 }.filter {
      $0.value > 0 && $0.value < 1 << 63
    }
  }

  private var tracking: ShardTracking? {
    if case .tracking(let tracking, _) = phase { return tracking }
    return nil
  }

  /// What keeps a shard from being tracked.
  enum Problem: Error {
    case link(ClusterError)
    case recovery(ShardRecoveryError)
    /// The process needs a new book.
    case addressesFull
  }

  /// Does what there is to do, for some milliseconds.
  ///
  /// - Returns: whether there was anything.
  /// - Throws: `Problem`; with `.superseded` the shard is to be dropped, with `.unreachable` the turn is simply over.
  func turn(nowSeconds: Double) throws(Problem) -> Bool {
    do {
      switch phase {
      case nil:
        try begin()
        return true
      case .recovering(let recovery, let reader, let target):
        return try recover(recovery, reader, upTo: target, nowSeconds: nowSeconds)
      case .tracking(let tracking, let reader):
        return try track(tracking, reader, nowSeconds: nowSeconds)
      }
    } catch let error as ClusterError {
      throw .link(error)
    } catch let error as ShardRecoveryError {
      throw error == .addressesFull ? .addressesFull : .recovery(error)
    } catch let error as Problem {
      throw error
    } catch {
      throw .link(.misconfigured("\(error)"))
    }
  }

  // MARK: - Recovery

  private func begin() throws {
    // Whatever comes later than this one makes the first store fail.
    let target = try log.last(of: subject, in: .epochs)?.sequence ?? 0
    let reader = try log.reader(of: subject, in: .epochs, from: 1)
    let recovery = ShardRecovery(shard: shard, of: settings.shards)
    phase = .recovering(recovery, reader, upTo: target)
  }

  private func recover(
    _ recovery: ShardRecovery, _ reader: any LogReader, upTo target: UInt64, nowSeconds: Double
  ) throws -> Bool {
    var isAny = false
    for _ in 0..<OwnedShard.recoveredPerTurn where recovery.lastSequence < target {
      guard let message = try reader.poll() else { break }
      try recovery.take(message)
      isAny = true
    }
    guard recovery.lastSequence >= target else {
      return isAny
    }
    let state = try recovery.recovered(addresses)
    let owner = ShardOwner(
      shard: shard, shardCount: settings.shards, name: settings.name, incarnation: incarnation)
    let tracking = try ShardTracking(
      owner, settings.tracker,
      rowsMax: settings.rowsMax
        ?? ShardTracking.rowsMax(
          sessionsMax: settings.tracker.sessionsMax, shards: settings.shards),
      addresses: addresses, recovered: state, compactMin: settings.compactMin)
    let records = try log.reader(
      of: ClusterSubject.records(shard: shard), in: .records, from: state.recordsSequence + 1)
    lastSequence = recovery.lastSequence
    // The first epoch at once: from then on it is certain whose the shard is.
    sealedAtSeconds = nowSeconds - settings.epochSeconds
    packetsBefore = tracking.packets
    refusedBefore = state.refused
    phase = .tracking(tracking, records)
    return true
  }

  /// Of earlier owners.
  private var packetsBefore: UInt64 = 0
  private var refusedBefore: [String: UInt64] = [:]

  // MARK: - Tracking

  private func track(
    _ tracking: ShardTracking, _ reader: any LogReader, nowSeconds: Double
  ) throws -> Bool {
    var isAny = try storeOutbox(tracking, nowSeconds: nowSeconds)
    for _ in 0..<OwnedShard.messagesPerTurn where outbox.isEmpty {
      if gapSinceSeconds != nil {
        guard try lookAhead(tracking, reader, nowSeconds: nowSeconds) else { break }
      } else if waiting.isEmpty {
        guard let message = try reader.poll() else { break }
        waiting.append(message)
      }
      isAny = true
      try takeFirst(tracking, nowSeconds: nowSeconds)
      if tracking.changed >= ShardTracking.changedMax { break }
    }
    if outbox.isEmpty && isDue(tracking, nowSeconds) { seal(tracking, nowSeconds: nowSeconds) }
    if outbox.isEmpty && tracking.epoch > 0 {
      if tracking.isCompactionDue {
        compact(tracking, nowSeconds: nowSeconds)
      } else if isSnapshotDue(tracking, nowSeconds) {
        if tracking.hasMoved { seal(tracking, nowSeconds: nowSeconds) }
        appendSnapshot(tracking, nowSeconds: nowSeconds)
      }
    }
    if try storeOutbox(tracking, nowSeconds: nowSeconds) { isAny = true }
    return isAny
  }

  /// Offers the first of the messages that wait.
  private func takeFirst(_ tracking: ShardTracking, nowSeconds: Double) throws {
    guard let message = waiting.first else { return }
    if takenAhead.remove(message.sequence) != nil {
      tracking.pass(message)
      waiting.removeFirst()
      return
    }
    let isOver =
      gapSinceSeconds.map { nowSeconds - $0 >= OwnedShard.gapSeconds } ?? false
      || waiting.count >= OwnedShard.gapMessages
    switch tracking.take(message, isGapTaken: isOver) {
    case .taken:
      waiting.removeFirst()
      gapSinceSeconds = nil
    case .gap:
      guard gapSinceSeconds == nil else { break }
      gapSinceSeconds = nowSeconds
      looked = 1
    case .sealFirst: seal(tracking, nowSeconds: nowSeconds)
    case .compactFirst: compact(tracking, nowSeconds: nowSeconds)
    case .addressesFull: throw Problem.addressesFull
    }
  }

  /// Looks behind the first message for the one that is missing before it, and takes that.
  ///
  /// - Returns: whether the first one is to be offered again.
  private func lookAhead(
    _ tracking: ShardTracking, _ reader: any LogReader, nowSeconds: Double
  ) throws -> Bool {
    guard let first = waiting.first, let since = gapSinceSeconds else { return true }
    if nowSeconds - since >= OwnedShard.gapSeconds || waiting.count >= OwnedShard.gapMessages {
      return true
    }
    while looked < waiting.count {
      if !takenAhead.contains(waiting[looked].sequence)
        && tracking.isMissing(waiting[looked], before: first)
      {
        return try takeAhead(looked, tracking, nowSeconds: nowSeconds)
      }
      looked += 1
    }
    guard let message = try reader.poll() else { return false }
    waiting.append(message)
    return false
  }

  private func takeAhead(
    _ place: Int, _ tracking: ShardTracking, nowSeconds: Double
  ) throws -> Bool {
    switch tracking.take(waiting[place], isAhead: true) {
    case .taken:
      takenAhead.insert(waiting[place].sequence)
      waiting[place].payload = []
      // The next one that is missing may be any of those behind.
      looked = 1
    case .gap: return false
    case .sealFirst: seal(tracking, nowSeconds: nowSeconds)
    case .compactFirst: compact(tracking, nowSeconds: nowSeconds)
    case .addressesFull: throw Problem.addressesFull
    }
    return outbox.isEmpty
  }

  private func isDue(_ tracking: ShardTracking, _ nowSeconds: Double) -> Bool {
    guard tracking.hasMoved else { return false }
    return nowSeconds - sealedAtSeconds >= settings.epochSeconds
      || tracking.changed >= ShardTracking.changedMax
  }

  private func seal(_ tracking: ShardTracking, nowSeconds: Double) {
    outbox.append(contentsOf: tracking.seal().map { .report($0) })
    sealedAtSeconds = nowSeconds
  }

  private func compact(_ tracking: ShardTracking, nowSeconds: Double) {
    // Always: the memory compacts what it has sealed itself.
    seal(tracking, nowSeconds: nowSeconds)
    tracking.compact()
    appendSnapshot(tracking, nowSeconds: nowSeconds)
  }

  /// Once a minute; less often where the table is large and little of it changes, because the changes are shorter then.
  private func isSnapshotDue(_ tracking: ShardTracking, _ nowSeconds: Double) -> Bool {
    let entries = tracking.entriesSinceSnapshot
    if entries > max(4 * tracking.sessions, OwnedShard.entriesMin) { return true }
    let age = nowSeconds - snapshotAtSeconds
    guard age >= settings.snapshotSeconds ?? OwnedShard.snapshotSeconds else { return false }
    guard tracking.epoch > snapshotEpoch else { return false }
    return tracking.sessions <= max(4 * entries, OwnedShard.entriesMin)
      || age >= 10 * OwnedShard.snapshotSeconds
  }

  private var snapshotEpoch: UInt64 = 0

  private func appendSnapshot(_ tracking: ShardTracking, nowSeconds: Double) {
    outbox.append(contentsOf: (0..<tracking.snapshotParts).map { .snapshotPart($0) })
    snapshotAtSeconds = nowSeconds
    snapshotEpoch = tracking.epoch
  }

  // MARK: - Storing

  /// Seals what was taken and stores what it can: before the shard is given up.
  func flush(nowSeconds: Double) throws(Problem) {
    guard let tracking else { return }
    do {
      _ = try storeOutbox(tracking, nowSeconds: nowSeconds)
      if outbox.isEmpty && tracking.hasMoved {
        seal(tracking, nowSeconds: nowSeconds)
        _ = try storeOutbox(tracking, nowSeconds: nowSeconds)
      }
    } catch {
      throw .link(error)
    }
  }

  /// Stores the outbox, one message after the other, each behind the one before and behind nothing else.
  ///
  /// - Returns: whether anything was stored.
  private func storeOutbox(
    _ tracking: ShardTracking, nowSeconds: Double
  ) throws(ClusterError) -> Bool {
    var isAny = false
    while let next = outbox.first {
      let entry = first ?? encoded(next, tracking)
      first = entry
      lastSequence = try log.store(entry, after: lastSequence)
      first = nil
      outbox.removeFirst()
      isAny = true
      if takeoverSeconds == nil { takeoverSeconds = max(0, nowSeconds - freeSinceSeconds) }
    }
    return isAny
  }

  private func encoded(_ outgoing: Outgoing, _ tracking: ShardTracking) -> LogEntry {
    let report: EpochReport
    let kind: String
    switch outgoing {
    case .report(let changes):
      report = changes
      kind = "c"
    case .snapshotPart(let part):
      report = tracking.snapshot(part: part)
      kind = "s"
    }
    return LogEntry(
      subject: subject,
      id: "\(shard).\(report.epoch).\(report.part).\(incarnation).\(kind).\(settings.name)",
      payload: report.encoded())
  }
}
