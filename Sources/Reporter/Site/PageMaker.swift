internal import ServiceMap
internal import Wire

/// Makes the pages of a map. No page looks at more than its own rows, but for orders that the snapshot keeps.
struct PageMaker: Sendable {
  let snapshot: MapSnapshot
  let query: SiteQuery
  let phrases: Phrases
  let tables: SiteTables

  private var map: ServiceMap { snapshot.map }

  private static let partRows = 25
  private static let topRows = 10
  private static let matrixMax = 12

  init(snapshot: MapSnapshot, query: SiteQuery, phrases: Phrases) {
    self.snapshot = snapshot
    self.query = query
    self.phrases = phrases
    tables = SiteTables(snapshot: snapshot, phrases: phrases)
  }

  /// The page of a path, cut at its slashes.
  ///
  /// - Throws: `SiteProblem` where there is none.
  func page(_ path: [String]) throws(SiteProblem) -> SitePage {
    switch (path.first ?? "overview", path.count) {
    case ("overview", ...1): return overview()
    case ("hosts", 1): return list("hosts", [tables.hosts()])
    case ("hosts", 2): return try host(path[1])
    case ("hosts", 4): return try provided(path[1], path[2], path[3])
    case ("services", 1): return list("services", [tables.services()])
    case ("services", 3): return try service(path[1], path[2])
    case ("providers", 1): return list("providers", [tables.providers()])
    case ("relations", 1): return list("relations", [tables.relations()])
    case ("relations", 5): return try relation(path[1], path[2], path[3], path[4])
    case ("networks", 1): return networks()
    case ("network", 1): return try network(query.request.value("name") ?? "")
    case ("failures", 1): return list("failures", [tables.failures()])
    case ("undecided", 1): return list("undecided", [tables.undecided()])
    case ("groups", 1): return list("groups", [tables.groups()])
    case ("notices", 1): return list("notices", [tables.notices()])
    case ("completeness", 1): return completeness()
    case ("search", 1): return search(query.request.value("q") ?? "")
    default: throw .notFound(phrases["site.noPage"])
    }
  }

  private func list(_ view: String, _ tables: [SiteTable]) -> SitePage {
    SitePage(
      view: view, title: phrases[view],
      sections: tables.map { .table($0, .main) })
  }

  // MARK: - Overview

  private func overview() -> SitePage {
    let overview = Overview(map: map)
    let summary = map.summary
    var sections = warnings() + [identity]
    sections.append(
      .facts(
        [
          .init("hosts", .count(summary.hosts)), .init("servers", .count(summary.servers)),
          .init("clientsOnly", .count(summary.clients)),
          .init("networks", .count(summary.networks)), .init("services", .count(summary.services)),
          .init("relations", .count(summary.relations)),
          .init("sessions", .count(summary.sessions)),
          .init("packets", .count(map.accounting[.mapped])), .init("bytes", .bytes(map.bytes)),
          .init("failedSessions", .count(overview.sum(map.failed).sessions)),
          .init("undecidedPackets", .count(overview.sum(map.undecided).packets)),
        ]))
    sections += chart("site.traffic") { $0.ofAll().map { ($0, 0) } }
    func top(_ table: SiteTable, _ all: String) -> SitePage.Section {
      .table(table, .top(rows: PageMaker.topRows, all: all))
    }
    sections.append(
      top(
        tables.providers(
          overview.topServicesByClients(PageMaker.topRows), name: "topByClients", sort: ""),
        "/services"))
    sections.append(
      top(
        tables.providers(
          overview.topServicesByBytes(PageMaker.topRows), name: "topByBytes", sort: ""),
        "/services"))
    sections.append(
      top(
        tables.hosts(
          overview.topTalkers(PageMaker.topRows), name: "topTalkers", sort: ""), "/hosts"))
    let new = newServices()
    sections.append(
      top(
        tables.providers(new, name: "newServices", title: "site.new", sort: ""),
        "/providers?sort=-firstSeen"))
    sections.append(
      top(tables.failures(overview.topFailures(PageMaker.topRows), sort: ""), "/failures"))
    return SitePage(view: "overview", title: phrases["overview"], sections: sections)
  }

