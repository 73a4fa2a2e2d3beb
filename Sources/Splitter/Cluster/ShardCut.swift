internal import Wire

/// Cuts records by virtual shard: one open batch a shard, each with the addresses behind its own handles.
///
/// No clock, no numbers: what comes out depends on what goes in alone, so that a step which is taken again after a crash
/// makes the same batches.
struct ShardCut: ~Copyable {
  /// Records in a batch: as many as a slot of a ring has room for.
  static let recordsMax = 3440

  /// A finished batch of a shard.
  struct Batch {
    var shard: Int
    var baseTick: UInt64
    var period: UInt32
    var addresses: [IPAddress]
    var records: [UInt8]
  }

  /// The open batch of a shard.
  private struct Lane {
    /// Room for `recordsMax` records.
    let begin: UnsafeMutableRawPointer
    /// Where the next record goes.
    var next: UnsafeMutableRawPointer
    /// Where the last one may go; before `begin` where no batch is open.
    var last: UnsafeMutableRawPointer
    var baseTick: UInt64 = 0
    var period: UInt32 = 0
  }

  private let shards: Int
  private let bits: UInt64
  private let lanes: UnsafeMutablePointer<Lane>
  private let room: UnsafeMutableRawPointer
  private let shared: SharedAddresses
  /// By shard: the addresses of the open batch, and by handle of the unit their place.
  private var addresses: [[IPAddress]]
  private var places: [[UInt32: UInt32]]
  private var finished: [Batch] = []
  private static let laneBytes = recordsMax * PacketRecord.bytes

  /// - Parameter shards: a power of two, `VirtualShard.countMax` at most.
  init(shards: Int, shared: SharedAddresses) {
    precondition(
      (1...VirtualShard.countMax).contains(shards) && shards & (shards - 1) == 0,
      "shards: a power of two")
    self.shards = shards
    bits = UInt64(shards.trailingZeroBitCount)
    self.shared = shared
    let room = UnsafeMutableRawPointer.allocate(
      byteCount: shards * ShardCut.laneBytes, alignment: 64)
    lanes = .allocate(capacity: shards)
    for shard in 0..<shards {
      let begin = room + shard * ShardCut.laneBytes
      (lanes + shard).initialize(to: Lane(begin: begin, next: begin, last: begin - 1))
    }
    self.room = room
    addresses = [[IPAddress]](repeating: [], count: shards)
    places = [[UInt32: UInt32]](repeating: [:], count: shards)
  }

  deinit {
    lanes.deallocate()
    room.deallocate()
  }

