import Testing

/// Traffic of which the tap saw a part only: no handshakes, one direction, samples.
@Suite struct MissingPacketTests {
  // MARK: - Beginnings

  @Test("a web server is found without a single handshake", arguments: Layout.allCases)
  func midstream(layout: Layout) throws {
    var net = Scenario(layout)
    let web = net.server()[443]
    for n in 1...20 {
      for session in 0..<4 {
        let talk = session % 2 == 0 ? Scenario.midstream : "<A <PA >A >PA <PA >A"
        net.tcp(net.ephemeral(net.client(n)), web, talk)
      }
    }
    let map = try net.map()
    #expect(map.services == [web.tcp])
    #expect(map.service(web.tcp)?.clients == 20)
    #expect(map.service(web.tcp)?.sessions == 80)
  }

  @Test(
    "one session without its handshake goes to the well-known port",
    arguments: Layout.allCases, [Scenario.midstream, "<PA >A <PA >A >PA <A"])
  func midstreamAlone(layout: Layout, talk: String) throws {
    var net = Scenario(layout)
    let web = net.server()[443]
    net.tcp(net.ephemeral(net.client()), web, talk)
    let map = try net.map()
    #expect(map.services == [web.tcp])
    #expect(map.highestConfidence < 0.99)
  }

  @Test(
    "one session between two unknown ports is not claimed with confidence",
    arguments: Layout.allCases, [Scenario.midstream, "<PA >A <PA >A >PA <A"])
  func unknownPorts(layout: Layout, talk: String) throws {
    var net = Scenario(layout)
    let service = net.server()[31_234]
    net.tcp(net.client()[51_000], service, talk)
    let map = try net.map()
    #expect(map.services.isSubset(of: [service.tcp]))
    #expect(map.highestConfidence < 0.9)
  }

  @Test(
    "an unknown port in which many sessions meet is found without a handshake",
    arguments: Layout.allCases)
  func unknownServer(layout: Layout) throws {
    var net = Scenario(layout)
    let service = net.server()[51_999]
    for n in 1...20 {
      for _ in 0..<3 { net.tcp(net.ephemeral(net.client(n)), service, Scenario.midstream) }
    }
    let map = try net.map()
    #expect(map.services == [service.tcp])
    #expect(map.service(service.tcp)?.clients == 20)
  }

  // MARK: - QUIC and SCTP

  @Test(
    "QUIC of many clients is the server's 443, also where the server is seen first",
    arguments: Layout.allCases, [true, false])
  func quic(layout: Layout, isServerFirst: Bool) throws {
    var net = Scenario(layout)
    let quic = net.server()[443]
    for n in 1...15 {
      let client = net.ephemeral(net.client(n))
      if isServerFirst { net.udp(quic, client, bytes: 1200) }
      net.exchange(client, quic, times: 6, every: 0.05)
    }
    let map = try net.map()
    #expect(map.services == [quic.udp])
    #expect(map.service(quic.udp)?.clients == 15)
  }

  @Test(
    "QUIC of one client that begins with the server's packet is never turned round",
    arguments: Layout.allCases)
  func quicAlone(layout: Layout) throws {
    var net = Scenario(layout)
    let (client, quic) = (net.ephemeral(net.client()), net.server()[443])
    net.udp(quic, client, bytes: 1200)
    net.exchange(client, quic, times: 6, every: 0.05)
    let map = try net.map()
    #expect(map.services.isSubset(of: [quic.udp]))
  }

  @Test("an SCTP association is oriented by its INIT", arguments: Layout.allCases)
  func sctp(layout: Layout) throws {
    var net = Scenario(layout)
    let diameter = net.server()[3868]
    // INIT, INIT ACK, COOKIE ECHO, COOKIE ACK, DATA, SACK; with 3868 at both ends, as it often is.
    net.sctp(net.client()[3868], diameter, ">1 <2 >10 <11 >0 <3 <0 >3")
    let map = try net.map()
    #expect(map.services == [diameter.sctp])
    #expect(map.service(diameter.sctp)?.basis == "handshake")
  }

  @Test(
    "the server of SCTP associations without their INIT is the one where they meet",
    arguments: Layout.allCases)
  func sctpMidstream(layout: Layout) throws {
    var net = Scenario(layout)
    let diameter = net.server()[3868]
    for n in 1...12 {
      net.sctp(net.ephemeral(net.client(n)), diameter, n % 2 == 0 ? ">0 <3 <0 >3" : "<4 >5 <0 >3")
    }
    let map = try net.map()
    #expect(map.services == [diameter.sctp])
    #expect(map.service(diameter.sctp)?.clients == 12)
  }

  @Test("one SCTP association without its INIT is never turned round", arguments: Layout.allCases)
  func sctpAlone(layout: Layout) throws {
    var net = Scenario(layout)
    let diameter = net.server()[3868]
    net.sctp(net.ephemeral(net.client()), diameter, "<0 >3 >0 <3")
    let map = try net.map()
    #expect(map.services.isSubset(of: [diameter.sctp]))
  }

  // MARK: - One direction

  /// What a tap on one direction of 30 sessions sees.
  private func oneWay(_ layout: Layout, _ talk: String, keepClients: Bool) throws -> ScenarioMap {
    var net = Scenario(layout)
    for n in 0..<30 { net.tcp(net.ephemeral(net.client(1 + n % 10)), net.server()[443], talk) }
    let server = net.server()
    net.keepOnly { ($0 == server) != keepClients }
    return try net.map()
  }

  @Test(
    "a tap on one direction of whole sessions finds the server",
    arguments: Layout.allCases, [true, false])
  func oneDirection(layout: Layout, keepClients: Bool) throws {
    let map = try oneWay(layout, Scenario.session, keepClients: keepClients)
    let web = Scenario(layout).server()[443]
    #expect(map.services == [web.tcp])
    #expect(map.service(web.tcp)?.clients == 10)
  }

  @Test(
    "a tap on one direction finds the server even without its handshakes",
    arguments: Layout.allCases, [true, false])
  func oneDirectionMidstream(layout: Layout, keepClients: Bool) throws {
    let talk = Scenario.midstream + " " + Scenario.midstream
    let map = try oneWay(layout, talk, keepClients: keepClients)
    let web = Scenario(layout).server()[443]
    #expect(map.services == [web.tcp])
    #expect(map.service(web.tcp)?.clients == 10)
  }

  // MARK: - Samples

  @Test(
    "one packet of each of 300 sessions is enough to find a web server, handshakes or not",
    arguments: Layout.allCases, [">S <SA >A ", ""])
  func sampled(layout: Layout, handshake: String) throws {
    var net = Scenario(layout)
    let web = net.server()[443]
    let talk = handshake + ">PA <A " + String(repeating: "<PA <PA >A ", count: 6) + ">FA <FA >A"
    for n in 0..<300 { net.tcp(net.ephemeral(net.client(1 + n % 60)), web, talk) }
    net.keepOneOfEachSession()
    try #require(net.sent.count == 300)
    let map = try net.map()
    #expect(map.services == [web.tcp])
  }

  @Test(
    "one datagram of each of 300 exchanges is enough to find a name server",
    arguments: Layout.allCases)
  func sampledUDP(layout: Layout) throws {
    var net = Scenario(layout)
    let dns = net.server()[53]
    for n in 0..<300 { net.exchange(net.ephemeral(net.client(1 + n % 60)), dns, every: 0.1) }
    net.keepOneOfEachSession()
    try #require(net.sent.count == 300)
    let map = try net.map()
    #expect(map.services == [dns.udp])
  }
}
