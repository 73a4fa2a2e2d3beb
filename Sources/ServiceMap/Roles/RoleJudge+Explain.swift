public import Wire

extension RoleJudge {
  /// Why the endpoint is what the map says it is; nil where it was not seen by itself.
  ///
  /// - Complexity: O(links): they are judged again for each change that is tried out, at most ten times.
  public func explain(_ endpoint: Explanation.Endpoint) -> Explanation? {
    guard let host = addresses.firstIndex(of: endpoint.address) else { return nil }
    let views = views(of: endpoint, host: host)
    if views.isEmpty { return nil }
    let judged = JudgedViews(views, by: self, host: host)
    guard let role = judged.parts.first?.role,
      let number = judged.example(in: role, addresses)
    else { return nil }
    let view = views[number]
    let relation = judged.relations[number]
    let statement = statement(on: endpoint)
    let other = Explanation.Endpoint(
      address: addresses[view.link.b], protocolNumber: endpoint.protocolNumber,
      port: view.link.bPort)
    let otherStatement = self.statement(on: other)
    let example = Explanation.Example(
      other: other, ownPorts: view.link.aPorts, otherPorts: view.link.bPorts,
      sessions: view.link.sessions, reason: reason(of: relation, view),
      confidence: relation.confidence, basis: relation.basis,
      weighing: weighing(of: view, relation))
    let best = judged.best(in: role)
    return Explanation(
      endpoint: endpoint, role: role, confidence: best.confidence, basis: best.basis,
      parts: judged.parts, findings: findings(of: views, host: host), links: views.count,
      example: example, others: judged.spread(without: number), statement: statement,
      otherStatement: otherStatement,
      changes: changes(
        to: endpoint, view: view, role: role, example: example,
        deciding: example.reason == .overridden ? statement ?? otherStatement : nil),
      isPartial: evidence.isPartial)
  }

  /// The protocols in which an address and port were seen.
  ///
  /// - Complexity: O(links).
  public func protocols(at address: IPAddress, port: UInt16) -> [UInt8] {
    guard let host = addresses.firstIndex(of: address) else { return [] }
    var found = Set<UInt8>()
    for link in links where ProtocolName.hasPorts(link.protocolNumber) {
      if link.a == host && link.aPort == port || link.b == host && link.bPort == port {
        found.insert(link.protocolNumber)
      }
    }
    return found.sorted()
  }

  /// What was seen of an address: services first, then by sessions. Empty where it was not seen.
  ///
  /// - Complexity: O(links).
  public func sightings(of address: IPAddress) -> [Sighting] {
    guard let host = addresses.firstIndex(of: address) else { return [] }
    var places: [Explanation.Endpoint: Int] = [:]
    var found: [Sighting] = []
    for (number, link) in links.enumerated() where ProtocolName.hasPorts(link.protocolNumber) {
      for one in [link, link.exchanged] where one.a == host {
        let endpoint = Explanation.Endpoint(
          address: address, protocolNumber: one.protocolNumber, port: one.aPort)
        let other = Explanation.Endpoint(
          address: addresses[one.b], protocolNumber: one.protocolNumber, port: one.bPort)
        let relation = relation(ofLink: number)
        let isService =
          relation.kind.isService && relation.server == host && relation.port == one.aPort
        if let place = places[endpoint] {
          found[place].ports = max(found[place].ports, one.aPorts)
          found[place].sessions += one.sessions
          found[place].isService = found[place].isService || isService
          if found[place].other != other { found[place].other = nil }
        } else {
          places[endpoint] = found.count
          found.append(
            Sighting(
              endpoint: endpoint, ports: one.aPorts, sessions: one.sessions, isService: isService,
              other: other))
        }
        if one.a == one.b && one.aPort == one.bPort { break }
      }
    }
    return found.sorted { one, other in
      if one.isService != other.isService { return one.isService }
      if one.sessions != other.sessions { return one.sessions > other.sessions }
      return (one.endpoint.protocolNumber, one.endpoint.port)
        < (other.endpoint.protocolNumber, other.endpoint.port)
    }
  }

  /// The addresses seen whose numbers are most like an address: they share its longest prefix.
  public func addresses(like address: IPAddress, count: Int) -> [IPAddress] {
    func distance(_ other: IPAddress) -> IPAddress {
      IPAddress(high: other.high ^ address.high, low: other.low ^ address.low)
    }
    let family = addresses.filter { $0.isIPv4 == address.isIPv4 && !$0.isMulticastOrBroadcast }
    return family.sorted { distance($0) < distance($1) }.prefix(count).sorted()
  }

  // MARK: - The endpoint's links

