public import Wire

/// 連携追跡部: keeps the sessions of its ranges and reports them to the merger.
public enum TrackerService {
  /// Runs until the input ends, then reports every session and ends its own stream.
  ///
  /// - Parameter process: this process's line on `status`.
  /// - Throws: `BatchError` where the input is not batches.
  public static func run(
    _ configuration: TrackerConfiguration, input: consuming Ring, output: consuming Ring,
    status: borrowing StatusBoard, process: Int
  ) throws {
    var reader = RingReader(input)
    var table = SessionTable(configuration)
    var report = EpochWriter(RingWriter(output))
    var items: UInt64 = 0
    while let slot = reader.next() {
      let batch = try BatchReader(slot)
      report.watermark = batch.header.sequence
      switch batch.header.kind {
      case .records:
        // The entries go first: a row never reaches the merger before its addresses.
        if batch.header.addressCount > 0 { report.append(addressesOf: batch) }
        if let payload = batch.payload.baseAddress {
          table.track(
            payload, count: batch.header.itemCount, baseTick: batch.header.baseTick, into: &report)
        }
        items += UInt64(batch.header.itemCount)
        status.set(.items, of: process, to: items)
      case .report: report.forward(slot)
      case .sessions, .epochEnd, .links: throw BatchError.unknownKind
      }
      reader.release()
    }
    table.drain(into: &report)
    report.end(exportedEarly: table.exportedEarly)
  }
}

/// Writes one epoch's session rows to the merger.
struct EpochWriter: ~Copyable, SessionSink {
  private var writer: RingWriter
  private var batch: BatchWriter?
  private var sequence: UInt64 = 0
  /// The last batch of the input that the rows cover.
  var watermark: UInt64 = 0

  init(_ writer: consuming RingWriter) {
    self.writer = writer
  }

  mutating func export(_ row: SessionRow) {
    open(bytes: SessionRow.bytes, entries: 0)
    batch!.append(row)
  }

  mutating func append(addressesOf source: BatchReader) {
    source.forEachAddress { handle, address in
      // SAFETY for the unwrapping here and below: `open` leaves a batch.
      open(bytes: 0, entries: 1)
      batch!.append(handle: handle, address: address)
    }
  }

  /// Makes sure that the open batch has room.
  private mutating func open(bytes: Int, entries: Int) {
    if batch != nil {
      if batch!.hasRoom(bytes: bytes, entries: entries) { return }
      flush()
    }
    sequence += 1
    batch = BatchWriter(
      slot: writer.reserve(), header: BatchHeader(kind: .sessions, sequence: sequence))
  }

  private mutating func flush() {
    guard batch != nil else { return }
    batch!.finish()
    batch = nil
    writer.publish()
  }

  /// Passes a batch on as it is, behind what is open.
  mutating func forward(_ slot: UnsafeRawBufferPointer) {
    flush()
    let target = writer.reserve()
    precondition(target.count == slot.count, "rings of one run have slots of one size")
    target.copyMemory(from: slot)
    writer.publish()
  }

  /// Ends the epoch with its watermark, and the stream.
  mutating func end(exportedEarly: UInt64) {
    flush()
    var last = BatchWriter(
      slot: writer.reserve(), header: BatchHeader(kind: .epochEnd, sequence: watermark))
    last.header.sessionsExportedEarly = exportedEarly
    last.finish()
    writer.publish()
    writer.close()
  }
}
