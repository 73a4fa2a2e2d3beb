public import Wire

/// Makes relations of links: decides who serves, of every link, from all that the links say together.
///
/// Pure, and run again whenever the store is read: so what is learnt later, or what the operator
/// says, turns the past as well, packets and bytes in both directions with it.
public struct RoleJudge: Sendable {
  let table: LinkTable
  let overrides: RoleOverrides
  public let evidence: RoleEvidence
  /// Pairs of server and client hosts with an FTP control session, by server.
  private var ftpControls = WordIndex()

  /// - Complexity: O(links).
  public init(links: [Link], addresses: [IPAddress], overrides: RoleOverrides = RoleOverrides()) {
    self.init(LinkTable(links: links, addresses: addresses), overrides: overrides)
  }

  /// - Parameter hidesHandshakes: judges as if no handshake had been captured.
  init(
    _ table: LinkTable, overrides: RoleOverrides = RoleOverrides(), hidesHandshakes: Bool = false
  ) {
    self.table = table
    self.overrides = overrides
    evidence = RoleEvidence(table, hidesHandshakes: hidesHandshakes)
    for facts in table.facts
    where facts.aPort == 21 && facts.protocolNumber == IPProtocolNumber.tcp {
      _ = ftpControls.number(of: UInt64(facts.aHost) << 32 | UInt64(facts.bHost))
    }
  }

  var links: [Link] { table.links }
  var addresses: [IPAddress] { table.addresses }

  /// A link as it is judged.
  func link(_ number: Int) -> Link { evidence.link(number) }

  /// The relations, each key once, in no particular order.
  ///
  /// - Complexity: O(links).
  public func relations() -> [Relation] {
    relations(ranks: table.addresses.indices.map { UInt32($0) })
  }

  /// What one link is by itself.
  func relation(ofLink number: Int) -> Relation {
    relation(of: link(number), judgement(on: number))
  }

  /// - Parameter number: of the link.
  func judgement(on number: Int) -> Judgement {
    let link = link(number)
    if let said = overridden(link) { return said }
    return link.hasHandshake ? oriented(link, number) : neutral(link, number)
  }

  // MARK: - The operator

  private func overridden(_ link: Link) -> Judgement? {
    // A group is none of both, and what stands for many ports or addresses is no endpoint.
    guard !overrides.isEmpty, ProtocolName.hasPorts(link.protocolNumber), link.aPorts == 1,
      link.addresses == 1, !link.isToGroup(addresses)
    else { return nil }
    let a = overrides.role(
      of: addresses[link.a], protocolNumber: link.protocolNumber, port: link.aPort)
    let b = overrides.role(
      of: addresses[link.b], protocolNumber: link.protocolNumber, port: link.bPort)
    let serverIsA: Bool
    switch (a, b) {
    case (.server, .server), (.client, .client), (.peer, _), (_, .peer):
      let serverIsA = link.isAskedByB || link.hasHandshake
      return Judgement(link, serverIsA: serverIsA, .peer, .overridden, 1)
    case (.server, _), (_, .client): serverIsA = true
    case (_, .server), (.client, _): serverIsA = false
    default: return nil
    }
    let one = serverIsA ? link : link.exchanged
    // A role makes no service: who was only seen to reset refused.
    let isRefused =
      !one.hasHandshake && link.protocolNumber == IPProtocolNumber.tcp
      && one.events.contains(.rstFromA) && !one.events.contains(.progressFromA)
    return Judgement(
      link, serverIsA: serverIsA, isRefused ? .failed : .provided, .overridden, 1)
  }

  // MARK: - With a handshake

