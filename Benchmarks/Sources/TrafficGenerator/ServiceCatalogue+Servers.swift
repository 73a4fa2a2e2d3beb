/// The kinds of traffic in which no person sits at the client. A table of constants.
extension ServiceCatalogue {
  /// Servers among themselves: databases, caches, monitoring, logs, backup.
  static let servers: [ServiceKind] = [
    database("mssql", port: 1433, quarter: 0),
    database("oracle", port: 1521, quarter: 1),
    database("mysql", port: 3306, quarter: 2),
    database("postgres", port: 5432, quarter: 3),
    ServiceKind(
      name: "redis", transport: .tcp, port: .fixed(6379), provider: .cache, requester: .application,
      weight: 8,
      shape: SessionShape(
        rounds: .pareto(4, alpha: 1, upTo: 300), requestBytes: 60, responseBytes: 120,
        pauseUs: 200e3, serverUs: 150)),
    ServiceKind(
      name: "syslog", transport: .udp, port: .fixed(514), provider: .log, requester: .anyServer,
      weight: 14,
      shape: SessionShape(
        rounds: .pareto(1, alpha: 0.9, upTo: 100), response: .exactly(0), requestBytes: 180,
        pauseUs: 4e6)),
    ServiceKind(
      name: "snmp", transport: .udp, port: .fixed(161), provider: .anyServer, requester: .monitor,
      weight: 24,
      shape: SessionShape(
        rounds: .pareto(1, alpha: 1.2, upTo: 20), requestBytes: 60, pauseUs: 20e3),
      fansOut: true),
    ServiceKind(
      name: "agent", transport: .tcp, port: .fixed(10_050), provider: .anyServer,
      requester: .monitor, weight: 24, shape: SessionShape(requestBytes: 40, responseBytes: 60),
      fansOut: true),
    ServiceKind(
      name: "ping", transport: .icmp, port: .fixed(0), provider: .anyServer, requester: .monitor,
      weight: 12,
      shape: SessionShape(
        rounds: .exactly(3), requestBytes: 56, responseBytes: 56, pauseUs: 1e6, isPeriodic: true,
        serverUs: 20), fansOut: true),
    ServiceKind(
      name: "backup", transport: .tcp, port: .fixed(9102), provider: .backup,
      requester: .anyServer, weight: 0.1,
      shape: SessionShape(
        rounds: .pareto(2, alpha: 1.5, upTo: 20), request: .pareto(200, alpha: 0.7, upTo: 40_000),
        responseBytes: 60, pauseUs: 1e6)),
  ]

  /// Multicast and broadcast.
  static let groups: [ServiceKind] = [
    group("mdns", port: 5353, address: 0xE000_00FB, weight: 12, rounds: 2),
    group("llmnr", port: 5355, address: 0xE000_00FC, weight: 8, rounds: 2, from: .ephemeral),
    group("ssdp", port: 1900, address: 0xEFFF_FFFA, weight: 10, rounds: 4, from: .ephemeral),
    group("netbios", port: 137, address: 0, weight: 10, rounds: 3),
    group(
      "dhcp", port: 67, address: 0xFFFF_FFFF, weight: 3, rounds: 1, bytes: 330,
      from: .fixed(68)),
    ServiceKind(
      name: "dhcp-renewal", transport: .udp, port: .fixed(67), provider: .domain,
      requester: .clients, weight: 3, shape: SessionShape(requestBytes: 330, responseBytes: 330),
      clientPort: .fixed(68)),
  ]

  /// Requests that come to nothing.
  static let failures: [ServiceKind] = [
    ServiceKind(
      name: "refused", transport: .tcp, port: .closed, provider: .anyServer, requester: .clients,
      weight: 5, fate: .refused),
    ServiceKind(
      name: "unanswered", transport: .tcp, port: .closed, provider: .nobody, requester: .clients,
      weight: 5, fate: .silent),
    ServiceKind(
      name: "scan", transport: .tcp, port: .closed, provider: .anyServer, requester: .clients,
      weight: 4, fate: .scanned),
  ]

  /// A database product, on a quarter of the database hosts, called by application servers.
  private static func database(
    _ name: StaticString, port: UInt16, quarter: Int
  ) -> ServiceKind {
    ServiceKind(
      name: name, transport: .tcp, port: .fixed(port), provider: .database,
      requester: .application, weight: 4,
      shape: SessionShape(
        rounds: .pareto(5, alpha: 1.2, upTo: 800), response: .pareto(1, alpha: 1.3, upTo: 200),
        requestBytes: 250, responseBytes: 500, pauseUs: 800e3, serverUs: 4000), quarter: quarter)
  }

  /// Announcements to a group, which nobody answers there.
  private static func group(
    _ name: StaticString, port: UInt16, address: UInt32, weight: Double, rounds: Double,
    bytes: UInt32 = 80, from clientPort: ClientPortRule = .sameAsServer
  ) -> ServiceKind {
    ServiceKind(
      name: name, transport: .udp, port: .fixed(port), provider: .group, requester: .clients,
      weight: weight,
      shape: SessionShape(
        rounds: .exactly(rounds), response: .exactly(0), requestBytes: bytes, pauseUs: 750e3,
        isPeriodic: true), clientPort: clientPort, groupAddress: address)
  }
}
