internal import Cluster
internal import Wire

/// Whose epochs a shard's are.
struct ShardOwner: Sendable {
  var shard: Int
  var shardCount: Int
  /// The tracker's name.
  var name: String
  /// Of this taking over: no two have the same, so that no message of theirs is taken for another's.
  var incarnation: UInt64
}

/// One virtual shard: its session table, how far it has come with each capture point, and the epochs in which it tells of
/// that.
///
/// Pure: takes messages of the stream of records in their order, and gives reports that the caller stores in their
/// order. All that counts is in the reports; another tracker that reads them goes on where the last one that was stored
/// ended, and so what was taken and not reported has not happened.
final class ShardTracking {
  let owner: ShardOwner
  private let addresses: SharedAddresses
  private let memory: SessionMemory
  private let columns: TableColumns
  private var table: SessionTable
  private var points: [PointProgress]
  /// The last sealed epoch.
  private(set) var epoch: UInt64
  /// Sequence in the stream of records up to which everything was taken.
  private(set) var recordsSequence: UInt64
  private(set) var newestTick: UInt64
  private(set) var refused: [String: UInt64]
  private let earlyBefore: UInt64
  /// The newest tick at the last compaction.
  private var compactedTick: UInt64
  /// Whether anything was taken since the last seal.
  private(set) var hasMoved = false
  /// Entries in epochs since the last snapshot.
  private(set) var entriesSinceSnapshot = 0
  /// Records with this process's handles.
  private var scratch: [UInt8] = []

  /// Capture points of a cluster, at most.
  static let pointsMax = 16
  /// Rows below which there is no use in looking for idle ones.
  private let compactMin: Int
  private static let sweepTicks = Tick.seconds(60)
  /// How far a point may lag behind the others, and its packets are still found to be those that the others saw.
  static let heldTicks = Tick.seconds(120)
  /// When a point that is not heard of is not waited for any more.
  private static let silentTicks = Tick.seconds(600)
  /// Changed rows at which an epoch is long enough.
  static let changedMax = 1 << 16

  /// Rows of one shard's table where a tracker is allowed `sessionsMax`: so many that all shards together, if one tracker
  /// had them all, stay within it; but always so many that an eighth of them has room for a batch.
  static func rowsMax(sessionsMax: Int, shards: Int) -> Int {
    min(max(sessionsMax / max(1, shards), 8 * RecordBatch.recordsMax), RowIndex.countMax - 1)
  }

  /// - Parameters:
  ///   - rowsMax: sessions that the table holds; past it the longest idle are forgotten and counted. Where more
  ///     were recovered, it holds those too.
  ///   - state: what was recovered.
  /// - Throws: `SharedMemoryError`.
  init(
    _ owner: ShardOwner, _ configuration: TrackerConfiguration, rowsMax: Int,
    addresses: SharedAddresses, recovered state: ShardState, compactMin: Int = 16_384
  ) throws {
    self.owner = owner
    self.compactMin = compactMin
    self.addresses = addresses
    let rowsMax = max(rowsMax, state.rows.count)
    memory = try SessionMemory(name: "renkei-shard", rowsMax: rowsMax)
    columns = TableColumns(rowsMax: rowsMax)
    for _ in state.points.dropFirst() { columns.addPoint() }
    table = SessionTable(configuration, memory: memory, columns: columns)
    table.restore(state.rows)
    for place in state.rows.indices {
      columns.restore(place, previous: state.previous[place], seen: state.seen[place])
    }
    points = state.points.map { PointProgress($0, heardTick: state.newestTick) }
    epoch = state.epoch
    recordsSequence = state.recordsSequence
    newestTick = state.newestTick
    refused = state.refused
    earlyBefore = state.exportedEarly
    compactedTick = state.newestTick
  }

  var sessions: Int { table.count }
  var exportedEarly: UInt64 { earlyBefore + table.exportedEarly }
  /// Records taken, of all points and runs.
  var packets: UInt64 { points.reduce(0) { $0 + $1.point.packets } }
  /// Rows that were changed since the last seal.
  var changed: Int { memory.changed }

