internal import ServiceMap
internal import Wire

/// The addresses of pages, which can be shared: they name what a page shows, never a position.
enum SitePath {
  static func host(_ address: String) -> String { "/hosts/\(address)" }

  static func service(_ protocolNumber: UInt8, _ port: UInt16) -> String {
    "/services/\(ProtocolName.of(protocolNumber))/\(port)"
  }

  static func provided(_ address: String, _ protocolNumber: UInt8, _ port: UInt16) -> String {
    "/hosts/\(address)/\(ProtocolName.of(protocolNumber))/\(port)"
  }

  static func why(_ address: String, _ protocolNumber: UInt8, _ port: UInt16) -> String {
    "/why/\(address)/\(ProtocolName.of(protocolNumber))/\(port)"
  }

  static func relation(
    server: String, _ protocolNumber: UInt8, _ port: UInt16, client: String
  ) -> String {
    "/relations/\(server)/\(ProtocolName.of(protocolNumber))/\(port)/\(client)"
  }

  /// Names of groups are anybody's, so they stand in the query.
  static func network(_ name: String) -> String { "/network?name=\(escaped(name))" }

  /// Percent-encoded but for what RFC 3986 section 2.3 leaves alone.
  static func escaped(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The protocol of a name or number; nil where it is none.
  static func protocolNumber(_ name: String) -> UInt8? {
    if let number = UInt8(name) { return number }
    return (0...255).first { ProtocolName.of(UInt8($0)) == name }.map { UInt8($0) }
  }
}
