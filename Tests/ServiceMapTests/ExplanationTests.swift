import ServiceMap
import TestSupport
import Testing
import Wire

@Suite struct ExplanationTests {
  private func endpoint(_ host: Int, _ port: UInt16, _ proto: UInt8 = 6) -> Explanation.Endpoint {
    Explanation.Endpoint(
      address: Sample.addresses(host + 1)[host], protocolNumber: proto, port: port)
  }

  private func judge(
    _ links: [Link], hosts: Int = 40, _ roles: String = ""
  ) throws -> RoleJudge {
    RoleJudge(
      links: links, addresses: Sample.addresses(hosts),
      overrides: try RoleOverrides(parsing: roles, path: "roles.txt"))
  }

  /// What a change promised, where it is what is left to apply.
  private func outcome(_ change: Explanation.Change) -> Explanation.Outcome {
    switch change {
    case .answersHandshake(let outcome), .otherAnswersHandshake(let outcome),
      .morePeers(_, let outcome), .line(_, let outcome), .withoutLine(_, let outcome):
      outcome
    }
  }

  @Test("what each piece of evidence adds comes to the sum, and the sum to the verdict")
  func sums() throws {
    let links = (2..<9).map { Sample.midway(1, 443, $0, 50_000 + UInt16($0), firstFromB: 1) }
    let one = try #require(try judge(links).explain(endpoint(1, 443)))
    let weighing = try #require(one.example.weighing)
    #expect(weighing.weights.count == RoleFeatures.Feature.allCases.count + 1)
    for weight in weighing.weights {
      #expect(abs(weight.value * weight.weight - weight.contribution) < 1e-9)
    }
    let sum = weighing.weights.reduce(0) { $0 + $1.contribution }
    #expect(abs(sum - weighing.logOdds) < 1e-9)
    var contributions = Contributions()
    for (index, weight) in weighing.weights.enumerated() {
      contributions[index] = weight.contribution
    }
    let verdict = RoleRule.judge(contributions)
    #expect(verdict.serverIsA == weighing.isServer && verdict.confidence == weighing.confidence)
    #expect(one.role == .server && one.confidence == verdict.confidence)
    #expect(one.example.reason == .weighed && one.links == 7 && one.others?.links == 6)
    #expect(one.parts == [part(.server, addresses: 7, sessions: 7, packets: 35)])
    #expect(one.findings.peers == 7 && one.findings.firstFromOther == 7)
  }

  private func part(
    _ role: Explanation.Role, addresses: Int, sessions: UInt64, packets: UInt64
  ) -> Explanation.Part {
    var part = Explanation.Part(role: role)
    part.addresses = addresses
    part.sessions = sessions
    part.packets = packets
    return part
  }

  @Test("the two ends of a link are explained by the same figures with the opposite sign")
  func symmetric() throws {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<60 {
      var links = (0..<12).map { _ in Sample.random(hosts: 8, using: &generator) }
      links.append(
        Sample.midway(
          20, generator.next(), 21, generator.next(), protocolNumber: Bool.random() ? 6 : 17,
          sessions: 3, firstFromB: .random(in: 0...3, using: &generator)))
      let pair = links[links.count - 1]
      let judge = try judge(links)
      let one = try #require(judge.explain(endpoint(20, pair.aPort, pair.protocolNumber)))
      let other = try #require(judge.explain(endpoint(21, pair.bPort, pair.protocolNumber)))
      let (here, there) = (try #require(one.example.weighing), try #require(other.example.weighing))
      #expect(abs(here.logOdds + there.logOdds) < 1e-9)
      #expect(here.confidence == there.confidence)
      #expect(here.own == there.other && here.firstFromOwn == there.firstFromOther)
      let roles: Set = [one.role, other.role]
      #expect([[.server, .client], [.undecided], [.peer], [.failed, .inVain]].contains(roles))
    }
  }

  @Test("any endpoint of any map is explained as the map has it")
  func random() throws {
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<12 {
      let links = (0..<20).map { _ in Sample.random(hosts: 6, using: &generator) }
      let judge = try judge(links)
      let relations = judge.relations()
      for link in links where [6, 17, 132].contains(link.protocolNumber) {
        let one = try #require(
          judge.explain(endpoint(link.a, link.aPort, link.protocolNumber)))
        #expect(0.5...1 ~= one.confidence)
        #expect(one.parts.first?.role == one.role)
        let services = relations.filter {
          $0.server == link.a && $0.port == link.aPort && $0.kind == .provided
            && $0.protocolNumber == link.protocolNumber
        }
        // An answer from another port than was asked counts for the port that was.
        if one.role == .server, one.example.reason != .elsewhere {
          let best = services.map(\.confidence).max() ?? 0
          #expect(!services.isEmpty && one.confidence <= best, "\(one.endpoint)")
        }
      }
    }
  }

