internal import ServiceMap
internal import Wire

/// The tables of a map. What is in and out is as the host or server in the row sees it.
struct SiteTables: Sendable {
  let snapshot: MapSnapshot
  let phrases: Phrases

  private typealias Column = SiteTable.Column
  private var map: ServiceMap { snapshot.map }

  private func column(
    _ key: String, _ kind: SiteColumn.Kind, title: String? = nil, isForPeople: Bool = false,
    _ value: @escaping @Sendable (Int) -> SiteValue
  ) -> Column {
    (SiteColumn(key, kind, title: title, isForPeople: isForPeople), value)
  }

  // MARK: - Hosts

  func hosts(_ ids: [Int]? = nil, name: String = "hosts", sort: String = "-bytesIn") -> SiteTable {
    let (map, snapshot) = (map, snapshot)
    return SiteTable(
      name, sort: sort, isWhole: ids == nil,
      ids: ids ?? map.hosts.indices.filter { map.hosts[$0].isActive },
      subject: { SearchSubject(host: $0) },
      columns: [
        column("address", .host) { .host($0) },
        column("network", .network) { .network(snapshot.groups.groupOfHost[$0]) },
        column("provides", .count) { .count(map.hosts[$0].provides.count) },
        column("clients", .count) { .count(snapshot.clientsOfHost[$0]) },
        column("requests", .count) { .count(map.hosts[$0].requests.count) },
        column("packetsIn", .count) { .count(map.hosts[$0].packetsIn) },
        column("packetsOut", .count) { .count(map.hosts[$0].packetsOut) },
        column("bytesIn", .bytes) { .bytes(map.hosts[$0].bytesIn) },
        column("bytesOut", .bytes) { .bytes(map.hosts[$0].bytesOut) },
      ])
  }

  // MARK: - Services

  /// By protocol and port.
  func services() -> SiteTable {
    let snapshot = snapshot
    func total(_ value: @escaping @Sendable (Relation) -> SiteValue) -> @Sendable (Int) -> SiteValue
    { { value(snapshot.endpoints[$0].total) } }
    return SiteTable(
      "services", note: "servicesNote", sort: "-clients", isWhole: true,
      ids: Array(snapshot.endpoints.indices),
      subject: {
        let one = snapshot.endpoints[$0]
        return SearchSubject(endpoint: UInt32(one.protocolNumber) << 16 | UInt32(one.port))
      },
      columns: [
        column("service", .service) {
          .service(snapshot.endpoints[$0].protocolNumber, snapshot.endpoints[$0].port)
        },
        column("providers", .count) { .count(snapshot.endpoints[$0].services.count) },
        column("clients", .count) { .count(snapshot.endpoints[$0].clients) },
      ] + SiteTables.counters.map { ($0.column, total($0.value)) })
  }

  /// What hosts provide: one row a server endpoint.
  func providers(
    _ ids: [Int]? = nil, name: String = "providers", title: String? = nil,
    sort: String = "-clients",
    isOfOneHost: Bool = false
  ) -> SiteTable {
    let map = map
    func total(_ value: @escaping @Sendable (Relation) -> SiteValue) -> @Sendable (Int) -> SiteValue
    { { value(map.services[$0].total) } }
    var columns: [Column] = []
    if !isOfOneHost {
      columns.append(column("server", .host) { .host(map.services[$0].server) })
    }
    columns += [
      column("service", .service) {
        let one = map.services[$0]
        return .provided(one.server, one.protocolNumber, one.port)
      },
      column("clients", .count) { .count(map.services[$0].clients) },
    ]
    columns += SiteTables.counters.map { ($0.column, total($0.value)) }
    columns += SiteTables.judged.map { ($0.column, total($0.value)) }
    return SiteTable(
      name, title: title, sort: sort, isWhole: ids == nil, ids: ids ?? Array(map.services.indices),
      subject: {
        let one = map.services[$0]
        return SearchSubject(
          host: one.server, endpoint: UInt32(one.protocolNumber) << 16 | UInt32(one.port))
      },
      columns: columns)
  }

  // MARK: - Relations

