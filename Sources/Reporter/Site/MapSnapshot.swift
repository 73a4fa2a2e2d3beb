internal import ServiceMap
internal import Synchronization
internal import Wire

/// The map of a time with what its pages need at hand, so that no page asks the store.
///
/// Immutable but for orders of rows that are kept once somebody asked for them.
final class MapSnapshot: Sendable {
  let map: ServiceMap
  let labels: Labels
  let groups: HostGroups
  let series: TrafficSeries?
  let coverage: MapStore.Coverage?
  /// What the roles were judged from; nil where it is not known.
  let evidence: Evidence?
  /// Counts the maps that a source has read; another one is another map.
  let number: UInt64
  let search: SearchIndex
  /// Distinct clients of all services of a host, by index into `hosts`.
  let clientsOfHost: [Int]
  /// What is provided under one protocol and port, in the order of protocol and port.
  let endpoints: [Endpoint]
  private let endpointPlaces: [UInt32: Int]
  private let hostPlaces: [IPAddress: Int]
  /// Relations that are no services, by host on either side.
  private let others: GroupedNumbers
  /// By index into `groups`.
  let networks: [Network]
  /// Who provides to whom between networks, by client's network and server's.
  let pairs: [NetworkPair]
  /// The same groups, for graphs.
  let grouping: GraphGrouping
  private let orders = Mutex<[String: [Int]]>([:])

  /// All services of one protocol and port.
  struct Endpoint: Sendable {
    let protocolNumber: UInt8
    let port: UInt16
    /// Indices into `services`, by address.
    var services: [Int] = []
    /// Distinct clients of all of them.
    var clients = 0
    /// Sums; `server` and `client` mean nothing.
    var total: Relation
  }

  struct Network: Sendable {
    /// Active hosts, those that provide something, and what they provide.
    var hosts = 0
    var servers = 0
    var services = 0
    var packetsIn: UInt64 = 0
    var packetsOut: UInt64 = 0
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0
  }

  struct NetworkPair: Sendable {
    let client: Int
    let server: Int
    var relations = 0
    var sessions: UInt64 = 0
    var failed: UInt64 = 0
    var bytes: UInt64 = 0
  }

  /// The links of a map, and what the operator says of them.
  struct Evidence: Sendable {
    let links: [Link]
    let addresses: [IPAddress]
    let overrides: RoleOverrides
  }

  /// - Complexity: O(n log n) in hosts, O(n) in relations.
  init(
    map: ServiceMap, names: ServiceNames, directory: HostDirectory, series: TrafficSeries? = nil,
    coverage: MapStore.Coverage? = nil, evidence: Evidence? = nil, number: UInt64 = 0
  ) {
    self.map = map
    self.series = series
    self.coverage = coverage
    self.evidence = evidence
    self.number = number
    labels = Labels(map: map, names: names)
    groups = HostGroups(map: map, directory: directory)
    grouping = GraphGrouping(groups)
    search = SearchIndex(map: map, labels: labels, groups: groups)
    hostPlaces = Dictionary(
      uniqueKeysWithValues: map.hosts.enumerated().map { ($0.element.address, $0.offset) })
    clientsOfHost = Overview(map: map).clientsOfHosts()
    (endpoints, endpointPlaces) = MapSnapshot.endpoints(of: map)
    others = GroupedNumbers(
      count: map.hosts.count, numbers: map.summary.relations..<map.relations.count
    ) { number, add in
      add(map.relations[number].server)
      if map.relations[number].client != map.relations[number].server {
        add(map.relations[number].client)
      }
    }
    (networks, pairs) = MapSnapshot.networks(of: map, groups: groups)
  }

  // MARK: - Names

  /// What stands for a host in the address of a page. A network that hosts were folded into has the address
  /// that it begins with.
  func pathName(ofHost index: Int) -> String {
    let host = map.hosts[index]
    return host.prefixBits == nil ? labels.addresses[index] : "\(host.address)"
  }

  /// The name of a group in addresses of pages and in JSON: what is outside and multicast have none of their
  /// own.
  func pathName(ofGroup index: Int) -> String {
    switch groups.groups[index].kind {
    case .outside: "~outside"
    case .multicast: "~multicast"
    case .named, .network: groups.groups[index].name
    }
  }

  func title(ofGroup index: Int, _ phrases: Phrases) -> String {
    switch groups.groups[index].kind {
    case .outside: phrases["site.outside"]
    case .multicast: phrases["site.multicast"]
    case .named, .network: groups.groups[index].name
    }
  }

  // MARK: - Finding

  func host(_ address: IPAddress) -> Int? { hostPlaces[address] }

  /// Index into `endpoints`.
  func endpoint(_ protocolNumber: UInt8, _ port: UInt16) -> Int? {
    endpointPlaces[UInt32(protocolNumber) << 16 | UInt32(port)]
  }

  /// Index into `services`.
  func service(_ host: Int, _ protocolNumber: UInt8, _ port: UInt16) -> Int? {
    map.hosts[host].provides.first {
      map.services[$0].protocolNumber == protocolNumber && map.services[$0].port == port
    }
  }

  /// Indices into `relations` of what is no service and has the host on one side.
  func others(of host: Int, kind: RelationKind) -> [Int] {
    others[host].filter { map.relations[$0].kind == kind }
  }

