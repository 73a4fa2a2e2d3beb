internal import Glibc

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
      host.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 && $0 != "/" })
    else { return nil }
    self.host = String(host)
    self.port = port
  }

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Whether only this machine can reach it: 127.0.0.0/8, ::1 or localhost. Other names are not looked
  /// up, and count as reachable from outside.
  var isLoopback: Bool {
    if host.lowercased() == "localhost" { return true }
    var v4 = in_addr()
    if inet_pton(AF_INET, host, &v4) == 1 { return UInt32(bigEndian: v4.s_addr) >> 24 == 127 }
    var v6 = in6_addr()
    guard inet_pton(AF_INET6, host, &v6) == 1 else { return false }
    return withUnsafeBytes(of: v6) { bytes in
      bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }
  }
}
