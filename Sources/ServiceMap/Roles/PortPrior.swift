internal import Wire

/// How likely a port number is a server's, before anything is seen. The weakest evidence.
public enum PortPrior {
  /// How well known the port is as a server's: system ports and registered ones (RFC 6335 section 6);
  /// below 0 where the protocol itself puts the client there.
  public static func known(_ port: UInt16, _ protocolNumber: UInt8) -> Double {
    if protocolNumber == IPProtocolNumber.udp && isClientPort(port) { return -3 }
    if port == 0 { return 0 }
    if port < 1024 { return 2.5 }
    return isUserServicePort[Int(port)] ? 1.5 : 0
  }

  /// Whether operating systems give the port to clients: Linux from 32768, Windows and the BSDs from
  /// 49152 (RFC 6335 section 6: dynamic ports).
  public static func ephemeral(_ port: UInt16) -> Double {
    if port >= 49152 { return 1 }
    return port >= 32768 ? 0.7 : 0
  }

  /// Ports on which the protocol itself puts the client: DHCP (RFC 2131 section 4.1) and DHCPv6
  /// (RFC 8415 section 7.2).
  private static func isClientPort(_ port: UInt16) -> Bool { port == 68 || port == 546 }

  /// Ports whose protocol sends and expects no answer over UDP: WoL and discard, SNMP traps, syslog,
  /// GELF, NetFlow, sFlow, IPFIX, statsd, collectd, and the tunnels, which send each direction to their
  /// own port (VXLAN, Geneve, BFD).
  public static func isOneWay(_ port: UInt16) -> Bool { oneWayPorts.contains(port) }

  private static let oneWayPorts: Set<UInt16> = [
    9, 162, 514, 1514, 2055, 2056, 3784, 4739, 4789, 5140, 6081, 6343, 8125, 8472, 9555, 9995, 9996,
    12201, 25826,
  ]

  /// By port number; a table because it is asked for both ends of every pair.
  private static let isUserServicePort: [Bool] = {
    var table = [Bool](repeating: false, count: 65536)
    for port in userServicePorts { table[port] = true }
    return table
  }()

  /// Registered user ports (IANA) of services that are common in companies.
  private static let userServicePorts: [Int] = [
    1194, 1433, 1434, 1521, 1645, 1646, 1701, 1718, 1719, 1720, 1723, 1812, 1813, 1883, 1900, 1985,
    2049, 2123, 2152, 2181, 2222, 2375, 2379, 2427, 2727, 3128, 3222, 3260, 3268, 3269, 3283, 3289,
    3306, 3389, 3391, 3478, 3479, 3544, 3690, 3702, 3784, 3785, 4369, 4433, 4500, 4739, 4789, 4793,
    5004, 5005, 5044, 5050, 5060, 5061, 5093, 5201, 5222, 5351, 5353, 5355, 5432, 5555, 5601, 5632,
    5671, 5672, 5683, 5684, 5900, 5985, 5986, 6000, 6081, 6343, 6379, 6443, 6514, 6653, 8000, 8008,
    8080, 8081, 8086, 8088, 8443, 8472, 8805, 8888, 9000, 9042, 9090, 9092, 9100, 9200, 9300, 9418,
    9987, 9995, 9996, 10050, 10051, 10161, 11211, 15672, 17185, 19132, 19302, 20000, 25565, 27015,
    27017, 27960, 30303, 33434, 34964, 44818, 47808, 48898, 51820, 64738,
  ]
}