  /// A is the server by its handshake; what remains is what became of the requests.
  private func oriented(_ link: Link, _ number: Int) -> Judgement {
    func said(_ kind: RelationKind, _ basis: Basis, _ confidence: Double) -> Judgement {
      Judgement(link, serverIsA: true, kind, basis, confidence)
    }
    let hasSynAck = link.events.contains(.synAckFromA)
    let basis: Basis =
      hasSynAck ? link.events.contains(.synFromB) ? .handshake : .synAck : .syn
    if isActiveFTP(link) {
      var data = Judgement(link, serverIsA: false, .provided, .handshake, 0.98)
      data.isActiveFTP = true
      return data
    }
    if link.completed > 0 {
      return said(.provided, basis, basis == .handshake ? 0.999 : 0.98)
    }
    let a = evidence.row(.a, number)
    if link.halfOpen > 0 || link.unasked > 0 {
      // It answers, so somebody listens there. But whoever was to be answered never went on: once it
      // is a probe, or the echo of one; from many addresses it is a flood, and they are forged.
      // A SYN+ACK that answers nothing comes from a probe as well; one server and one victim are what
      // reflection leaves, and that server does listen.
      let limit: UInt32 = link.halfOpen > 0 ? 20 : 4
      let isFlooded = a.halfOpenClients >= limit && a.halfOpenClients > 4 &* a.completedClients
      if link.halfOpen > 0 { return said(isFlooded ? .failed : .provided, .openPort, 0.99) }
      return said(isFlooded ? .notice : .provided, .openPort, 0.99)
    }
    let isServing = a.served > 0 || a.askedBy > 0
    if link.unheard > 0 {
      if isServing || evidence.isPartial { return said(.provided, .syn, 0.97) }
      return said(.undecided, .syn, 0.6)
    }
    // Where little of each session is seen, silence says nothing.
    if evidence.isPartial && isServing && link.refused == 0 {
      return said(.provided, .syn, 0.97)
    }
    return said(.failed, .syn, 0.98)
  }

  /// Active FTP: the server opens the data session, from port 20, to a port that the client named
  /// (RFC 959 section 3.2). It belongs to the server; the client's port is no service.
  private func isActiveFTP(_ link: Link) -> Bool {
    link.bPort == 20 && link.bPorts == 1
      && link.protocolNumber == IPProtocolNumber.tcp
      && ftpControls.find(UInt64(link.b) << 32 | UInt64(link.a)) != nil
  }

  // MARK: - Without

  private func neutral(_ link: Link, _ number: Int) -> Judgement {
    func said(
      serverIsA: Bool, _ kind: RelationKind, _ basis: Basis, _ confidence: Double
    ) -> Judgement {
      Judgement(link, serverIsA: serverIsA, kind, basis, confidence)
    }
    let proto = link.protocolNumber
    let isAskedByB = link.isAskedByB
    if link.isToGroup(addresses) { return said(serverIsA: isAskedByB, .group, .group, 1) }
    if proto == IPProtocolNumber.icmp || proto == IPProtocolNumber.icmpv6 {
      return said(serverIsA: isAskedByB, .notice, .none, 0.5)
    }
    // TCP that is only resets, of either side or both: the echo of something not seen.
    if proto == IPProtocolNumber.tcp,
      link.events.isDisjoint(with: [.progressFromA, .progressFromB])
    {
      return said(serverIsA: isAskedByB, .notice, .none, 0.5)
    }
    if !ProtocolName.hasPorts(proto) {
      // ESP, OSPF and the like know no server; two that talk are peers.
      let isAnswered = link.packetsAB > 0 && link.packetsBA > 0
      return said(
        serverIsA: isAskedByB, isAnswered ? .peer : .undecided,
        isAnswered ? .firstSpeaker : .none, 0.5)
    }
    let verdict = verdict(on: link, number)
    if link.events.contains(.portsUnknown) {
      return said(serverIsA: verdict.serverIsA, .undecided, .none, verdict.confidence)
    }
    if let answer = answerFromElsewhere(link, number) { return answer }
    if !link.isTwoWay && verdict.basis != .knownServer && !evidence.isPartial {
      return oneWay(link, number, verdict)
    }
    if link.aPort == link.bPort && verdict.basis != .knownServer {
      return said(serverIsA: verdict.serverIsA, .peer, verdict.basis, verdict.confidence)
    }
    if verdict.confidence < RoleRule.decidedAbove {
      return said(serverIsA: verdict.serverIsA, .undecided, .none, verdict.confidence)
    }
    return said(serverIsA: verdict.serverIsA, .provided, verdict.basis, verdict.confidence)
  }

  /// The rule's verdict on a link as if it had no handshake.
  func verdict(onLink number: Int) -> Verdict { verdict(on: link(number), number) }

  private func verdict(on link: Link, _ number: Int) -> Verdict {
    let (a, b) = endpoints(of: link, number)
    return RoleRule.judge(
      RoleRule.contributions(
        evidence.features(of: link, a: a, b: b), protocolNumber: link.protocolNumber, a: a, b: b))
  }