  /// The links of an endpoint, turned so that it is A.
  fileprivate func views(of endpoint: Explanation.Endpoint, host: Int) -> [View] {
    var views: [View] = []
    for (number, link) in links.enumerated() where link.protocolNumber == endpoint.protocolNumber {
      if link.a == host && link.aPort == endpoint.port {
        views.append(View(number: number, link: link, isTurned: false))
      } else if link.b == host && link.bPort == endpoint.port {
        views.append(View(number: number, link: link.exchanged, isTurned: true))
      }
    }
    return views
  }

  private func findings(of views: [View], host: Int) -> Explanation.Findings {
    var found = Explanation.Findings()
    var peers = Set<Int>()
    var clients = Set<Int>()
    for view in views {
      let link = view.link
      found.sessions += link.sessions
      found.peerPorts += UInt64(link.bPorts)
      peers.insert(link.b)
      found.packetsIn += link.packetsBA
      found.packetsOut += link.packetsAB
      found.bytesIn += link.bytesBA
      found.bytesOut += link.bytesAB
      if link.hasHandshake {
        if view.isTurned {
          found.begun += link.sessions
        } else {
          found.answered += link.completed
          if link.completed > 0 { clients.insert(link.b) }
        }
        found.halfOpen += link.halfOpen + link.unasked
        found.refused += link.refused
        found.unanswered += link.unanswered
        found.unheard += link.unheard
      } else {
        found.withoutHandshake += link.sessions
        found.firstFromOther += min(link.sessions, link.firstFromB)
        let rest = link.sessions - min(link.sessions, link.twoWay)
        found.twoWay += link.sessions - rest
        if link.packetsAB == 0 { found.onlyIn += rest }
        if link.packetsBA == 0 { found.onlyOut += rest }
      }
    }
    found.peers = peers.count
    found.answeredClients = clients.count
    found.host = evidence.hosts[host]
    return found
  }

  private func statement(on endpoint: Explanation.Endpoint) -> Explanation.Statement? {
    guard ProtocolName.hasPorts(endpoint.protocolNumber),
      let (role, line) = overrides.match(
        endpoint.address, protocolNumber: endpoint.protocolNumber, port: endpoint.port)
    else { return nil }
    return Explanation.Statement(
      path: overrides.path, line: line, text: overrides.text(ofLine: line) ?? "", role: role)
  }

  /// What decided, told by the outcome, so that the order in which the judge asks stays its own.
  private func reason(of relation: Relation, _ view: View) -> Explanation.Reason {
    let link = links[view.number]
    if relation.basis == .overridden { return .overridden }
    if relation.kind == .group { return .group }
    if link.hasHandshake { return .handshake }
    if relation.kind == .notice { return .notice }
    if link.events.contains(.portsUnknown) { return .portsUnknown }
    if link.aPort == link.bPort && relation.kind == .peer { return .samePort }
    let verdict = verdict(onLink: view.number)
    // A relation that others were merged into has their confidence; its own says what decided.
    let own = self.relation(ofLink: view.number)
    let isJudged =
      own.confidence == verdict.confidence && (own.server == link.a) == verdict.serverIsA
    if isJudged && (link.isTwoWay || evidence.isPartial || verdict.basis == .knownServer) {
      return .weighed
    }
    return link.isTwoWay ? .elsewhere : .oneWay
  }

  // MARK: - The scales

  /// The evidence on a link as the rule weighs it; with all handshakes hidden where it has one.
  private func weighing(of view: View, _ relation: Relation) -> Explanation.Weighing? {
    let link = links[view.number]
    guard ProtocolName.hasPorts(link.protocolNumber), !link.events.contains(.portsUnknown),
      relation.kind != .group
    else { return nil }
    return link.hasHandshake
      ? RoleJudge(table, hidesHandshakes: true).weighing(of: view) : weighing(of: view)
  }

  private func weighing(of view: View) -> Explanation.Weighing {
    let link = link(view.number)
    let (a, b) = endpoints(ofLink: view.number)
    let features = evidence.features(of: link, a: a, b: b)
    let parts = RoleRule.contributions(
      features, protocolNumber: link.protocolNumber, a: a, b: b)
    let sign: Double = view.isTurned ? -1 : 1
    let units = units(link.protocolNumber)
    let served = Double((a.served > 0 ? 1 : 0) - (b.served > 0 ? 1 : 0))
    // What is to be shown is what was added up; 0 is written without a sign.
    let weights = (0..<Contributions.count).map { index in
      let feature = RoleFeatures.Feature(rawValue: index)
      let value = sign * (feature.map { features[$0] } ?? served)
      return Explanation.Weight(
        feature: feature, value: value + 0, weight: units[index],
        contribution: sign * parts[index] + 0)
    }
    let turned = view.isTurned ? link.exchanged : link
    let (own, other) = view.isTurned ? (b, a) : (a, b)
    return Explanation.Weighing(
      weights: weights, logOdds: weights.reduce(0) { $0 + $1.contribution },
      confidence: RoleRule.judge(parts).confidence, own: own, other: other,
      ownHost: evidence.hosts[turned.a], otherHost: evidence.hosts[turned.b],
      firstFromOther: turned.firstFromB,
      firstFromOwn: turned.sessions - min(turned.sessions, turned.firstFromB),
      otherBrokeSilence: turned.events.contains(.brokeSilenceB),
      ownBrokeSilence: turned.events.contains(.brokeSilenceA),
      hidesHandshakes: evidence.hidesHandshakes,
      beginnings: evidence.beginnings)
  }