  /// Pairs of a service and a client, by index into `relations`.
  ///
  /// - Parameter own: whose table it is; in and out are as it sees them, and it has no column of its own.
  func relations(
    _ ids: [Int]? = nil, name: String = "relations", title: String? = nil, note: String? = nil,
    sort: String = "-bytesIn", without: Set<String> = [], asClient: Bool = false
  ) -> SiteTable {
    let map = map
    func of(_ value: @escaping @Sendable (Relation) -> SiteValue) -> @Sendable (Int) -> SiteValue {
      { value(map.relations[$0]) }
    }
    var columns: [Column] = [
      column("client", .host) { .host(map.relations[$0].client) },
      column("server", .host) { .host(map.relations[$0].server) },
      column("service", .service) {
        let one = map.relations[$0]
        return .provided(one.server, one.protocolNumber, one.port)
      },
    ]
    columns.removeAll { without.contains($0.column.key) }
    columns += (asClient ? SiteTables.countersOfClient : SiteTables.counters)
      .map { ($0.column, of($0.value)) }
    if map.accounting[.seenElsewhere] > 0 {
      columns.append(column("seenElsewhere", .count) { .count(map.relations[$0].seenElsewhere) })
    }
    columns += SiteTables.judged.map { ($0.column, of($0.value)) }
    let phrases = phrases
    let snapshot = snapshot
    columns.append(
      column("details", .link, isForPeople: true) {
        let one = map.relations[$0]
        return .link(
          path: SitePath.relation(
            server: snapshot.pathName(ofHost: one.server), one.protocolNumber, one.port,
            client: snapshot.pathName(ofHost: one.client)), text: phrases["details"])
      })
    return SiteTable(
      name, title: title, note: note, sort: sort, isWhole: ids == nil,
      ids: ids ?? Array(0..<map.summary.relations), subject: subject, columns: columns)
  }

  /// Requests that were refused or stayed unanswered.
  func failures(_ ids: [Int]? = nil, sort: String = "-sessions") -> SiteTable {
    let map = map
    return SiteTable(
      "failures", note: "failuresNote", sort: sort, isWhole: ids == nil,
      ids: ids ?? Array(map.failed),
      subject: subject,
      columns: [
        column("client", .host) { .host(map.relations[$0].client) },
        column("server", .host) { .host(map.relations[$0].server) },
        column("service", .service) {
          .service(map.relations[$0].protocolNumber, map.relations[$0].port)
        },
        column("ports", .count, title: "portsAsked") { .count(Int(map.relations[$0].serverPorts)) },
        column("sessions", .count) { .count(map.relations[$0].sessions) },
        column("refused", .count) { .count(map.relations[$0].refused) },
        column("unanswered", .count) { .count(map.relations[$0].unanswered) },
        column("packets", .count) { .count(map.relations[$0].packets) },
        column("firstSeen", .time) { .time(optional: map.relations[$0].firstNs) },
        column("lastSeen", .time) { .time(optional: map.relations[$0].lastNs) },
      ])
  }

  func undecided(_ ids: [Int]? = nil) -> SiteTable {
    let (map, phrases) = (map, phrases)
    return SiteTable(
      "undecided", note: "undecidedNote", sort: "-packets", isWhole: ids == nil,
      ids: ids ?? Array(map.undecided), subject: subject,
      columns: [
        column("sideA", .host) { .host(map.relations[$0].server) },
        column("service", .service, title: "portA") {
          .service(map.relations[$0].protocolNumber, map.relations[$0].port)
        },
        column("sideB", .host) { .host(map.relations[$0].client) },
        column("portB", .count) { .count(Int(map.relations[$0].clientPort)) },
        column("likelier", .text) {
          .text(phrases[map.relations[$0].confidence > 0.5 ? "sideA" : "likelier.neither"])
        },
        column("confidence", .ratio) { .ratio(map.relations[$0].confidence) },
        column("sessions", .count) { .count(map.relations[$0].sessions) },
        column("packets", .count) { .count(map.relations[$0].packets) },
        column("bytes", .bytes) { .bytes(map.relations[$0].bytes) },
        column("lastSeen", .time) { .time(optional: map.relations[$0].lastNs) },
      ])
  }

