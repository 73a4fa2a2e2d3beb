public import Wire

/// Makes relations of links: decides who serves, of every link, from all that the links say together.
///
/// Pure, and run again whenever the store is read: so what is learnt later, or what the operator
/// says, turns the past as well, packets and bytes in both directions with it.
public struct RoleJudge: Sendable {
  let links: [Link]
  let addresses: [IPAddress]
  let overrides: RoleOverrides
  public let evidence: RoleEvidence
  /// Pairs of server and client hosts with an FTP control session, by server.
  private var ftpControls = KeyIndex()

  /// - Complexity: O(links).
  public init(links: [Link], addresses: [IPAddress], overrides: RoleOverrides = RoleOverrides()) {
    self.links = links
    self.addresses = addresses
    self.overrides = overrides
    evidence = RoleEvidence(links: links, hostCount: addresses.count) { link in
      RoleJudge.isToGroup(link, addresses)
    }
    for link in links where link.protocolNumber == IPProtocolNumber.tcp && link.aPort == 21 {
      _ = ftpControls.number(of: Key(UInt64(link.a), UInt64(link.b)))
    }
  }

  /// The relations, each key once, in no particular order.
  ///
  /// - Complexity: O(links).
  public func relations() -> [Relation] {
    var table = RelationTable(capacity: links.count)
    for link in links {
      var one = relation(of: link)
      // Whatever a handshake with a group means, it is no service and no host's request.
      if addresses[one.server].isMulticastOrBroadcast {
        one.kind = .group
      } else if addresses[one.client].isMulticastOrBroadcast {
        one.kind = .notice
      }
      table.add(one)
    }
    return table.rows.map { row in
      var one = row
      if one.kind.isService && one.answered == 0 { one.kind = .failed }
      return one
    }
  }

  /// What one link is by itself.
  public func relation(of link: Link) -> Relation {
    if let said = overridden(link) { return said }
    return link.hasHandshake ? oriented(link) : neutral(link)
  }

  // MARK: - The operator

  private func overridden(_ link: Link) -> Relation? {
    // A group is none of both, and what stands for many ports or addresses is no endpoint.
    guard !overrides.isEmpty, ProtocolName.hasPorts(link.protocolNumber), link.aPorts == 1,
      link.addresses == 1, !RoleJudge.isToGroup(link, addresses)
    else { return nil }
    let a = overrides.role(
      of: addresses[link.a], protocolNumber: link.protocolNumber, port: link.aPort)
    let b = overrides.role(
      of: addresses[link.b], protocolNumber: link.protocolNumber, port: link.bPort)
    let serverIsA: Bool
    switch (a, b) {
    case (.server, .server), (.client, .client), (.peer, _), (_, .peer):
      let one = link.isAskedByB || link.hasHandshake ? link : link.exchanged
      return make(one, .peer, .overridden, 1)
    case (.server, _), (_, .client): serverIsA = true
    case (_, .server), (.client, _): serverIsA = false
    default: return nil
    }
    let one = serverIsA ? link : link.exchanged
    // A role makes no service: who was only seen to reset refused.
    let isRefused =
      !one.hasHandshake && link.protocolNumber == IPProtocolNumber.tcp
      && one.events.contains(.rstFromA) && !one.events.contains(.progressFromA)
    return make(one, isRefused ? .failed : .provided, .overridden, 1)
  }

  // MARK: - With a handshake

  /// A is the server by its handshake; what remains is what became of the requests.
  private func oriented(_ link: Link) -> Relation {
    let hasSynAck = link.events.contains(.synAckFromA)
    let basis: Basis =
      hasSynAck ? link.events.contains(.synFromB) ? .handshake : .synAck : .syn
    if let data = activeFTP(link) { return make(data, .provided, .handshake, 0.98) }
    if link.completed > 0 {
      return make(link, .provided, basis, basis == .handshake ? 0.999 : 0.98)
    }
    let a = evidence[link.a, link.protocolNumber, link.aPort]
    if link.halfOpen > 0 || link.unasked > 0 {
      // It answers, so somebody listens there. But whoever was to be answered never went on: once it
      // is a probe, or the echo of one; from many addresses it is a flood, and they are forged.
      // A SYN+ACK that answers nothing comes from a probe as well; one server and one victim are what
      // reflection leaves, and that server does listen.
      let limit: UInt32 = link.halfOpen > 0 ? 20 : 4
      let isFlooded = a.halfOpenClients >= limit && a.halfOpenClients > 4 &* a.completedClients
      if link.halfOpen > 0 { return make(link, isFlooded ? .failed : .provided, .openPort, 0.99) }
      return make(link, isFlooded ? .notice : .provided, .openPort, 0.99)
    }
    let isServing = a.served > 0 || a.askedBy > 0
    if link.unheard > 0 {
      if isServing || evidence.isPartial { return make(link, .provided, .syn, 0.97) }
      return make(link, .undecided, .syn, 0.6)
    }
    // Where little of each session is seen, silence says nothing.
    if evidence.isPartial && isServing && link.refused == 0 {
      return make(link, .provided, .syn, 0.97)
    }
    return make(link, .failed, .syn, 0.98)
  }

