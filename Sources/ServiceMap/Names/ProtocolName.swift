internal import Wire

/// The lower-case names of IP protocols, as /etc/protocols and IANA have them.
public enum ProtocolName {
  /// The name, or the number as text where there is none.
  public static func of(_ number: UInt8) -> String {
    switch number {
    case IPProtocolNumber.icmp: "icmp"
    case 2: "igmp"
    case 4: "ipip"
    case IPProtocolNumber.tcp: "tcp"
    case IPProtocolNumber.udp: "udp"
    case IPProtocolNumber.dccp: "dccp"
    case 41: "ipv6"
    case 46: "rsvp"
    case 47: "gre"
    case 50: "esp"
    case 51: "ah"
    case IPProtocolNumber.icmpv6: "ipv6-icmp"
    case 88: "eigrp"
    case 89: "ospf"
    case 103: "pim"
    case 112: "vrrp"
    case 115: "l2tp"
    case IPProtocolNumber.sctp: "sctp"
    case IPProtocolNumber.udplite: "udplite"
    default: String(number)
    }
  }

  /// Whether ports mean anything in this protocol.
  public static func hasPorts(_ number: UInt8) -> Bool {
    switch number {
    case IPProtocolNumber.tcp, IPProtocolNumber.udp, IPProtocolNumber.dccp,
      IPProtocolNumber.sctp, IPProtocolNumber.udplite:
      true
    default: false
    }
  }
}
