internal import Wire

/// One open batch for each tracker, in that tracker's ring.
///
/// Full policy: a full ring is waited for. The collector then waits as well, and drops nothing.
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

  /// Writes a record, and the addresses that are new to `tracker`, to that tracker's open batch; a
  /// new batch is begun where the open one has no room or its base is too far off.
  ///
  /// - Parameter header: of the batch that the record came in; its tick is relative to that.
  /// - Complexity: O(1); waits while the ring is full, once a batch.
  @inline(__always)
  mutating func append(
    _ record: PacketRecord, entries: [(handle: UInt32, address: IPAddress)], to tracker: Int,
    like header: BatchHeader
  ) {
    var record = record
    if batches[tracker] != nil {
      // SAFETY: not nil, just above. Ticks are relative to the open batch's base, which may be an
      // earlier batch's.
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
      slot: writers[tracker].reserve(),
      header: BatchHeader(
        kind: .records, streamID: header.streamID, capturePoint: header.capturePoint,
        sequence: sequences[tracker], baseTick: header.baseTick))
    put(record, entries, tracker)
  }

  @inline(__always)
  private mutating func put(
    _ record: PacketRecord, _ entries: [(handle: UInt32, address: IPAddress)], _ tracker: Int
  ) {
    // SAFETY: the caller has just opened a batch or asked the open one for room.
    for entry in entries {
      batches[tracker]!.append(handle: entry.handle, address: entry.address)
    }
    batches[tracker]!.append(record)
  }

  /// Publishes `tracker`'s open batch.
  mutating func flush(_ tracker: Int) {
    guard var batch = batches[tracker] else { return }
    batch.finish()
    batches[tracker] = nil
    writers[tracker].publish()
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
