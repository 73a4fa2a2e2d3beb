internal import Wire

/// How well the rule does on this very traffic: sessions whose handshake was captured, judged as if it
/// had not been.
///
/// Nothing of any handshake is used, also not of others: evidence is gathered a second time from
/// links without them. ICMP is left out, where a request can't be taken for a reply.
public struct SelfCheck: Equatable, Codable, Sendable {
  /// Server endpoints with a completed handshake.
  public var endpoints = 0
  /// Those of which most sessions were decided rightly, and wrongly; the rest stayed undecided.
  public var right = 0
  public var wrong = 0
  /// The same counted in sessions.
  public var sessions: UInt64 = 0
  public var sessionsRight: UInt64 = 0
  public var sessionsWrong: UInt64 = 0

  public init() {}

  public var undecided: Int { endpoints - right - wrong }

  init(links: [Link], addresses: [IPAddress]) {
    self.init(LinkTable(links: links, addresses: addresses))
  }

  /// - Complexity: O(links), as judging them.
  init(_ table: LinkTable) {
    let judge = RoleJudge(table, hidesHandshakes: true)
    // By the number of an endpoint.
    var tallies = [Tally](repeating: Tally(), count: table.endpointCount)
    for (number, facts) in table.facts.enumerated()
    where facts.plain.contains(.handshake) && facts.completed > 0
      && ProtocolName.hasPorts(facts.protocolNumber)
    {
      let completed = table.links[number].completed
      let verdict = judge.verdict(onLink: number)
      var tally = Tally(sessions: completed)
      if verdict.confidence >= RoleRule.decidedAbove {
        if verdict.serverIsA { tally.right = completed } else { tally.wrong = completed }
      }
      if facts.a == LinkFacts.lone { add(tally) } else { tallies[Int(facts.a)].add(tally) }
    }
    for tally in tallies where tally.sessions > 0 { add(tally) }
  }

  /// Sessions of one endpoint.
  private struct Tally {
    var sessions: UInt64 = 0
    var right: UInt64 = 0
    var wrong: UInt64 = 0

    mutating func add(_ other: Tally) {
      sessions += other.sessions
      right += other.right
      wrong += other.wrong
    }
  }

  private mutating func add(_ tally: Tally) {
    endpoints += 1
    right += tally.right * 2 > tally.sessions ? 1 : 0
    wrong += tally.wrong * 2 > tally.sessions ? 1 : 0
    sessions += tally.sessions
    sessionsRight += tally.right
    sessionsWrong += tally.wrong
  }
}
