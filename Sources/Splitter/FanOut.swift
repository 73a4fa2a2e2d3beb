internal import Wire

/// One open batch for each tracker, in that tracker's ring.
///
/// Full policy: a full ring is waited for; backpressure ends at the collector, which drops and
/// counts when it captures live.
struct FanOut: ~Copyable {
  private let count: Int
  private let writers: UnsafeMutablePointer<RingWriter>
  private let batches: UnsafeMutablePointer<BatchWriter?>
  private var sequences: [UInt64]

  init(_ count: Int, ring: (Int) throws -> Ring) throws {
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
    sequences = [UInt64](repeating: 0, count: count)
  }

  deinit {
    batches.deinitialize(count: count)
    batches.deallocate()
    writers.deinitialize(count: count)
    writers.deallocate()
  }

  /// Whether `tracker`'s open batch can take one record with `entries` new addresses at a tick that
  /// is `offset` ticks from the batch's base.
  ///
  /// Opens a batch with the base of `header` where there is none that fits.
  @inline(__always)
  mutating func append(
    _ record: PacketRecord, entries: [(handle: UInt32, address: IPAddress)], to tracker: Int,
    like header: BatchHeader
  ) throws(RingError) {
    var record = record
    if batches[tracker] != nil {
      // Ticks are relative to the open batch's base, which may be an earlier batch's.
      let base = batches[tracker].unsafelyUnwrapped.header.baseTick
      let tick = header.baseTick &+ UInt64(record.tick) &- base
      if tick <= UInt64(UInt16.max),
        batches[tracker].unsafelyUnwrapped.hasRoom(
          bytes: PacketRecord.bytes, entries: entries.count)
      {
        record.tick = UInt16(truncatingIfNeeded: tick)
        put(record, entries, tracker)
        return
      }
      flush(tracker)
    }
    sequences[tracker] += 1
    batches[tracker] = BatchWriter(
      slot: try writers[tracker].reserve(),
      header: BatchHeader(
        kind: .records, streamID: header.streamID, capturePoint: header.capturePoint,
        sequence: sequences[tracker], baseTick: header.baseTick))
    put(record, entries, tracker)
  }

  @inline(__always)
  private mutating func put(
    _ record: PacketRecord, _ entries: [(handle: UInt32, address: IPAddress)], _ tracker: Int
  ) {
    for entry in entries {
      batches[tracker]!.append(handle: entry.handle, address: entry.address)
    }
    batches[tracker]!.append(record)
  }

  /// Publishes `tracker`'s open batch.
  mutating func flush(_ tracker: Int) {
    guard batches[tracker] != nil else { return }
    batches[tracker]!.finish()
    batches[tracker] = nil
    writers[tracker].publish()
  }

  mutating func flushAll() {
    for tracker in 0..<count { flush(tracker) }
  }

  /// Passes a batch on to `tracker` as it is, behind what is open there.
  mutating func forward(_ slot: UnsafeRawBufferPointer, to tracker: Int) throws(RingError) {
    flush(tracker)
    let target = try writers[tracker].reserve()
    precondition(target.count == slot.count, "rings of one run have slots of one size")
    target.copyMemory(from: slot)
    sequences[tracker] += 1
    writers[tracker].publish()
  }

  /// Publishes what is open and ends all streams.
  mutating func close() {
    flushAll()
    for tracker in 0..<count { writers[tracker].close() }
  }
}
