internal import Wire

/// Turns packets into records, records into batches, and hands batches to the ring.
///
/// A batch is published when it is full, or when a packet's time does not fit it. A record's time
/// is absolute (`Tick.of`) and only written relative to the batch, so that it does not depend on
/// where batches begin and end.
///
/// A file waits while the ring is full. A live capture can't: its batch is then filled beside the ring, and
/// dropped and counted where there still is no room when it is full. Its batches keep to periods of a minute,
/// and its addresses are in a book that all processes share.
struct RecordWriter: ~Copyable {
  /// How far before a batch's first packet its times may go back: 34 ms, more than packets of one
  /// capture usually stand out of order.
  private static let backwardTicks: UInt64 = 8192

  /// How far a packet's time may be before its batch's period: more than a queue in the kernel or two taps
  /// differ, less than a clock that is set.
  private static let periodSlackTicks = Tick.seconds(5)

  private var ring: RingWriter
  private var book: AddressBook
  /// Instead of `book` where there are several streams, or one that may have to go on after a crash.
  private let shared: SharedAddresses?
  /// A slot beside the ring; nil for files.
  private let aside: UnsafeMutableRawBufferPointer?
  /// Whether the open batch is in `aside`.
  private var isAside = false
  private let streamID: UInt32
  private let capturePoint: UInt32
  /// Meaningful only while `isOpen`. Not an optional: unwrapping one would copy it for each packet.
  private var batch: BatchWriter
  private(set) var isOpen = false
  private var baseTick: UInt64 = 0
  /// The period of the open batch, minutes since 1970; and from which tick on how many belong to it. All of
  /// them where there are no periods.
  private var period: UInt32 = 0
  private var periodBase: UInt64 = 0
  private var periodTicks = UInt64.max
  /// Of the batch opened last; tells whether it is still the same.
  private(set) var sequence: UInt64 = 0
  /// Without the records of the open batch.
  private(set) var published = Accounting()
  /// Packets whose length did not fit 16 bits.
  private(set) var lengthSaturated: UInt64 = 0

  /// - Parameters:
  ///   - shared: the book that other streams use as well; batches then carry no addresses.
  ///   - isLive: whether packets are dropped while the ring is full.
  ///   - keepsPeriods: whether batches keep to periods, as those of a live capture do.
  ///   - accounting: what was counted before, and the number of the last batch; for a collector that goes
  ///     on for one that died.
  init(
    ring: consuming RingWriter, streamID: UInt32, capturePoint: UInt32, addressCapacity: Int,
    shared: SharedAddresses? = nil, isLive: Bool = false, keepsPeriods: Bool = false,
    accounting: Accounting = Accounting(), sequence: UInt64 = 0
  ) {
    if isLive {
      let aside = UnsafeMutableRawBufferPointer.allocate(
        byteCount: ring.slotBytes, alignment: 64)
      batch = BatchWriter(slot: aside, header: BatchHeader(kind: .records))
      self.aside = aside
    } else {
      // The same slot that the first `open` gets.
      batch = BatchWriter(slot: ring.reserve(), header: BatchHeader(kind: .records))
      aside = nil
    }
    // The first packet begins a period.
    if isLive || keepsPeriods { periodTicks = 0 }
    self.shared = shared
    published = accounting
    self.sequence = sequence
    self.ring = ring
    self.streamID = streamID
    self.capturePoint = capturePoint
    book = AddressBook(capacity: addressCapacity)
  }

  deinit { aside?.deallocate() }

  /// All packets so far, those in the open batch too.
  var accounting: Accounting {
    var sum = published
    if isOpen { sum[.mapped] += UInt64(batch.header.itemCount) }
    return sum
  }

  /// Bytes of text that a report may have.
  var reportBytesMax: Int { ring.slotBytes - BatchHeader.bytes }

  /// Counts packets that make no record.
  mutating func count(_ outcome: PacketOutcome, packets: UInt64 = 1) {
    published[outcome] += packets
  }

  /// Writes a packet's record, or counts it as `addressBookFull`.
  ///
  /// - Complexity: O(1); waits while the ring is full, once a batch.
  @inline(__always)
  mutating func append(_ headers: PacketHeaders, at timestampNs: UInt64) {
    let tick = Tick.of(nanoseconds: timestampNs)
    let needsHandles =
      headers.addresses6 != nil || RecordWriter.needsHandle(headers.source)
      || RecordWriter.needsHandle(headers.destination)
    // One subtraction checks both ends: a tick before the base wraps around.
    if !isOpen || tick &- baseTick > UInt64(UInt16.max) || tick &- periodBase > periodTicks
      || !batch.hasRoom(bytes: PacketRecord.bytes, entries: needsHandles ? 2 : 0)
    {
      publish()
      open(at: tick)
    }
    var record = PacketRecord(
      destination: headers.destination, destinationPort: headers.destinationPort,
      source: headers.source, sourcePort: headers.sourcePort,
      protocolNumber: headers.protocolNumber, flags: headers.flags, tcpFlags: headers.tcpFlags,
      lengthBytes: UInt16(truncatingIfNeeded: headers.lengthBytes),
      tick: UInt16(truncatingIfNeeded: tick &- baseTick))
    if headers.lengthBytes > Int(UInt16.max) {
      lengthSaturated += 1
      record.lengthBytes = .max
    }
    if needsHandles && !giveHandles(headers, to: &record) {
      count(.addressBookFull)
      return
    }
    batch.append(record)
  }

