/// Where bytes of text go, and the forms that foreign text must have in it.
protocol TextSink: ~Copyable {
  mutating func byte(_ value: UInt8)
  mutating func write(_ text: StaticString)
  mutating func write(_ text: String)
}

extension ByteWriter: TextSink {}

extension TextSink where Self: ~Copyable {
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

  /// A field of foreign text. Spreadsheets run a field that begins with one of = + - @ as a
  /// formula, and whoever controls a reverse zone controls a name: such a field gets a leading
  /// apostrophe, which spreadsheets take for "text" and don't show.
  mutating func csv(_ text: String) {
    let first = text.utf8.first ?? UInt8(ascii: "a")
    let isFormula = "=+-@\t\r".utf8.contains(first)
    let isQuoted =
      isFormula || text.utf8.contains { ",\"\r\n".utf8.contains($0) } || first == UInt8(ascii: " ")
    guard isQuoted else { return write(text) }
    write(isFormula ? "\"'" : "\"")
    for character in text.utf8 {
      if character == UInt8(ascii: "\"") { byte(character) }
      byte(character)
    }
    byte(UInt8(ascii: "\""))
  }
}
