public import Wire

/// データ分割部: spreads the records of one stream over the trackers by ranges of address pairs.
public enum SplitterService {
  /// Batches looked at before the ranges are cut: some 200,000 packets, a few milliseconds.
  static let sampleBatches = 64

  /// Runs until the input ends.
  ///
  /// - Parameters:
  ///   - trackers: how many outputs there are.
  ///   - output: the ring to each tracker.
  ///   - process: this process's line on `status`.
  /// - Throws: what `output` throws, and `BatchError` where the input is not batches.
  public static func run(
    input: consuming Ring, trackers: Int, output: (Int) throws -> Ring,
    status: borrowing StatusBoard, process: Int
  ) throws {
    var reader = RingReader(input)
    var splitter = Splitting(
      output: try FanOut(trackers, ring: output), trackers: trackers)
    // A single tracker owns everything; there is nothing to sample for.
    var held: [[UInt8]]? = trackers == 1 ? nil : []
    var items: UInt64 = 0
    while let slot = reader.next() {
      if held != nil {
        // SAFETY: not nil, just above; an optional binding would copy all batches each time.
        held!.append(Array(slot))
        if held!.count >= sampleBatches { items += UInt64(try splitter.begin(with: &held)) }
      } else {
        items += UInt64(try splitter.handle(slot))
      }
      status.set(.items, of: process, to: items)
      reader.release()
    }
    items += UInt64(try splitter.begin(with: &held))
    status.set(.items, of: process, to: items)
    splitter.output.close()
  }
}

/// The splitter's state between batches.
struct Splitting: ~Copyable {
  var output: FanOut
  private let trackers: Int
  private var ranges: RangeTable
  private var addresses = AddressTable()
  /// Of a unit, instead of `addresses`.
  private let shared: SharedAddresses?
  /// By handle index: where the address lies in the space of ranges, and which trackers know it.
  private var handleKeys: [UInt32] = []
  private var knownBy: [UInt64] = []
  /// Of the records at hand.
  private let owners = UnsafeMutablePointer<UInt8>.allocate(capacity: Splitting.stretch)
  /// Records whose owners are looked up together.
  private static let stretch = 512

  init(output: consuming FanOut, trackers: Int, shared: SharedAddresses? = nil) {
    self.output = output
    self.trackers = trackers
    self.shared = shared
    ranges = RangeTable(sample: [], trackers: trackers)
  }

  deinit { owners.deallocate() }

  /// Cuts the ranges from the batches held so far and sends these on; answers how many records they
  /// had.
  mutating func begin(with held: inout [[UInt8]]?) throws -> Int {
    guard let batches = held else { return 0 }
    var sample: [UInt64] = []
    for batch in batches {
      try batch.withUnsafeBytes { bytes in
        let reader = try BatchReader(bytes)
        // Every 16th packet is sample enough: 64 batches give some 14,000.
        addSample(of: reader, every: 16, to: &sample)
      }
    }
    cut(from: sample)
    held = nil
    return try batches.reduce(0) { sum, batch in
      try sum + batch.withUnsafeBytes { try handle($0) }
    }
  }

  /// Adds the keys of every so many records of a batch.
  mutating func addSample(of batch: BatchReader, every step: Int, to sample: inout [UInt64]) {
    guard batch.header.kind == .records else { return }
    learn(batch)
    guard let payload = batch.payload.baseAddress else { return }
    for index in stride(from: 0, to: batch.header.itemCount, by: step) {
      // SAFETY: BatchReader checked that itemCount records lie in the payload.
      let record = PacketRecord(reading: payload + index * PacketRecord.bytes)
      sample.append(RangeTable.key(key(record.source), key(record.destination)))
    }
  }

  mutating func cut(from sample: [UInt64]) {
    ranges = RangeTable(sample: sample, trackers: trackers)
  }

  /// Sends one batch on; answers how many records it had.
  ///
  /// - Complexity: O(records · log ranges); allocates only where a new IPv6 address appears.
  mutating func handle(_ slot: UnsafeRawBufferPointer) throws -> Int {
    let batch = try BatchReader(slot)
    guard batch.header.kind == .records else {
      // What is said about the stream travels behind its data, to one tracker.
      output.forward(slot, to: 0)
      return 0
    }
    if trackers == 1 && shared == nil {
      output.forward(slot, to: 0)
      return batch.header.itemCount
    }
    learn(batch)
    let count = batch.header.itemCount
    let baseTick = batch.header.baseTick
    guard let first = batch.payload.baseAddress else { return 0 }
    for begin in stride(from: 0, to: count, by: Splitting.stretch) {
      // SAFETY: BatchReader checked that itemCount records lie in the payload.
      let records = first + begin &* PacketRecord.bytes
      let count = min(count &- begin, Splitting.stretch)
      ranges.findOwners(ofRecords: records, count: count, into: owners)
      for index in 0..<count {
        let bytes = records + index &* PacketRecord.bytes
        let owner = Int(owners[index])
        if !PacketRecord.hasHandle(bytes) && output.copy(bytes, of: baseTick, to: owner) {
          continue
        }
        append(PacketRecord(reading: bytes), owner, batch.header)
      }
    }
    return count
  }

  /// A record that needs more than to be copied.
  private mutating func append(_ record: PacketRecord, _ owner: Int, _ header: BatchHeader) {
    guard record.flags.contains(.hasHandle) else {
      output.append(record, entries: [], to: owner, like: header)
      return
    }
    let owner = ranges.owner(of: RangeTable.key(key(record.source), key(record.destination)))
    output.append(record, entries: newEntries(record, for: owner), to: owner, like: header)
  }

  /// The addresses of `record` that `tracker` has not been told yet; it knows them afterwards.
  private mutating func newEntries(
    _ record: PacketRecord, for tracker: Int
  ) -> [(handle: UInt32, address: IPAddress)] {
    var entries: [(handle: UInt32, address: IPAddress)] = []
    for value in [record.source, record.destination] where AddressHandle.isHandle(value) {
      let index = Int(value - AddressHandle.first)
      guard index < knownBy.count, knownBy[index] & 1 << UInt64(tracker) == 0 else { continue }
      knownBy[index] |= 1 << UInt64(tracker)
      entries.append((value, addresses.address(of: value)))
    }
    return entries
  }

  private mutating func learn(_ batch: BatchReader) {
    guard batch.header.addressCount > 0 else { return }
    batch.forEachAddress { handle, address in
      guard AddressHandle.isHandle(handle) else { return }
      let index = Int(handle - AddressHandle.first)
      while handleKeys.count <= index {
        handleKeys.append(0)
        knownBy.append(0)
      }
      handleKeys[index] = Splitting.rangeKey(of: address)
      addresses.learn(handle: handle, address: address)
    }
  }

  /// Where an address lies in the space of ranges: IPv4 as it is, others spread over 240.0.0.0/4
  /// by a hash of the true address, since all of a site's IPv6 shares its first bits.
  @inline(__always)
  private func key(_ value: UInt32) -> UInt32 {
    guard AddressHandle.isHandle(value) else { return value }
    if let shared { return Splitting.rangeKey(of: shared.address(of: value)) }
    let index = Int(value - AddressHandle.first)
    return index < handleKeys.count ? handleKeys[index] : value
  }

  static func rangeKey(of address: IPAddress) -> UInt32 {
    if address.isIPv4 { return address.v4 }
    var x = (address.high ^ address.low &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
    x ^= x >> 32
    return AddressHandle.first | UInt32(truncatingIfNeeded: x) & 0x0EFF_FFFF
  }
}
