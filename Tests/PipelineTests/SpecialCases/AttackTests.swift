import Testing

/// Crafted packets. None of them makes a service of anybody.
@Suite struct AttackTests {
  @Test(
    "a SYN scan of closed ports finds no service, and every port failed",
    arguments: Layout.ipv4, [">S <RA", ">S", ">S >S"])
  func synScan(layout: Layout, talk: String) throws {
    var net = Scenario(layout)
    for index in 0..<5000 {
      let port = UInt16(1 + index / 5)
      net.tcp(net.client()[61_000], net.server(1 + index % 5)[port], talk)
    }
    let map = try net.map()
    #expect(map.services.isEmpty)
    #expect(map.failedPorts == 5000)
  }

  @Test(
    "a SYN scan from a server's port makes no server of the scanner",
    arguments: Layout.allCases, [">S <RA", ">S"])
  func synScanFromServicePort(layout: Layout, talk: String) throws {
    var net = Scenario(layout)
    for n in 1...300 { net.tcp(net.client()[443], net.server(n)[UInt16(9000 + n)], talk) }
    let map = try net.map()
    #expect(map.services.isEmpty)
  }

  @Test(
    "scans with odd flags find no service, reset or not",
    arguments: [">A", ">F", ">-", ">FPU", ">FA", ">SA"], [" <R", " <RA", ""])
  func oddFlags(probe: String, answer: String) throws {
    for layout in Layout.ipv4 {
      var net = Scenario(layout)
      for index in 0..<500 {
        let target = net.server(1 + index % 5)[UInt16(1 + index / 5)]
        net.tcp(net.client()[61_000], target, probe + answer)
      }
      let map = try net.map()
      #expect(map.services.isEmpty, "\(layout)")
    }
  }

  @Test("a SYN with data that nobody answers is a failed request", arguments: Layout.allCases)
  func synWithData(layout: Layout) throws {
    var net = Scenario(layout)
    for n in 1...20 { net.tcp(net.ephemeral(net.client(n)), net.server()[80], ">SP >SP >SP") }
    let map = try net.map()
    #expect(map.services.isEmpty)
    #expect(map.failedServices == [net.server()[80].tcp])
  }

  @Test(
    "backscatter of a flooded web server makes no service, and no clients of the strangers",
    arguments: Layout.allCases, ["<SA", "<SA <SA <SA", "<SA >R"])
  func backscatter(layout: Layout, talk: String) throws {
    var net = Scenario(layout)
    for n in 1...300 { net.tcp(net.stranger(n)[UInt16(1024 + n * 37)], net.server()[80], talk) }
    let map = try net.map()
    #expect(map.services.isEmpty)
    for n in [1, 150, 300] { #expect(map.requests(net.stranger(n)).isEmpty) }
  }

  @Test(
    "half-open sessions are failed ones, and their forged sources no clients",
    arguments: Layout.allCases, [">S <SA", ">S <SA <SA <SA", ">S <SA >R"])
  func halfOpen(layout: Layout, talk: String) throws {
    var net = Scenario(layout)
    let web = net.server()[80]
    for n in 1...300 { net.tcp(net.stranger(n)[UInt16(1024 + n * 37)], web, talk) }
    let map = try net.map()
    #expect(map.services.isEmpty)
    #expect(map.failedServices == [web.tcp])
    for n in [1, 150, 300] {
      #expect(map.requests(net.stranger(n)).isEmpty)
      #expect(map.failure(net.stranger(n), web.tcp)?.sessions == 1)
    }
  }

  @Test(
    "a server under attack keeps its true clients and gains no other",
    arguments: Layout.ipv4, [">S <SA <SA", "<SA", ">R", ">A <R", ">S", ">RA >RA"])
  func underAttack(layout: Layout, attack: String) throws {
    var net = Scenario(layout)
    let web = net.server()[80]
    for n in 1...300 {
      net.tcp(net.stranger(n)[UInt16(1024 + n * 37)], web, attack)
      if n % 15 == 0 { net.tcp(net.ephemeral(net.client(n / 15)), web) }
    }
    let map = try net.map()
    #expect(map.services == [web.tcp])
    #expect(map.service(web.tcp)?.clients == 20)
    #expect(map.service(web.tcp)?.sessions == 20)
    #expect(map.service(web.tcp)?.basis == "handshake")
  }

  @Test("a flood of resets makes no service", arguments: Layout.allCases, [">R", "<R", ">RA <R"])
  func resets(layout: Layout, talk: String) throws {
    var net = Scenario(layout)
    for n in 1...300 { net.tcp(net.stranger(n)[UInt16(1024 + n * 37)], net.server()[80], talk) }
    let map = try net.map()
    #expect(map.services.isEmpty && map.failedServices.isEmpty)
  }
}
