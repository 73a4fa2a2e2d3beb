internal import Glibc
public import Wire

extension TrackerService {
  /// Runs as part of a unit until the input ends, in epochs: what they changed is the merger's as soon as they
  /// are sealed, and the input is released when it has been committed. May be killed at any moment; another
  /// one with the same `memory` and rings then goes on, and nothing is lost or counted twice.
  ///
  /// - Parameters:
  ///   - epochSeconds: how often changes are reported, as far as the merger keeps up.
  ///   - process: this process's line on `status`.
  /// - Throws: `BatchError` where the input is not batches.
  public static func run(
    _ configuration: TrackerConfiguration, input: consuming Ring, memory: SessionMemory,
    epochSeconds: Double, status: borrowing StatusBoard, process: Int
  ) throws {
    var tracking = UnitTracking(
      configuration, input: input, memory: memory, epochSeconds: epochSeconds)
    while try tracking.step() {
      status.set(.items, of: process, to: tracking.seal.packets)
      status.set(.sessions, of: process, to: UInt64(tracking.table.count))
      status.set(.sessionsExportedEarly, of: process, to: tracking.seal.exportedEarly)
      status.set(.newestTick, of: process, to: tracking.seal.newestTick)
    }
  }
}

/// A unit's tracker between batches.
struct UnitTracking: ~Copyable {
  private(set) var table: SessionTable
  private var reader: RingReader
  private let memory: SessionMemory
  private let epochSeconds: Double
  /// What the running epoch will be sealed with.
  private(set) var seal: SessionMemory.Seal
  private let earlyBefore: UInt64
  private var sealedAt: Double
  /// The newest tick at the last compaction.
  private var compactedTick: UInt64

  /// Rows below which there is no use in looking for idle ones.
  private static let compactMin = 16_384
  private static let sweepTicks = Tick.seconds(60)

  init(
    _ configuration: TrackerConfiguration, input: consuming Ring, memory: SessionMemory,
    epochSeconds: Double
  ) {
    table = SessionTable(configuration, memory: memory)
    reader = RingReader(input)
    self.memory = memory
    self.epochSeconds = epochSeconds
    seal = memory.seal(of: memory.sealed)
    earlyBefore = seal.exportedEarly
    compactedTick = seal.newestTick
    sealedAt = Clock.seconds()
    reader.seek(to: max(reader.position, seal.inputPosition))
  }

  /// Takes a batch, or waits for one for a moment, and does what is due.
  ///
  /// - Returns: false when all is committed and the input has ended.
  mutating func step() throws -> Bool {
    if seal.isLast != 0 {
      // The one before died when all was said.
      awaitAcknowledgement()
      return false
    }
    releaseCommitted()
    switch reader.poll() {
    case .slot(let slot):
      try take(slot)
    case .empty:
      if isDue { sealIfPossible() }
      reader.wait()
    case .ended:
      seal.isLast = 1
      endEpoch()
      awaitAcknowledgement()
      return false
    }
    // Where the clock was set back, the next sweep is not to wait until it has caught up.
    compactedTick = min(compactedTick, seal.newestTick)
    if isDue { sealIfPossible() }
    return true
  }

  private mutating func take(_ slot: UnsafeRawBufferPointer) throws {
    let batch = try BatchReader(slot)
    guard batch.header.kind == .records else { throw BatchError.unknownKind }
    let period = UInt64(batch.header.period)
    // Where several collectors cross a minute one after the other, the first one decides; a clock that was
    // set back counts anew.
    if period > seal.period || period + 1 < seal.period {
      if seal.period != 0 { endEpoch() }
      seal.period = period
    }
    let count = batch.header.itemCount
    while !table.hasRoom(packets: count) {
      endEpoch()
      compact()
    }
    if let payload = batch.payload.baseAddress, count > 0 {
      var none = NoSink()
      table.track(payload, count: count, baseTick: batch.header.baseTick, into: &none)
      seal.packets += UInt64(count)
      // SAFETY: BatchReader checked that itemCount records lie in the payload.
      let last = RecordView(payload + (count - 1) * PacketRecord.bytes)
      seal.newestTick = batch.header.baseTick + UInt64(last.tick)
    } else {
      // Nothing but the time.
      seal.newestTick = max(seal.newestTick, batch.header.baseTick)
    }
    reader.advance()
  }

  // MARK: - Epochs

  /// Whether the epoch has gone on long enough, or keeps half of the ring from being filled again.
  private var isDue: Bool {
    guard reader.position != memory.seal(of: memory.sealed).inputPosition else { return false }
    return reader.unreleased >= reader.slotCount / 2
      || Clock.seconds() - sealedAt >= epochSeconds
  }

  private mutating func sealIfPossible() {
    guard memory.acknowledged == memory.sealed else { return }
    endEpoch()
    let isManyEnded = table.endedCount > max(UnitTracking.compactMin, table.count / 2)
    let isTime =
      table.count > UnitTracking.compactMin
      && seal.newestTick > compactedTick + UnitTracking.sweepTicks
    if isManyEnded || isTime { compact() }
  }

  /// Seals the running epoch, after the merger has committed the one before.
  private mutating func endEpoch() {
    awaitAcknowledgement()
    seal.inputPosition = reader.position
    seal.exportedEarly = earlyBefore + table.exportedEarly
    table.seal(seal)
    sealedAt = Clock.seconds()
  }

  private mutating func compact() {
    table.compact(newestTick: seal.newestTick)
    compactedTick = seal.newestTick
  }

  private mutating func awaitAcknowledgement() {
    while memory.acknowledged != memory.sealed { usleep(500) }
    releaseCommitted()
  }

  private mutating func releaseCommitted() {
    let position = memory.seal(of: memory.acknowledged).inputPosition
    if position > reader.position - UInt64(reader.unreleased) { reader.release(upTo: position) }
  }
}
