extension RecordBatch {
  /// The message.
  ///
  /// - Complexity: O(records), some 50 ns each.
  public func encoded() -> [UInt8] {
    var encoder = RecordBatchEncoder()
    return encoder.encode(self)
  }

  /// - Throws: `WireError`. Any bytes may come; what is decoded is within bounds: `records` is a whole number of them,
  ///   `recordsMax` at most, and every handle in them has its address.
  public init(decoding message: some Collection<UInt8>) throws(WireError) {
    self = try WireEnvelope.open(message, .records) { reader throws(WireError) in
      try RecordBatch(reading: &reader)
    }
  }

  private init(reading reader: inout WireReader) throws(WireError) {
    point = try reader.name()
    run = try reader.integer()
    shard = try reader.integer()
    shardCount = try reader.integer()
    sequence = try reader.integer()
    recordsBefore = try reader.integer()
    baseTick = try reader.integer()
    period = try reader.integer()
    reachedTick = try reader.integer()
    isLast = try reader.boolean()
    report = try reader.bytes()
    addresses = try reader.addresses()
    records = try RecordColumns.read(&reader, addresses: addresses.count)
  }
}

/// Encodes batches, and keeps its memory from one to the next.
public struct RecordBatchEncoder {
  private var body = WireWriter()
  private var scratch: [UInt8] = []
  private var columns = RecordColumns()

  public init() {}

  /// The message of a batch: `RecordBatch.encoded()` without making new memory for each.
  ///
  /// Traps where the batch has more than `recordsMax` records or no whole number of them, more than 65,536 addresses,
  /// a point's name of more than 255 bytes, or 32 MiB altogether.
  ///
  /// - Complexity: O(records), some 50 ns each.
  public mutating func encode(_ batch: RecordBatch) -> [UInt8] {
    body.clear()
    body.name(batch.point)
    body.integer(batch.run)
    body.integer(batch.shard)
    body.integer(batch.shardCount)
    body.integer(batch.sequence)
    body.integer(batch.recordsBefore)
    body.integer(batch.baseTick)
    body.integer(batch.period)
    body.integer(batch.reachedTick)
    body.boolean(batch.isLast)
    body.bytes(batch.report)
    body.addresses(batch.addresses)
    columns.write(batch.records, to: &body)
    return WireEnvelope.seal(.records, body: body.bytes, scratch: &scratch)
  }
}
