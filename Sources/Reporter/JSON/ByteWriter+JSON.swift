extension ByteWriter {
  /// A JSON string (RFC 8259 section 7) with its quotation marks.
  ///
  /// - Parameter embedded: also escapes what could end or confuse a `<script>` element of HTML.
  mutating func json(_ text: String, embedded: Bool = false) {
    byte(UInt8(ascii: "\""))
    for character in text.utf8 {
      switch character {
      case UInt8(ascii: "\""): write("\\\"")
      case UInt8(ascii: "\\"): write("\\\\")
      case UInt8(ascii: "\n"): write("\\n")
      case UInt8(ascii: "\r"): write("\\r")
      case UInt8(ascii: "\t"): write("\\t")
      case 0..<0x20: escape(character)
      case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
        if embedded { escape(character) } else { byte(character) }
      default: byte(character)
      }
    }
    byte(UInt8(ascii: "\""))
  }

  private mutating func escape(_ character: UInt8) {
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
    write("\\u00")
    byte(digit(character >> 4))
    byte(digit(character & 15))
  }

  /// A JSON string, or null.
  mutating func json(_ text: String?) {
    if let text { json(text) } else { write("null") }
  }

  /// An array of strings.
  mutating func json(_ texts: [String]) {
    byte(UInt8(ascii: "["))
    for (index, text) in texts.enumerated() {
      if index > 0 { byte(UInt8(ascii: ",")) }
      json(text)
    }
    byte(UInt8(ascii: "]"))
  }

  /// `key` is the text from the comma or brace up to and with the colon: `,"packets":`. Keys are
  /// constants so that a field costs two copies and no escaping.
  @inline(__always) mutating func field(_ key: StaticString, _ value: UInt64) {
    write(key)
    decimal(value)
  }

  mutating func field(_ key: StaticString, time ns: UInt64?) {
    write(key)
    guard let ns else { return write("null") }
    byte(UInt8(ascii: "\""))
    time(ns: ns)
    byte(UInt8(ascii: "\""))
  }
}
