import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct SelfCheckTests {
  private func check(_ links: [Link]) -> SelfCheck {
    let hostCount = links.reduce(0) { max($0, $1.a, $1.b) } + 1
    return SelfCheck(links: links, addresses: Sample.addresses(hostCount))
  }

  /// A web server of `clients` clients.
  private func web(_ clients: Int, sessions: UInt64 = 3) -> [Link] {
    (0..<clients).map { Sample.served(1, 443, 10 + $0, 50000 + UInt16($0), sessions: sessions) }
  }

  private func some(_ generator: inout SeededGenerator) -> [Link] {
    web(5) + (0..<200).map { _ in Sample.random(hosts: 30, using: &generator) }
  }

  @Test("a server of many clients is found without its handshakes")
  func right() {
    let check = check(web(30))
    #expect(check.endpoints == 1 && check.right == 1 && check.wrong == 0 && check.undecided == 0)
    #expect(check.sessions == 90 && check.sessionsRight == 90 && check.sessionsWrong == 0)
  }

  @Test("a handshake that goes against all the rest is counted as wrong")
  func wrong() {
    // 10.0.0.10:50999 answers a SYN from port 443 of the web server: nobody would believe it.
    let odd = Sample.served(10, 50999, 1, 443)
    let check = check(web(30) + [odd])
    #expect(check.endpoints == 2 && check.right == 1 && check.wrong == 1)
    #expect(check.sessionsWrong == 1 && check.sessionsRight == 90 && check.sessions == 91)
  }

  @Test("a pair about which nothing is known stays undecided, neither right nor wrong")
  func undecided() {
    let check = check([Sample.served(1, 28471, 2, 28000)])
    #expect(check.endpoints == 1 && check.undecided == 1 && check.sessions == 1)
    #expect(check.sessionsRight == 0 && check.sessionsWrong == 0)
  }

  @Test("a capture without handshakes has nothing to check")
  func none() {
    #expect(check([]) == SelfCheck())
    #expect(check((0..<30).map { Sample.midway(1, 443, 10 + $0, 50000) }) == SelfCheck())
  }

  @Test("handshakes that came to nothing, and ICMP, are not checked")
  func notChecked() {
    var links = web(30)
    for index in links.indices { links[index].refused = links[index].sessions }
    #expect(check(links) == SelfCheck())
    for index in links.indices {
      links[index].refused = 0
      links[index].protocolNumber = 1
    }
    #expect(check(links) == SelfCheck())
  }

  @Test("no leak: who spoke first, SYN and SYN+ACK have no part in it")
  func hidden() {
    var generator = TestSeed.generator(for: "SelfCheckTests.hidden")
    for _ in 0..<10 {
      let links = some(&generator)
      let expected = check(links)
      #expect(expected.endpoints > 1 && expected.right > 0)
      let handshake: SessionEvents = [.synFromA, .synFromB, .synAckFromA, .synAckFromB]
      let altered = links.map { link -> Link in
        guard link.hasHandshake, ProtocolName.hasPorts(link.protocolNumber) else { return link }
        var one = link
        one.firstFromB = .random(in: 0...one.sessions, using: &generator)
        one.events.subtract(handshake)
        one.events.formUnion(
          SessionEvents(rawValue: generator.next()).intersection([handshake, .firstFromB]))
        one.handshakes = .random(in: 0...9, using: &generator)
        one.handshakeTicksSum = .random(in: 0...999, using: &generator)
        one.handshakeTicksMin = .random(in: 0...999, using: &generator)
        return one
      }
      #expect(check(altered) == expected)
    }
  }

  @Test("what is judged has no trace of its handshake")
  func withoutHandshake() {
    var generator = TestSeed.generator(for: "SelfCheckTests.withoutHandshake")
    for link in some(&generator)
    where link.hasHandshake && ProtocolName.hasPorts(link.protocolNumber) {
      let hidden = link.withoutHandshake
      #expect(!hidden.hasHandshake)
      #expect(
        hidden.events.isDisjoint(with: [.synFromA, .synFromB, .synAckFromA, .synAckFromB]))
      #expect(hidden.packets == link.packets && hidden.a == link.a && hidden.aPort == link.aPort)
    }
  }

  @Test("no leak: the verdict does not know which side the server was put on")
  func sides() {
    // Of a link with a handshake A is the server; that must say nothing to the rule.
    do {
      for sessions in UInt64(1)...4 {
        let hidden = Sample.served(0, 28471, 1, 28471, sessions: sessions).withoutHandshake
        let judge = RoleJudge(links: [hidden], addresses: Sample.addresses(2))
        #expect(judge.verdict(onLink: 0).confidence == 0.5, "\(sessions) sessions")
      }
    }
  }
}