  /// 240.0.0.0/4 without the broadcast address: real there, but taken by the handles.
  @inline(__always)
  static func needsHandle(_ address: UInt32) -> Bool {
    address >= AddressHandle.first && address != .max
  }

  // MARK: - Runs of records

  /// The open batch, for writing records of packets that need no handle without the detour over
  /// `append`; afterwards `append(recordsUpTo:)` says how many these were.
  struct Room {
    /// Where the next record goes.
    var next: UnsafeMutableRawPointer
    /// Where the last one may go.
    let last: UnsafeMutableRawPointer
    /// Records' ticks count from it, and must fit 16 bits.
    let baseTick: UInt64
  }

  /// nil where a batch is to be opened first.
  var room: Room? {
    guard isOpen else { return nil }
    // Near the end of a period each packet is asked for its time.
    if periodTicks != .max && baseTick &+ UInt64(UInt16.max) &- periodBase > periodTicks {
      return nil
    }
    return Room(
      next: batch.itemEnd, last: batch.itemLimit - PacketRecord.bytes, baseTick: baseTick)
  }

  mutating func append(recordsUpTo end: UnsafeMutableRawPointer) {
    batch.append(recordsUpTo: end)
  }

  // MARK: - Addresses

  /// Replaces the record's addresses by handles; false where the book is full. The open batch has
  /// room for two entries.
  private mutating func giveHandles(
    _ headers: PacketHeaders, to record: inout PacketRecord
  ) -> Bool {
    var source = IPAddress(v4: headers.source)
    var destination = IPAddress(v4: headers.destination)
    if let addresses = headers.addresses6 {
      source = IPAddress(networkBytes: addresses)
      destination = IPAddress(networkBytes: addresses + 16)
    }
    guard let sourceValue = value(of: source), let destinationValue = value(of: destination) else {
      return false
    }
    record.source = sourceValue
    record.destination = destinationValue
    // Not so for an IPv6 packet between IPv4-mapped addresses (RFC 4291 section 2.5.5.2).
    if AddressHandle.isHandle(sourceValue) || AddressHandle.isHandle(destinationValue) {
      record.flags.insert(.hasHandle)
    }
    return true
  }

  /// What stands for `address` in a record: itself or its handle, which is announced when new.
  private mutating func value(of address: IPAddress) -> UInt32? {
    if address.isIPv4 && !RecordWriter.needsHandle(address.v4) { return address.v4 }
    if let shared { return shared.handle(of: address) }
    guard let (handle, isNew) = book.intern(address) else { return nil }
    if isNew { batch.append(handle: handle, address: address) }
    return handle
  }

  // MARK: - Batches

  private mutating func open(at tick: UInt64) {
    if tick &- periodBase > periodTicks { beginPeriod(of: tick) }
    sequence += 1
    baseTick = tick - min(tick, RecordWriter.backwardTicks)
    var header = BatchHeader(
      kind: .records, streamID: streamID, capturePoint: capturePoint, sequence: sequence,
      baseTick: baseTick)
    header.period = period
    batch = BatchWriter(slot: reserve(), header: header)
    isOpen = true
  }

  /// A slot of the ring, or `aside` where a live capture finds none.
  private mutating func reserve() -> UnsafeMutableRawBufferPointer {
    guard let aside else { return ring.reserve() }
    let slot = ring.tryReserve()
    isAside = slot == nil
    return slot ?? aside
  }

  private mutating func beginPeriod(of tick: UInt64) {
    let minute = Tick.nanoseconds(tick) / 60_000_000_000
    period = UInt32(truncatingIfNeeded: minute)
    let begin = Tick.of(nanoseconds: minute * 60_000_000_000)
    let end = Tick.of(nanoseconds: (minute + 1) * 60_000_000_000)
    periodBase = begin - min(begin, RecordWriter.periodSlackTicks)
    periodTicks = end - periodBase - 1
  }

  /// Hands the open batch, if there is one, to the ring.
  mutating func publish() {
    guard isOpen else { return }
    isOpen = false
    let count = UInt64(batch.header.itemCount)
    if isAside, let aside {
      // Room may have come up since.
      guard let slot = ring.tryReserve() else {
        published[.droppedByRing] += count
        return
      }
      published[.mapped] += count
      batch.header.accounting = published
      batch.finish()
      slot.copyMemory(from: UnsafeRawBufferPointer(aside))
    } else {
      published[.mapped] += count
      batch.header.accounting = published
      batch.finish()
    }
    ring.publish()
  }

  /// Publishes what is open and, where that is nothing, a batch without records, so that the stages behind
  /// know how late it is. Does nothing while a live capture finds no room.
  mutating func beat(at tick: UInt64) {
    if !isOpen { open(at: tick) }
    publish()
  }

  /// Publishes what is open, and closes the ring.
  mutating func close() {
    publish()
    ring.close()
  }

  /// Publishes what is open, then `text` as a batch of its own, and closes the ring.
  mutating func end(report text: [UInt8]) {
    publish()
    sequence += 1
    let header = BatchHeader(
      kind: .report, streamID: streamID, capturePoint: capturePoint, sequence: sequence)
    var report = BatchWriter(slot: ring.reserve(), header: header)
    report.header.accounting = published
    report.append(text: text)
    report.finish()
    ring.publish()
    ring.close()
  }
}
