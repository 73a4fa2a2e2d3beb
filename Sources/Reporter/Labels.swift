internal import ServiceMap
internal import Wire

/// The texts that recur in a report, each made once: addresses, networks, service names.
struct Labels {
  /// By index into `ServiceMap.hosts`; a network's with its length.
  let addresses: [String]
  /// Networks in which any address lies, by address; in the form 10.1.2.0/24.
  let networks: [String]
  /// Index into `networks`, by index into `ServiceMap.hosts`.
  let networkOfHost: [Int]
  /// The protocols and ports that occur, as they follow in the map: protocol·65536 + port.
  let endpoints: [UInt32]
  private let services: [UInt32: String]
  /// By raw value; reflection is too slow to ask for every relation.
  private let kinds = Labels.names(of: RelationKind.allCases) { ($0.rawValue, $0.name) }
  private let bases = Labels.names(of: Basis.allCases) { ($0.rawValue, $0.name) }

  /// - Complexity: O(n) in hosts and relations.
  init(map: ServiceMap, names: ServiceNames) {
    addresses = map.hosts.map { host in
      host.prefixBits.map { "\(host.address)/\($0)" } ?? host.address.description
    }

    // Hosts are in the order of their addresses, so those of a network follow one another.
    var networks: [String] = []
    var networkOfHost: [Int] = []
    networkOfHost.reserveCapacity(map.hosts.count)
    var lastNetwork: IPAddress?
    for host in map.hosts {
      let bits = map.networkBits
      let network = host.address.masked(v4Bits: bits.v4, v6Bits: bits.v6)
      if network != lastNetwork {
        networks.append("\(network)/\(host.address.isIPv4 ? bits.v4 : bits.v6)")
        lastNetwork = network
      }
      networkOfHost.append(networks.count - 1)
    }
    self.networks = networks
    self.networkOfHost = networkOfHost

    var services: [UInt32: String] = [:]
    var endpoints: [UInt32] = []
    // Most relations follow another one of the same service.
    var last: UInt32?
    for relation in map.relations {
      let key = Labels.key(relation.protocolNumber, relation.port)
      if key == last { continue }
      last = key
      if services[key] == nil {
        services[key] = names.name(protocolNumber: relation.protocolNumber, port: relation.port)
        endpoints.append(key)
      }
    }
    self.services = services
    self.endpoints = endpoints
  }

  /// The name of a service that occurs in the map; "" where it has none.
  func service(_ protocolNumber: UInt8, _ port: UInt16) -> String {
    services[Labels.key(protocolNumber, port)] ?? ""
  }

  func kind(_ kind: RelationKind) -> String { kinds[Int(kind.rawValue)] }
  func basis(_ basis: Basis) -> String { bases[Int(basis.rawValue)] }

  private static func names<Case>(
    of cases: [Case], _ name: (Case) -> (rawValue: UInt8, name: String)
  ) -> [String] {
    let pairs = cases.map(name)
    var names = [String](repeating: "", count: 1 + Int(pairs.map(\.rawValue).max() ?? 0))
    for pair in pairs { names[Int(pair.rawValue)] = pair.name }
    return names
  }

  private static func key(_ protocolNumber: UInt8, _ port: UInt16) -> UInt32 {
    UInt32(protocolNumber) << 16 | UInt32(port)
  }
}
