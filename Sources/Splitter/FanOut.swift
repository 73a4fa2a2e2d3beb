internal import Wire

/// One open batch for each tracker, in that tracker's ring.
///
/// Full policy: a full ring is waited for. The collector then waits as well, and drops nothing. In a unit the
/// slots are staged, to be published with a step (`SplitMemory`), and what a tracker can't take while the input
/// is nearly full as well is dropped and counted: one that is not there must not stop the others.
struct FanOut: ~Copyable {
  private let count: Int
  private let writers: UnsafeMutablePointer<RingWriter>
  private let batches: UnsafeMutablePointer<BatchWriter?>
  /// Where the records of each tracker go; ahead of what its batch knows of.
  private let lanes: UnsafeMutablePointer<Lane>
  private var sequences: [UInt64]
  /// Of a unit: what is written instead of a tracker's ring while that is full; nil for files.
  private let aside: [UnsafeMutableRawBufferPointer]?
  /// By tracker: whether its open batch is there.
  private var isAside: [Bool]
  /// Records dropped so far.
  private(set) var dropped: UInt64 = 0
  /// Whether what finds no room may be dropped.
  var mayDrop = false

  /// The room for records in an open batch.
  private struct Lane {
    /// Where the next record goes.
    var next: UnsafeMutableRawPointer
    /// Where the last one may go; before `next` where no batch is open.
    var last: UnsafeMutableRawPointer
    /// Records' ticks count from it.
    var baseTick: UInt64 = 0

    /// No room.
    init(of lanes: UnsafeMutablePointer<Lane>) {
      last = UnsafeMutableRawPointer(lanes)
      next = last + 1
    }

    init(_ batch: borrowing BatchWriter) {
      next = batch.itemEnd
      last = batch.itemLimit - PacketRecord.bytes
      baseTick = batch.header.baseTick
    }
  }

  /// - Parameter stages: for a unit.
  init(_ count: Int, stages: Bool = false, ring: (Int) throws -> Ring) throws {
    self.count = count
    writers = .allocate(capacity: count)
    for index in 0..<count {
      do {
        (writers + index).initialize(to: RingWriter(try ring(index)))
      } catch {
        writers.deinitialize(count: index)
        writers.deallocate()
        throw error
      }
    }
    batches = .allocate(capacity: count)
    batches.initialize(repeating: nil, count: count)
    lanes = .allocate(capacity: count)
    lanes.initialize(repeating: Lane(of: lanes), count: count)
    sequences = [UInt64](repeating: 0, count: count)
    isAside = [Bool](repeating: false, count: count)
    aside =
      stages
      ? (0..<count).map { [writers] in
        UnsafeMutableRawBufferPointer.allocate(byteCount: writers[$0].slotBytes, alignment: 64)
      } : nil
  }

  deinit {
    for slot in aside ?? [] { slot.deallocate() }
    lanes.deallocate()
    batches.deinitialize(count: count)
    batches.deallocate()
    writers.deinitialize(count: count)
    writers.deallocate()
  }

