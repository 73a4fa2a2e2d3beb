import Testing

/// Services that never answer, and what looks like them: syslog, traps, flow export; scans.
@Suite struct OneWayTests {
  /// Syslog, SNMP traps, NetFlow, sFlow, statsd, IPFIX.
  static let collectors: [UInt16] = [514, 162, 2055, 6343, 8125, 4739]

  @Test(
    "what many hosts keep sending to a collector is a service, never an unanswered request",
    arguments: collectors, Layout.ipv4)
  func collector(port: UInt16, layout: Layout) throws {
    var net = Scenario(layout)
    let collector = net.server()[port]
    let senders = (1...15).map { net.ephemeral(net.client($0)) }
    for _ in 0..<8 {
      for sender in senders { net.udp(sender, collector, bytes: 180) }
      net.wait(20)
    }
    let map = try net.map()
    #expect(map.services == [collector.udp])
    #expect(map.service(collector.udp)?.clients == 15)
    #expect(map.requests(net.client()) == [collector.udp])
    #expect(map.failedServices.isEmpty)
    // Nobody has seen it answer.
    #expect(map.highestConfidence < 0.99)
  }

  @Test(
    "one host that keeps sending to a collector is enough",
    arguments: collectors, Layout.ipv4)
  func oneSender(port: UInt16, layout: Layout) throws {
    var net = Scenario(layout)
    let (collector, sender) = (net.server()[port], net.ephemeral(net.client()))
    for _ in 0..<40 {
      net.udp(sender, collector, bytes: 180)
      net.wait(15)
    }
    let map = try net.map()
    #expect(map.services == [collector.udp])
    #expect(map.failedServices.isEmpty)
    #expect(map.highestConfidence < 0.99)
  }

  @Test(
    "one datagram each of several hosts to a collector is enough too",
    arguments: collectors, Layout.ipv4)
  func oneDatagramEach(port: UInt16, layout: Layout) throws {
    var net = Scenario(layout)
    let collector = net.server()[port]
    for n in 1...12 {
      net.udp(net.ephemeral(net.client(n)), collector, bytes: 180)
      net.wait(7)
    }
    let map = try net.map()
    #expect(map.services == [collector.udp])
    #expect(map.failedServices.isEmpty)
  }

  @Test(
    "switches that send their log from 514 to 514 do not receive it", arguments: Layout.allCases)
  func syslogSamePort(layout: Layout) throws {
    var net = Scenario(layout)
    for _ in 0..<6 {
      for n in 1...10 { net.udp(net.client(n)[514], net.server()[514], bytes: 120) }
      net.wait(30)
    }
    let map = try net.map()
    #expect(map.services == [net.server()[514].udp])
    #expect(map.failedServices.isEmpty)
  }

  // MARK: - What is no one-way service

  @Test("a lone datagram to an unknown port is no service", arguments: Layout.allCases)
  func lone(layout: Layout) throws {
    var net = Scenario(layout)
    net.udp(net.client()[40_112], net.server()[47_331])
    let map = try net.map()
    #expect(map.services.isEmpty)
    #expect(map.failedServices.count + map.undecided.count == 1)
  }

  @Test(
    "a dead name server that many ask again and again is a failure, no one-way service",
    arguments: Layout.allCases, [1, 15])
  func deadServer(layout: Layout, clients: Int) throws {
    var net = Scenario(layout)
    let dns = net.server()[53]
    for _ in 0..<6 {
      for n in 1...clients {
        let asker = net.ephemeral(net.client(n))
        for _ in 0..<2 {
          net.udp(asker, dns, bytes: 40)
          net.wait(5)
        }
      }
    }
    let map = try net.map()
    #expect(map.services.isEmpty)
    #expect(map.failedServices == [dns.udp])
    #expect(map.failure(net.client(), dns.udp)?.unanswered == 6)
  }

  @Test(
    "a UDP scan of many ports finds no service where nobody answers",
    arguments: Layout.allCases)
  func scanOfPorts(layout: Layout) throws {
    var net = Scenario(layout)
    let scanner = net.client()[54_321]
    for port in 1...1000 { net.udp(scanner, net.server()[UInt16(port)], bytes: 0) }
    for port in OneWayTests.collectors + [47_331, 33_434] {
      net.udp(scanner, net.server()[port], bytes: 0)
    }
    let map = try net.map()
    #expect(map.services.isEmpty)
  }

  @Test(
    "a UDP scan of many hosts finds no service where nobody answers",
    arguments: [161, 514, 2055, 53, 47_331] as [UInt16], Layout.ipv4)
  func scanOfHosts(port: UInt16, layout: Layout) throws {
    var net = Scenario(layout)
    for n in 1...300 { net.udp(net.client()[54_321], net.server(n)[port], bytes: 40) }
    let map = try net.map()
    #expect(map.services.isEmpty)
  }

  @Test(
    "a UDP scan from a server's port makes no server of the scanner",
    arguments: [53, 123, 514] as [UInt16], Layout.ipv4)
  func scanFromServicePort(port: UInt16, layout: Layout) throws {
    var net = Scenario(layout)
    for n in 1...300 { net.udp(net.client()[port], net.server(n)[UInt16(20_000 + n)], bytes: 40) }
    let map = try net.map()
    #expect(map.services.isEmpty)
  }

  @Test(
    "what ICMP says is unreachable is refused, however many keep sending",
    arguments: [514, 9995] as [UInt16], Layout.allCases)
  func refusedCollector(port: UInt16, layout: Layout) throws {
    var net = Scenario(layout)
    let closed = net.server()[port]
    for _ in 0..<6 {
      for n in 1...10 {
        net.udp(net.client(n)[50_000], closed, bytes: 180)
        net.portUnreachable(from: closed.host)
      }
      net.wait(15)
    }
    let map = try net.map()
    #expect(map.services.isEmpty)
    #expect(map.failedServices == [closed.udp])
  }

  @Test(
    "a request that ICMP says is unreachable counts as refused, not as unanswered",
    arguments: Layout.allCases)
  func refusedRequest(layout: Layout) throws {
    var net = Scenario(layout)
    net.udp(net.ephemeral(net.client()), net.server()[53], bytes: 40)
    net.portUnreachable(from: net.server())
    let map = try net.map()
    #expect(map.services.isEmpty)
    #expect(map.failure(net.client(), net.server()[53].udp)?.refused == 1)
  }

  @Test("a UDP scan answered with ICMP finds no service", arguments: Layout.allCases)
  func refusedScan(layout: Layout) throws {
    var net = Scenario(layout)
    for port in 1...300 {
      net.udp(net.client()[54_321], net.server()[UInt16(port)], bytes: 0)
      net.portUnreachable(from: net.server())
    }
    let map = try net.map()
    #expect(map.services.isEmpty)
  }
}