  /// Services that were seen for the first time in the last tenth of the time, the newest first.
  private func newServices() -> [Int] {
    guard let start = map.capture.startNs, let end = map.capture.endNs, end > start else {
      return []
    }
    let lastTenth = Tick.of(nanoseconds: end - (end - start) / 10)
    return map.services.indices.filter { map.services[$0].total.firstTick >= lastTenth }
      .sorted {
        let (left, right) = (map.services[$0].total.firstTick, map.services[$1].total.firstTick)
        return left != right ? left > right : $0 < $1
      }
  }

  /// captured = mapped + Σ reasons, in words.
  private var identity: SitePage.Section {
    let accounting = map.accounting
    let terms = accounting.losses.map {
      " + \(phrases["outcome.\($0.reason.name)"]) \(HumanUnits.count($0.packets))"
    }
    return .note(
      .init(
        .plain,
        "\(phrases["captured"]) \(HumanUnits.count(accounting.captured)) = "
          + "\(phrases["outcome.mapped"]) \(HumanUnits.count(accounting[.mapped]))"
          + terms.joined()))
  }

  /// What makes the figures less than the truth.
  private func warnings() -> [SitePage.Section] {
    let findings = Findings(map: map, phrases: phrases)
    var notes: [SitePage.Note] = []
    for file in map.capture.files {
      if let warning = file.warning { notes.append(.init(.warn, "\(file.name): \(warning)")) }
    }
    if map.accounting.dropped > 0 { notes.append(.init(.warn, phrases["dropsNote"])) }
    func counted(_ key: String, _ count: UInt64) {
      if count > 0 {
        notes.append(.init(.warn, phrases.filled(key, ["count": HumanUnits.count(count)])))
      }
    }
    counted("saturated", map.capture.lengthSaturated)
    counted("exportedEarly", map.capture.sessionsExportedEarly)
    if let partial = findings.partial { notes.append(.init(.warn, partial.text)) }
    if notes.isEmpty {
      notes.append(.init(.good, phrases["complete"] + ": " + phrases["completeNote"]))
    }
    return notes.map { .note($0) }
  }

  // MARK: - Hosts

  private func hostIndex(_ text: String) throws(SiteProblem) -> Int {
    guard let address = IPAddress(text) else {
      throw .badRequest(phrases["site.noAddress"])
    }
    guard let host = snapshot.host(address) else {
      throw .notFound(phrases.filled("hostUnknown", ["address": text]))
    }
    return host
  }

  private func host(_ text: String) throws(SiteProblem) -> SitePage {
    let index = try hostIndex(text)
    let host = map.hosts[index]
    let (provided, requested) = (snapshot.provided(by: index), snapshot.requested(by: index))
    var sections: [SitePage.Section] = []
    if host.isGroup { sections.append(.note(.init(.plain, phrases["isGroup"]))) }
    if !host.isGroup && host.packetsOut == 0 {
      sections.append(.note(.init(.plain, phrases["isSilent"])))
    }
    let own = (provided + requested).map { map.relations[$0] }
    sections.append(
      .facts(
        [
          .init("address", .text(snapshot.labels.addresses[index])),
          .init("name", .text(host.name)),
          .init("network", .network(snapshot.groups.groupOfHost[index])),
          .init("provides", .count(host.provides.count)),
          .init("clients", .count(snapshot.clientsOfHost[index])),
          .init("requests", .count(host.requests.count)),
          .init("packetsIn", .count(host.packetsIn)), .init("packetsOut", .count(host.packetsOut)),
          .init("bytesIn", .bytes(host.bytesIn)), .init("bytesOut", .bytes(host.bytesOut)),
          .init("firstSeen", .time(optional: own.compactMap(\.firstNs).min())),
          .init("lastSeen", .time(optional: own.compactMap(\.lastNs).max())),
        ]))
    sections += chart("site.hostTraffic") { $0.ofHost(host.address).map { ($0.in, $0.out) } }
    sections += graph(focus: index)
    let part = SitePage.TablePlace.part(rows: PageMaker.partRows)
    sections.append(
      .table(
        tables.providers(
          Array(host.provides), name: "provides", sort: "-clients", isOfOneHost: true), part))
    sections.append(
      .table(
        tables.relations(
          requested, name: "requests", note: "requestsNote", sort: "-bytesIn", without: ["client"],
          asClient: true), part))
    if !provided.isEmpty {
      sections.append(
        .table(
          tables.relations(
            provided, name: "clients", sort: "-bytesIn", without: ["server"]), part))
    }
    sections += networksOf(provided, requested)
    for (kind, table) in [
      (RelationKind.failed, { tables.failures($0) }), (.undecided, { tables.undecided($0) }),
      (.group, { tables.groups($0) }), (.notice, { tables.notices($0) }),
    ] as [(RelationKind, ([Int]) -> SiteTable)] {
      let ids = snapshot.others(of: index, kind: kind)
      if !ids.isEmpty { sections.append(.table(table(ids), part)) }
    }
    return SitePage(
      view: "hosts", title: snapshot.labels.addresses[index], subtitle: host.name ?? "",
      sections: sections)
  }

