import Testing

/// Protocols in which both sides use the server's port: NTP, IKE, DNS between resolvers, SIP.
@Suite struct SamePortTests {
  // MARK: - NTP

  @Test(
    "an NTP client with a port of its own asks, and the server provides 123",
    arguments: Layout.allCases, [1, 20])
  func ntpClient(layout: Layout, clients: Int) throws {
    var net = Scenario(layout)
    let ntp = net.server()[123]
    for n in 1...clients { net.exchange(net.ephemeral(net.client(n)), ntp, times: 3, every: 64) }
    let map = try net.map()
    #expect(map.services == [ntp.udp])
    #expect(map.service(ntp.udp)?.clients == clients)
    #expect(map.kinds == ["provided"])
    #expect(map.failedServices.isEmpty && map.undecided.isEmpty)
  }

  @Test(
    "two NTP hosts on 123 are peers, and the one who asks first is the client",
    arguments: Layout.allCases)
  func ntpPeers(layout: Layout) throws {
    var net = Scenario(layout)
    let ntp = net.server()[123]
    net.exchange(net.client()[123], ntp, times: 5, every: 64)
    let map = try net.map()
    #expect(map.services == [ntp.udp])
    #expect(map.service(ntp.udp)?.kind == "peer")
    #expect(map.requests(net.client()) == [ntp.udp])
  }

  @Test("of many NTP hosts on 123 the one that all ask is the server", arguments: Layout.allCases)
  func ntpServer(layout: Layout) throws {
    var net = Scenario(layout)
    let ntp = net.server()[123]
    for _ in 0..<4 {
      for n in 1...30 { net.exchange(net.client(n)[123], ntp) }
      net.wait(34)
    }
    let map = try net.map()
    #expect(map.services == [ntp.udp])
    #expect(map.service(ntp.udp)?.clients == 30)
  }

  @Test(
    "an NTP server that asks the one above it provides to those below only",
    arguments: Layout.allCases)
  func ntpStrata(layout: Layout) throws {
    var net = Scenario(layout)
    let (above, office) = (net.server(1)[123], net.server(2)[123])
    for _ in 0..<4 {
      net.exchange(office, above)
      for n in 1...15 { net.exchange(net.client(n)[123], office) }
      net.wait(48)
    }
    let map = try net.map()
    #expect(map.services == [above.udp, office.udp])
    #expect(map.service(office.udp)?.clients == 15)
    #expect(map.requests(office.host) == [above.udp])
  }

  // MARK: - IKE

  @Test("IKE gateways on 500 and 4500 are peers", arguments: Layout.allCases)
  func ike(layout: Layout) throws {
    var net = Scenario(layout)
    net.exchange(net.client()[500], net.server()[500], times: 1)
    net.exchange(net.client()[4500], net.server()[4500], times: 20, every: 20)
    let map = try net.map()
    #expect(map.services == [net.server()[500].udp, net.server()[4500].udp])
    #expect(map.kinds == ["peer"])
  }

  @Test("road warriors behind NAT ask the gateway, which provides 4500", arguments: Layout.allCases)
  func ikeBehindNAT(layout: Layout) throws {
    var net = Scenario(layout)
    let gateway = net.server()[4500]
    for n in 1...8 {
      net.exchange(net.ephemeral(net.stranger(n)), gateway, times: 10, every: 20)
    }
    let map = try net.map()
    #expect(map.services == [gateway.udp])
    #expect(map.service(gateway.udp)?.clients == 8)
  }

  // MARK: - DNS

  @Test(
    "resolvers that ask from port 53 use the one that all of them ask",
    arguments: Layout.allCases)
  func dnsServer(layout: Layout) throws {
    var net = Scenario(layout)
    let dns = net.server()[53]
    for _ in 0..<5 {
      for n in 1...12 { net.exchange(net.client(n)[53], dns, every: 0.3) }
    }
    let map = try net.map()
    #expect(map.services == [dns.udp])
    #expect(map.service(dns.udp)?.clients == 12)
  }

  @Test("one pair of resolvers on port 53 are peers", arguments: Layout.allCases)
  func dnsPeers(layout: Layout) throws {
    var net = Scenario(layout)
    let dns = net.server()[53]
    net.exchange(net.client()[53], dns, times: 10, every: 3)
    let map = try net.map()
    #expect(map.services == [dns.udp])
    #expect(map.service(dns.udp)?.kind == "peer")
  }

  // MARK: - SIP and RTP

  @Test(
    "a registrar with many phones is the server, although it rings them up too",
    arguments: Layout.allCases)
  func sip(layout: Layout) throws {
    var net = Scenario(layout)
    let registrar = net.server()[5060]
    for _ in 0..<6 {
      for n in 1...25 { net.exchange(net.client(n)[5060], registrar, every: 0.1) }
      for n in 1...5 { net.exchange(registrar, net.client(n)[5060], every: 0.1) }
      net.wait(50)
    }
    let map = try net.map()
    #expect(map.services == [registrar.udp])
    #expect(map.service(registrar.udp)?.clients == 25)
  }

