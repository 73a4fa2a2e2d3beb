internal import Foundation
internal import StageDrives
internal import Wire

/// In the collector's place: records from standard input into batches.
///
/// Shape of the input, 25 bytes a packet, little-endian: microseconds since 1970 (8), then the first
/// seven fields of a record and its length as at offsets 0–16 of `PacketRecord`.
struct RecordSource: ~Copyable {
  private var writer: RingWriter
  private var batch: BatchWriter?
  private var sequence: UInt64 = 0
  private var firstNs: UInt64?
  private var lastNs: UInt64 = 0
  private var octets: UInt64 = 0
  private(set) var packets = 0

  static let bytes = 25
  /// Records read at once.
  private static let chunk = 40_000

  init(_ writer: consuming RingWriter) { self.writer = writer }

  /// Reads to the end, then sends the report and closes the ring.
  mutating func run() throws {
    let size = RecordSource.chunk * RecordSource.bytes
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    defer { buffer.deallocate() }
    var used = 0
    while true {
      let count = read(STDIN_FILENO, buffer + used, size - used)
      guard count > 0 else { break }
      used += count
      let whole = used / RecordSource.bytes
      for index in 0..<whole {
        // SAFETY: `whole` records lie in the `used` bytes.
        append(buffer + index * RecordSource.bytes)
      }
      let rest = used - whole * RecordSource.bytes
      memmove(buffer, buffer + whole * RecordSource.bytes, rest)
      used = rest
    }
    precondition(used == 0, "the input ends within a record")
    flush()
    try report()
  }

  @inline(__always)
  private mutating func append(_ bytes: UnsafeRawPointer) {
    let ns = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) * 1000
    if firstNs == nil { firstNs = ns }
    lastNs = ns
    let tick = Tick.of(nanoseconds: ns)
    let fields = bytes + 8
    func get<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T {
      T(littleEndian: fields.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
    let length = get(15, as: UInt16.self)
    if batch != nil {
      // SAFETY: not nil, just above; an optional binding would copy the writer twice a record.
      if tick - batch!.header.baseTick > 0xFFFF || !batch!.hasRoom(bytes: PacketRecord.bytes) {
        flush()
      }
    }
    if batch == nil {
      sequence += 1
      batch = BatchWriter(
        slot: writer.reserve(),
        header: BatchHeader(
          kind: .records, streamID: 1, capturePoint: 1, sequence: sequence, baseTick: tick))
    }
    batch!.append(
      PacketRecord(
        destination: get(0, as: UInt32.self), destinationPort: get(4, as: UInt16.self),
        source: get(6, as: UInt32.self), sourcePort: get(10, as: UInt16.self),
        protocolNumber: get(12, as: UInt8.self),
        flags: RecordFlags(rawValue: get(13, as: UInt8.self)),
        tcpFlags: TCPFlags(rawValue: get(14, as: UInt8.self)), lengthBytes: length,
        tick: UInt16(tick - batch!.header.baseTick)))
    octets += UInt64(length) + 18
    packets += 1
  }

  private mutating func flush() {
    guard batch != nil else { return }
    batch!.header.accounting[.mapped] = UInt64(packets)
    batch!.finish()
    batch = nil
    writer.publish()
  }

  private mutating func report() throws {
    var report = CaptureReport(
      files: [CaptureReport.File(name: "generated records", packets: UInt64(packets))])
    report.startNs = firstNs
    report.endNs = lastNs
    report.frameBytes = octets
    report.accounting = [PacketOutcome.mapped.name: UInt64(packets)]
    sequence += 1
    var last = BatchWriter(
      slot: writer.reserve(), header: BatchHeader(kind: .report, streamID: 1, sequence: sequence))
    last.append(text: try JSONEncoder().encode(report))
    last.finish()
    writer.publish()
    writer.close()
  }
}