  /// Cuts one batch of a ring; answers up to which tick it goes.
  ///
  /// - Throws: `BatchError` where it is none of records.
  /// - Complexity: O(records), 3 ns each; an address that is not IPv4 costs a look into a dictionary. Allocates where a batch
  ///   is finished, or has a new address.
  mutating func cut(_ slot: UnsafeRawBufferPointer) throws(BatchError) -> UInt64 {
    let batch = try BatchReader(slot)
    guard batch.header.kind == .records else { throw .unknownKind }
    let count = batch.header.itemCount
    let (baseTick, period) = (batch.header.baseTick, batch.header.period)
    guard count > 0, let records = batch.payload.baseAddress else { return baseTick }
    var latest: UInt64 = 0
    for index in 0..<count {
      // SAFETY: BatchReader checked that itemCount records lie in the payload.
      let bytes = records + index &* PacketRecord.bytes
      let destination = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
      let source = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 6, as: UInt32.self))
      let lengthAndTick = UInt32(
        littleEndian: bytes.loadUnaligned(fromByteOffset: 15, as: UInt32.self))
      latest = max(latest, UInt64(lengthAndTick >> 16))
      if !PacketRecord.hasHandle(bytes) {
        let shard = VirtualShard.of(source, destination, bits: bits)
        if copy(bytes, lengthAndTick, baseTick, period, to: shard) { continue }
      }
      append(PacketRecord(reading: bytes), baseTick: baseTick, period: period)
    }
    return baseTick &+ latest
  }

  /// Copies the record at `bytes` to the shard's open batch; false where it has no room, its base is too far off, or there
  /// is none.
  @inline(__always)
  private func copy(
    _ bytes: UnsafeRawPointer, _ lengthAndTick: UInt32, _ baseTick: UInt64, _ period: UInt32,
    to shard: Int
  ) -> Bool {
    let lane = lanes + shard
    let tick = baseTick &+ UInt64(lengthAndTick >> 16) &- lane.pointee.baseTick
    let next = lane.pointee.next
    guard next <= lane.pointee.last && tick <= UInt64(UInt16.max) && period == lane.pointee.period
    else { return false }
    let moved = lengthAndTick & 0xFFFF | UInt32(truncatingIfNeeded: tick) << 16
    // SAFETY: the lane has room for a record, and `bytes` is one (`PacketRecord`). The last store puts the length's first
    // byte in its place once more.
    next.storeBytes(of: bytes.loadUnaligned(as: UInt64.self), as: UInt64.self)
    next.storeBytes(
      of: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self), toByteOffset: 8,
      as: UInt64.self)
    next.storeBytes(of: moved.littleEndian, toByteOffset: 15, as: UInt32.self)
    lane.pointee.next = next + PacketRecord.bytes
    return true
  }

  /// A record that needs more than to be copied: a batch is to be begun, or its addresses are handles.
  private mutating func append(_ record: PacketRecord, baseTick: UInt64, period: UInt32) {
    var record = record
    let source = shared.address(of: record.source)
    let destination = shared.address(of: record.destination)
    let shard = VirtualShard.of(
      VirtualShard.key(of: source, as: record.source),
      VirtualShard.key(of: destination, as: record.destination), bits: bits)
    let lane = lanes + shard
    let absolute = baseTick &+ UInt64(record.tick)
    let fits =
      lane.pointee.next <= lane.pointee.last && period == lane.pointee.period
      && absolute &- lane.pointee.baseTick <= UInt64(UInt16.max)
    if !fits {
      finish(shard)
      lane.pointee.last = lane.pointee.begin + (ShardCut.laneBytes - PacketRecord.bytes)
      lane.pointee.baseTick = baseTick
      lane.pointee.period = period
    }
    record.tick = UInt16(truncatingIfNeeded: absolute &- lane.pointee.baseTick)
    if record.flags.contains(.hasHandle) {
      record.source = own(record.source, source, shard)
      record.destination = own(record.destination, destination, shard)
    }
    // SAFETY: there is room for one more, as was just seen.
    record.write(to: lane.pointee.next)
    lane.pointee.next += PacketRecord.bytes
  }

  /// What stands for an address in the shard's open batch.
  private mutating func own(_ value: UInt32, _ address: IPAddress, _ shard: Int) -> UInt32 {
    guard AddressHandle.isHandle(value) else { return value }
    if let place = places[shard][value] { return AddressHandle.first + place }
    let place = UInt32(addresses[shard].count)
    addresses[shard].append(address)
    places[shard][value] = place
    return AddressHandle.first + place
  }

  private mutating func finish(_ shard: Int) {
    let lane = lanes + shard
    let bytes = UnsafeRawBufferPointer(
      start: lane.pointee.begin, count: lane.pointee.next - lane.pointee.begin)
    if !bytes.isEmpty {
      finished.append(
        Batch(
          shard: shard, baseTick: lane.pointee.baseTick, period: lane.pointee.period,
          addresses: addresses[shard], records: [UInt8](bytes)))
    }
    lane.pointee.next = lane.pointee.begin
    lane.pointee.last = lane.pointee.begin - 1
    if !addresses[shard].isEmpty {
      addresses[shard].removeAll(keepingCapacity: true)
      places[shard].removeAll(keepingCapacity: true)
    }
  }

  /// Finishes all open batches and hands over those of this step: of each shard in the order of the records.
  mutating func finish() -> [Batch] {
    for shard in 0..<shards { finish(shard) }
    defer { finished.removeAll(keepingCapacity: true) }
    return finished
  }

  /// Forgets what was cut and not handed over; after an error.
  mutating func clear() { _ = finish() }
}

extension VirtualShard {
  /// 32 bits for the address behind a record's 32 bits.
  fileprivate static func key(of address: IPAddress, as value: UInt32) -> UInt32 {
    AddressHandle.isHandle(value) ? key(of: address) : value
  }
}