  /// From which networks a host is asked, and which it asks: what its failure or move would touch.
  private func networksOf(_ provided: [Int], _ requested: [Int]) -> [SitePage.Section] {
    if provided.isEmpty && requested.isEmpty { return [] }
    var sums = NetworkSums()
    for index in provided {
      let one = map.relations[index]
      sums.add(one, client: one.client, network: snapshot.groups.groupOfHost[one.client])
    }
    for index in requested {
      let one = map.relations[index]
      sums.add(one, server: one.server, network: snapshot.groups.groupOfHost[one.server])
    }
    return [
      .table(
        tables.networkSums(sums, name: "peerNetworks", hasServers: true),
        .part(rows: PageMaker.partRows))
    ]
  }

  // MARK: - Services

  private func endpoint(
    _ name: String, _ port: String
  ) throws(SiteProblem) -> (protocolNumber: UInt8, port: UInt16) {
    guard let port = UInt16(port) else { throw .badRequest(phrases["site.noService"]) }
    guard let number = SitePath.protocolNumber(name) else {
      throw .notFound(phrases["site.noService"])
    }
    return (number, port)
  }

  private func facts(of total: Relation, _ first: [SitePage.Fact]) -> SitePage.Section {
    .facts(
      first + [
        .init("sessions", .count(total.sessions)),
        .init("failed", .count(total.refused + total.unanswered)),
        .init("packets", .count(total.packets)), .init("bytesIn", .bytes(total.bytesToServer)),
        .init("bytesOut", .bytes(total.bytesToClient)),
      ] + seenElsewhere(total) + [
        .init(
          "roundTrip",
          total.handshakes > 0
            ? .duration(ns: Tick.nanoseconds(total.handshakeTicksSum) / total.handshakes) : .none),
        .init("role", .role(total.kind, total.basis, total.confidence)),
        .init("firstSeen", .time(optional: total.firstNs)),
        .init("lastSeen", .time(optional: total.lastNs)),
      ])
  }

  /// What other capture points have seen as well, where there are several.
  private func seenElsewhere(_ total: Relation) -> [SitePage.Fact] {
    let (seen, packets) = (total.seenElsewhere, total.packets)
    guard seen > 0 else { return [] }
    let isMore = seen > packets
    return [
      .init(
        "seenElsewhere", .count(seen),
        note: phrases.filled(
          isMore ? "seenElsewhere.more" : "seenElsewhere.note",
          [
            "share": HumanUnits.share(min(seen, packets), of: packets),
            "difference": HumanUnits.count(isMore ? seen - packets : packets - seen),
          ]))
    ]
  }

  private func title(_ protocolNumber: UInt8, _ port: UInt16) -> (title: String, subtitle: String) {
    let endpoint = ServiceText.endpoint(protocolNumber, port)
    let name = snapshot.labels.service(protocolNumber, port)
    return name.isEmpty ? (endpoint, "") : (name, endpoint)
  }

