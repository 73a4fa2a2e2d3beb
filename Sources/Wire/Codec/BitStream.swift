/// Writes bits one behind the other, the lowest first, into memory that others own.
struct BitWriter {
  private let start: UnsafeMutableRawPointer
  private var target: UnsafeMutableRawPointer
  private var pending: UInt64 = 0
  private var pendingBits = 0

  /// - Parameter target: must have room for all that is put, and 8 bytes.
  init(_ target: UnsafeMutableRawPointer) {
    start = target
    self.target = target
  }

  /// Writes the lower `count` bits of `value`, at most 56; those above them must be 0.
  @inline(__always) mutating func put(_ value: UInt64, _ count: Int) {
    pending |= value &<< UInt64(pendingBits)
    pendingBits &+= count
    // SAFETY: whoever made the writer has promised room.
    target.storeBytes(of: pending.littleEndian, as: UInt64.self)
    target += pendingBits &>> 3
    pending &>>= UInt64(pendingBits & ~7)
    pendingBits &= 7
  }

  /// Bytes written, with the last one, whose upper bits may be 0 because nothing was put.
  var byteCount: Int { target - start + (pendingBits > 0 ? 1 : 0) }
}

/// Reads what a `BitWriter` wrote. Behind the end there are zeros: who has read all asks `isAtEnd`.
struct BitReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  /// - Parameter bytes: must stay as long as the reader is used.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// At least the next 56 bits.
  @inline(__always) func peek() -> UInt64 {
    let offset = position &>> 3
    guard offset &+ 8 <= bytes.count else { return peekAtEnd(offset) }
    let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    return UInt64(littleEndian: word) &>> UInt64(position & 7)
  }

  private func peekAtEnd(_ offset: Int) -> UInt64 {
    var word: UInt64 = 0
    for place in stride(from: bytes.count - 1, through: offset, by: -1) {
      word = word << 8 | UInt64(bytes[place])
    }
    return word >> UInt64(position & 7)
  }

  @inline(__always) mutating func skip(_ count: Int) { position &+= count }

  /// The next `count` bits, at most 56.
  @inline(__always) mutating func take(_ count: Int) -> UInt64 {
    let value = peek() & (1 &<< UInt64(count) &- 1)
    position &+= count
    return value
  }

  /// Whether all was read, and no more: but for the bits that fill the last byte, which are 0.
  var isAtEnd: Bool {
    (position + 7) >> 3 == bytes.count && (position & 7 == 0 || peek() == 0)
  }
}