  /// Active FTP: the server opens the data session, from port 20, to a port that the client named
  /// (RFC 959 section 3.2). It belongs to the server; the client's port is no service.
  private func activeFTP(_ link: Link) -> Link? {
    guard link.bPort == 20, link.bPorts == 1, link.protocolNumber == IPProtocolNumber.tcp,
      ftpControls.find(Key(UInt64(link.b), UInt64(link.a))) != nil
    else { return nil }
    var one = link.exchanged
    one.unanswered = one.refused
    return one
  }

  // MARK: - Without

  private func neutral(_ link: Link) -> Relation {
    let proto = link.protocolNumber
    let asked = link.isAskedByB ? link : link.exchanged
    if RoleJudge.isToGroup(link, addresses) { return make(asked, .group, .group, 1) }
    if proto == IPProtocolNumber.icmp || proto == IPProtocolNumber.icmpv6 {
      return make(asked, .notice, .none, 0.5)
    }
    // TCP that is only resets, of either side or both: the echo of something not seen.
    if proto == IPProtocolNumber.tcp,
      link.events.isDisjoint(with: [.progressFromA, .progressFromB])
    {
      return make(asked, .notice, .none, 0.5)
    }
    if !ProtocolName.hasPorts(proto) {
      // ESP, OSPF and the like know no server; two that talk are peers.
      let isAnswered = link.packetsAB > 0 && link.packetsBA > 0
      return make(
        asked, isAnswered ? .peer : .undecided, isAnswered ? .firstSpeaker : .none, 0.5)
    }
    let verdict = verdict(on: link)
    let judged = verdict.serverIsA ? link : link.exchanged
    if link.events.contains(.portsUnknown) {
      return make(judged, .undecided, .none, verdict.confidence)
    }
    if let answer = answerFromElsewhere(link) { return answer }
    if !link.isTwoWay && verdict.basis != .knownServer && !evidence.isPartial {
      return oneWay(link, verdict)
    }
    if link.aPort == link.bPort && verdict.basis != .knownServer {
      return make(judged, .peer, verdict.basis, verdict.confidence)
    }
    if verdict.confidence < RoleRule.decidedAbove {
      return make(judged, .undecided, .none, verdict.confidence)
    }
    return make(judged, .provided, verdict.basis, verdict.confidence)
  }

  /// The rule's verdict on a link without a handshake.
  func verdict(on link: Link) -> Verdict {
    RoleRule.judge(contributions: contributions(to: link))
  }

  /// What each piece of evidence adds for A as the server, as `RoleRule.contributions` gives it.
  public func contributions(to link: Link) -> [Double] {
    let (a, b) = endpoints(of: link)
    return RoleRule.contributions(
      evidence.features(of: link, a: a, b: b), protocolNumber: link.protocolNumber, a: a, b: b)
  }

  func endpoints(of link: Link) -> (a: EndpointEvidence, b: EndpointEvidence) {
    let a = evidence[link.a, link.protocolNumber, link.aPort]
    if link.bPorts == 1 { return (a, evidence[link.b, link.protocolNumber, link.bPort]) }
    var leaf = EndpointEvidence()
    leaf.peers = 1
    leaf.peerPorts = 1
    if link.hasHandshake || link.isAskedByB { leaf.asked = 1 } else { leaf.askedBy = 1 }
    return (a, leaf)
  }

  /// An answer that comes from another place than was asked: after a question to a group (SSDP, mDNS),
  /// or from a new port of the host that was asked (TFTP, RFC 1350 section 4).
  private func answerFromElsewhere(_ link: Link) -> Relation? {
    let proto = link.protocolNumber
    guard proto == IPProtocolNumber.udp, link.bPorts == 1 else { return nil }
    for one in [link, link.exchanged] where one.packetsAB > 0 {
      // B asked the group at A's port, or A's host at another port.
      if PortPrior.known(one.bPort, proto) <= PortPrior.known(one.aPort, proto),
        one.aPort != one.bPort
          || one.packetsBA == 0 && !evidence.askedGroup(one.a, proto, one.aPort, at: one.aPort),
        evidence.askedGroup(one.b, proto, one.bPort, at: one.aPort)
      {
        // Where both use the group's port, it may as well be a question of A's own.
        return one.aPort == one.bPort
          ? make(one, .peer, .firstSpeaker, 0.75) : make(one, .provided, .firstSpeaker, 0.95)
      }
      if let asked = evidence.askedInVain(one.b, one.bPort, other: one.a),
        asked.port != one.aPort, PortPrior.known(one.aPort, proto) <= 0,
        PortPrior.known(asked.port, proto) > PortPrior.known(one.bPort, proto)
      {
        var answer = one
        answer.aPort = asked.port
        return make(answer, .provided, .firstSpeaker, 0.95)
      }
    }
    return nil
  }