  /// The weights in force: what one unit of each piece of evidence adds.
  private func units(_ protocolNumber: UInt8) -> Contributions {
    var features = RoleFeatures()
    for feature in RoleFeatures.Feature.allCases { features[feature] = 1 }
    var known = EndpointEvidence()
    known.served = 1
    return RoleRule.contributions(
      features, protocolNumber: protocolNumber, a: known, b: EndpointEvidence())
  }

  // MARK: - What would change the verdict

  private func changes(
    to endpoint: Explanation.Endpoint, view: View, role: Explanation.Role,
    example: Explanation.Example, deciding: Explanation.Statement?
  ) -> [Explanation.Change] {
    guard ProtocolName.hasPorts(endpoint.protocolNumber), example.reason != .group else {
      return []
    }
    if let deciding {
      let plain = RoleJudge(table)
      guard let outcome = plain.outcome(for: endpoint) else { return [] }
      return [.withoutLine(deciding, outcome)]
    }
    var changes: [Explanation.Change] = []
    if role == .undecided && view.link.aPorts == 1 {
      if let count = peersToDecide(endpoint, view) { changes.append(count) }
      if endpoint.protocolNumber == IPProtocolNumber.tcp {
        let here = with([handshake(view.link)])
        if let outcome = here.outcome(for: endpoint), outcome.role != role {
          changes.append(.answersHandshake(outcome))
        }
        let there = with([handshake(view.link.exchanged)])
        if let outcome = there.outcome(for: endpoint), outcome.role != role {
          changes.append(.otherAnswersHandshake(outcome))
        }
      }
    }
    for said in [RoleOverrides.Role.server, .client, .peer] {
      let text = "\(endpoint): \(said.rawValue)"
      guard said.rawValue != role.rawValue,
        let overrides = try? RoleOverrides(parsing: text, path: overrides.path)
      else { continue }
      let judge = RoleJudge(table, overrides: overrides)
      // Peers are rare enough that the line is offered only where there is nothing better.
      if let outcome = judge.outcome(for: endpoint), ![role, .undecided].contains(outcome.role),
        said != .peer || role == .undecided || changes.isEmpty
      {
        changes.append(.line(text, outcome))
      }
    }
    return changes
  }

  /// What the endpoint is, and no more.
  fileprivate func outcome(for endpoint: Explanation.Endpoint) -> Explanation.Outcome? {
    guard let host = addresses.firstIndex(of: endpoint.address) else { return nil }
    let judged = JudgedViews(views(of: endpoint, host: host), by: self, host: host)
    guard let role = judged.parts.first?.role else { return nil }
    return Explanation.Outcome(role: role, confidence: judged.best(in: role).confidence)
  }

  /// The same with more links; those with a `b` past the addresses get hosts of their own.
  private func with(_ more: [Link]) -> RoleJudge {
    let count = more.map { max($0.a, $0.b) + 1 }.max() ?? 0
    // Of the documentation prefix: only whether they are groups matters.
    let strangers = (addresses.count..<max(addresses.count, count)).map {
      IPAddress(high: 0x2001_0DB8_FFFF_FFFF, low: UInt64($0))
    }
    return RoleJudge(links: links + more, addresses: addresses + strangers, overrides: overrides)
  }

  /// A session between the same two hosts whose handshake was captured and answered by A.
  private func handshake(_ link: Link) -> Link {
    var one = Link(
      a: link.a, b: link.b, protocolNumber: link.protocolNumber, aPort: link.aPort,
      bPort: link.bPort, hasHandshake: true,
      events: [.synFromB, .synAckFromA, .progressFromA, .progressFromB, .firstFromB])
    one.sessions = 1
    one.firstFromB = 1
    one.twoWay = 1
    one.packetsAB = 2
    one.packetsBA = 2
    return one
  }

