import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct RoleEvidenceTests {
  private func evidence(_ links: [Link]) -> RoleEvidence {
    let hostCount = links.reduce(0) { max($0, $1.a, $1.b) } + 1
    return RoleEvidence(LinkTable(links: links, addresses: Sample.addresses(hostCount)))
  }

  /// Apart, so that a failure does not print all evidence.
  private func isPartial(_ links: [Link]) -> Bool {
    let evidence = evidence(links)
    return evidence.isPartial
  }

  // MARK: One direction only

  /// Thirty clients of three servers, each session whole.
  private var ordinary: [Link] {
    (0..<30).map {
      var link = Sample.served($0 % 3, 443, 10 + $0, 50000 + UInt16($0))
      // SYN, ACK, request, FIN: a session has hardly less.
      link.packetsBA = 4
      return link
    }
  }

  /// Sessions of which only the clients' packets were captured.
  private func oneWay(_ link: Link) -> Link {
    var link = link
    link.events.subtract([.synAckFromA, .progressFromA])
    link.packetsAB = 0
    link.bytesAB = 0
    link.twoWay = 0
    if link.hasHandshake { link.unheard = link.sessions }
    return link
  }

  /// A link of which `packets` packets of either side are kept one in a hundred; nil where none is.
  private func sampled(
    _ link: Link, packets: Int, _ generator: inout SeededGenerator
  ) -> Link? {
    func kept() -> UInt64 {
      (0..<packets).reduce(0) { sum, _ in
        sum + (Int.random(in: 0..<100, using: &generator) == 0 ? 1 : 0)
      }
    }
    var one = link
    one.hasHandshake = false
    (one.packetsAB, one.packetsBA) = (kept(), kept())
    one.events = []
    if one.packetsAB > 0 { one.events.insert(.progressFromA) }
    if one.packetsBA > 0 { one.events.insert(.progressFromB) }
    one.twoWay = one.isTwoWay ? 1 : 0
    return one.packets > 0 ? one : nil
  }

  @Test("a whole capture is not partial, with or without its handshakes, and nor is an empty one")
  func whole() {
    #expect(!isPartial(ordinary))
    #expect(!isPartial(ordinary.map(\.withoutHandshake)))
    #expect(!isPartial([]))
  }

  @Test("a tap that sees one direction is partial, whichever, with or without handshakes")
  func oneWayTap() {
    let links = ordinary.map(oneWay)
    #expect(isPartial(links))
    #expect(isPartial(links.map(\.withoutHandshake)))
    // Only what the servers said: 30 links, each of 3 packets.
    let answers = ordinary.map { whole in
      var link = oneWay(whole.withoutHandshake.exchanged).exchanged
      link.sessions = 1
      return link
    }
    #expect(answers.allSatisfy { $0.packetsBA == 0 && $0.packetsAB == 3 })
    #expect(isPartial(answers))
  }

  @Test("a sample of one packet in a hundred is partial; all packets of the same are not")
  func sample() {
    var generator = TestSeed.generator(for: "RoleEvidenceTests.sample")
    let links = (0..<2000).map {
      Sample.midway($0 % 5, 443, 10 + $0 % 100, 40000 + UInt16($0))
    }
    let kept = links.compactMap { sampled($0, packets: 30, &generator) }
    #expect(kept.count > 400)
    #expect(isPartial(kept))
    #expect(!isPartial(links))
  }

  @Test("few sessions without an answer don't make a capture partial")
  func few() {
    #expect(!isPartial(ordinary.prefix(7).map(oneWay)))
  }

  @Test("a scan over an ordinary capture does not make it partial", arguments: [0, 1, 2])
  func scan(kind: Int) {
    // Host 50 knocks at 5,000 doors of 50 hosts: with SYN, with ACK, with data into the void.
    let scan = (0..<5000).map { number -> Link in
      var link = Link(
        a: 60 + number % 50, b: 50, protocolNumber: 6, aPort: UInt16(1 + number / 50), bPort: 55555,
        hasHandshake: kind == 0, events: kind == 0 ? [.synFromB] : [.progressFromB])
      link.sessions = 1
      link.firstFromB = 1
      link.packetsBA = kind == 2 ? 3 : 1
      if kind == 0 { link.unanswered = 1 }
      if kind == 1 {
        link.events.insert(.rstFromA)
        link.packetsAB = 1
      }
      return link
    }
    #expect(!isPartial(ordinary + scan))
  }

  @Test("a flood from forged addresses does not make a capture partial", arguments: [false, true])
  func flood(isSYN: Bool) {
    let flood = (0..<5000).map { number -> Link in
      var link = Link(
        a: 0, b: 100 + number, protocolNumber: 6, aPort: 443, bPort: UInt16(1024 + number),
        hasHandshake: isSYN, events: isSYN ? [.synFromB, .synAckFromA] : [.progressFromB])
      link.sessions = 1
      link.firstFromB = 1
      link.packetsBA = 1
      link.halfOpen = isSYN ? 1 : 0
      link.packetsAB = isSYN ? 1 : 0
      return link
    }
    #expect(!isPartial(ordinary + flood))
  }

  // MARK: Endpoints

  @Test("counts an endpoint's peers, their ports and who asked whom")
  func endpoint() {
    var many = Sample.midway(1, 53, 2, 40000, protocolNumber: 17, sessions: 7, firstFromB: 7)
    many.bPorts = 7
    let asking = Sample.midway(1, 53, 3, 53, protocolNumber: 17)
    let evidence = evidence([many, asking])
    var expected = EndpointEvidence()
    expected.peers = 2
    expected.peerPorts = 8
    expected.askedBy = 7
    expected.asked = 1
    #expect(evidence[1, 17, 53] == expected)
    var other = EndpointEvidence()
    other.peers = 1
    other.peerPorts = 1
    other.askedBy = 1
    #expect(evidence[3, 17, 53] == other)
    // Several ports of a client are no endpoint, and other protocols are other endpoints.
    #expect(evidence[2, 17, 40000] == EndpointEvidence())
    #expect(evidence[1, 6, 53] == EndpointEvidence())
  }

  @Test("who answered a handshake served; who was refused, silent or probed did not")
  func served() {
    var failed = Sample.served(1, 80, 2, sessions: 3)
    failed.refused = 3
    var probed = Sample.served(3, 80, 2, sessions: 3)
    probed.halfOpen = 3
    let evidence = evidence([failed, probed, Sample.served(4, 80, 2, sessions: 3)])
    #expect(evidence[1, 6, 80].served == 0 && evidence[3, 6, 80].served == 0)
    #expect(evidence[3, 6, 80].halfOpenClients == 1 && evidence[4, 6, 80].halfOpenClients == 0)
    #expect(evidence[4, 6, 80].served == 3 && evidence[4, 6, 80].completedClients == 1)
  }

  @Test("what nobody answers makes no peers: a scan is no evidence for its targets")
  func scanned() {
    let scan = (0..<40).map { number -> Link in
      var link = Sample.midway(1, UInt16(1 + number), 2, 55555, protocolNumber: 17)
      link.events = [.progressFromB]
      link.packetsAB = 0
      link.twoWay = 0
      link.firstFromB = 1
      return link
    }
    let evidence = evidence(scan)
    #expect(evidence[1, 17, 1].peers == 0 && evidence[2, 17, 55555].peers == 0)
    #expect(evidence.hosts[2].isProbing && !evidence.hosts[1].isProbing)
  }

  @Test("the share of beginnings is that of sessions whose handshake was captured")
  func beginnings() {
    #expect(evidence([]).beginnings == 0.5)
    #expect(evidence([Sample.served(1, 80, 2, sessions: 998)]).beginnings > 0.99)
    #expect(evidence([Sample.midway(1, 80, 2, 5000, sessions: 998)]).beginnings < 0.01)
  }

  @Test("the order of links does not matter")
  func order() {
    var generator = TestSeed.generator(for: "RoleEvidenceTests.order")
    var links = (0..<300).map { _ in Sample.random(hosts: 20, using: &generator) }
    let probes = links
    let expected = evidence(links)
    for _ in 0..<5 {
      links.shuffle(using: &generator)
      let other = evidence(links)
      #expect(other.hosts == expected.hosts && other.isPartial == expected.isPartial)
      for link in probes {
        let (a, b) = (
          expected[link.a, link.protocolNumber, link.aPort],
          expected[link.b, link.protocolNumber, link.bPort]
        )
        #expect(other[link.a, link.protocolNumber, link.aPort] == a)
        #expect(other[link.b, link.protocolNumber, link.bPort] == b)
        #expect(other.features(of: link, a: a, b: b) == expected.features(of: link, a: a, b: b))
      }
    }
  }
}

extension RoleEvidence {
  /// What is known of an endpoint, by the first link that has it; all 0 where none does.
  fileprivate subscript(host: Int, protocolNumber: UInt8, port: UInt16) -> EndpointEvidence {
    for (number, facts) in table.facts.enumerated() where facts.protocolNumber == protocolNumber {
      if facts.aHost == host && facts.aPort == port { return row(.a, number) }
      if facts.bHost == host && facts.bPort == port { return row(.b, number) }
    }
    return EndpointEvidence()
  }
}