  private func service(_ name: String, _ portText: String) throws(SiteProblem) -> SitePage {
    let (number, port) = try endpoint(name, portText)
    let (title, subtitle) = title(number, port)
    let failed = map.failed.filter {
      map.relations[$0].protocolNumber == number && map.relations[$0].port == port
    }
    guard let index = snapshot.endpoint(number, port) else {
      guard !failed.isEmpty else {
        throw .notFound(
          phrases.filled("serviceUnknown", ["service": ServiceText.endpoint(number, port)]))
      }
      return SitePage(
        view: "services", title: title, subtitle: subtitle,
        sections: [
          .note(.init(.plain, phrases["failuresNote"])), .table(tables.failures(failed), .main),
        ])
    }
    let endpoint = snapshot.endpoints[index]
    let part = SitePage.TablePlace.part(rows: PageMaker.partRows)
    var sections = [
      facts(
        of: endpoint.total,
        [
          .init("providers", .count(endpoint.services.count)),
          .init("clients", .count(endpoint.clients)),
        ])
    ]
    sections += chart("site.serviceTraffic") {
      $0.ofEndpoint(
        number, port, servers: endpoint.services.map { map.hosts[map.services[$0].server].address }
      ).map { ($0.in, $0.out) }
    }
    sections.append(
      .table(tables.providers(endpoint.services), part))
    sections.append(
      .table(
        clientNetworks(endpoint.services.flatMap { map.services[$0].relations }), part))
    sections.append(
      .table(
        tables.relations(
          endpoint.services.flatMap { map.services[$0].relations }, name: "clients",
          sort: "-bytesIn", without: ["service"]), .main))
    if !failed.isEmpty { sections.append(.table(tables.failures(failed), part)) }
    return SitePage(view: "services", title: title, subtitle: subtitle, sections: sections)
  }

  /// The networks that clients are in.
  private func clientNetworks(_ relations: [Int]) -> SiteTable {
    var sums = NetworkSums()
    for index in relations {
      let one = map.relations[index]
      sums.add(one, client: one.client, network: snapshot.groups.groupOfHost[one.client])
    }
    return tables.networkSums(sums, name: "clientNetworks", hasServers: false)
  }

  /// One service of one host, with what its role rests on.
  private func provided(
    _ address: String, _ name: String, _ portText: String
  ) throws(SiteProblem) -> SitePage {
    let host = try hostIndex(address)
    let (number, port) = try endpoint(name, portText)
    guard let index = snapshot.service(host, number, port) else {
      throw .notFound(
        phrases.filled("serviceUnknown", ["service": ServiceText.endpoint(number, port)]))
    }
    let service = map.services[index]
    var sections = [
      facts(
        of: service.total,
        [
          .init("server", .host(host)), .init("service", .service(number, port)),
          .init("clients", .count(service.clients)),
        ])
    ]
    if snapshot.evidence != nil, ProtocolName.hasPorts(number) {
      let path = SitePath.why(snapshot.pathName(ofHost: host), number, port)
      sections.append(.links([(query.href(path), phrases["site.why"])]))
    }
    sections += chart("site.serviceTraffic") {
      $0.ofService(map.hosts[host].address, number, port).map { ($0.in, $0.out) }
    }
    sections.append(
      .table(
        clientNetworks(Array(service.relations)), .part(rows: PageMaker.partRows)))
    sections.append(
      .table(
        tables.relations(
          Array(service.relations), name: "clients", sort: "-bytesIn",
          without: ["server", "service"]), .main))
    let (title, subtitle) = title(number, port)
    return SitePage(
      view: "services",
      title: phrases.filled(
        "site.serviceOf", ["service": title, "host": snapshot.labels.addresses[host]]),
      subtitle: [map.hosts[host].name ?? "", subtitle].filter { !$0.isEmpty }
        .joined(separator: " · "),
      sections: sections)
  }

  private func relation(
    _ server: String, _ name: String, _ portText: String, _ client: String
  ) throws(SiteProblem) -> SitePage {
    let (serverIndex, clientIndex) = (try hostIndex(server), try hostIndex(client))
    let (number, port) = try endpoint(name, portText)
    guard let service = snapshot.service(serverIndex, number, port),
      let index = map.services[service].relations.first(where: {
        map.relations[$0].client == clientIndex
      })
    else { throw .notFound(phrases["site.noRelation"]) }
    var sections = [
      facts(
        of: map.relations[index],
        [
          .init("client", .host(clientIndex)), .init("server", .host(serverIndex)),
          .init("service", .provided(serverIndex, number, port)),
        ])
    ]
    sections += chart("site.serviceTraffic") {
      $0.ofRelation(
        server: map.hosts[serverIndex].address, number, port, client: map.hosts[clientIndex].address
      ).map { ($0.in, $0.out) }
    }
    let (title, _) = title(number, port)
    return SitePage(
      view: "relations",
      title: phrases.filled(
        "site.relationOf",
        [
          "client": snapshot.labels.addresses[clientIndex],
          "server": snapshot.labels.addresses[serverIndex], "service": title,
        ]), sections: sections)
  }

