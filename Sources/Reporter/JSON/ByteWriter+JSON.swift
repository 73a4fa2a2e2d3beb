extension ByteWriter {
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
