internal import Cluster
internal import Wire

/// A virtual shard as it was at the end of an epoch: what its messages in the stream of epochs add up to.
struct ShardState {
  /// The last epoch; 0 before the first.
  var epoch: UInt64 = 0
  /// Sequence in the stream of records up to which all is in it.
  var recordsSequence: UInt64 = 0
  var newestTick: UInt64 = 0
  var exportedEarly: UInt64 = 0
  var refused: [String: UInt64] = [:]
  var points: [EpochReport.Point] = []
  /// The sessions, with handles of this process's book.
  var rows: [SessionRow] = []
  /// By row: the number of the one that had its five-tuple before, and what the points from number 1 on saw of it.
  var previous: [UInt32] = []
  var seen: [[PointSighting]] = []
}

/// Why a shard can't be taken over.
enum ShardRecoveryError: Error, Equatable, CustomStringConvertible {
  /// An epoch follows that is not the next one, or there is neither a snapshot nor the first epoch.
  case gap(after: UInt64, found: UInt64)
  /// Written by another version of renkei.
  case unknownVersion(UInt16)
  /// A report contradicts those before it.
  case inconsistent(epoch: UInt64)
  /// The book has no room for the addresses.
  case addressesFull

  var description: String {
    switch self {
    case .gap(let last, let found):
      "epoch \(found) follows epoch \(last): what was between them is not in the stream any more"
    case .unknownVersion(let version): "its epochs are of version \(version)"
    case .inconsistent(let epoch): "epoch \(epoch) contradicts those before it"
    case .addressesFull: "its addresses find no room"
    }
  }
}

/// Reads what the trackers of a shard have reported so far: the last complete snapshot, and the complete epochs
/// after it.
///
/// Takes the messages of the shard's subject in their order; asks nobody for anything. What a tracker began to report and could not finish
/// has not happened.
final class ShardRecovery {
  private let shard: Int
  private let shardCount: Int
  /// Handles of all rows that were ever there; only those of the last ones are for the process's book.
  private var book = AddressBook(capacity: Int(AddressHandle.count))
  private var addresses: [IPAddress] = []
  /// Rows as their reports have them, but with handles of `book`.
  private var state = ShardState()
  /// Whether `state` is one: from the first epoch or from a snapshot.
  private var isKnown = false
  /// Epochs were seen that can't be added to anything, the first of them.
  private var unusable: UInt64?
  private var parts: [EpochReport] = []
  /// Sequence of the subject's last message.
  private(set) var lastSequence: UInt64 = 0
  /// Messages that were none.
  private(set) var damaged: UInt64 = 0

  init(shard: Int, of shardCount: Int) {
    self.shard = shard
    self.shardCount = shardCount
  }

  /// Takes the next message of the subject.
  ///
  /// - Complexity: O(entries).
  func take(_ message: LogMessage) throws(ShardRecoveryError) {
    lastSequence = message.sequence
    let report: EpochReport
    do {
      report = try EpochReport(decoding: message.payload)
    } catch .unknownVersion(let version) {
      throw .unknownVersion(version)
    } catch {
      // If it was one that counts, the next one shows it.
      damaged += 1
      parts = []
      return
    }
    guard Int(report.shard) == shard && Int(report.shardCount) == shardCount else {
      damaged += 1
      parts = []
      return
    }
    if report.part == 0 {
      parts = []
    } else if let last = parts.last {
      guard
        report.kind == last.kind && report.incarnation == last.incarnation
          && report.owner == last.owner && report.epoch == last.epoch
          && Int(report.part) == parts.count
      else {
        parts = []
        return
      }
    } else {
      return
    }
    parts.append(report)
    guard report.isLastPart else { return }
    defer { parts = [] }
    switch report.kind {
    case .changes: try addChanges(report)
    case .snapshot: try begin(from: report)
    }
  }

