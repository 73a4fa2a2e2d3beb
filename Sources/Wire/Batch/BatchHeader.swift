/// What a batch carries.
public enum BatchKind: UInt16, Sendable {
  /// Packet records, with `baseTick` and the address entries that are new in this batch.
  case records = 1
  /// `SessionRow`s of an epoch, with the address entries that are new in this batch.
  case sessions = 2
  /// JSON text about the stream (`CaptureReport`), sent once before its end.
  case report = 3
  /// The end of an epoch: everything up to `sequence` of the stream has been reported.
  case epochEnd = 4
  /// Links of a finished map, as they are in memory: from the merger to the reporter of one run.
  case links = 5
}

/// The first 176 bytes of everything that moves between stages.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic "RNK1" |
/// | 4 | 2 | version |
/// | 6 | 2 | kind (`BatchKind`) |
/// | 8 | 4 | stream id |
/// | 12 | 4 | capture point |
/// | 16 | 8 | sequence number within the stream, from 1 |
/// | 24 | 8 | base time, ticks of 4,096 ns since 1970 |
/// | 32 | 4 | items: records, rows, or bytes of text |
/// | 36 | 4 | address entries |
/// | 40 | 4 | payload bytes after the header, before the room |
/// | 44 | 4 | checksum of bytes 0–43 and 48–175 |
/// | 48 | 112 | cumulative counters, in the order of `PacketOutcome` |
/// | 160 | 8 | sessions that the tracker exported early for want of room, cumulative |
/// | 168 | 4 | the period that its records belong to, minutes since 1970; 0 where there are no periods |
/// | 172 | 4 | reserved |
///
/// Little-endian. Items follow at offset 176 and grow upwards; address entries (handle, then the
/// 16 address bytes in network order: 20 bytes) grow downwards from the end of the slot.
public struct BatchHeader: Sendable {
  @inlinable public static var bytes: Int { 176 }
  public static let magic: UInt32 = 0x314B_4E52
  public static let version: UInt16 = 4
  /// `ServiceMap.Link` in memory.
  public static let linkBytes = 184
  /// A handle and 16 address bytes.
  @inlinable public static var addressEntryBytes: Int { 20 }

  public var kind: BatchKind
  public var streamID: UInt32
  public var capturePoint: UInt32
  public var sequence: UInt64
  public var baseTick: UInt64
  public var itemCount: Int
  public var addressCount: Int
  public var payloadBytes: Int
  public var accounting: Accounting
  public var sessionsExportedEarly: UInt64
  /// Minutes since 1970 in which all of its records lie, but for those that came late by seconds; 0 for captures
  /// from files, which are one period.
  public var period: UInt32

  public init(
    kind: BatchKind, streamID: UInt32 = 0, capturePoint: UInt32 = 0, sequence: UInt64 = 0,
    baseTick: UInt64 = 0
  ) {
    self.kind = kind
    self.streamID = streamID
    self.capturePoint = capturePoint
    self.sequence = sequence
    self.baseTick = baseTick
    itemCount = 0
    addressCount = 0
    payloadBytes = 0
    accounting = Accounting()
    sessionsExportedEarly = 0
    period = 0
  }

  /// Writes the header and its checksum to the start of `slot`.
  ///
  /// - Complexity: O(1), about 30 ns; once a batch, not a packet.
  public func write(to slot: UnsafeMutableRawBufferPointer) {
    precondition(slot.count >= BatchHeader.bytes, "a slot is smaller than a batch header")
    func put<T: FixedWidthInteger>(_ value: T, _ offset: Int) {
      slot.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }
    put(BatchHeader.magic, 0)
    put(BatchHeader.version, 4)
    put(kind.rawValue, 6)
    put(streamID, 8)
    put(capturePoint, 12)
    put(sequence, 16)
    put(baseTick, 24)
    put(UInt32(itemCount), 32)
    put(UInt32(addressCount), 36)
    put(UInt32(payloadBytes), 40)
    for outcome in PacketOutcome.allCases {
      put(accounting[outcome], 48 + 8 * outcome.rawValue)
    }
    put(sessionsExportedEarly, 160)
    put(period, 168)
    put(UInt32(0), 172)
    put(BatchHeader.checksum(of: UnsafeRawBufferPointer(slot)), 44)
  }

