internal import ServiceMap
internal import Wire

/// Makes a relation of a neutral pair.
enum PairJudge {
  /// - Complexity: O(1): a few look-ups in the evidence.
  static func relation(of pair: SessionFold.Pair, evidence: EvidenceTable) -> Relation {
    let facts = pair.evidence
    let proto = facts.protocolNumber
    let isICMP = proto == IPProtocolNumber.icmp || proto == IPProtocolNumber.icmpv6
    let hasPorts = ProtocolName.hasPorts(proto)
    if pair.isToGroup { return make(pair, serverIsA: facts.firstFromB, .group, .group, 1) }
    if isICMP { return make(pair, serverIsA: facts.firstFromB, .notice, .none, 0.5) }
    // TCP that is only resets, of either side or both: the echo of something not seen.
    if proto == IPProtocolNumber.tcp,
      pair.events.isDisjoint(with: [.progressFromA, .progressFromB])
    {
      return make(pair, serverIsA: facts.firstFromB, .notice, .none, 0.5)
    }

    let (asker, askerPort, other) =
      facts.firstFromB
      ? (pair.a, facts.aPort, facts.bPort) : (pair.b, facts.bPort, facts.aPort)
    if askerPort != other,
      PortPrior.logOdds(askerPort, proto) <= PortPrior.logOdds(other, proto),
      evidence.askedGroup(asker, proto, askerPort, on: other)
    {
      return make(pair, serverIsA: !facts.firstFromB, .provided, .firstSpeaker, 0.95)
    }
    let a = evidence[pair.a, proto, facts.aPort]
    let b = evidence[pair.b, proto, facts.bPort]
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
