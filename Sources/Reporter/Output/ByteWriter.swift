internal import Glibc

/// A buffer in front of a file descriptor, with the few text forms that reports are made of.
///
/// A report of 300,000 relations is 100 MB of short pieces, so nothing here allocates a piece, and
/// failures are kept rather than thrown: after the first one everything is swallowed, and whoever
/// owns the descriptor asks for `errorNumber` at the end.
public struct ByteWriter: ~Copyable {
  private let buffer: UnsafeMutablePointer<UInt8>
  private var used = 0
  private let descriptor: Int32
  /// errno(3) of the first write that failed; 0 where all went well.
  public private(set) var errorNumber: Int32 = 0

  /// 256 KiB: large enough that the calls don't count, small enough for the cache.
  private static let capacity = 1 << 18
  /// No piece that is written in one go is longer: 20 digits are.
  private static let pieceBytesMax = 64

  init(descriptor: Int32) {
    self.descriptor = descriptor
    buffer = .allocate(capacity: ByteWriter.capacity)
  }

  deinit { buffer.deallocate() }

  /// Hands everything to the kernel. Afterwards `errorNumber` is final.
  mutating func flush() {
    var start = 0
    while start < used, errorNumber == 0 {
      let written = Glibc.write(descriptor, buffer + start, used - start)
      if written >= 0 {
        start += written
      } else if errno == EAGAIN {
        // A terminal or pipe that somebody set to non-blocking: wait until it takes more.
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&waiting, 1, -1)
      } else if errno != EINTR {
        errorNumber = errno
      }
    }
    used = 0
  }

  @inline(__always) private mutating func reserve(_ bytes: Int) {
    if ByteWriter.capacity - used < bytes { flush() }
  }

  // MARK: - Pieces

  @inline(__always) public mutating func byte(_ value: UInt8) {
    reserve(1)
    // SAFETY: `reserve` left at least one byte behind `used`.
    buffer[used] = value
    used += 1
  }

  /// A constant of the program.
  @inline(__always) public mutating func write(_ text: StaticString) {
    bytes(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  public mutating func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
  }

  public mutating func write(_ text: [UInt8]) {
    text.withUnsafeBytes { bytes($0) }
  }

  @inline(__always) mutating func bytes(_ source: UnsafeRawBufferPointer) {
    var rest = source
    while let start = rest.baseAddress, !rest.isEmpty {
      if used == ByteWriter.capacity { flush() }
      let count = min(rest.count, ByteWriter.capacity - used)
      // SAFETY: `count` is bounded by both sides, and the two never overlap.
      memcpy(buffer + used, start, count)
      used += count
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  /// Decimal digits.
  public mutating func decimal(_ value: UInt64) {
    reserve(ByteWriter.pieceBytesMax)
    if value < 10 {
      buffer[used] = 48 + UInt8(truncatingIfNeeded: value)
      used += 1
      return
    }
    // Written backwards at the end of the piece, then moved to its start.
    var position = used + 32
    var rest = value
    while rest > 0 {
      position -= 1
      // SAFETY: `reserve` left 64 bytes behind `used`, and 64 bits have at most 20 digits.
      buffer[position] = 48 + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    let count = used + 32 - position
    memmove(buffer + used, buffer + position, count)
    used += count
  }

  @inline(__always) public mutating func decimal(_ value: some BinaryInteger) {
    decimal(UInt64(value))
  }

  /// `value` with leading zeros.
  mutating func padded(_ value: Int, digits: Int) {
    var scale = 1
    for _ in 1..<digits { scale *= 10 }
    while scale > 0 {
      byte(48 + UInt8(value / scale % 10))
      scale /= 10
    }
  }

  /// A ratio in at most four decimals: 1, 0.5, 0.9921. The same digits on every machine, because
  /// nothing but one rounding is done in floating point.
  mutating func ratio(_ value: Double) {
    var parts = ByteWriter.tenThousandths(value)
    decimal(UInt64(parts / 10_000))
    parts %= 10_000
    if parts == 0 { return }
    byte(UInt8(ascii: "."))
    var digits = 4
    while parts % 10 == 0 {
      parts /= 10
      digits -= 1
    }
    padded(parts, digits: digits)
  }

  static func tenThousandths(_ value: Double) -> Int {
    Int((value.isFinite ? max(0, value) : 0) * 10_000 + 0.5)
  }

  /// RFC 3339 in UTC with nanoseconds: 2026-01-31T23:59:59.123456789Z.
  mutating func time(ns: UInt64) {
    let time = CivilTime(ns: ns)
    padded(time.year, digits: 4)
    byte(UInt8(ascii: "-"))
    padded(time.month, digits: 2)
    byte(UInt8(ascii: "-"))
    padded(time.day, digits: 2)
    byte(UInt8(ascii: "T"))
    padded(time.hour, digits: 2)
    byte(UInt8(ascii: ":"))
    padded(time.minute, digits: 2)
    byte(UInt8(ascii: ":"))
    padded(time.second, digits: 2)
    byte(UInt8(ascii: "."))
    padded(time.nanosecond, digits: 9)
    byte(UInt8(ascii: "Z"))
  }
}