  // MARK: - Taking

  /// What became of a message that was offered.
  enum Taken: Equatable {
    /// It is in the running epoch, or refused and counted there.
    case taken
    /// An epoch never spans two minutes of a point: seal, then offer it again.
    case sealFirst
    /// Batches of its point that come before it are not here yet. They may still come, for one whose arrival was in
    /// doubt is published again; or it is taken without them.
    case gap
    /// There is no room for its sessions: compact, then offer it again.
    case compactFirst
    /// The process's book has no room for its addresses: nothing helps but a new book.
    case addressesFull
  }

  /// Takes the next message of the stream.
  ///
  /// - Parameters:
  ///   - isGapTaken: what is missing before it is not waited for any more, and counted as missing.
  ///   - isAhead: it fills a gap, and messages before it in the stream are still to be taken.
  /// - Complexity: O(records).
  func take(_ message: LogMessage, isGapTaken: Bool = false, isAhead: Bool = false) -> Taken {
    guard message.sequence > recordsSequence else { return .taken }
    let batch: RecordBatch
    do {
      batch = try RecordBatch(decoding: message.payload)
    } catch {
      return refuse(error.name, message)
    }
    if let reason = reasonToRefuse(batch, message) { return refuse(reason, message) }
    let known = points.firstIndex { $0.point.name == batch.point }
    if !isGapTaken
      && batch.sequence > (known.map { points[$0].lastSequence(of: batch.run) } ?? 0) + 1
    {
      return .gap
    }
    return book(batch, known, upTo: isAhead ? recordsSequence : message.sequence)
  }

  /// Comes to the place of a message that was taken ahead of it.
  func pass(_ message: LogMessage) {
    recordsSequence = max(recordsSequence, message.sequence)
    hasMoved = true
  }

  /// Whether `message` is the one that is missing before `later`, for which `take` answered `.gap`.
  func isMissing(_ message: LogMessage, before later: LogMessage) -> Bool {
    guard message.subject == later.subject, let batch = try? RecordBatch(decoding: message.payload),
      let next = try? RecordBatch(decoding: later.payload),
      reasonToRefuse(batch, message) == nil, batch.run == next.run
    else { return false }
    let known = points.first { $0.point.name == batch.point }
    return batch.sequence == (known?.lastSequence(of: batch.run) ?? 0) + 1
  }

  private func reasonToRefuse(_ batch: RecordBatch, _ message: LogMessage) -> String? {
    guard Int(batch.shard) == owner.shard && Int(batch.shardCount) == owner.shardCount else {
      return "otherShard"
    }
    // What a collector may publish is a matter of its subject; nobody speaks for another point.
    guard ClusterSubject.isName(batch.point),
      message.subject == ClusterSubject.records(point: batch.point, shard: owner.shard)
    else { return "foreignPoint" }
    guard batch.sequence > 0 && batch.sequence < 1 << 56 && batch.recordsBefore < 1 << 56 else {
      return WireError.inconsistent.name
    }
    guard let known = points.first(where: { $0.point.name == batch.point }) else {
      return points.count < ShardTracking.pointsMax ? nil : "tooManyPoints"
    }
    return known.isNew(batch) ? nil : "replayed"
  }

  private func book(_ batch: RecordBatch, _ known: Int?, upTo sequence: UInt64) -> Taken {
    let count = batch.recordCount
    var period = batch.period
    if let known {
      let last = points[known].period
      // A point's interfaces cross a minute one after the other: the first one decides. A clock that was set
      // back counts anew.
      if period > last || period &+ 1 < last {
        if hasMoved && last != 0 { return .sealFirst }
      } else {
        period = last
      }
    }
    guard table.hasRoom(packets: count) else { return .compactFirst }
    guard rewrite(batch) else { return .addressesFull }

    let number = known ?? addPoint(batch.point)
    if !batch.report.isEmpty && !PointProgress.isReport(batch.report) {
      // The records are good.
      var rest = batch
      rest.report = []
      refused[WireError.inconsistent.name, default: 0] += 1
      points[number].take(rest)
    } else {
      points[number].take(batch)
    }
    points[number].period = period
    if count > 0 { book(batch, point: number, period: period) }
    newestTick = points.reduce(0) { max($0, $1.point.reachedTick) }
    points[number].heardTick = newestTick
    recordsSequence = sequence
    hasMoved = true
    return .taken
  }