  /// What all messages add up to, with handles of this process's book.
  ///
  /// - Throws: where the beginning of what counts is not there, or the book is full.
  func recovered(_ process: SharedAddresses) throws(ShardRecoveryError) -> ShardState {
    if !isKnown, let unusable { throw .gap(after: 0, found: unusable) }
    func handle(_ value: UInt32) throws(ShardRecoveryError) -> UInt32 {
      guard AddressHandle.isHandle(value) else { return value }
      // SAFETY: `localised` gave it.
      guard let handle = process.handle(of: addresses[Int(value - AddressHandle.first)]) else {
        throw .addressesFull
      }
      return handle
    }
    for place in state.rows.indices {
      let row = state.rows[place]
      guard AddressHandle.isHandle(row.a) || AddressHandle.isHandle(row.b) else { continue }
      state.rows[place].a = try handle(row.a)
      state.rows[place].b = try handle(row.b)
      if (state.rows[place].a, row.aPort) > (state.rows[place].b, row.bPort) {
        // Another book gave the handles in another order.
        state.rows[place] = state.rows[place].exchanged
        state.seen[place] = state.seen[place].map(\.exchanged)
      }
    }
    defer { state = ShardState() }
    return state
  }

  private func begin(from last: EpochReport) throws(ShardRecoveryError) {
    // Of two owners at the same time one was the first; what the other one reported then has not happened.
    guard !isKnown || last.epoch >= state.epoch else { return }
    guard !isKnown || state.epoch == last.epoch else {
      throw .gap(after: state.epoch, found: last.epoch)
    }
    state = ShardState()
    for part in parts {
      for entry in part.entries {
        guard Int(entry.number) == state.rows.count + 1 else {
          throw .inconsistent(epoch: last.epoch)
        }
        try put(entry, of: part)
      }
    }
    close(last)
    isKnown = true
  }

  private func addChanges(_ last: EpochReport) throws(ShardRecoveryError) {
    if !isKnown {
      guard last.epoch == 1 else {
        // Those before the snapshot that is still to come.
        unusable = unusable ?? last.epoch
        return
      }
      isKnown = true
    }
    guard last.epoch > state.epoch else { return }
    guard last.epoch == state.epoch + 1 else {
      throw .gap(after: state.epoch, found: last.epoch)
    }
    for part in parts {
      for entry in part.entries { try put(entry, of: part) }
    }
    close(last)
  }

  private func close(_ last: EpochReport) {
    state.epoch = last.epoch
    state.recordsSequence = last.recordsSequence
    state.newestTick = last.newestTick
    state.exportedEarly = last.exportedEarly
    state.refused = last.refused
    state.points = last.points
  }

  private func put(
    _ entry: EpochReport.Entry, of report: EpochReport
  ) throws(ShardRecoveryError) {
    let number = Int(entry.number)
    // A new row has the number behind the last; its predecessor is older.
    guard number >= 1 && number <= state.rows.count + 1 && entry.previous < entry.number,
      entry.after.kind != SessionRow.free
    else { throw .inconsistent(epoch: report.epoch) }
    var row = entry.after
    let seen = entry.sightingsAfter
    row.state &= ~SessionRow.changed
    row.a = try localised(row.a, report)
    row.b = try localised(row.b, report)
    if number > state.rows.count {
      state.rows.append(row)
      state.previous.append(entry.previous)
      state.seen.append(seen)
    } else {
      state.rows[number - 1] = row
      state.previous[number - 1] = entry.previous
      state.seen[number - 1] = seen
    }
  }

  private func localised(
    _ value: UInt32, _ report: EpochReport
  ) throws(ShardRecoveryError) -> UInt32 {
    guard AddressHandle.isHandle(value) else { return value }
    let place = Int(value - AddressHandle.first)
    guard place < report.addresses.count else { throw .inconsistent(epoch: report.epoch) }
    let address = report.addresses[place]
    guard let (handle, isNew) = book.intern(address) else { throw .addressesFull }
    if isNew { addresses.append(address) }
    return handle
  }
}

extension SessionRow {
  /// The same session with A and B exchanged.
  var exchanged: SessionRow {
    var row = self
    (row.a, row.b) = (b, a)
    (row.aPort, row.bPort) = (bPort, aPort)
    (row.packetsAB, row.packetsBA) = (packetsBA, packetsAB)
    (row.bytesAB, row.bytesBA) = (bytesBA, bytesAB)
    row.events = events.exchanged
    return row
  }
}

extension PointSighting {
  /// The same with A and B exchanged.
  var exchanged: PointSighting {
    var sighting = self
    (sighting.packetsAB, sighting.packetsBA) = (packetsBA, packetsAB)
    (sighting.bytesAB, sighting.bytesBA) = (bytesBA, bytesAB)
    return sighting
  }
}
