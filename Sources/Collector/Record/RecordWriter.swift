internal import Wire

/// Turns packets into records, records into batches, and hands batches to the ring.
///
/// A batch is published when it is full, or when a packet's time does not fit it. A record's time
/// is absolute (`Tick.of`) and only written relative to the batch, so that it does not depend on
/// where batches begin and end.
struct RecordWriter: ~Copyable {
  /// How far before a batch's first packet its times may go back: 34 ms, more than packets of one
  /// capture usually stand out of order.
  private static let backwardTicks: UInt64 = 8192

  private var ring: RingWriter
  private var book: AddressBook
  private let streamID: UInt32
  private let capturePoint: UInt32
  /// Meaningful only while `isOpen`. Not an optional: unwrapping one would copy it for each packet.
  private var batch: BatchWriter
  private var isOpen = false
  private var baseTick: UInt64 = 0
  private var sequence: UInt64 = 0
  /// Without the records of the open batch.
  private var published = Accounting()
  /// Packets whose length did not fit 16 bits.
  private(set) var lengthSaturated: UInt64 = 0

  init(
    ring: consuming RingWriter, streamID: UInt32, capturePoint: UInt32, addressCapacity: Int
  ) {
    // The same slot that the first `open` gets.
    batch = BatchWriter(slot: ring.reserve(), header: BatchHeader(kind: .records))
    self.ring = ring
    self.streamID = streamID
    self.capturePoint = capturePoint
    book = AddressBook(capacity: addressCapacity)
  }

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
    if !isOpen || tick &- baseTick > UInt64(UInt16.max)
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
    guard let (handle, isNew) = book.intern(address) else { return nil }
    if isNew { batch.append(handle: handle, address: address) }
    return handle
  }

  // MARK: - Batches

  private mutating func open(at tick: UInt64) {
    sequence += 1
    baseTick = tick - min(tick, RecordWriter.backwardTicks)
    let header = BatchHeader(
      kind: .records, streamID: streamID, capturePoint: capturePoint, sequence: sequence,
      baseTick: baseTick)
    batch = BatchWriter(slot: ring.reserve(), header: header)
    isOpen = true
  }

  /// Hands the open batch, if there is one, to the ring.
  mutating func publish() {
    guard isOpen else { return }
    isOpen = false
    published[.mapped] += UInt64(batch.header.itemCount)
    batch.header.accounting = published
    batch.finish()
    ring.publish()
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