  /// The evidence on the two endpoints of a link.
  func endpoints(ofLink number: Int) -> (a: EndpointEvidence, b: EndpointEvidence) {
    endpoints(of: link(number), number)
  }

  private func endpoints(
    of link: Link, _ number: Int
  ) -> (a: EndpointEvidence, b: EndpointEvidence) {
    let a = evidence.row(.a, number)
    if link.bPorts == 1 { return (a, evidence.row(.b, number)) }
    var leaf = EndpointEvidence()
    leaf.peers = 1
    leaf.peerPorts = 1
    if link.hasHandshake || link.isAskedByB { leaf.asked = 1 } else { leaf.askedBy = 1 }
    return (a, leaf)
  }

  /// An answer that comes from another place than was asked: after a question to a group (SSDP, mDNS),
  /// or from a new port of the host that was asked (TFTP, RFC 1350 section 4).
  private func answerFromElsewhere(_ link: Link, _ number: Int) -> Judgement? {
    let proto = link.protocolNumber
    let (a, b) = (table.facts[number].a, table.facts[number].b)
    guard proto == IPProtocolNumber.udp, link.bPorts == 1,
      evidence.hasTraces(a) || evidence.hasTraces(b)
    else { return nil }
    for serverIsA in [true, false] {
      let one = serverIsA ? link : link.exchanged
      let (server, client) = serverIsA ? (a, b) : (b, a)
      if one.packetsAB == 0 { continue }
      // B asked the group at A's port, or A's host at another port.
      if PortPrior.known(one.bPort, proto) <= PortPrior.known(one.aPort, proto),
        one.aPort != one.bPort
          || one.packetsBA == 0 && !evidence.askedGroup(server, at: one.aPort),
        evidence.askedGroup(client, at: one.aPort)
      {
        // Where both use the group's port, it may as well be a question of A's own.
        return one.aPort == one.bPort
          ? Judgement(link, serverIsA: serverIsA, .peer, .firstSpeaker, 0.75)
          : Judgement(link, serverIsA: serverIsA, .provided, .firstSpeaker, 0.95)
      }
      if let asked = evidence.askedInVain(client, other: UInt32(one.a)),
        asked.port != one.aPort, PortPrior.known(one.aPort, proto) <= 0,
        PortPrior.known(asked.port, proto) > PortPrior.known(one.bPort, proto)
      {
        var answer = Judgement(link, serverIsA: serverIsA, .provided, .firstSpeaker, 0.95)
        answer.port = asked.port
        return answer
      }
    }
    return nil
  }

  /// What nobody answered, or only with resets.
  private func oneWay(_ link: Link, _ number: Int, _ verdict: Verdict) -> Judgement {
    let isSentByB = link.packetsBA > 0 && (link.packetsAB == 0 || link.isAskedByB)
    let asked = isSentByB ? link : link.exchanged
    func said(_ kind: RelationKind, _ basis: Basis, _ confidence: Double) -> Judgement {
      Judgement(link, serverIsA: isSentByB, kind, basis, confidence)
    }
    let side: LinkSide = isSentByB ? .a : .b
    let (getter, sender) = (evidence.row(side, number), evidence.row(side.other, number))
    // Answers whose questions were not captured come from a server's port, to not too many; and who
    // gets them from many did not ask, but is the victim of a reflection.
    let isAnswer = verdict.serverIsA != isSentByB && verdict.confidence >= RoleRule.decidedAbove
    if isAnswer && asked.bPorts == 1 && getter.oneWayPeers < 20
      && (!evidence.hosts[asked.b].isProbing || sender.askedBy > 0)
      && !asked.events.contains(.rstFromA)
    {
      return Judgement(
        link, serverIsA: !isSentByB, .provided, verdict.basis, verdict.confidence)
    }
    if link.protocolNumber != IPProtocolNumber.udp {
      // A segment out of nowhere that a reset answers is refused; without an answer it may be a
      // scan, or a tap that sees one direction.
      let isReset = asked.events.contains(.rstFromA)
      return said(
        isReset ? .failed : .undecided, isReset ? .firstSpeaker : .none,
        isReset ? verdict.confidence : 0.5)
    }
    if asked.bPorts == 1,
      PortPrior.known(asked.aPort, link.protocolNumber)
        > PortPrior.known(asked.bPort, link.protocolNumber),
      evidence.askedInVain(table.facts[number].number(side.other), other: UInt32(asked.a))?
        .isAnsweredElsewhere == true
    {
      return said(.provided, .firstSpeaker, 0.95)
    }
    if isOneWayService(asked, getter) { return said(.provided, .oneWay, 0.95) }
    if isAnswer { return said(.undecided, .none, 0.5) }
    return said(.failed, .firstSpeaker, max(0.65, verdict.confidence))
  }