  /// The endpoint that a page of evidence is about.
  func endpoint(ofWhy path: [String]) throws(SiteProblem) -> Explanation.Endpoint {
    let host = try hostIndex(path[1])
    let (number, port) = try endpoint(path[2], path[3])
    return Explanation.Endpoint(
      address: map.hosts[host].address, protocolNumber: number, port: port)
  }

  /// Everything that speaks for an endpoint's role and against it.
  func why(_ explanation: Explanation?, _ endpoint: Explanation.Endpoint) throws(SiteProblem)
    -> SitePage
  {
    guard let explanation else { throw .notFound(phrases["site.noEvidence"]) }
    return SitePage(
      view: "services", title: phrases.filled("site.whyOf", ["endpoint": "\(endpoint)"]),
      sections: [.text(ExplanationReport([explanation]).text(query.language))])
  }

  // MARK: - Networks

  private func networks() -> SitePage {
    SitePage(
      view: "networks", title: phrases["networks"],
      sections: [.table(tables.networks(), .main)] + matrix())
  }

  /// The networks with most traffic of services: rows ask, columns answer.
  private func matrix() -> [SitePage.Section] {
    let count = snapshot.networks.count
    var asked = [UInt64](repeating: 0, count: count)
    var answered = [UInt64](repeating: 0, count: count)
    for pair in snapshot.pairs {
      asked[pair.client] += pair.bytes
      answered[pair.server] += pair.bytes
    }
    func ranked(_ sums: [UInt64]) -> [Int] {
      sums.indices.filter { sums[$0] > 0 }
        .sorted { sums[$0] != sums[$1] ? sums[$0] > sums[$1] : $0 < $1 }
        .prefix(PageMaker.matrixMax).sorted()
    }
    let (rows, columns) = (ranked(asked), ranked(answered))
    // One network that talks to itself is no picture.
    if rows.count < 2 && columns.count < 2 { return [] }
    var bytes = [UInt64](repeating: 0, count: rows.count * columns.count)
    for pair in snapshot.pairs {
      if let row = rows.firstIndex(of: pair.client),
        let column = columns.firstIndex(of: pair.server)
      {
        bytes[row * columns.count + column] += pair.bytes
      }
    }
    return [
      .matrix(
        SiteMatrix(rows: rows, columns: columns, bytes: bytes, table: tables.networkPairs()))
    ]
  }

  private func network(_ name: String) throws(SiteProblem) -> SitePage {
    guard
      let index = snapshot.groups.groups.indices.first(where: {
        snapshot.pathName(ofGroup: $0) == name
      })
    else {
      throw .notFound(phrases.filled("site.noNetwork", ["name": name]))
    }
    let hosts = map.hosts.indices.filter { snapshot.groups.groupOfHost[$0] == index }
    let network = snapshot.networks[index]
    let pairs = snapshot.pairs.indices.filter {
      snapshot.pairs[$0].client == index || snapshot.pairs[$0].server == index
    }
    let services = hosts.flatMap { Array(map.hosts[$0].provides) }
    let part = SitePage.TablePlace.part(rows: PageMaker.partRows)
    return SitePage(
      view: "networks", title: snapshot.title(ofGroup: index, phrases),
      sections: [
        .facts(
          [
            .init("hosts", .count(network.hosts)), .init("servers", .count(network.servers)),
            .init("services", .count(network.services)), .init("bytesIn", .bytes(network.bytesIn)),
            .init("bytesOut", .bytes(network.bytesOut)),
          ]),
        .table(tables.networkPairs(pairs), part), .table(tables.providers(services), part),
        .table(tables.hosts(hosts.filter { map.hosts[$0].isActive }), .main),
      ])
  }

  // MARK: - Completeness and search