  /// Reads and checks the header of `slot`: nothing it says points outside the slot.
  ///
  /// - Throws: `BatchError` where it is not a batch, of another version, or damaged.
  public init(reading slot: UnsafeRawBufferPointer) throws(BatchError) {
    guard slot.count >= BatchHeader.bytes else { throw .tooShort }
    func get<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T {
      T(littleEndian: slot.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
    guard get(0, as: UInt32.self) == BatchHeader.magic else { throw .notABatch }
    guard get(4, as: UInt16.self) == BatchHeader.version else { throw .otherVersion }
    guard get(44, as: UInt32.self) == BatchHeader.checksum(of: slot) else { throw .damaged }
    guard let kind = BatchKind(rawValue: get(6, as: UInt16.self)) else { throw .unknownKind }
    self.init(
      kind: kind, streamID: get(8, as: UInt32.self), capturePoint: get(12, as: UInt32.self),
      sequence: get(16, as: UInt64.self), baseTick: get(24, as: UInt64.self))
    itemCount = Int(get(32, as: UInt32.self))
    addressCount = Int(get(36, as: UInt32.self))
    payloadBytes = Int(get(40, as: UInt32.self))
    for outcome in PacketOutcome.allCases {
      accounting[outcome] = get(48 + 8 * outcome.rawValue, as: UInt64.self)
    }
    sessionsExportedEarly = get(160, as: UInt64.self)
    period = get(168, as: UInt32.self)
    let itemBytes =
      switch kind {
      case .records: PacketRecord.bytes
      case .sessions: SessionRow.bytes
      case .report: 1
      case .epochEnd: 0
      case .links: BatchHeader.linkBytes
      }
    let room = slot.count - BatchHeader.bytes
    guard itemCount * itemBytes == payloadBytes || kind == .epochEnd,
      payloadBytes + addressCount * BatchHeader.addressEntryBytes <= room
    else { throw .overrunsItsSlot }
  }

  /// FNV-1a over the header's words, without the checksum's own.
  private static func checksum(of slot: UnsafeRawBufferPointer) -> UInt32 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for offset in stride(from: 0, to: BatchHeader.bytes, by: 4) where offset != 44 {
      let word = slot.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
      hash = (hash ^ UInt64(UInt32(littleEndian: word))) &* 0x0000_0100_0000_01B3
    }
    return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
  }
}

/// Why bytes are not a batch: always a fault of renkei's, since no foreign bytes come this way.
public enum BatchError: Error, Equatable, CustomStringConvertible {
  case tooShort
  case notABatch
  case otherVersion
  /// The checksum is wrong.
  case damaged
  /// The kind is none, or not one that this stage takes.
  case unknownKind
  /// The counts say more than the slot holds.
  case overrunsItsSlot

  public var description: String {
    let what =
      switch self {
      case .tooShort: "is too short"
      case .notABatch: "is none"
      case .otherVersion: "is of another version"
      case .damaged: "is damaged"
      case .unknownKind: "is of a kind that does not belong here"
      case .overrunsItsSlot: "is longer than its slot"
      }
    return "a batch from the stage before \(what): this is a fault in renkei"
  }
}

/// Fills one slot with items and address entries.
///
/// The two grow towards each other, so that a batch full of new addresses is merely a shorter
/// batch. The owner asks `hasRoom`, appends, and at the end calls `finish`.
public struct BatchWriter {
  public let slot: UnsafeMutableRawBufferPointer
  public var header: BatchHeader
  /// Offset of the next item; offset behind the last address entry written.
  @usableFromInline var itemOffset = BatchHeader.bytes
  @usableFromInline var entryOffset: Int

  /// - Parameter slot: at least 1 KiB; belongs to the caller and outlives the writer.
  public init(slot: UnsafeMutableRawBufferPointer, header: BatchHeader) {
    precondition(slot.count >= 1024, "a batch needs a slot of at least 1 KiB")
    self.slot = slot
    self.header = header
    entryOffset = slot.count
  }

  /// Whether an item of `bytes` bytes fits together with `entries` new addresses.
  @inlinable @inline(__always)
  public func hasRoom(bytes: Int, entries: Int = 0) -> Bool {
    itemOffset &+ bytes &+ entries &* BatchHeader.addressEntryBytes <= entryOffset
  }

  /// Appends a packet record. `hasRoom(bytes: PacketRecord.bytes)` must be true.
  ///
  /// - Complexity: O(1), three stores.
  @inlinable @inline(__always)
  public mutating func append(_ record: PacketRecord) {
    // SAFETY: the caller asked hasRoom; items never pass entryOffset <= slot.count.
    record.write(to: slot.baseAddress.unsafelyUnwrapped + itemOffset)
    itemOffset &+= PacketRecord.bytes
    header.itemCount &+= 1
  }

