internal import Glibc

/// Which hosts only this machine can reach.
public enum Loopback {
  /// Whether `host` is 127.0.0.0/8, ::1 or localhost. Other names are not looked up, and count as reachable
  /// from outside.
  public static func contains(_ host: String) -> Bool {
    if host.lowercased() == "localhost" { return true }
    var v4 = in_addr()
    if inet_pton(AF_INET, host, &v4) == 1 { return UInt32(bigEndian: v4.s_addr) >> 24 == 127 }
    var v6 = in6_addr()
    guard inet_pton(AF_INET6, host, &v6) == 1 else { return false }
    return withUnsafeBytes(of: v6) { bytes in
      bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }
  }

  /// The host of `host`, `host:port` or `[host]:port`, as the Host header has it (RFC 9110 7.2).
  static func host(ofAuthority authority: String) -> String {
    if authority.first == "[" {
      return String(authority.dropFirst().prefix { $0 != "]" })
    }
    return String(authority.prefix { $0 != ":" })
  }
}
