/// Text that becomes the body of an answer.
struct PageBytes: TextSink {
  private(set) var bytes: [UInt8] = []

  /// - Parameter capacity: for so many bytes there is room at once.
  init(capacity: Int = 1 << 16) { bytes.reserveCapacity(capacity) }

  mutating func write(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  /// As it is: what is ours, or escaped by its reader.
  mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// The same, for what is made of pieces: it can't be mistaken for a constant.
  mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

  mutating func raw(_ other: [UInt8]) { bytes.append(contentsOf: other) }

  /// HTML text or the value of a quoted attribute, by byte: no byte of another character is one of these.
  mutating func html(_ text: String) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "<"): write("&lt;")
      case UInt8(ascii: ">"): write("&gt;")
      case UInt8(ascii: "&"): write("&amp;")
      case UInt8(ascii: "\""): write("&quot;")
      case UInt8(ascii: "'"): write("&#39;")
      // HTML has no place for them (and NUL would become U+FFFD).
      case 0..<9, 11, 12, 14..<32, 127: write("\u{FFFD}")
      default: bytes.append(byte)
      }
    }
  }

  /// How a moment of UTC is written.
  enum TimeForm {
    /// 2026-01-31T23:59:59.123Z
    case rfc3339
    /// 2026-01-31 23:59:59
    case plain
    /// 23:59:59
    case clock
  }

  mutating func time(ns: UInt64, _ form: TimeForm) {
    let time = CivilTime(ns: ns)
    func two(_ value: Int, before: Character? = nil) {
      if let before { bytes.append(before.asciiValue ?? 32) }
      bytes.append(48 + UInt8(value / 10 % 10))
      bytes.append(48 + UInt8(value % 10))
    }
    if form != .clock {
      two(time.year / 100)
      two(time.year % 100)
      two(time.month, before: "-")
      two(time.day, before: "-")
      bytes.append(form == .plain ? UInt8(ascii: " ") : UInt8(ascii: "T"))
    }
    two(time.hour)
    two(time.minute, before: ":")
    two(time.second, before: ":")
    if form == .rfc3339 {
      let milliseconds = time.nanosecond / 1_000_000
      byte(UInt8(ascii: "."))
      bytes.append(48 + UInt8(milliseconds / 100))
      two(milliseconds % 100)
      byte(UInt8(ascii: "Z"))
    }
  }
}
