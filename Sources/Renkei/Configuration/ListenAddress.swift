internal import Reporter

/// An address and port to listen on: `127.0.0.1:9477`, `[::1]:9477`, `localhost:9477`.
struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
  let host: String
  let port: UInt16

  init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// nil where `text` is none: no port, port 0, no host, or an IPv6 address without brackets.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    var host = text[..<colon]
    let digits = text[text.index(after: colon)...]
    let isBracketed = host.first == "[" && host.last == "]"
    if isBracketed { host = host.dropFirst().dropLast() }
    guard digits.allSatisfy({ ("0"..."9").contains($0) }), let port = UInt16(digits), port > 0,
      !host.isEmpty, host.contains(":") == isBracketed,
      host.unicodeScalars.allSatisfy({
        $0.isASCII && $0.value > 0x20 && !"/[]".unicodeScalars.contains($0)
      })
    else { return nil }
    self.host = String(host)
    self.port = port
  }

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Whether only this machine can reach it.
  var isLoopback: Bool { Loopback.contains(host) }
}
