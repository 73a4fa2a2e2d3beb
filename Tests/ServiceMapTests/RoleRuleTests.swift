import ServiceMap
import TestSupport
import Testing

@Suite struct RoleRuleTests {
  @Test("exchanging the two endpoints exchanges the verdict and nothing else")
  func symmetric() {
    var generator = SeededGenerator(seed: 1)
    func some() -> EndpointEvidence {
      var evidence = EndpointEvidence()
      evidence.served = .random(in: 0...3, using: &generator)
      evidence.peersIn = .random(in: 0...50, using: &generator)
      evidence.peerPortsIn = .random(in: 0...500, using: &generator)
      evidence.peersOut = .random(in: 0...20, using: &generator)
      evidence.peerPortsOut = .random(in: 0...20, using: &generator)
      return evidence
    }
    for _ in 0..<2000 {
      let (a, b) = (some(), some())
      let pair = PairEvidence(
        protocolNumber: [6, 17].randomElement(using: &generator) ?? 6,
        aPort: generator.next(), bPort: generator.next(), firstFromB: Bool.random(using: &generator)
      )
      let turned = PairEvidence(
        protocolNumber: pair.protocolNumber, aPort: pair.bPort, bPort: pair.aPort,
        firstFromB: !pair.firstFromB)
      let one = RoleRule.judge(pair, a: a, b: b)
      let other = RoleRule.judge(turned, a: b, b: a)
      #expect(one.serverIsA != other.serverIsA)
      #expect(abs(one.confidence - other.confidence) < 1e-12)
      #expect(one.confidence >= 0.5 && one.confidence <= 1)
    }
  }

  @Test("more evidence of the same kind never lowers the confidence")
  func monotonous() {
    let pair = PairEvidence(protocolNumber: 6, aPort: 28471, bPort: 28000, firstFromB: false)
    var before = 0.0
    for peers in stride(from: UInt32(1), to: 100, by: 7) {
      var a = EndpointEvidence()
      a.peersIn = peers
      a.peerPortsIn = peers * 3
      let verdict = RoleRule.judge(pair, a: a, b: EndpointEvidence())
      if peers > 1 { #expect(verdict.serverIsA && verdict.confidence >= before) }
      before = verdict.confidence
    }
  }

  @Test("an endpoint that answered handshakes serves, whatever the ports say")
  func known() {
    var a = EndpointEvidence()
    a.served = 1
    let pair = PairEvidence(protocolNumber: 6, aPort: 60000, bPort: 443, firstFromB: false)
    let verdict = RoleRule.judge(pair, a: a, b: EndpointEvidence())
    #expect(verdict.serverIsA && verdict.basis == .knownServer)
  }
}
