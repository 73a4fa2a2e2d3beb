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

  /// - Complexity: O(links), as judging them.
  init(links: [Link], addresses: [IPAddress]) {
    let judge = RoleJudge(links: links.map(\.withoutHandshake), addresses: addresses)
    struct Tally {
      var sessions: UInt64 = 0
      var right: UInt64 = 0
      var wrong: UInt64 = 0
    }
    var index = KeyIndex()
    var tallies: [Tally] = []
    for (hidden, link) in zip(judge.links, links)
    where link.hasHandshake && link.completed > 0 && ProtocolName.hasPorts(link.protocolNumber) {
      let number = index.number(
        of: Key(host: link.a, protocolNumber: link.protocolNumber, port: link.aPort))
      if number == tallies.count { tallies.append(Tally()) }
      let verdict = judge.verdict(on: hidden)
      tallies[number].sessions += link.completed
      guard verdict.confidence >= RoleRule.decidedAbove else { continue }
      tallies[number].right += verdict.serverIsA ? link.completed : 0
      tallies[number].wrong += verdict.serverIsA ? 0 : link.completed
    }
    for tally in tallies {
      endpoints += 1
      right += tally.right * 2 > tally.sessions ? 1 : 0
      wrong += tally.wrong * 2 > tally.sessions ? 1 : 0
      sessions += tally.sessions
      sessionsRight += tally.right
      sessionsWrong += tally.wrong
    }
  }
}

extension Link {
  /// As if the capture had begun a moment later in each of its sessions: without SYN and SYN+ACK, and
  /// without a word on who spoke first.
  var withoutHandshake: Link {
    guard hasHandshake, ProtocolName.hasPorts(protocolNumber) else { return self }
    var hidden = self
    hidden.hasHandshake = false
    hidden.events.subtract([.synFromA, .synFromB, .synAckFromA, .synAckFromB])
    // Twice as many, of which either side began one half.
    hidden.sessions = 2 * max(1, completed)
    hidden.firstFromB = hidden.sessions / 2
    hidden.twoWay = hidden.isTwoWay ? hidden.sessions : 0
    return hidden
  }
}