  private func completeness() -> SitePage {
    let findings = Findings(map: map, phrases: phrases)
    var sections = warnings()
    sections.append(.note(.init(.plain, findings.selfCheck.text)))
    sections += findings.completeness.map { .note(.init(.plain, $0.text)) }
    sections.append(identity)
    sections.append(
      .facts(
        [
          .init("bytes", .count(map.bytes), note: phrases["bytesNote"]),
          .init("frameBytes", .count(map.capture.frameBytes)),
          .init(
            "filter", .text(map.capture.filter.isEmpty ? nil : map.capture.filter)),
          .init(
            "files",
            .text(
              map.capture.files.isEmpty
                ? phrases["liveCapture"]
                : map.capture.files.prefix(20).map(\.name).joined(separator: ", "))),
        ]))
    sections.append(.table(tables.accounting(), .part(rows: 100)))
    sections.append(
      .links(
        ["undecided", "groups", "notices"].map { (query.href("/\($0)"), phrases[$0]) }))
    return SitePage(view: "completeness", title: phrases["completeness"], sections: sections)
  }

  private func search(_ words: String) -> SitePage {
    let page = SitePage(view: "search", title: phrases["filter.label"], sections: [])
    let hits = snapshot.search.hits(words)
    if hits.isEmpty { return page }
    func found(_ table: SiteTable) -> SiteTable {
      table.with(
        ids: (snapshot.rows(of: table, by: table.sort) ?? table.ids)
          .filter { snapshot.search.matches(table.subject($0), hits) })
    }
    let all = [
      found(tables.hosts()), found(tables.services()), found(tables.networks()),
      found(tables.relations()), found(tables.failures()),
    ]
    let sections: [SitePage.Section] = all.filter { !$0.ids.isEmpty }.map { table in
      .table(table, .top(rows: PageMaker.topRows, all: query.href("/\(table.name)", ["q": words])))
    }
    return SitePage(
      view: "search", title: page.title, subtitle: words,
      sections: sections.isEmpty ? [.note(.init(.plain, phrases["rows.noMatch"]))] : sections)
  }

  // MARK: - Pictures

  private func chart(
    _ title: String, _ points: (TrafficSeries) -> [(UInt64, UInt64)]
  ) -> [SitePage.Section] {
    guard let series = snapshot.series, series.bounds.count > 2 else { return [] }
    let points = points(series)
    if points.isEmpty { return [] }
    let out = points.map(\.1)
    return [
      .chart(
        SiteChart(
          title: title, bounds: series.bounds, bytesIn: points.map(\.0),
          bytesOut: out.contains { $0 > 0 } ? out : []))
    ]
  }

  /// One step around a host. Laid out here: Graphviz would take longer than the rest of the page.
  private func graph(focus: Int) -> [SitePage.Section] {
    var options = GraphOptions(focus: map.hosts[focus].address)
    options.nodesMax = 40
    let graph = DependencyGraph(
      map: map, labels: snapshot.labels, grouping: snapshot.grouping, options: options)
    if graph.edges.isEmpty { return [] }
    let text = GraphText(query.language)
    return [
      .graph(
        SiteGraph(
          drawing: GraphLayout.layered(graph, text: text), text: text, options: options,
          isMain: false))
    ]
  }

  /// - Throws: `SiteProblem` where a choice is none.
  func graphOptions() throws(SiteProblem) -> GraphOptions {
    let request = query.request
    func number<Number: LosslessStringConvertible & Comparable>(
      _ name: String, _ range: ClosedRange<Number>, _ usual: Number
    ) throws(SiteProblem) -> Number {
      guard let text = request.value(name), !text.isEmpty else { return usual }
      guard let value = Number(text), range.contains(value) else {
        throw .badRequest("\(name): \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    guard let level = GraphOptions.Level(rawValue: request.value("level") ?? "group") else {
      throw .badRequest("level: group or host")
    }
    var focus: IPAddress?
    if let host = request.value("host"), !host.isEmpty {
      focus = map.hosts[try hostIndex(host)].address
    }
    return GraphOptions(
      level: level,
      expanded: request.query.filter { $0.name == "expand" && !$0.value.isEmpty }.map(\.value),
      focus: focus, bytesMin: try number("minBytes", 0...UInt64.max, 0),
      confidenceMin: try number("minConfidence", 0...1.0, 0),
      includesFailures: try number("failures", 0...1, 1) == 1)
  }

  func graphPage(_ drawing: GraphDrawing, _ options: GraphOptions) -> SitePage {
    SitePage(
      view: "graph", title: phrases["site.graph"],
      sections: [
        .graph(
          SiteGraph(
            drawing: drawing, text: GraphText(query.language), options: options, isMain: true))
      ])
  }
}
