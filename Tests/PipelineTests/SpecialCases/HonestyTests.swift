import Testing

/// What must hold whatever the verdicts are. Ranges and sums are checked for every scenario's map.
@Suite struct HonestyTests {
  /// A day at the office: something of everything, much of it without its beginning.
  private func day(_ layout: Layout) -> Scenario {
    var net = Scenario(layout)
    for n in 1...12 {
      let client = net.client(n)
      net.exchange(net.ephemeral(client), net.server(1)[53], times: 2)
      net.exchange(client[123], net.server(1)[123], times: 2)
      net.tcp(
        net.ephemeral(client), net.server(2)[443], n % 3 == 0 ? Scenario.session : "<A >PA <PA")
      net.tcp(net.ephemeral(client), net.server(3)[8443], Scenario.midstream)
      net.tcp(net.ephemeral(client), net.server(3)[25], [">S <RA", ">S", ">S <SA", "<SA"][n % 4])
      net.udp(net.ephemeral(client), net.server(4)[514], bytes: 200)
      net.ping(client, net.server(2), isAnswered: n % 2 == 0)
    }
    net.tcp(net.client(1)[51_000], net.server(5)[31_234], Scenario.midstream)
    net.tcp(net.client(2)[31_235], net.server(5)[51_001], "<PA >A")
    net.exchange(net.client(1)[16_384], net.server(6)[20_010], times: 20, every: 0.02)
    net.exchange(net.server(7)[500], net.client(3)[500], times: 2)
    net.udp(net.client(4)[40_112], net.server(5)[47_331])
    net.tcp(net.client(5)[40_113], net.server(5)[47_332], ">A")
    net.sctp(net.client(6)[3868], net.server(6)[3868], "<0 >3")
    return net
  }

  @Test("exchanging low and high addresses changes no verdict", arguments: [false, true])
  func layouts(is6: Bool) throws {
    let one = day(is6 ? .serversLow6 : .serversLow)
    let other = day(is6 ? .clientsLow6 : .clientsLow)
    let (picture, turned) = (try one.map().picture(one), try other.map().picture(other))
    #expect(picture.subtracting(turned) == [])
    #expect(turned.subtracting(picture) == [])
    #expect(picture.count > 60)
  }

  @Test("IPv6 is judged as IPv4 is")
  func families() throws {
    let (one, other) = (day(.serversLow), day(.serversLow6))
    func picture(_ scenario: Scenario) throws -> Set<String> {
      try scenario.map().picture(scenario).filter { !$0.contains("icmp") }
    }
    #expect(try picture(one) == picture(other))
  }

  @Test("no pair is both undecided and a relation", arguments: Layout.allCases)
  func eitherOr(layout: Layout) throws {
    let map = try day(layout).map()
    #expect(!map.undecided.isEmpty)
    for pair in map.undecided {
      let (a, b) = (Host(pair.a), Host(pair.b))
      #expect(!map.requests(b).contains("\(a) \(pair.protocol)/\(pair.aPort ?? 0)"))
      #expect(!map.requests(a).contains("\(b) \(pair.protocol)/\(pair.bPort ?? 0)"))
    }
  }

  @Test("a handshake is surer than anything else", arguments: Layout.allCases)
  func ranks(layout: Layout) throws {
    var net = Scenario(layout)
    for n in 1...20 {
      net.tcp(net.ephemeral(net.client(n)), net.server(1)[443])
      net.tcp(net.ephemeral(net.client(n)), net.server(2)[443], Scenario.midstream)
    }
    net.tcp(net.ephemeral(net.client()), net.server(3)[443], Scenario.midstream)
    let map = try net.map()
    let sure = try (1...3).map { try #require(map.service(net.server($0)[443].tcp)).confidence }
    #expect(sure[0] > sure[1] && sure[1] >= sure[2])
  }
}