  @Test(
    "a registrar that is seen to ring phones up before they register is still the server",
    arguments: Layout.allCases)
  func sipInviteFirst(layout: Layout) throws {
    var net = Scenario(layout)
    let registrar = net.server()[5060]
    for n in 1...5 { net.exchange(registrar, net.client(n)[5060], every: 0.1) }
    for _ in 0..<6 {
      for n in 1...25 { net.exchange(net.client(n)[5060], registrar, every: 0.1) }
      net.wait(50)
    }
    let map = try net.map()
    #expect(map.provides(registrar.host) == ["udp/5060"])
  }

  @Test("voice between two phones invents no service to be sure of", arguments: Layout.allCases)
  func rtp(layout: Layout) throws {
    var net = Scenario(layout)
    let (caller, callee) = (net.client()[16_384], net.server()[20_010])
    for second in 0..<4 {
      for _ in 0..<50 {
        net.udp(caller, callee, bytes: 172)
        net.udp(callee, caller, bytes: 172)
        net.wait(0.019)
      }
      if second % 2 == 0 {  // RTCP, on the next ports.
        net.udp(net.client()[16_385], net.server()[20_011], bytes: 52)
        net.udp(net.server()[20_011], net.client()[16_385], bytes: 52)
      }
    }
    let map = try net.map()
    #expect(map.highestConfidence < 0.9, "\(map.services)")
  }

  @Test(
    "voice of many calls through a gateway, each on ports of its own, invents none either",
    arguments: Layout.allCases)
  func rtpGateway(layout: Layout) throws {
    var net = Scenario(layout)
    for n in 1...15 {
      let phone = net.client(n)[UInt16(16_384 + 2 * (n % 4))]
      let gateway = net.server()[UInt16(30_000 + 2 * n)]
      for index in 0..<60 {
        if (index + n) % 20 != 0 { net.udp(phone, gateway, bytes: 172) }
        net.udp(gateway, phone, bytes: 172)
        net.wait(0.019)
      }
    }
    let map = try net.map()
    #expect(map.highestConfidence < 0.9, "\(map.services)")
  }

  // MARK: - NetBIOS

  @Test(
    "NetBIOS names asked of everybody are group traffic, and who answers provides 137",
    arguments: Layout.ipv4)
  func netbiosBroadcast(layout: Layout) throws {
    var net = Scenario(layout)
    let everybody = Host("10.1.0.255")[137]
    for _ in 0..<3 {
      net.udp(net.client()[137], everybody, bytes: 50)
      net.wait(0.75)
    }
    net.udp(net.server()[137], net.client()[137], bytes: 62)
    let map = try net.map()
    #expect(map.groups == ["\(net.client()) → \(everybody.udp)"])
    #expect(map.services == [net.server()[137].udp])
    #expect(map.failedServices.isEmpty)
  }

  @Test("NetBIOS names asked of one host on 137 from 137 are between peers", arguments: Layout.ipv4)
  func netbiosUnicast(layout: Layout) throws {
    var net = Scenario(layout)
    net.exchange(net.client()[137], net.server()[137], times: 3)
    let map = try net.map()
    #expect(map.services == [net.server()[137].udp])
    #expect(map.kinds == ["peer"])
  }

  @Test("a WINS server is the one that all ask from 137", arguments: Layout.ipv4)
  func wins(layout: Layout) throws {
    var net = Scenario(layout)
    for n in 1...20 { net.exchange(net.client(n)[137], net.server()[137], times: 2) }
    let map = try net.map()
    #expect(map.services == [net.server()[137].udp])
    #expect(map.service(net.server()[137].udp)?.clients == 20)
  }

  // MARK: - Peer to peer

  @Test(
    "hosts that gossip on one UDP port are peers, none of them a server",
    arguments: Layout.allCases)
  func gossipUDP(layout: Layout) throws {
    var net = Scenario(layout)
    let hosts = (1...3).flatMap { [net.client($0)[6881], net.server($0)[6881]] }
    for round in 1...3 {
      for (index, one) in hosts.enumerated() {
        net.exchange(one, hosts[(index + round) % hosts.count], times: 2, every: 0.2)
      }
    }
    let map = try net.map()
    #expect(map.kinds == ["peer"])
  }

  @Test(
    "hosts that open TCP connections to each other's 6881 all provide it",
    arguments: Layout.allCases)
  func gossipTCP(layout: Layout) throws {
    var net = Scenario(layout)
    let hosts = (1...3).flatMap { [net.client($0), net.server($0)] }
    for from in hosts {
      for to in hosts where to != from { net.tcp(net.ephemeral(from), to[6881]) }
    }
    let map = try net.map()
    #expect(map.services == Set(hosts.map { $0[6881].tcp }))
    for host in hosts {
      #expect(map.service(host[6881].tcp)?.basis == "handshake")
      #expect(map.requests(host).count == hosts.count - 1)
    }
  }
}