  /// Senders to multicast and broadcast groups.
  func groups(_ ids: [Int]? = nil) -> SiteTable {
    let map = map
    return SiteTable(
      "groups", note: "groupsNote", sort: "-packets", isWhole: ids == nil,
      ids: ids ?? Array(map.groups), subject: subject,
      columns: [
        column("group", .host) { .host(map.relations[$0].server) },
        column("service", .service) {
          .service(map.relations[$0].protocolNumber, map.relations[$0].port)
        },
        column("sender", .host) { .host(map.relations[$0].client) },
        column("packets", .count) { .count(map.relations[$0].packets) },
        column("bytes", .bytes) { .bytes(map.relations[$0].bytes) },
        column("firstSeen", .time) { .time(optional: map.relations[$0].firstNs) },
        column("lastSeen", .time) { .time(optional: map.relations[$0].lastNs) },
      ])
  }

  func notices(_ ids: [Int]? = nil) -> SiteTable {
    let map = map
    return SiteTable(
      "notices", note: "noticesNote", sort: "-packets", isWhole: ids == nil,
      ids: ids ?? Array(map.notices), subject: subject,
      columns: [
        column("sideA", .host) { .host(map.relations[$0].server) },
        column("sideB", .host) { .host(map.relations[$0].client) },
        column("service", .service, title: "type") {
          .service(map.relations[$0].protocolNumber, map.relations[$0].port)
        },
        column("packets", .count) { .count(map.relations[$0].packets) },
        column("bytes", .bytes) { .bytes(map.relations[$0].bytes) },
        column("lastSeen", .time) { .time(optional: map.relations[$0].lastNs) },
      ])
  }

  // MARK: - Networks

  func networks() -> SiteTable {
    let snapshot = snapshot
    return SiteTable(
      "networks", sort: "-bytesIn", isWhole: true,
      ids: snapshot.networks.indices.filter { snapshot.networks[$0].hosts > 0 },
      subject: { SearchSubject(network: $0) },
      columns: [
        column("network", .network) { .network($0) },
        column("hosts", .count) { .count(snapshot.networks[$0].hosts) },
        column("servers", .count) { .count(snapshot.networks[$0].servers) },
        column("services", .count) { .count(snapshot.networks[$0].services) },
        column("packetsIn", .count) { .count(snapshot.networks[$0].packetsIn) },
        column("packetsOut", .count) { .count(snapshot.networks[$0].packetsOut) },
        column("bytesIn", .bytes) { .bytes(snapshot.networks[$0].bytesIn) },
        column("bytesOut", .bytes) { .bytes(snapshot.networks[$0].bytesOut) },
      ])
  }

  /// Pairs of networks, by index into `pairs`.
  func networkPairs(_ ids: [Int]? = nil, name: String = "pairs") -> SiteTable {
    let snapshot = snapshot
    return SiteTable(
      name, title: "matrix", sort: "-bytes", isWhole: ids == nil,
      ids: ids ?? Array(snapshot.pairs.indices),
      subject: { SearchSubject(network: snapshot.pairs[$0].client) },
      columns: [
        column("clientsIn", .network) { .network(snapshot.pairs[$0].client) },
        column("servicesIn", .network) { .network(snapshot.pairs[$0].server) },
        column("relations", .count) { .count(snapshot.pairs[$0].relations) },
        column("sessions", .count) { .count(snapshot.pairs[$0].sessions) },
        column("failed", .count) { .count(snapshot.pairs[$0].failed) },
        column("bytes", .bytes) { .bytes(snapshot.pairs[$0].bytes) },
      ])
  }

  /// Networks of the hosts on the other side.
  func networkSums(_ sums: NetworkSums, name: String, hasServers: Bool) -> SiteTable {
    let rows = sums.sums.values.sorted { $0.network < $1.network }
    var columns = [
      column("network", .network) { .network(rows[$0].network) },
      column("clients", .count) { .count(rows[$0].clients.count) },
    ]
    if hasServers { columns.append(column("servers", .count) { .count(rows[$0].servers.count) }) }
    columns += [
      column("sessions", .count) { .count(rows[$0].sessions) },
      column("bytes", .bytes) { .bytes(rows[$0].bytes) },
    ]
    return SiteTable(
      name, title: "site.\(name)", sort: "-clients", ids: Array(rows.indices),
      subject: { SearchSubject(network: rows[$0].network) }, columns: columns)
  }