  /// Where the next item goes. For a caller that writes a run of records itself and then says so with
  /// `append(recordsUpTo:)`.
  @inlinable public var itemEnd: UnsafeMutableRawPointer {
    // SAFETY: a slot is never empty, and items never pass its end.
    slot.baseAddress.unsafelyUnwrapped + itemOffset
  }

  /// The address entries begin here; items must not pass it.
  @inlinable public var itemLimit: UnsafeMutableRawPointer {
    // SAFETY: as above.
    slot.baseAddress.unsafelyUnwrapped + entryOffset
  }

  /// Counts in the records that were written from `itemEnd` to `end`, one behind the other.
  @inlinable public mutating func append(recordsUpTo end: UnsafeMutableRawPointer) {
    let bytes = end - itemEnd
    precondition(
      bytes >= 0 && end <= itemLimit && bytes % PacketRecord.bytes == 0,
      "records beyond a batch's room")
    itemOffset += bytes
    header.itemCount += bytes / PacketRecord.bytes
  }

  /// Appends a session row. `hasRoom(bytes: SessionRow.bytes)` must be true.
  @inlinable public mutating func append(_ row: SessionRow) {
    // SAFETY: as above.
    slot.storeBytes(of: row, toByteOffset: itemOffset, as: SessionRow.self)
    itemOffset += SessionRow.bytes
    header.itemCount += 1
  }

  /// Appends `count` items as they are in memory. `hasRoom(bytes: items.count)` must be true.
  public mutating func append(_ items: UnsafeRawBufferPointer, count: Int) {
    precondition(hasRoom(bytes: items.count), "the items do not fit a slot")
    UnsafeMutableRawBufferPointer(rebasing: slot[itemOffset..<itemOffset + items.count])
      .copyMemory(from: items)
    itemOffset += items.count
    header.itemCount += count
  }

  /// Appends text for a `.report`; at most the slot's room, checked.
  public mutating func append(text: some Collection<UInt8>) {
    precondition(hasRoom(bytes: text.count), "a report does not fit a slot")
    UnsafeMutableRawBufferPointer(rebasing: slot[itemOffset..<itemOffset + text.count])
      .copyBytes(from: text)
    itemOffset += text.count
    header.itemCount += text.count
  }

  /// Appends an address entry. `hasRoom(bytes: 0, entries: 1)` must be true.
  public mutating func append(handle: UInt32, address: IPAddress) {
    // SAFETY: the caller asked hasRoom; entries never pass itemOffset >= BatchHeader.bytes.
    entryOffset -= BatchHeader.addressEntryBytes
    slot.storeBytes(of: handle.littleEndian, toByteOffset: entryOffset, as: UInt32.self)
    slot.storeBytes(of: address.high.bigEndian, toByteOffset: entryOffset + 4, as: UInt64.self)
    slot.storeBytes(of: address.low.bigEndian, toByteOffset: entryOffset + 12, as: UInt64.self)
    header.addressCount += 1
  }

  /// Writes the header; the slot is then a complete batch.
  public mutating func finish() {
    header.payloadBytes = itemOffset - BatchHeader.bytes
    header.write(to: slot)
  }
}

/// A checked batch in a slot. Valid only as long as the slot is.
public struct BatchReader {
  public let header: BatchHeader
  private let slot: UnsafeRawBufferPointer

  /// - Throws: `BatchError`; afterwards every accessor stays within the slot.
  public init(_ slot: UnsafeRawBufferPointer) throws(BatchError) {
    header = try BatchHeader(reading: slot)
    self.slot = slot
  }

  /// The items' bytes: `itemCount` records, rows, or characters.
  public var payload: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      rebasing: slot[BatchHeader.bytes..<BatchHeader.bytes + header.payloadBytes])
  }

  /// Calls `body` with each address entry, in the order written.
  public func forEachAddress(_ body: (UInt32, IPAddress) -> Void) {
    var offset = slot.count
    for _ in 0..<header.addressCount {
      offset -= BatchHeader.addressEntryBytes
      let handle = UInt32(littleEndian: slot.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      // SAFETY: the header check made sure that all entries lie within the slot.
      body(handle, IPAddress(networkBytes: slot.baseAddress.unsafelyUnwrapped + offset + 4))
    }
  }
}
