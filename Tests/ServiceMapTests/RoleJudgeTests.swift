import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct RoleJudgeTests {
  private func judge(_ links: [Link], _ statements: String = "") throws -> RoleJudge {
    let hostCount = links.reduce(0) { max($0, $1.a, $1.b) } + 1
    return RoleJudge(
      links: links, addresses: Sample.addresses(hostCount),
      overrides: try RoleOverrides(parsing: statements, path: "roles"))
  }

  // MARK: Retroactive

  /// The first day: one session from its midst, 3 packets of 10.0.0.1 and 2 of 10.0.0.2.
  private let firstDay = Sample.midway(1, 28471, 2, 28000)

  @Test("by itself a session between two unknown ports stays undecided")
  func undecided() throws {
    #expect(try judge([firstDay]).relations().map(\.kind) == [.undecided])
  }

  @Test("a SYN+ACK of the second day turns the first, packets and bytes in both directions with it")
  func retroactive() throws {
    // 10.0.0.1:28471 answers somebody else: it served 10.0.0.2 as well.
    let toA = try judge([firstDay, Sample.served(1, 28471, 3)]).relations()
    let one = try #require(toA.first { $0.client == 2 })
    #expect(toA.count == 2 && one.kind == .provided && one.basis == .knownServer)
    #expect(one.server == 1 && one.port == 28471 && one.clientPort == 0)
    #expect(one.packetsToServer == 2 && one.packetsToClient == 3)
    #expect(one.bytesToServer == 200 && one.bytesToClient == 3000)

    // 10.0.0.2:28000 does: then all of it is the other way round.
    let toB = try judge([firstDay, Sample.served(2, 28000, 3)]).relations()
    let other = try #require(toB.first { $0.client == 1 })
    #expect(toB.count == 2 && other.kind == .provided && other.basis == .knownServer)
    #expect(other.server == 2 && other.port == 28000 && other.clientPort == 0)
    #expect(other.packetsToServer == 3 && other.packetsToClient == 2)
    #expect(other.bytesToServer == 3000 && other.bytesToClient == 200)
  }

  @Test("a handshake of the same two joins the first day to the second, as one relation")
  func joined() throws {
    var second = Sample.served(1, 28471, 2, 31000, sessions: 4)
    second.firstTick = 1000
    second.lastTick = 2000
    let relations = try judge([firstDay, second]).relations()
    let one = try #require(relations.first)
    #expect(relations.count == 1 && one.kind == .provided && one.basis == .handshake)
    #expect(one.sessions == 5 && one.packetsToServer == 10 && one.packetsToClient == 15)
    #expect(one.firstTick == 10 && one.lastTick == 2000)
  }

  @Test("refused, silent and half-open answers of the second day turn nothing")
  func noAnswer() throws {
    for failed: WritableKeyPath<Link, UInt64> in [\.refused, \.unanswered, \.halfOpen] {
      var second = Sample.served(1, 28471, 3)
      second[keyPath: failed] = 1
      let relations = try judge([firstDay, second]).relations()
      #expect(relations.first { $0.client == 2 || $0.server == 2 }?.kind == .undecided)
    }
  }

  // MARK: The operator

  /// Lines of a file for 10.0.0.1:28471 and 10.0.0.2:28000; the kind, and the server's last byte.
  static let statements: [(text: String, kind: RelationKind, server: Int?)] = [
    ("10.0.0.1:28471: server", .provided, 1),
    ("10.0.0.2:28000: server", .provided, 2),
    ("10.0.0.1:28471: client", .provided, 2),
    ("10.0.0.2:28000: client", .provided, 1),
    ("10.0.0.1:28471: peer", .peer, nil),
    ("10.0.0.2:28000: peer", .peer, nil),
    ("10.0.0.1:28471: auto", .undecided, nil),
    // Both ends.
    ("10.0.0.1:28471: server\n10.0.0.2:28000: client", .provided, 1),
    ("10.0.0.1:28471: client\n10.0.0.2:28000: server", .provided, 2),
    ("10.0.0.0/24:*: server", .peer, nil),
    ("10.0.0.0/24:*: client", .peer, nil),
    ("10.0.0.1:28471: peer\n10.0.0.2:28000: server", .peer, nil),
    // The first line that matches decides.
    ("10.0.0.1:28471: server\n10.0.0.0/24:*: client", .provided, 1),
    ("10.0.0.0/24:28000-28999: client\n10.0.0.2:28000: server", .peer, nil),
    ("10.0.0.1:28471: auto\n10.0.0.1:*: server", .undecided, nil),
    ("10.0.0.1:28471: auto\n10.0.0.0/24:*: server", .provided, 2),
    // Another endpoint, another protocol.
    ("10.0.0.1:28472: server\n10.0.0.1:28471/udp: server", .undecided, nil),
  ]

  @Test("what the operator says of an endpoint decides", arguments: statements)
  func overrides(text: String, kind: RelationKind, server: Int?) throws {
    for link in [firstDay, firstDay.exchanged] {
      let relation = try #require(try judge([link], text).relations().first)
      #expect(relation.kind == kind && relation.packets == 5)
      #expect((relation.basis == .overridden) == (kind != .undecided))
      guard let server else { continue }
      #expect(relation.server == server && relation.port == (server == 1 ? 28471 : 28000))
      #expect(relation.packetsToServer == (server == 1 ? 2 : 3))
      #expect(relation.bytesToClient == (server == 1 ? 3000 : 200))
      #expect(relation.confidence == 1)
    }
  }

  @Test("what the operator says stands above a handshake, and turns it")
  func aboveHandshake() throws {
    let relation = try #require(
      try judge([Sample.served(1, 80, 2, 50000)], "10.0.0.1:80/tcp: client").relations().first)
    #expect(relation.server == 2 && relation.port == 50000 && relation.basis == .overridden)
    #expect(relation.packetsToServer == 3 && relation.packetsToClient == 2)
  }

  @Test("what the operator says of one endpoint teaches nothing about others")
  func oneEndpoint() throws {
    let other = Sample.midway(1, 28472, 3, 28000)
    let relations = try judge([firstDay, other], "10.0.0.1:28471: server").relations()
    #expect(relations.count { $0.basis == .overridden } == 1)
    #expect(relations.count { $0.kind == .undecided } == 1)
  }

  // MARK: All cases

  /// Random links between hosts and a few groups.
  private func some(_ generator: inout SeededGenerator) -> ([Link], [IPAddress]) {
    let links = (0..<400).map { _ in Sample.random(hosts: 24, using: &generator) }
    var addresses = Sample.addresses(24, mixed: true)
    addresses[4] = IPAddress(v4: v4("224.0.0.251"))
    addresses[5] = IPAddress(v4: v4("10.0.0.255"))
    addresses[6] = IPAddress(high: 0xFF02 << 48, low: 1)
    return (links, addresses)
  }

  private static let files = [
    "", "*:*: peer", "*:53: server\n*:*: client", "10.0.0.0/28:*: server",
  ]

  @Test("every packet, byte and session of the links is in one relation", arguments: files)
  func conserved(statements: String) throws {
    var generator = TestSeed.generator(for: "RoleJudgeTests.conserved")
    let overrides = try RoleOverrides(parsing: statements, path: "roles")
    for _ in 0..<10 {
      let (links, addresses) = some(&generator)
      let relations = RoleJudge(links: links, addresses: addresses, overrides: overrides)
        .relations()
      #expect(
        relations.reduce(0) { $0 + $1.packets } == links.reduce(0) { $0 + $1.packets })
      #expect(
        relations.reduce(0) { $0 + $1.bytes } == links.reduce(0) { $0 + $1.bytesAB + $1.bytesBA })
      #expect(
        relations.reduce(0) { $0 + $1.sessions } == links.reduce(0) { $0 + $1.sessions })
      #expect(relations.allSatisfy { $0.confidence >= 0.5 && $0.confidence <= 1 })
      #expect(relations.allSatisfy { !$0.kind.isService || $0.answered > 0 })
    }
  }

  @Test("what each host sent is the same whoever is judged to serve", arguments: files)
  func directions(statements: String) throws {
    var generator = TestSeed.generator(for: "RoleJudgeTests.directions")
    let overrides = try RoleOverrides(parsing: statements, path: "roles")
    let (links, addresses) = some(&generator)
    var sent = [UInt64](repeating: 0, count: addresses.count)
    for link in links {
      sent[link.a] += link.bytesAB
      sent[link.b] += link.bytesBA
    }
    for one in RoleJudge(links: links, addresses: addresses, overrides: overrides).relations() {
      sent[one.server] -= min(sent[one.server], one.bytesToClient)
      sent[one.client] -= min(sent[one.client], one.bytesToServer)
    }
    #expect(sent.allSatisfy { $0 == 0 })
  }

  /// The relations as text, so that they can be compared whatever their order.
  private func texts(_ links: [Link], _ addresses: [IPAddress]) -> [String] {
    RoleJudge(links: links, addresses: addresses).relations().map { relation in
      var one = relation
      one.confidence = (relation.confidence * 1e9).rounded()
      return "\(one)"
    }.sorted()
  }

  @Test("the order of links does not matter")
  func order() {
    var generator = TestSeed.generator(for: "RoleJudgeTests.order")
    var (links, addresses) = some(&generator)
    let expected = texts(links, addresses)
    for _ in 0..<5 {
      links.shuffle(using: &generator)
      #expect(texts(links, addresses) == expected)
    }
  }

  @Test("which side of a link without a handshake is called A does not matter")
  func exchanged() {
    var generator = TestSeed.generator(for: "RoleJudgeTests.exchanged")
    for _ in 0..<5 {
      let (links, addresses) = some(&generator)
      // Those that stand for several ports have the leaf as B; a host with itself has two A's; and
      // two that have the same port may be equal in all.
      let kept = links.filter { $0.a != $0.b && $0.aPort != $0.bPort }
      let turned = kept.map { link in
        !link.hasHandshake && link.bPorts == 1 && Bool.random(using: &generator)
          ? link.exchanged : link
      }
      #expect(texts(turned, addresses) == texts(kept, addresses))
    }
  }

  private func keys(_ links: [Link], _ addresses: [IPAddress]) -> [[Int]] {
    RoleJudge(links: links, addresses: addresses).relations().map { one in
      [
        one.kind.isService || one.kind == .failed ? 0 : Int(one.kind.rawValue), one.server,
        one.client, Int(one.protocolNumber), Int(one.port), Int(one.clientPort),
      ]
    }
  }

  @Test("each key is one relation")
  func distinct() {
    var generator = TestSeed.generator(for: "RoleJudgeTests.distinct")
    for _ in 0..<5 {
      // Few endpoints, so that many links meet in one relation.
      let links = (0..<600).map { _ in
        var link = Sample.random(hosts: 4, using: &generator)
        link.bPort = 50000 + link.bPort % 4
        return link
      }
      let keys = keys(links, Sample.addresses(4, mixed: true))
      #expect(Set(keys).count == keys.count && keys.count < links.count)
    }
  }

  @Test("what goes to a group is one relation, with and without a SYN")
  func distinctGroups() {
    var addresses = Sample.addresses(3)
    addresses[1] = IPAddress(v4: v4("224.0.0.251"))
    var asked = Link(
      a: 1, b: 2, protocolNumber: 6, aPort: 80, bPort: 50000, hasHandshake: true,
      events: [.synFromB, .firstFromB])
    (asked.sessions, asked.firstFromB, asked.unanswered, asked.packetsBA) = (1, 1, 1, 1)
    var midway = asked
    (midway.hasHandshake, midway.events, midway.unanswered) = (false, [.progressFromB], 0)
    do {
      #expect(keys([asked, midway], addresses).count == 1)
    }
  }
}