  /// Syslog and its like: nobody answers, and nobody is meant to. One or two datagrams may be a probe;
  /// many senders, or one that goes on, are not.
  private func isOneWayService(_ link: Link, _ a: EndpointEvidence) -> Bool {
    guard PortPrior.isOneWay(link.aPort), link.aPorts == 1,
      !evidence.wasUndeliverable(from: link.b, to: link.a)
    else { return false }
    let lasts = link.lastTick > link.firstTick &+ Tick.seconds(10)
    return a.oneWayPeers >= 3 || link.packetsBA >= 8 && lasts && !evidence.hosts[link.b].isProbing
  }

  // MARK: - Relations

  /// The relation that a link makes by what was said of it.
  @inline(__always) func relation(of link: Link, _ said: Judgement) -> Relation {
    let isA = said.serverIsA
    var relation = Relation(
      server: isA ? link.a : link.b, client: isA ? link.b : link.a,
      protocolNumber: link.protocolNumber, port: said.port, clientPort: said.clientPort,
      kind: said.kind, basis: said.basis, confidence: said.confidence)
    relation.serverPorts = isA ? link.aPorts : link.bPorts
    relation.addresses = link.addresses
    relation.sessions = link.sessions
    relation.packetsToServer = isA ? link.packetsBA : link.packetsAB
    relation.packetsToClient = isA ? link.packetsAB : link.packetsBA
    relation.bytesToServer = isA ? link.bytesBA : link.bytesAB
    relation.bytesToClient = isA ? link.bytesAB : link.bytesBA
    relation.firstTick = link.firstTick
    relation.lastTick = link.lastTick
    relation.seenElsewhere = link.elsewhere
    relation.handshakes = link.handshakes
    relation.handshakeTicksSum = link.handshakeTicksSum
    relation.handshakeTicksMin = link.handshakeTicksMin
    guard said.kind.isService || said.kind == .failed else { return relation }
    relation.refused = link.refused
    relation.unanswered = said.isActiveFTP ? link.refused : link.unanswered
    if said.kind == .failed {
      // Half-open sessions, and what has no handshake.
      let isReset = link.events.contains(isA ? .rstFromA : .rstFromB)
      let isUDP = link.protocolNumber == IPProtocolNumber.udp
      if !link.hasHandshake
        && (isReset
          || isUDP && evidence.wasUndeliverable(from: relation.client, to: relation.server))
      {
        relation.refused = link.sessions
      } else {
        relation.unanswered = link.sessions - min(link.sessions, link.refused)
      }
    } else if evidence.isPartial {
      relation.refused = 0
      relation.unanswered = 0
    } else if !link.hasHandshake && link.isTwoWay && link.protocolNumber != IPProtocolNumber.tcp {
      relation.unanswered = link.sessions - min(link.sessions, link.twoWay)
    }
    return relation
  }
}

/// What the judge says of one link: enough to make its relation.
struct Judgement: Sendable {
  /// Probability that the role is right, 0.5–1.
  var confidence: Double
  /// The server's port: its endpoint's, but where an answer came from elsewhere.
  var port: UInt16
  /// The client's, where that is kept.
  var clientPort: UInt16
  var kind: RelationKind
  var basis: Basis
  var serverIsA: Bool
  var isActiveFTP = false

  @inline(__always) init(
    _ link: Link, serverIsA: Bool, _ said: RelationKind, _ basis: Basis, _ confidence: Double
  ) {
    // Several ports of one host are no endpoint that could be named as a service.
    let isSeveral = (serverIsA ? link.aPorts : link.bPorts) > 1
    kind = said.isService && isSeveral ? .undecided : said
    self.basis = basis
    self.confidence = confidence
    self.serverIsA = serverIsA
    port = serverIsA ? link.aPort : link.bPort
    clientPort = kind == .undecided ? (serverIsA ? link.bPort : link.aPort) : 0
  }
}
