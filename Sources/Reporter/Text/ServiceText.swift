internal import ServiceMap
internal import Wire

/// How an endpoint's protocol and port are written for people.
enum ServiceText {
  /// tcp/443; ICMP: icmp/8 for a type, icmp/3.1 with its code; gre where ports mean nothing.
  static func endpoint(_ protocolNumber: UInt8, _ port: UInt16) -> String {
    let name = ProtocolName.of(protocolNumber)
    if ProtocolName.hasPorts(protocolNumber) { return "\(name)/\(port)" }
    if protocolNumber == IPProtocolNumber.icmp || protocolNumber == IPProtocolNumber.icmpv6 {
      return port & 255 == 0 ? "\(name)/\(port >> 8)" : "\(name)/\(port >> 8).\(port & 255)"
    }
    return port == 0 ? name : "\(name)/\(port)"
  }
}