  /// How many more peers like the one of the link would decide that the endpoint serves: by the rule,
  /// then tried out, since peers teach about ports and hosts as well.
  private func peersToDecide(
    _ endpoint: Explanation.Endpoint, _ view: View
  ) -> Explanation.Change? {
    var count = 1
    while count < 1000, !isServer(view, withMore: UInt32(count)) { count += 1 }
    for _ in 0..<4 where count < 1000 {
      let judge = with(
        (0..<count).map { number in
          var one = view.link
          one.b = addresses.count + number
          one.bPorts = 1
          return one
        })
      if let outcome = judge.outcome(for: endpoint), outcome.role == .server,
        judge.relation(ofLink: view.number).kind == .provided
      {
        return .morePeers(count, outcome)
      }
      count += max(1, count / 2)
    }
    return nil
  }

  private func isServer(_ view: View, withMore count: UInt32) -> Bool {
    let link = links[view.number]
    var (a, b) = endpoints(ofLink: view.number)
    func more(_ one: inout EndpointEvidence) {
      one.peers += count
      one.peerPorts += count
      if view.link.isAskedByB { one.askedBy += count } else { one.asked += count }
    }
    if view.isTurned { more(&b) } else { more(&a) }
    let verdict = RoleRule.judge(
      RoleRule.contributions(
        evidence.features(of: link, a: a, b: b), protocolNumber: link.protocolNumber,
        a: a, b: b))
    return verdict.serverIsA != view.isTurned && verdict.confidence >= RoleRule.decidedAbove
  }
}

/// A link from an endpoint's point of view.
private struct View {
  /// In the judge's links.
  let number: Int
  /// Turned so that the endpoint is A.
  let link: Link
  let isTurned: Bool
}

/// An endpoint's links with what the map makes of them.
private struct JudgedViews {
  let views: [View]
  /// By view.
  let relations: [Relation]
  private let roles: [Explanation.Role]
  let parts: [Explanation.Part]

  init(_ views: [View], by judge: RoleJudge, host: Int) {
    self.views = views
    // As they end up in the map, where links of one service and client are one relation.
    var finals: [RelationKey: Relation] = [:]
    for one in judge.relations() where one.server == host || one.client == host {
      finals[RelationKey(one)] = one
    }
    relations = views.map { view in
      let one = judge.relation(ofLink: view.number)
      return finals[RelationKey(one)] ?? one
    }
    let roles = zip(views, relations).map { view, relation in
      JudgedViews.role(in: relation, isServer: JudgedViews.isServer(view.link, relation))
    }
    self.roles = roles
    parts = Explanation.Role.allCases.compactMap { role in
      var part = Explanation.Part(role: role)
      var addresses = Set<Int>()
      for (view, one) in zip(views, roles) where one == role {
        addresses.insert(view.link.b)
        part.sessions += view.link.sessions
        part.packets += view.link.packets
      }
      part.addresses = addresses.count
      return addresses.isEmpty ? nil : part
    }
  }

  /// Whether the endpoint, which is A of the link, is on the server's side of the relation.
  private static func isServer(_ link: Link, _ relation: Relation) -> Bool {
    if link.a != link.b { return relation.server == link.a }
    return relation.port == link.aPort
  }

  private static func role(in relation: Relation, isServer: Bool) -> Explanation.Role {
    switch relation.kind {
    case .provided: isServer ? .server : .client
    case .peer: .peer
    case .group: isServer ? .group : .sender
    case .undecided: .undecided
    case .failed: isServer ? .failed : .inVain
    case .notice: .notice
    }
  }

  /// The link with the most sessions in a role; among equals the one with the lowest address.
  func example(in role: Explanation.Role, _ addresses: [IPAddress]) -> Int? {
    views.indices.filter { roles[$0] == role }.max { one, other in
      let (one, other) = (views[one].link, views[other].link)
      if one.sessions != other.sessions { return one.sessions < other.sessions }
      if one.packets != other.packets { return one.packets < other.packets }
      if one.b != other.b { return addresses[one.b] > addresses[other.b] }
      return one.bPort > other.bPort
    }
  }

  /// The role that rests on the best evidence, as the map has it of a service.
  func best(in role: Explanation.Role) -> Relation {
    let found = relations.indices.filter { roles[$0] == role }.map { relations[$0] }
    return found.dropFirst().reduce(into: found[0]) { $0.takeRole(of: $1) }
  }

  func spread(without number: Int) -> Explanation.Spread? {
    let sorted = relations.indices.filter { $0 != number }.map { relations[$0].confidence }.sorted()
    guard let least = sorted.first, let most = sorted.last else { return nil }
    return Explanation.Spread(
      links: sorted.count, min: least, median: sorted[sorted.count / 2], max: most)
  }
}
