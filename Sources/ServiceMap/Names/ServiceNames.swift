internal import Foundation
internal import Wire

/// Names of ports, from services(5).
public struct ServiceNames: Sendable {
  private var names: [UInt32: String] = [:]

  /// Reads a file in the form of services(5): `name port/protocol aliases… # comment`. The first
  /// name of a port stands. An absent file gives no names.
  public init(path: String = "/etc/services") {
    self.init(text: (try? String(contentsOfFile: path, encoding: .utf8)) ?? "")
  }

  public init(text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let fields = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      guard fields.count >= 2 else { continue }
      let parts = fields[1].split(separator: "/")
      guard parts.count == 2, let port = UInt16(parts[0]),
        let number = ServiceNames.protocols[String(parts[1])]
      else { continue }
      let key = ServiceNames.key(number, port)
      if names[key] == nil { names[key] = String(fields[0]) }
    }
  }

  /// The service's name; "" where it has none.
  ///
  /// ICMP requests are named by their type (RFC 792, RFC 4443). QUIC's 443/udp is "https" there.
  public func name(protocolNumber: UInt8, port: UInt16) -> String {
    if protocolNumber == IPProtocolNumber.icmp || protocolNumber == IPProtocolNumber.icmpv6 {
      return ServiceNames.icmp[ServiceNames.key(protocolNumber, port >> 8)] ?? ""
    }
    return names[ServiceNames.key(protocolNumber, port)] ?? ""
  }

  private static func key(_ protocolNumber: UInt8, _ port: UInt16) -> UInt32 {
    UInt32(protocolNumber) << 16 | UInt32(port)
  }

  private static let protocols: [String: UInt8] = [
    "tcp": IPProtocolNumber.tcp, "udp": IPProtocolNumber.udp, "sctp": IPProtocolNumber.sctp,
    "dccp": IPProtocolNumber.dccp,
  ]

  private static let icmp: [UInt32: String] = [
    key(1, 3): "unreachable", key(1, 5): "redirect", key(1, 8): "echo", key(1, 11): "time-exceeded",
    key(1, 12): "parameter-problem", key(1, 13): "timestamp", key(1, 17): "address-mask",
    key(58, 1): "unreachable", key(58, 2): "packet-too-big", key(58, 3): "time-exceeded",
    key(58, 4): "parameter-problem", key(58, 128): "echo", key(58, 130): "mld-query",
    key(58, 131): "mld-report", key(58, 132): "mld-done", key(58, 133): "router-solicitation",
    key(58, 134): "router-advertisement", key(58, 135): "neighbor-solicitation",
    key(58, 136): "neighbor-advertisement", key(58, 137): "redirect", key(58, 143): "mld2-report",
  ]
}
