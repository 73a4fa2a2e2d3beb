internal import Foundation
internal import ServiceMap
public import Wire

/// データ統合部: folds what the trackers report into relations and commits them to the store.
public enum MergerService {
  /// How long to rest when no tracker has anything; doubled while that goes on. Long against a
  /// batch, short against a person.
  private static let restMicroseconds: ClosedRange<UInt32> = 100...5_000

  /// Runs until every tracker has ended its stream, then commits.
  ///
  /// - Parameters:
  ///   - trackers: how many inputs there are.
  ///   - input: the ring from each tracker.
  ///   - store: the file to write, which must not exist; nil where none is wanted.
  ///   - output: the ring to the reporter; nil where no report is wanted.
  ///   - process: this process's line on `status`.
  /// - Throws: what `input` throws; `BatchError`, `StoreError`, and `MergerError` where packets are
  ///   missing.
  public static func run(
    trackers: Int, input: (Int) throws -> Ring, store: String?, output: consuming Ring?,
    status: borrowing StatusBoard, process: Int
  ) throws {
    let readers = UnsafeMutablePointer<RingReader>.allocate(capacity: trackers)
    for index in 0..<trackers { (readers + index).initialize(to: RingReader(try input(index))) }
    defer {
      readers.deinitialize(count: trackers)
      readers.deallocate()
    }
    var merge = Merging(trackers: trackers)
    var ended = 0
    var isEnded = [Bool](repeating: false, count: trackers)
    var rows: UInt64 = 0
    var rest = restMicroseconds.lowerBound
    while ended < trackers {
      var isIdle = true
      for tracker in 0..<trackers where !isEnded[tracker] {
        switch readers[tracker].poll() {
        case .slot(let slot):
          rows += UInt64(try merge.apply(slot, from: tracker))
          readers[tracker].release()
          isIdle = false
        case .ended:
          isEnded[tracker] = true
          ended += 1
        case .empty: break
        }
      }
      status.set(.items, of: process, to: rows)
      if !isIdle {
        rest = restMicroseconds.lowerBound
      } else if ended < trackers {
        usleep(rest)
        rest = min(rest * 2, restMicroseconds.upperBound)
      }
    }
    let content = try merge.finish()
    try hand(content, to: output) {
      if let store { try MapStore.create(path: store, content, watermarks: merge.watermarks) }
    }
  }
}

extension MergerService {
  /// Hands the map to the reporter, if there is one, and then does `work`, after which the reporter may
  /// show what it has made.
  private static func hand(
    _ content: MapStore.Content, to output: consuming Ring?, _ work: () throws -> Void
  ) throws {
    guard let output else { return try work() }
    var reporter = RingWriter(output)
    try MapHandover.send(content, to: &reporter)
    try work()
    reporter.close()
  }
}

/// The merger's state between batches.
struct Merging: ~Copyable {
  private var fold = SessionFold()
  private var capture: CaptureReport?
  private(set) var watermarks: [UInt64]
  private var sessionsExportedEarly: UInt64 = 0

  init(trackers: Int) {
    watermarks = [UInt64](repeating: 0, count: trackers)
  }

  /// Applies one batch; answers how many rows it had.
  mutating func apply(_ slot: UnsafeRawBufferPointer, from tracker: Int) throws -> Int {
    let batch = try BatchReader(slot)
    switch batch.header.kind {
    case .sessions:
      batch.forEachAddress { fold.addresses.learn(handle: $0, address: $1) }
      fold.add(batch.payload)
      return batch.header.itemCount
    case .report:
      capture = try JSONDecoder().decode(CaptureReport.self, from: Data(batch.payload))
    case .epochEnd:
      watermarks[tracker] = batch.header.sequence
      sessionsExportedEarly += batch.header.sessionsExportedEarly
    case .records, .links: throw BatchError.unknownKind
    }
    return 0
  }

  /// Checks that nothing was lost on the way, and makes the map.
  mutating func finish() throws -> MapStore.Content {
    guard var capture else { throw MergerError.noReport }
    let sent = capture.accounting[PacketOutcome.mapped.name] ?? 0
    guard fold.packets == sent else { throw MergerError.lost(sent: sent, merged: fold.packets) }
    capture.sessionsExportedEarly = sessionsExportedEarly
    let (addresses, links) = fold.finish()
    return MapStore.Content(capture: capture, addresses: addresses, links: links)
  }
}

/// What the stages before have handed over does not add up: a fault of renkei's, never of traffic.
public enum MergerError: Error, CustomStringConvertible {
  case noReport
  /// The store's run has another number of trackers than this one.
  case otherRun
  case lost(sent: UInt64, merged: UInt64)
  /// Epochs of a shard were deleted from the stream before this store had them.
  case missedEpochs(shard: Int, last: UInt64, found: UInt64)
  /// More IPv6 addresses at once than the address book has room for.
  case addressesFull

  public var description: String {
    switch self {
    case .noReport: "the collector ended without its report; the run is incomplete"
    case .otherRun:
      "the store's notes on this run are of another number of trackers: this is a fault in renkei"
    case .lost(let sent, let merged):
      "the collector sent \(sent) packets and \(merged) arrived in the map: this is a fault in renkei"
    case .missedEpochs(let shard, let last, let found):
      "this store has shard \(shard) up to epoch \(last), and the next one in the stream is \(found): what "
        + "lies between is deleted. Copy the store of another merger (renkei store backup), or name a new one"
    case .addressesFull:
      "more IPv6 addresses at once than there is room for: raise addresses-max"
    }
  }
}
