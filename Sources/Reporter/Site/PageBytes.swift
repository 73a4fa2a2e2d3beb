/// Text that becomes the body of an answer.
struct PageBytes: TextSink {
  private(set) var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(1 << 16) }

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
}
