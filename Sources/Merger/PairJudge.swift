internal import ServiceMap
internal import Wire

/// Evidence about every endpoint that has a part in a neutral pair.
struct EvidenceTable {
  private var index = KeyIndex()
  private var rows: [EndpointEvidence] = []
  /// Endpoints that sent to a group, with the port they sent to.
  private var askedGroups = KeyIndex()

  /// - Complexity: O(pairs + relations).
  init(pairs: [SessionFold.Pair], relations: [Relation]) {
    guard !pairs.isEmpty else { return }
    var peers = KeyIndex()
    for pair in pairs {
      let evidence = pair.evidence
      let a = number(pair.a, evidence.protocolNumber, evidence.aPort)
      let b = number(pair.b, evidence.protocolNumber, evidence.bPort)
      if pair.isToGroup {
        // To speak to a group is no sign of a client: servers announce themselves that way.
        let (asker, port) = evidence.firstFromB ? (b, evidence.aPort) : (a, evidence.bPort)
        _ = askedGroups.number(of: Key(UInt64(asker), UInt64(port)))
        continue
      }
      // What nobody answered shows a wish to talk and no more: scans and floods would else make
      // servers of their senders.
      guard pair.isTwoWay else { continue }
      let isTCP = evidence.protocolNumber == IPProtocolNumber.tcp
      meet(a, pair.b, isIn: isTCP || evidence.firstFromB, &peers)
      meet(b, pair.a, isIn: isTCP || !evidence.firstFromB, &peers)
    }
    for relation in relations where relation.answered > 0 && relation.kind.isService {
      let key = EvidenceTable.key(
        UInt32(relation.server), relation.protocolNumber, relation.port)
      guard let endpoint = index.find(key) else { continue }
      let answered = UInt32(clamping: relation.answered)
      rows[endpoint].served &+= answered
      meet(endpoint, UInt32(relation.client), isIn: true, ports: answered, &peers)
    }
  }

  /// Counts `peer` once for `endpoint`, and `ports` more peer endpoints.
  private mutating func meet(
    _ endpoint: Int, _ peer: UInt32, isIn: Bool, ports: UInt32 = 1, _ peers: inout KeyIndex
  ) {
    let before = peers.count
    let isNew =
      peers.number(of: Key(UInt64(endpoint) << 1 | (isIn ? 1 : 0), UInt64(peer))) == before
    if isIn {
      rows[endpoint].peersIn &+= isNew ? 1 : 0
      rows[endpoint].peerPortsIn &+= ports
    } else {
      rows[endpoint].peersOut &+= isNew ? 1 : 0
      rows[endpoint].peerPortsOut &+= ports
    }
  }

  /// Whether the endpoint asked a group on `port`: what then comes from that port are answers
  /// (SSDP, mDNS, NetBIOS: a question to all, answers by unicast).
  func askedGroup(_ address: UInt32, _ proto: UInt8, _ port: UInt16, on groupPort: UInt16) -> Bool {
    guard let endpoint = index.find(EvidenceTable.key(address, proto, port)) else { return false }
    return askedGroups.find(Key(UInt64(endpoint), UInt64(groupPort))) != nil
  }

  private mutating func number(_ address: UInt32, _ proto: UInt8, _ port: UInt16) -> Int {
    let number = index.number(of: EvidenceTable.key(address, proto, port))
    if number == rows.count { rows.append(EndpointEvidence()) }
    return number
  }

  private static func key(_ address: UInt32, _ proto: UInt8, _ port: UInt16) -> Key {
    Key(UInt64(address), UInt64(proto) << 16 | UInt64(port))
  }

  subscript(address: UInt32, proto: UInt8, port: UInt16) -> EndpointEvidence {
    index.find(EvidenceTable.key(address, proto, port)).map { rows[$0] } ?? EndpointEvidence()
  }
}