  private func book(_ batch: RecordBatch, point: Int, period: UInt32) {
    func book(_ bytes: UnsafeRawBufferPointer) {
      guard let base = bytes.baseAddress else { return }
      table.track(
        base, count: batch.recordCount, baseTick: batch.baseTick, point: point, period: period)
      // SAFETY: there is at least one record.
      let last = RecordView(base + (batch.recordCount - 1) * PacketRecord.bytes)
      let tick = batch.baseTick &+ UInt64(last.tick)
      points[point].point.reachedTick = max(points[point].point.reachedTick, tick)
    }
    if batch.addresses.isEmpty {
      batch.records.withUnsafeBytes(book)
    } else {
      scratch.withUnsafeBytes(book)
    }
  }

  /// Writes the records to `scratch` with this process's handles, where there are any.
  ///
  /// - Returns: false where the book is full.
  private func rewrite(_ batch: RecordBatch) -> Bool {
    guard !batch.addresses.isEmpty else { return true }
    var handles: [UInt32] = []
    handles.reserveCapacity(batch.addresses.count)
    for address in batch.addresses {
      guard let handle = addresses.handle(of: address) else { return false }
      handles.append(handle)
    }
    scratch.removeAll(keepingCapacity: true)
    scratch.append(contentsOf: batch.records)
    scratch.withUnsafeMutableBytes { bytes in
      for start in stride(from: 0, to: bytes.count, by: PacketRecord.bytes) {
        // Destination and source.
        for offset in [start, start + 6] {
          let value = UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
          guard AddressHandle.isHandle(value) else { continue }
          let place = Int(value - AddressHandle.first)
          // The decoder has seen to it that each has an address.
          guard place < handles.count else { continue }
          bytes.storeBytes(of: handles[place].littleEndian, toByteOffset: offset, as: UInt32.self)
        }
      }
    }
    return true
  }

  private func addPoint(_ name: String) -> Int {
    var point = EpochReport.Point()
    point.name = name
    points.append(PointProgress(point, heardTick: newestTick))
    if points.count > 1 { columns.addPoint() }
    return points.count - 1
  }

  private func refuse(_ name: String, _ message: LogMessage) -> Taken {
    refused[name, default: 0] += 1
    recordsSequence = message.sequence
    hasMoved = true
    return .taken
  }

  // MARK: - Compaction

  /// Whether there is much in the table that is over.
  var isCompactionDue: Bool {
    // Where the clock was set back, the next sweep is not to wait until it has caught up.
    compactedTick = min(compactedTick, newestTick)
    let isMany = table.endedCount > max(compactMin, table.count / 2)
    let isTime =
      table.count > compactMin
      && newestTick > compactedTick &+ ShardTracking.sweepTicks
    // With several points much of it may have to stay, and looking again at once would not help.
    return isTime || isMany && (points.count == 1 || newestTick > compactedTick &+ heldSweep)
  }

  private var heldSweep: UInt64 { ShardTracking.sweepTicks / 2 }

  /// Forgets what is over. Only directly after `seal`, and a snapshot must be the next that is stored: rows have
  /// other numbers then.
  func compact() {
    table.compact(newestTick: newestTick, heldFrom: heldFrom)
    compactedTick = newestTick
  }

  /// Rows whose last packet came at this tick or later may still get packets from a point that lags.
  private var heldFrom: UInt64 {
    guard points.count > 1 else { return .max }
    var slowest: UInt64?
    for one in points
    where !one.point.isEnded && one.heardTick &+ ShardTracking.silentTicks >= newestTick {
      slowest = min(slowest ?? .max, one.point.reachedTick)
    }
    guard let slowest else { return .max }
    return slowest > ShardTracking.heldTicks ? slowest - ShardTracking.heldTicks : 0
  }

