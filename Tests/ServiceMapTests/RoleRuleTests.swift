import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct RoleRuleTests {
  private static let weights: [RoleWeights] = [.tcp, .udp]

  private func some(_ generator: inout SeededGenerator) -> EndpointEvidence {
    var evidence = EndpointEvidence()
    evidence.served = .random(in: 0...3, using: &generator)
    evidence.peers = .random(in: 0...50, using: &generator)
    evidence.peerPorts = .random(in: 0...500, using: &generator)
    evidence.askedBy = .random(in: 0...50, using: &generator)
    evidence.asked = .random(in: 0...50, using: &generator)
    return evidence
  }

  @Test("exchanging the two ends exchanges the verdict and nothing else")
  func symmetric() {
    var generator = TestSeed.generator(for: "RoleRuleTests.symmetric")
    let links = (0..<400).map { _ in Sample.random(hosts: 30, using: &generator) }
    let evidence = RoleEvidence(LinkTable(links: links, addresses: Sample.addresses(30)))
    for _ in 0..<2000 {
      let link = Sample.random(hosts: 30, using: &generator)
      let (a, b) = (some(&generator), some(&generator))
      let features = evidence.features(of: link, a: a, b: b)
      let turned = evidence.features(of: link.exchanged, a: b, b: a)
      for feature in RoleFeatures.Feature.allCases {
        #expect(abs(features[feature] + turned[feature]) < 1e-9, "\(feature) of \(link)")
      }
      let one = RoleRule.contributions(
        features, protocolNumber: link.protocolNumber, a: a, b: b)
      let other = RoleRule.contributions(
        turned, protocolNumber: link.protocolNumber, a: b, b: a)
      let verdict = RoleRule.judge(one)
      let opposite = RoleRule.judge(other)
      #expect(abs(verdict.confidence - opposite.confidence) < 1e-9)
      #expect(verdict.confidence >= 0.5 && verdict.confidence < 1)
      // Where nothing speaks for either side there is nothing to exchange.
      if verdict.confidence > 0.5 + 1e-9 {
        #expect(verdict.serverIsA != opposite.serverIsA && verdict.basis == opposite.basis)
      }
    }
  }

  @Test("a link of which only parts of sessions are known says nothing about who spoke first")
  func noSessions() {
    // The rest of the session, and with it its count, may be in a link with a handshake.
    let link = Sample.midway(0, 28471, 1, 28000, sessions: 0)
    let none = EndpointEvidence()
    do {
      let evidence = RoleEvidence(LinkTable(links: [], addresses: Sample.addresses(2)))
      let first = evidence.features(of: link, a: none, b: none)[.firstSpeaker]
      #expect(first == 0)
    }
  }

  @Test("no weight is negative: more of a feature never speaks against it")
  func weights() {
    for weights in RoleRuleTests.weights {
      #expect(weights.values.count == RoleFeatures.Feature.allCases.count)
      let values = weights.values.indices.map { weights.values[$0] }
      #expect(values.allSatisfy { $0 >= 0 } && values.contains { $0 > 0 })
    }
  }

  @Test("every feature has a direction: more of it speaks for A")
  func directions() {
    // Two servers at port 443, and clients that have each a port of its own.
    let links = (0..<20).map { Sample.served($0 % 2, 443, 2 + $0, 49200 + UInt16($0)) }
    let evidence = RoleEvidence(LinkTable(links: links, addresses: Sample.addresses(22)))
    var asked = EndpointEvidence()
    asked.peers = 9
    asked.peerPorts = 9
    asked.askedBy = 9
    let none = EndpointEvidence()
    // A is the server of all others at a well-known port; B asks and breaks silences.
    for feature in RoleFeatures.Feature.allCases {
      // Who asked counts where there is no handshake to tell.
      var link = Sample.midway(
        1, 443, 2, 50000, protocolNumber: feature == .asked ? 17 : 6, sessions: 4, firstFromB: 4)
      link.events.insert(.brokeSilenceB)
      let value = evidence.features(of: link, a: asked, b: none)[feature]
      #expect(value > 0 && value <= 8, "\(feature)")
    }
  }

  @Test("the same port on both sides says nothing by its number")
  func samePort() {
    let links = (0..<20).map { Sample.served(1, 123, 2 + $0) }
    let evidence = RoleEvidence(LinkTable(links: links, addresses: Sample.addresses(22)))
    let features = evidence.features(
      of: Sample.midway(1, 123, 2, 123), a: EndpointEvidence(), b: EndpointEvidence())
    #expect(features[.portKnown] == 0 && features[.portRange] == 0 && features[.portCommon] == 0)
    #expect(features[.notEphemeral] == 0)
  }

  @Test("more peers never lower the confidence", arguments: [UInt8(6), 17])
  func monotonous(protocolNumber: UInt8) {
    let evidence = RoleEvidence(LinkTable(links: [], addresses: Sample.addresses(2)))
    let link = Sample.midway(0, 28471, 1, 28000, protocolNumber: protocolNumber)
    var before = 0.0
    for peers in stride(from: UInt32(1), to: 400, by: 7) {
      var a = EndpointEvidence()
      a.peers = peers
      a.peerPorts = peers * 3
      a.askedBy = peers
      let b = EndpointEvidence()
      let verdict = RoleRule.judge(
        RoleRule.contributions(
          evidence.features(of: link, a: a, b: b), protocolNumber: protocolNumber, a: a, b: b))
      if peers > 1 {
        #expect(verdict.serverIsA && verdict.confidence >= before && verdict.basis == .fanIn)
        before = verdict.confidence
      }
    }
    #expect(before > RoleRule.decidedAbove)
  }

  @Test("an endpoint that answered handshakes serves, whatever the ports say", arguments: [6, 132])
  func known(protocolNumber: UInt8) {
    var a = EndpointEvidence()
    a.served = 1
    let b = EndpointEvidence()
    let evidence = RoleEvidence(LinkTable(links: [], addresses: Sample.addresses(2)))
    let link = Sample.midway(0, 60000, 1, 443, protocolNumber: protocolNumber)
    let verdict = RoleRule.judge(
      RoleRule.contributions(
        evidence.features(of: link, a: a, b: b), protocolNumber: protocolNumber,
        a: a, b: b))
    #expect(verdict.serverIsA && verdict.basis == .knownServer)
    #expect(verdict.confidence >= RoleRule.decidedAbove)
  }

  @Test("both or none having answered handshakes says nothing")
  func bothKnown() {
    var known = EndpointEvidence()
    known.served = 9
    for one in [known, EndpointEvidence()] {
      let contributions = RoleRule.contributions(
        RoleFeatures(), protocolNumber: 6, a: one, b: one)
      let verdict = RoleRule.judge(contributions)
      #expect(verdict.confidence == 0.5 && verdict.basis == .none)
    }
  }
}
