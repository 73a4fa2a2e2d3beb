import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct RoleRuleTests {
  private static let weights: [RoleWeights] = [.tcp, .udp, .partialTCP, .partialUDP]

  private func some(_ generator: inout SeededGenerator) -> EndpointEvidence {
    var evidence = EndpointEvidence()
    evidence.served = .random(in: 0...3, using: &generator)
    evidence.peers = .random(in: 0...50, using: &generator)
    evidence.peerPorts = .random(in: 0...500, using: &generator)
    evidence.askedBy = .random(in: 0...50, using: &generator)
    evidence.asked = .random(in: 0...50, using: &generator)
    return evidence
  }

  @Test("exchanging the two ends exchanges the verdict and nothing else", arguments: [false, true])
  func symmetric(isPartial: Bool) {
    var generator = TestSeed.generator(for: "RoleRuleTests.symmetric")
    let links = (0..<400).map { _ in Sample.random(hosts: 30, using: &generator) }
    let evidence = RoleEvidence(links: links, hostCount: 30) { _ in false }
    for _ in 0..<2000 {
      let link = Sample.random(hosts: 30, using: &generator)
      let (a, b) = (some(&generator), some(&generator))
      let features = evidence.features(of: link, a: a, b: b)
      let turned = evidence.features(of: link.exchanged, a: b, b: a)
      for feature in RoleFeatures.Feature.allCases {
        #expect(abs(features[feature] + turned[feature]) < 1e-9, "\(feature) of \(link)")
      }
      let one = RoleRule.contributions(
        features, protocolNumber: link.protocolNumber, isPartial: isPartial, a: a, b: b)
      let other = RoleRule.contributions(
        turned, protocolNumber: link.protocolNumber, isPartial: isPartial, a: b, b: a)
      let verdict = RoleRule.judge(contributions: one)
      let opposite = RoleRule.judge(contributions: other)
      #expect(abs(verdict.confidence - opposite.confidence) < 1e-9)
      #expect(verdict.confidence >= 0.5 && verdict.confidence < 1)
      // Where nothing speaks for either side there is nothing to exchange.
      if verdict.confidence > 0.5 + 1e-9 {
        #expect(verdict.serverIsA != opposite.serverIsA && verdict.basis == opposite.basis)
      }
    }
  }
}