  // MARK: - Epochs

  /// Seals the running epoch.
  ///
  /// - Returns: its report in parts, to be stored in this order before anything else of this shard.
  /// - Complexity: O(rows changed).
  func seal() -> [EpochReport] {
    epoch += 1
    table.seal(SessionMemory.Seal())
    let sealed = memory.entries(of: memory.sealed)
    var reports: [EpochReport] = []
    for start in stride(from: 0, to: max(1, sealed.count), by: EpochReport.entriesMax) {
      var part = report(.changes, part: reports.count)
      var list = MessageAddresses(addresses)
      for changed in sealed[start..<min(start + EpochReport.entriesMax, sealed.count)] {
        let place = Int(changed.number) - 1
        var entry = EpochReport.Entry()
        entry.number = UInt32(changed.number)
        entry.previous = columns.previous[place]
        entry.period = columns.periods[place]
        entry.before = changed.before
        entry.after = changed.after
        if entry.before.kind != SessionRow.free { list.localise(&entry.before) }
        list.localise(&entry.after)
        entry.sightingsBefore = columns.seen(of: place, atLastSeal: true)
        entry.sightingsAfter = columns.seen(of: place)
        columns.seal(place)
        part.entries.append(entry)
      }
      part.addresses = list.addresses
      reports.append(part)
    }
    entriesSinceSnapshot += sealed.count
    reports[reports.count - 1].isLastPart = true
    // All of it has been copied.
    memory.acknowledge(memory.sealed)
    hasMoved = false
    return reports
  }

  /// Parts of a snapshot.
  var snapshotParts: Int {
    max(1, (table.count + EpochReport.entriesMax - 1) / EpochReport.entriesMax)
  }

  /// A part of a snapshot: only while nothing was taken since the last seal, so that one part at a time can be made when
  /// it is stored.
  ///
  /// - Complexity: O(`EpochReport.entriesMax`).
  func snapshot(part: Int) -> EpochReport {
    precondition(!hasMoved, "a snapshot within an epoch")
    var report = report(.snapshot, part: part)
    report.isLastPart = part == snapshotParts - 1
    var list = MessageAddresses(addresses)
    let start = part * EpochReport.entriesMax
    for place in start..<min(start + EpochReport.entriesMax, table.count) {
      var entry = EpochReport.Entry()
      entry.number = UInt32(place + 1)
      entry.previous = columns.previous[place]
      entry.after = table.rows[place]
      list.localise(&entry.after)
      entry.sightingsAfter = columns.seen(of: place)
      report.entries.append(entry)
    }
    report.addresses = list.addresses
    if report.isLastPart { entriesSinceSnapshot = 0 }
    return report
  }

  private func report(_ kind: EpochReport.Kind, part: Int) -> EpochReport {
    var report = EpochReport()
    report.kind = kind
    report.shard = UInt16(owner.shard)
    report.shardCount = UInt16(owner.shardCount)
    report.owner = owner.name
    report.incarnation = owner.incarnation
    report.epoch = epoch
    report.part = UInt32(part)
    report.isLastPart = false
    report.recordsSequence = recordsSequence
    report.newestTick = newestTick
    report.exportedEarly = exportedEarly
    report.refused = refused
    report.points = points.map(\.point)
    return report
  }
}

/// The addresses behind a message's handles.
private struct MessageAddresses {
  private let book: SharedAddresses
  private(set) var addresses: [IPAddress] = []
  private var places: [UInt32: UInt32] = [:]

  init(_ book: SharedAddresses) { self.book = book }

  /// Gives a row the message's handles.
  mutating func localise(_ row: inout SessionRow) {
    row.a = localised(row.a)
    row.b = localised(row.b)
  }

  private mutating func localised(_ value: UInt32) -> UInt32 {
    guard AddressHandle.isHandle(value) else { return value }
    if let place = places[value] { return place }
    let place = AddressHandle.first + UInt32(addresses.count)
    addresses.append(book.address(of: value))
    places[value] = place
    return place
  }
}
