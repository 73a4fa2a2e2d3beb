internal import Foundation

/// Text that becomes the body of an answer.
struct PageBytes {
  private(set) var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(1 << 16) }

  mutating func write(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// As it is: what is ours, and has nothing foreign in it.
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

  /// A JSON string with its quotation marks (RFC 8259 section 7).
  mutating func json(_ text: String) {
    write("\"")
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): write("\\\"")
      case UInt8(ascii: "\\"): write("\\\\")
      case UInt8(ascii: "\n"): write("\\n")
      case UInt8(ascii: "\r"): write("\\r")
      case UInt8(ascii: "\t"): write("\\t")
      case 0..<0x20:
        raw(byte < 16 ? "\\u000\(String(byte, radix: 16))" : "\\u00\(String(byte, radix: 16))")
      default: bytes.append(byte)
      }
    }
    write("\"")
  }

  /// A field of RFC 4180. What a spreadsheet would run as a formula gets an apostrophe before it.
  mutating func csv(_ text: String) {
    let first = text.utf8.first ?? UInt8(ascii: "a")
    let isFormula = "=+-@\t\r".utf8.contains(first)
    guard
      isFormula || first == UInt8(ascii: " ")
        || text.utf8.contains(where: { ",\"\r\n".utf8.contains($0) })
    else { return raw(text) }
    write("\"")
    if isFormula { write("'") }
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\"") { bytes.append(byte) }
      bytes.append(byte)
    }
    write("\"")
  }
}
