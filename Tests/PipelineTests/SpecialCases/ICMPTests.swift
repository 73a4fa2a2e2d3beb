import Testing

/// Pings, and errors that are about other traffic.
@Suite struct ICMPTests {
  @Test("who answers pings provides them, who is silent fails", arguments: Layout.allCases)
  func ping(layout: Layout) throws {
    var net = Scenario(layout)
    for _ in 0..<4 {
      net.ping(net.client(), net.server(1))
      net.ping(net.client(), net.server(2), isAnswered: false)
      net.wait(1)
    }
    let map = try net.map()
    #expect(map.services == [net.server(1).ping])
    #expect(map.failedServices == [net.server(2).ping])
    #expect(map.undecided.isEmpty && map.notices.isEmpty)
  }

  @Test("a reply whose request is missing is the one who replies'", arguments: Layout.allCases)
  func replyAlone(layout: Layout) throws {
    var net = Scenario(layout)
    for _ in 0..<4 { net.ping(net.client(), net.server()) }
    let server = net.server()
    net.keepOnly { $0 == server }
    let map = try net.map()
    #expect(map.services.isSubset(of: [server.ping]))
  }

  @Test("a ping sweep finds those who answer", arguments: Layout.allCases)
  func sweep(layout: Layout) throws {
    var net = Scenario(layout)
    for n in 1...250 { net.ping(net.client(), net.server(n), isAnswered: n % 10 == 0) }
    let map = try net.map()
    #expect(map.services.count == 25)
    #expect(map.failedServices.count == 225)
    #expect(map.provides(net.client()).isEmpty)
  }

  @Test(
    "errors are notices and make no service of the router that sends them",
    arguments: Layout.allCases)
  func traceroute(layout: Layout) throws {
    var net = Scenario(layout)
    for hop in 0..<12 {
      for probe in 0..<3 {
        let port = UInt16(33_434 + hop * 3 + probe)
        net.udp(net.client()[45_000], net.server()[port], bytes: 32)
        if hop < 11 { net.timeExceeded(from: net.stranger(1 + hop)) }
      }
    }
    for _ in 0..<3 { net.portUnreachable(from: net.server()) }
    let map = try net.map()
    #expect(map.services.isEmpty)
    #expect(map.notices.count >= 11)
    #expect(map.notices.map(\.packets).reduce(0, +) == 36)
  }

  @Test("a SYN that a router says is unreachable is a failed request", arguments: Layout.allCases)
  func unreachableTCP(layout: Layout) throws {
    var net = Scenario(layout)
    for _ in 0..<3 {
      net.tcp(net.client()[45_000], net.server()[443], ">S")
      net.portUnreachable(from: net.stranger(1))
      net.wait(1)
    }
    let map = try net.map()
    #expect(map.services.isEmpty)
    #expect(map.failedServices == [net.server()[443].tcp])
    #expect(map.notices.count == 1)
  }
}