  // MARK: - Accounting

  /// What became of every captured packet; the first row is their sum.
  func accounting() -> SiteTable {
    let accounting = map.accounting
    let phrases = phrases
    let outcomes = PacketOutcome.allCases
    func packets(_ id: Int) -> UInt64 {
      id == 0 ? accounting.captured : accounting[outcomes[id - 1]]
    }
    @Sendable func name(_ id: Int) -> String { id == 0 ? "captured" : outcomes[id - 1].name }
    let counts = (0...outcomes.count).map(packets)
    return SiteTable(
      "accounting", note: "accountingNote", sort: "", ids: Array(counts.indices),
      columns: [
        column("outcome", .text) {
          .text(phrases[$0 == 0 ? "captured" : "outcome.\(name($0))"])
        },
        column("reason", .text, title: "name") { .text(name($0)) },
        column("packets", .count) { .count(counts[$0]) },
        column("share", .text) {
          .text(HumanUnits.share(counts[$0], of: counts[0]))
        },
        column("meaning", .text) { .text(phrases["why.\(name($0))"]) },
      ])
  }

  // MARK: - Parts

  private var subject: @Sendable (Int) -> SearchSubject {
    let map = map
    return {
      let one = map.relations[$0]
      return SearchSubject(
        host: one.server, other: one.client,
        endpoint: UInt32(one.protocolNumber) << 16 | UInt32(one.port))
    }
  }

  private typealias Part = (column: SiteColumn, value: @Sendable (Relation) -> SiteValue)

  /// As the server sees them.
  private static let counters: [Part] = [
    (SiteColumn("sessions", .count), { .count($0.sessions) }),
    (SiteColumn("failed", .count), { .count($0.refused + $0.unanswered) }),
    (SiteColumn("packets", .count), { .count($0.packets) }),
    (SiteColumn("bytesIn", .bytes), { .bytes($0.bytesToServer) }),
    (SiteColumn("bytesOut", .bytes), { .bytes($0.bytesToClient) }),
  ]

  private static let countersOfClient: [Part] = [
    (SiteColumn("sessions", .count), { .count($0.sessions) }),
    (SiteColumn("failed", .count), { .count($0.refused + $0.unanswered) }),
    (SiteColumn("packets", .count), { .count($0.packets) }),
    (SiteColumn("bytesIn", .bytes), { .bytes($0.bytesToClient) }),
    (SiteColumn("bytesOut", .bytes), { .bytes($0.bytesToServer) }),
  ]

  private static let judged: [Part] = [
    (
      SiteColumn("roundTrip", .duration, title: "site.roundTrip"),
      {
        $0.handshakes > 0
          ? .duration(ns: Tick.nanoseconds($0.handshakeTicksSum) / $0.handshakes) : .none
      }
    ),
    (SiteColumn("role", .role), { .role($0.kind, $0.basis, $0.confidence) }),
    (SiteColumn("firstSeen", .time), { .time(optional: $0.firstNs) }),
    (SiteColumn("lastSeen", .time), { .time(optional: $0.lastNs) }),
  ]
}

/// Sums of relations by the network of a side.
struct NetworkSums: Sendable {
  struct Sum: Sendable {
    let network: Int
    var clients: Set<Int> = []
    var servers: Set<Int> = []
    var sessions: UInt64 = 0
    var bytes: UInt64 = 0
  }

  private(set) var sums: [Int: Sum] = [:]

  mutating func add(_ one: Relation, client: Int? = nil, server: Int? = nil, network: Int) {
    var sum = sums.removeValue(forKey: network) ?? Sum(network: network)
    if let client { sum.clients.insert(client) }
    if let server { sum.servers.insert(server) }
    sum.sessions += one.sessions
    sum.bytes += one.bytes
    sums[network] = sum
  }
}