/// Makes a relation of a neutral pair.
enum PairJudge {
  static func relation(
    of pair: SessionFold.Pair, evidence: EvidenceTable
  ) -> Relation {
    let facts = pair.evidence
    let isICMP =
      facts.protocolNumber == IPProtocolNumber.icmp
      || facts.protocolNumber == IPProtocolNumber.icmpv6
    let hasPorts = ProtocolName.hasPorts(facts.protocolNumber)
    if pair.isToGroup { return make(pair, serverIsA: facts.firstFromB, .group, .group, 1) }
    if isICMP { return make(pair, serverIsA: facts.firstFromB, .notice, .none, 0.5) }
    // TCP that is only resets, of either side or both: the echo of something not seen.
    if facts.protocolNumber == IPProtocolNumber.tcp,
      pair.events.isDisjoint(with: [.progressFromA, .progressFromB])
    {
      return make(pair, serverIsA: facts.firstFromB, .notice, .none, 0.5)
    }

    let (asker, askerPort, other) =
      facts.firstFromB
      ? (pair.a, facts.aPort, facts.bPort) : (pair.b, facts.bPort, facts.aPort)
    let proto = facts.protocolNumber
    if askerPort != other,
      PortPrior.logOdds(askerPort, proto) <= PortPrior.logOdds(other, proto),
      evidence.askedGroup(asker, facts.protocolNumber, askerPort, on: other)
    {
      return make(pair, serverIsA: !facts.firstFromB, .provided, .firstSpeaker, 0.95)
    }
    let a = evidence[pair.a, facts.protocolNumber, facts.aPort]
    let b = evidence[pair.b, facts.protocolNumber, facts.bPort]
    let verdict = RoleRule.judge(facts, a: a, b: b)
    let answered = pair.packetsAB > 0 && pair.packetsBA > 0
    if !hasPorts {
      // ESP, OSPF and the like know no server; two that talk are peers.
      return make(
        pair, serverIsA: facts.firstFromB, answered ? .peer : .undecided,
        answered ? .firstSpeaker : .none, 0.5)
    }
    if !pair.isTwoWay, !pair.events.contains(.portsUnknown), verdict.basis != .knownServer {
      return oneWay(pair, verdict, sender: facts.firstFromB ? b : a)
    }
    if verdict.confidence < RoleRule.decidedAbove || pair.events.contains(.portsUnknown) {
      return make(pair, serverIsA: verdict.serverIsA, .undecided, .none, verdict.confidence)
    }
    let samePort = facts.aPort == facts.bPort && verdict.basis != .knownServer
    return make(
      pair, serverIsA: verdict.serverIsA, samePort ? .peer : .provided, verdict.basis,
      verdict.confidence)
  }

  /// What nobody answered, or only with resets. The sender asked, unless it is a server's port that
  /// others are seen to ask: then these are answers whose questions were not captured.
  private static func oneWay(
    _ pair: SessionFold.Pair, _ verdict: Verdict, sender: EndpointEvidence
  ) -> Relation {
    let firstFromB = pair.evidence.firstFromB
    if pair.evidence.protocolNumber == IPProtocolNumber.tcp {
      // A segment out of nowhere that a reset answers is refused; without an answer it may be a
      // scan, or a tap that sees one direction.
      let isReset = pair.events.contains(firstFromB ? .rstFromA : .rstFromB)
      return make(
        pair, serverIsA: firstFromB, isReset ? .provided : .undecided,
        isReset ? .firstSpeaker : .none, isReset ? verdict.confidence : 0.5)
    }
    let isQuestion = verdict.serverIsA == firstFromB
    let isShown =
      verdict.confidence >= RoleRule.decidedAbove && (isQuestion || sender.peersIn > 0)
    return make(
      pair, serverIsA: verdict.serverIsA, isShown ? .provided : .undecided,
      isShown ? verdict.basis : .none, verdict.confidence)
  }

  private static func make(
    _ pair: SessionFold.Pair, serverIsA: Bool, _ kind: RelationKind, _ basis: Basis,
    _ confidence: Double
  ) -> Relation {
    let facts = pair.evidence
    var relation = Relation(
      server: Int(serverIsA ? pair.a : pair.b), client: Int(serverIsA ? pair.b : pair.a),
      protocolNumber: facts.protocolNumber, port: serverIsA ? facts.aPort : facts.bPort,
      clientPort: kind == .undecided ? (serverIsA ? facts.bPort : facts.aPort) : 0,
      kind: kind, basis: basis, confidence: confidence)
    relation.sessions = pair.sessions
    relation.packetsToServer = serverIsA ? pair.packetsBA : pair.packetsAB
    relation.packetsToClient = serverIsA ? pair.packetsAB : pair.packetsBA
    relation.bytesToServer = serverIsA ? pair.bytesBA : pair.bytesAB
    relation.bytesToClient = serverIsA ? pair.bytesAB : pair.bytesBA
    relation.firstTick = pair.firstTick
    relation.lastTick = pair.lastTick
    if kind.isService { decideAnswers(pair, serverIsA: serverIsA, &relation) }
    return relation
  }

  /// Which of the pair's sessions were answered.
  private static func decideAnswers(
    _ pair: SessionFold.Pair, serverIsA: Bool, _ relation: inout Relation
  ) {
    let oneWay = pair.sessions - min(pair.sessions, pair.twoWaySessions)
    let serverSent = serverIsA ? pair.packetsAB > 0 : pair.packetsBA > 0
    let clientSent = serverIsA ? pair.packetsBA > 0 : pair.packetsAB > 0
    if serverSent && !clientSent { return }  // Answers whose requests were not captured.
    if pair.evidence.protocolNumber == IPProtocolNumber.tcp {
      let resets: SessionEvents = serverIsA ? .rstFromA : .rstFromB
      let progress: SessionEvents = serverIsA ? .progressFromA : .progressFromB
      if pair.events.contains(resets) && !pair.events.contains(progress) {
        relation.refused = pair.sessions  // A lone segment, answered by a reset.
      } else if !serverSent {
        relation.unanswered = pair.sessions
      }
      return
    }
    relation.unanswered = oneWay
  }
}