  /// Indices into `relations` of the services that a host provides, and of those that it requests.
  func provided(by host: Int) -> [Int] {
    let provides = map.hosts[host].provides
    guard let first = provides.first, let last = provides.last else { return [] }
    return Array(
      map.services[first].relations.lowerBound..<map.services[last].relations.upperBound)
  }

  func requested(by host: Int) -> [Int] {
    map.hosts[host].requests.map { map.requestOrder[$0] }
  }

  /// The rows of a table in an order, kept where it is of the whole map.
  func rows(of table: SiteTable, by sort: String) -> [Int]? {
    guard table.isWhole else { return ordered(table, sort) }
    let key = "\(table.name) \(sort)"
    if let known = orders.withLock({ $0[key] }) { return known }
    guard let rows = ordered(table, sort) else { return nil }
    orders.withLock { $0[key] = rows }
    return rows
  }

  private func ordered(_ table: SiteTable, _ sort: String) -> [Int]? {
    table.ordered(by: sort) { map.hosts[$0].name }
  }

  // MARK: - Sums

  private static func endpoints(of map: ServiceMap) -> ([Endpoint], [UInt32: Int]) {
    var endpoints: [UInt32: Endpoint] = [:]
    for (index, service) in map.services.enumerated() {
      let key = UInt32(service.protocolNumber) << 16 | UInt32(service.port)
      guard endpoints[key] != nil else {
        endpoints[key] = Endpoint(
          protocolNumber: service.protocolNumber, port: service.port, services: [index],
          total: service.total)
        continue
      }
      endpoints[key]?.services.append(index)
      endpoints[key]?.total.add(service.total)
      endpoints[key]?.total.takeRole(of: service.total)
    }
    var sorted = endpoints.sorted { $0.key < $1.key }.map(\.value)
    // By client: the last endpoint it was counted for.
    var counted = [Int32](repeating: -1, count: map.hosts.count)
    for index in sorted.indices {
      for relation in sorted[index].services.lazy.flatMap({ map.services[$0].relations }) {
        let client = map.relations[relation].client
        if counted[client] == index { continue }
        counted[client] = Int32(index)
        sorted[index].clients += 1
      }
    }
    let places = sorted.enumerated().map {
      (UInt32($0.element.protocolNumber) << 16 | UInt32($0.element.port), $0.offset)
    }
    return (sorted, Dictionary(uniqueKeysWithValues: places))
  }

  private static func networks(
    of map: ServiceMap, groups: HostGroups
  ) -> ([Network], [NetworkPair]) {
    var networks = [Network](repeating: Network(), count: groups.groups.count)
    for (index, host) in map.hosts.enumerated() where host.isActive {
      let network = groups.groupOfHost[index]
      networks[network].hosts += 1
      networks[network].servers += host.provides.isEmpty ? 0 : 1
      networks[network].services += host.provides.count
      networks[network].packetsIn += host.packetsIn
      networks[network].packetsOut += host.packetsOut
      networks[network].bytesIn += host.bytesIn
      networks[network].bytesOut += host.bytesOut
    }
    var places: [UInt64: Int] = [:]
    var pairs: [NetworkPair] = []
    for one in map.relations.prefix(map.summary.relations) {
      let (client, server) = (groups.groupOfHost[one.client], groups.groupOfHost[one.server])
      let key = UInt64(client) << 32 | UInt64(server)
      let place = places[key] ?? pairs.count
      if place == pairs.count {
        places[key] = place
        pairs.append(NetworkPair(client: client, server: server))
      }
      pairs[place].relations += 1
      pairs[place].sessions += one.sessions
      pairs[place].failed += one.refused + one.unanswered
      pairs[place].bytes += one.bytes
    }
    return (networks, pairs.sorted { ($0.client, $0.server) < ($1.client, $1.server) })
  }
}

/// Numbers in groups, all in one array: by group, in their order.
struct GroupedNumbers: Sendable {
  private let starts: [Int32]
  private let numbers: [Int32]

  /// - Parameters:
  ///   - count: of groups.
  ///   - groups: calls its second argument with each group of a number.
  /// - Complexity: O(n), in two passes.
  init(count: Int, numbers all: Range<Int>, groups: (Int, (Int) -> Void) -> Void) {
    var starts = [Int32](repeating: 0, count: count + 1)
    for number in all { groups(number) { starts[$0 + 1] += 1 } }
    for group in 0..<count { starts[group + 1] += starts[group] }
    var numbers = [Int32](repeating: 0, count: Int(starts[count]))
    var next = starts
    for number in all {
      groups(number) {
        numbers[Int(next[$0])] = Int32(number)
        next[$0] += 1
      }
    }
    self.starts = starts
    self.numbers = numbers
  }

  subscript(group: Int) -> [Int] {
    numbers[Int(starts[group])..<Int(starts[group + 1])].map { Int($0) }
  }
}

extension MapSnapshot {
  /// Nothing, for pages that need no map.
  static let empty = MapSnapshot(
    map: ServiceMap(capture: CaptureReport(), addresses: [], relations: []),
    names: ServiceNames(text: ""), directory: HostDirectory())
}