  /// What nobody answered, or only with resets.
  private func oneWay(_ link: Link, _ verdict: Verdict) -> Relation {
    let isSentByB = link.packetsBA > 0 && (link.packetsAB == 0 || link.isAskedByB)
    let asked = isSentByB ? link : link.exchanged
    // Answers whose questions were not captured come from a server's port, to not too many; and who
    // gets them from many did not ask, but is the victim of a reflection.
    let isAnswer = verdict.serverIsA != isSentByB && verdict.confidence >= RoleRule.decidedAbove
    let sender = evidence[asked.b, asked.protocolNumber, asked.bPort]
    let getter = evidence[asked.a, asked.protocolNumber, asked.aPort]
    if isAnswer && asked.bPorts == 1 && getter.oneWayPeers < 20
      && (!evidence.hosts[asked.b].isProbing || sender.askedBy > 0)
      && !asked.events.contains(.rstFromA)
    {
      return make(asked.exchanged, .provided, verdict.basis, verdict.confidence)
    }
    if link.protocolNumber != IPProtocolNumber.udp {
      // A segment out of nowhere that a reset answers is refused; without an answer it may be a
      // scan, or a tap that sees one direction.
      let isReset = asked.events.contains(.rstFromA)
      return make(
        asked, isReset ? .failed : .undecided, isReset ? .firstSpeaker : .none,
        isReset ? verdict.confidence : 0.5)
    }
    if asked.bPorts == 1,
      PortPrior.known(asked.aPort, link.protocolNumber)
        > PortPrior.known(asked.bPort, link.protocolNumber),
      evidence.askedInVain(asked.b, asked.bPort, other: asked.a)?.isAnsweredElsewhere == true
    {
      return make(asked, .provided, .firstSpeaker, 0.95)
    }
    if isOneWayService(asked) { return make(asked, .provided, .oneWay, 0.95) }
    if isAnswer { return make(asked, .undecided, .none, 0.5) }
    return make(asked, .failed, .firstSpeaker, max(0.65, verdict.confidence))
  }

  /// Syslog and its like: nobody answers, and nobody is meant to. One or two datagrams may be a probe;
  /// many senders, or one that goes on, are not.
  private func isOneWayService(_ link: Link) -> Bool {
    guard PortPrior.isOneWay(link.aPort), link.aPorts == 1,
      !evidence.wasUndeliverable(from: link.b, to: link.a)
    else { return false }
    let a = evidence[link.a, link.protocolNumber, link.aPort]
    let lasts = link.lastTick > link.firstTick &+ Tick.seconds(10)
    return a.oneWayPeers >= 3 || link.packetsBA >= 8 && lasts && !evidence.hosts[link.b].isProbing
  }

  // MARK: - Relations

  /// The relation with A as the server.
  private func make(
    _ link: Link, _ said: RelationKind, _ basis: Basis, _ confidence: Double
  ) -> Relation {
    // Several ports of one host are no endpoint that could be named as a service.
    let kind = said.isService && link.aPorts > 1 ? .undecided : said
    var relation = Relation(
      server: link.a, client: link.b, protocolNumber: link.protocolNumber, port: link.aPort,
      clientPort: kind == .undecided ? link.bPort : 0, kind: kind, basis: basis,
      confidence: confidence)
    relation.serverPorts = link.aPorts
    relation.addresses = link.addresses
    relation.sessions = link.sessions
    relation.packetsToServer = link.packetsBA
    relation.packetsToClient = link.packetsAB
    relation.bytesToServer = link.bytesBA
    relation.bytesToClient = link.bytesAB
    relation.firstTick = link.firstTick
    relation.lastTick = link.lastTick
    relation.handshakes = link.handshakes
    relation.handshakeTicksSum = link.handshakeTicksSum
    relation.handshakeTicksMin = link.handshakeTicksMin
    guard kind.isService || kind == .failed else { return relation }
    relation.refused = link.refused
    relation.unanswered = link.unanswered
    if kind == .failed {
      // Half-open sessions, and what has no handshake.
      let isReset = link.events.contains(.rstFromA)
      let isUDP = link.protocolNumber == IPProtocolNumber.udp
      if !link.hasHandshake
        && (isReset || isUDP && evidence.wasUndeliverable(from: link.b, to: link.a))
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

  /// A group by its address; or a network's broadcast address, known by ending in .255 and silence.
  static func isToGroup(_ link: Link, _ addresses: [IPAddress]) -> Bool {
    if link.hasHandshake { return false }
    let target = addresses[link.isAskedByB ? link.a : link.b]
    if target.isMulticastOrBroadcast { return true }
    let isSilent = link.isAskedByB ? link.packetsAB == 0 : link.packetsBA == 0
    return target.isIPv4 && target.v4 & 0xFF == 0xFF && isSilent
      && ProtocolName.hasPorts(link.protocolNumber)
  }
}
