internal import Cluster

/// A message as it lies in the spool.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | length of what follows the checksum |
/// | 4 | 4 | CRC-32 of that |
/// | 8 | 2 | bytes of the subject |
/// | 10 | 2 | bytes of the id |
/// | 12 | … | subject, id, payload |
///
/// Little-endian.
enum SpoolEntry {
  static let headerBytes = 8
  /// Of an entry; what says more is damaged.
  static let bytesMax = 16 << 20

  /// Bytes that an entry takes.
  static func bytes(_ entry: LogEntry) -> Int {
    headerBytes + 4 + entry.subject.utf8.count + entry.id.utf8.count + entry.payload.count
  }

  static func append(_ entry: LogEntry, to bytes: inout [UInt8]) {
    let begin = bytes.count
    let (subject, id) = (Array(entry.subject.utf8), Array(entry.id.utf8))
    precondition(
      subject.count <= Int(UInt16.max) && id.count <= Int(UInt16.max)
        && SpoolEntry.bytes(entry) <= bytesMax, "a message too long for the spool")
    bytes.reserveCapacity(begin + SpoolEntry.bytes(entry))
    for _ in 0..<headerBytes { bytes.append(0) }
    for count in [subject.count, id.count] {
      bytes.append(UInt8(count & 0xFF))
      bytes.append(UInt8(count >> 8))
    }
    bytes += subject
    bytes += id
    bytes += entry.payload
    let length = UInt32(bytes.count - begin - headerBytes)
    bytes.withUnsafeMutableBytes { all in
      let crc = CRC32.of(UnsafeRawBufferPointer(rebasing: all[(begin + headerBytes)...]))
      all.storeBytes(of: length.littleEndian, toByteOffset: begin, as: UInt32.self)
      all.storeBytes(of: crc.littleEndian, toByteOffset: begin + 4, as: UInt32.self)
    }
  }

  /// Length and checksum; nil where no entry can be so long.
  static func header(_ bytes: UnsafeRawBufferPointer) -> (length: Int, crc: UInt32)? {
    let length = Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
    guard (4...bytesMax).contains(length) else { return nil }
    return (
      length, UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    )
  }

  /// What follows the header; nil where it is damaged.
  static func read(_ bytes: UnsafeRawBufferPointer, crc: UInt32) -> LogEntry? {
    guard bytes.count >= 4, CRC32.of(bytes) == crc else { return nil }
    let subjectCount = Int(UInt16(littleEndian: bytes.loadUnaligned(as: UInt16.self)))
    let idCount = Int(
      UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
    guard 4 + subjectCount + idCount <= bytes.count else { return nil }
    let subjectEnd = 4 + subjectCount
    return LogEntry(
      subject: String(decoding: bytes[4..<subjectEnd], as: UTF8.self),
      id: String(decoding: bytes[subjectEnd..<subjectEnd + idCount], as: UTF8.self),
      payload: Array(bytes[(subjectEnd + idCount)...]))
  }
}