  /// Copies the record at `bytes` to `tracker`'s open batch; false where it has no room, its base is too
  /// far off, or there is none.
  ///
  /// - Parameter baseTick: of the batch that the record came in.
  /// - Complexity: O(1), three stores and one more to remember the place.
  @inline(__always)
  func copy(_ bytes: UnsafeRawPointer, of baseTick: UInt64, to tracker: Int) -> Bool {
    let lane = lanes + tracker
    let lengthAndTick = UInt32(
      littleEndian: bytes.loadUnaligned(fromByteOffset: 15, as: UInt32.self))
    let tick = baseTick &+ UInt64(lengthAndTick >> 16) &- lane.pointee.baseTick
    let next = lane.pointee.next
    guard next <= lane.pointee.last && tick <= UInt64(UInt16.max) else { return false }
    let moved = lengthAndTick & 0xFFFF | UInt32(truncatingIfNeeded: tick) << 16
    // SAFETY: the lane has room for a record, and `bytes` is one (`PacketRecord`). The last store puts the
    // length's first byte in its place once more.
    next.storeBytes(of: bytes.loadUnaligned(as: UInt64.self), as: UInt64.self)
    next.storeBytes(
      of: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self), toByteOffset: 8,
      as: UInt64.self)
    next.storeBytes(of: moved.littleEndian, toByteOffset: 15, as: UInt32.self)
    lane.pointee.next = next + PacketRecord.bytes
    return true
  }

  /// Writes a record, and the addresses that are new to `tracker`, to that tracker's open batch; a
  /// new batch is begun where the open one has no room or its base is too far off.
  ///
  /// - Parameter header: of the batch that the record came in; its tick is relative to that.
  /// - Complexity: O(1); waits while the ring is full, once a batch.
  mutating func append(
    _ record: PacketRecord, entries: [(handle: UInt32, address: IPAddress)], to tracker: Int,
    like header: borrowing BatchHeader
  ) {
    var record = record
    if var batch = takeBatch(tracker) {
      // Ticks are relative to the open batch's base, which may be an earlier batch's.
      let tick = header.baseTick &+ UInt64(record.tick) &- batch.header.baseTick
      if tick <= UInt64(UInt16.max)
        && batch.hasRoom(bytes: PacketRecord.bytes, entries: entries.count)
      {
        record.tick = UInt16(truncatingIfNeeded: tick)
        put(record, entries, &batch, tracker)
        return
      }
      publish(&batch, tracker)
    }
    var batch = begin(tracker, like: header)
    put(record, entries, &batch, tracker)
  }

  /// An empty batch for `tracker`, which is not open yet.
  private mutating func begin(_ tracker: Int, like header: borrowing BatchHeader) -> BatchWriter {
    sequences[tracker] += 1
    var own = BatchHeader(
      kind: .records, streamID: header.streamID, capturePoint: header.capturePoint,
      sequence: sequences[tracker], baseTick: header.baseTick)
    own.period = header.period
    return BatchWriter(slot: reserve(tracker), header: own)
  }

  /// Waits for room, unless what has none may be dropped.
  private mutating func reserve(_ tracker: Int) -> UnsafeMutableRawBufferPointer {
    guard let aside else { return writers[tracker].reserve() }
    isAside[tracker] = false
    if let slot = writers[tracker].tryReserve() { return slot }
    isAside[tracker] = mayDrop
    return mayDrop ? aside[tracker] : writers[tracker].reserve()
  }

  /// Leaves `batch` open, with a record more. There must be room.
  private func put(
    _ record: PacketRecord, _ entries: [(handle: UInt32, address: IPAddress)],
    _ batch: inout BatchWriter, _ tracker: Int
  ) {
    for entry in entries {
      batch.append(handle: entry.handle, address: entry.address)
    }
    batch.append(record)
    batches[tracker] = batch
    lanes[tracker] = Lane(batch)
  }

  /// The open batch of `tracker`, which knows of all its records; nil where none is open.
  private func takeBatch(_ tracker: Int) -> BatchWriter? {
    guard var batch = batches[tracker] else { return nil }
    batch.append(recordsUpTo: lanes[tracker].next)
    return batch
  }

  private mutating func publish(_ batch: inout BatchWriter, _ tracker: Int) {
    batch.finish()
    batches[tracker] = nil
    lanes[tracker] = Lane(of: lanes)
    if isAside[tracker] {
      dropped += UInt64(batch.header.itemCount)
    } else if aside != nil {
      writers[tracker].stage()
    } else {
      writers[tracker].publish()
    }
  }

  // MARK: - A unit's steps

  /// Slots of a tracker that one batch of the input may need, at most: what is open there, what comes, and its
  /// rest.
  private static let slotsPerBatch = 3

  /// Whether every tracker can take a batch more without waiting.
  var hasRoom: Bool {
    (0..<count).allSatisfy { writers[$0].hasRoom(slots: FanOut.slotsPerBatch) }
  }

  /// Finishes all open batches; by tracker, up to where its slots are filled.
  mutating func stage() -> [UInt64] {
    (0..<count).map { tracker in
      flush(tracker)
      return writers[tracker].position
    }
  }

  /// Publishes what was staged.
  mutating func publish(upTo positions: [UInt64]) {
    for (tracker, position) in positions.enumerated() {
      writers[tracker].publish(upTo: position)
    }
  }

  /// Opens an empty batch for each tracker that has none and has room: it tells the time.
  mutating func beat(_ header: borrowing BatchHeader) {
    for tracker in 0..<count where batches[tracker] == nil {
      guard writers[tracker].tryReserve() != nil else { continue }
      let batch = begin(tracker, like: header)
      batches[tracker] = batch
      lanes[tracker] = Lane(batch)
    }
  }

  /// What was dropped before this process.
  mutating func goOn(dropped: UInt64) { self.dropped = dropped }

  /// Ends all streams, without another slot.
  mutating func end() {
    for tracker in 0..<count { writers[tracker].close() }
  }

  /// Publishes `tracker`'s open batch.
  mutating func flush(_ tracker: Int) {
    if var batch = takeBatch(tracker) { publish(&batch, tracker) }
  }

  /// Passes a batch on to `tracker` as it is, behind what is open there.
  mutating func forward(_ slot: UnsafeRawBufferPointer, to tracker: Int) {
    flush(tracker)
    let target = writers[tracker].reserve()
    precondition(target.count == slot.count, "rings of one run have slots of one size")
    target.copyMemory(from: slot)
    sequences[tracker] += 1
    writers[tracker].publish()
  }

  /// Publishes what is open and ends all streams.
  mutating func close() {
    for tracker in 0..<count {
      flush(tracker)
      writers[tracker].close()
    }
  }
}