  @Test("a handshake decides, and the rest is weighed without it")
  func handshake() throws {
    let links = (2..<6).map { Sample.served(1, 28471, $0, sessions: 5) }
    let judge = try judge(links)
    let one = try #require(judge.explain(endpoint(1, 28471)))
    #expect(one.role == .server && one.basis == .handshake && one.example.reason == .handshake)
    let weighing = try #require(one.example.weighing)
    #expect(weighing.hidesHandshakes && weighing.own.served == 0)
    #expect(weighing.confidence < 0.999 && weighing.isServer)
    #expect(one.findings.answered == 20 && one.findings.answeredClients == 4)
    let client = try #require(judge.explain(endpoint(2, 50000)))
    #expect(client.role == .client && client.example.other == endpoint(1, 28471))
    #expect(client.findings.begun == 5 && client.example.weighing?.isServer == false)
  }

  @Test("what was not seen is not explained; what was is named")
  func unknown() throws {
    let judge = try judge([Sample.midway(1, 443, 2, 50_000), Sample.served(1, 22, 3)])
    #expect(judge.explain(endpoint(1, 444)) == nil)
    #expect(judge.explain(endpoint(1, 443, 17)) == nil)
    #expect(judge.explain(endpoint(99, 443)) == nil)
    #expect(judge.protocols(at: endpoint(1, 443).address, port: 443) == [6])
    let seen = judge.sightings(of: endpoint(1, 0).address)
    #expect(Set(seen.map(\.endpoint)) == [endpoint(1, 22), endpoint(1, 443)])
    #expect(seen.first?.isService == true)
    #expect(judge.sightings(of: endpoint(99, 0).address).isEmpty)
    let like = judge.addresses(like: endpoint(99, 0).address, count: 3)
    #expect(like.count == 3)
  }

  @Test("the line of the operator is named, and taken away again")
  func overridden() throws {
    let links = [Sample.midway(1, 31234, 2, 31235)]
    let roles = "# ours\n10.0.0.1:31234/tcp: server # the old ERP\n"
    let judge = try judge(links, roles)
    let one = try #require(judge.explain(endpoint(1, 31234)))
    #expect(one.role == .server && one.confidence == 1 && one.example.reason == .overridden)
    let said = try #require(one.statement)
    #expect(said.line == 2 && said.path == "roles.txt" && said.role == .server)
    #expect(said.text == "10.0.0.1:31234/tcp: server" && one.otherStatement == nil)
    let plain = try #require(try self.judge(links).explain(endpoint(1, 31234)))
    #expect(
      one.changes == [
        .withoutLine(said, .init(role: plain.role, confidence: plain.confidence))
      ])
    let other = try #require(judge.explain(endpoint(2, 31235)))
    #expect(other.role == .client && other.statement == nil && other.otherStatement == said)
  }

  @Test("what would change the verdict does, when it is done")
  func changes() throws {
    var links = [Sample.midway(1, 31234, 2, 31235, firstFromB: 1)]
    // A network beside it, so that ports and hosts have a say.
    for host in 10..<30 { links.append(Sample.midway(5, 443, host, 50_000 + UInt16(host))) }
    let before = try #require(try judge(links).explain(endpoint(1, 31234)))
    #expect(before.role == .undecided)
    var kinds = Set<String>()
    for change in before.changes {
      var more = links
      var roles = ""
      switch change {
      case .morePeers(let count, _):
        kinds.insert("peers")
        #expect(count > 0)
        for peer in 0..<count {
          more.append(Sample.midway(1, 31234, 40 + peer, 31235, firstFromB: 1))
        }
      case .answersHandshake:
        kinds.insert("here")
        more.append(Sample.served(1, 31234, 2, 31235))
      case .otherAnswersHandshake:
        kinds.insert("there")
        more.append(Sample.served(2, 31235, 1, 31234))
      case .line(let text, _):
        kinds.insert("line")
        roles = text
      case .withoutLine: Issue.record("there is no line")
      }
      let after = try #require(try judge(more, hosts: 400, roles).explain(endpoint(1, 31234)))
      #expect(after.role == outcome(change).role, "\(change)")
      #expect(abs(after.confidence - outcome(change).confidence) < 0.01, "\(change)")
      #expect(after.role != before.role)
    }
    #expect(kinds == ["peers", "here", "there", "line"])
  }

  @Test("one peer fewer than are said to be needed would not do, by the rule")
  func fewest() throws {
    let links = [Sample.midway(1, 31234, 2, 31235, firstFromB: 1)]
    let before = try #require(try judge(links).explain(endpoint(1, 31234)))
    let needed = before.changes.compactMap { change in
      if case .morePeers(let count, _) = change { count } else { nil }
    }
    let count = try #require(needed.first)
    #expect(count < 20)
    if count > 1 {
      let fewer = links + [Sample.midway(1, 31234, 40, 31235, firstFromB: 1)]
      let after = try #require(try judge(fewer, hosts: 60).explain(endpoint(1, 31234)))
      #expect(after.role == .undecided || count == 2)
    }
  }

  @Test("IPv6 is written in brackets, as the roles file takes it")
  func names() throws {
    let six = try #require(IPAddress("2001:db8::1"))
    let name = Explanation.Endpoint(address: six, protocolNumber: 17, port: 53).description
    #expect(name == "[2001:db8::1]:53/udp")
    #expect(try !RoleOverrides(parsing: "\(name): server", path: "r").isEmpty)
    #expect("\(endpoint(1, 80))" == "10.0.0.1:80/tcp")
  }
}
