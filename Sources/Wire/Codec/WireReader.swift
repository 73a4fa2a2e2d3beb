/// Reads a message's body from its beginning to its end. Whatever the bytes say, it never leaves them: foreign
/// counts are compared with what is there before anything is taken by them.
struct WireReader {
  private var rest: UnsafeRawBufferPointer

  /// - Parameter bytes: must stay as long as the reader is used.
  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  /// Bytes that have not been read.
  var remaining: Int { rest.count }

  /// The next `count` bytes.
  ///
  /// - Throws: `WireError.inconsistent` where there are fewer.
  mutating func take(_ count: Int) throws(WireError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= rest.count else { throw .inconsistent }
    let taken = UnsafeRawBufferPointer(rebasing: rest[rest.startIndex..<rest.startIndex + count])
    rest = UnsafeRawBufferPointer(rebasing: rest[(rest.startIndex + count)...])
    return taken
  }

  mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(WireError) -> T {
    T(littleEndian: try take(MemoryLayout<T>.size).loadUnaligned(as: T.self))
  }

  /// A count, four bytes.
  ///
  /// - Throws: `WireError.inconsistent` where it is more than `max`, or that many of `bytesEach` are not there.
  mutating func count(max: Int, bytesEach: Int) throws(WireError) -> Int {
    let count = Int(try integer(UInt32.self))
    guard count <= max, count * bytesEach <= remaining else { throw .inconsistent }
    return count
  }

  /// One of two values; a byte that is neither is refused.
  mutating func boolean() throws(WireError) -> Bool {
    let byte = try integer(UInt8.self)
    guard byte <= 1 else { throw .inconsistent }
    return byte == 1
  }

  /// Text of at most 255 bytes of UTF-8.
  mutating func name() throws(WireError) -> String {
    let bytes = try take(Int(try integer(UInt8.self)))
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .inconsistent }
    return text
  }

  mutating func bytes() throws(WireError) -> [UInt8] {
    let count = try count(max: WireEnvelope.bodyBytesMax, bytesEach: 1)
    return [UInt8](try take(count))
  }

  /// 16 bytes each, in network order, behind their count.
  mutating func addresses() throws(WireError) -> [IPAddress] {
    let count = try count(max: WireWriter.addressesMax, bytesEach: 16)
    let all = try take(16 * count)
    return (0..<count).map { index in
      func word(_ offset: Int) -> UInt64 {
        UInt64(
          bigEndian: all.loadUnaligned(fromByteOffset: 16 * index + offset, as: UInt64.self))
      }
      return IPAddress(high: word(0), low: word(8))
    }
  }

  /// Numbers as `WireWriter.column` writes them.
  mutating func column<T: FixedWidthInteger & UnsignedInteger>(
    _ count: Int, as type: T.Type = T.self
  ) throws(WireError) -> [T] {
    let width = MemoryLayout<T>.size
    // No product overflows: counts are bounded by what calls this.
    let planes = try take(width * count)
    return [T](unsafeUninitializedCapacity: count) { buffer, filled in
      for index in 0..<count {
        var value: T = 0
        for plane in 0..<width {
          value |= T(truncatingIfNeeded: planes[plane * count + index]) << T(8 * plane)
        }
        buffer.initializeElement(at: index, to: value)
      }
      filled = count
    }
  }
}
