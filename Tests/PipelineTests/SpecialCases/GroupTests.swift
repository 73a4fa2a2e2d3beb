import Testing

/// Questions to everybody and who answers them: DHCP, mDNS, SSDP.
@Suite struct GroupTests {
  // MARK: - DHCP

  @Test(
    "a DHCP discover is group traffic; its offer and a renewal make 67 the server's",
    arguments: Layout.ipv4)
  func dhcp(layout: Layout) throws {
    var net = Scenario(layout)
    let server = net.server()[67]
    for n in 1...3 {
      let client = net.client(n)[68]
      for _ in 0..<2 {  // Discover and offer, request and acknowledgement.
        net.udp(Host("0.0.0.0")[68], Host("255.255.255.255")[67], bytes: 300)
        net.udp(server, client, bytes: 300)
      }
      net.wait(60)
      net.exchange(client, server)
    }
    let map = try net.map()
    #expect(map.groups == ["0.0.0.0 → 255.255.255.255 udp/67"])
    #expect(map.services == [server.udp])
    #expect(map.service(server.udp)?.clients == 3)
  }

  @Test("a lone DHCP renewal that is answered", arguments: Layout.ipv4)
  func renewal(layout: Layout) throws {
    var net = Scenario(layout)
    net.exchange(net.client()[68], net.server()[67])
    let map = try net.map()
    #expect(map.services == [net.server()[67].udp])
    #expect(map.requests(net.client()) == [net.server()[67].udp])
  }

  @Test("a DHCP offer to everybody makes no service of anybody's 68", arguments: Layout.ipv4)
  func offer(layout: Layout) throws {
    var net = Scenario(layout)
    for _ in 0..<4 {
      net.udp(Host("0.0.0.0")[68], Host("255.255.255.255")[67], bytes: 300)
      net.udp(net.server()[67], Host("255.255.255.255")[68], bytes: 300)
      net.wait(4)
    }
    let map = try net.map()
    #expect(map.services.isEmpty && map.failedServices.isEmpty)
    #expect(map.groups.contains("\(net.server()) → 255.255.255.255 udp/68"))
  }

  @Test("relay agents on 67 ask the DHCP server on 67", arguments: Layout.ipv4, [1, 6])
  func relay(layout: Layout, relays: Int) throws {
    var net = Scenario(layout)
    let server = net.server()[67]
    for n in 1...relays { net.exchange(net.client(n)[67], server, times: 4, every: 9) }
    let map = try net.map()
    #expect(map.services == [server.udp])
    #expect(map.service(server.udp)?.clients == relays)
  }

  @Test(
    "DHCPv6: the group is asked, and the server that answers provides 547",
    arguments: [Layout.serversLow6, .clientsLow6])
  func dhcp6(layout: Layout) throws {
    var net = Scenario(layout)
    let (server, agents) = (net.server()[547], Host("ff02::1:2")[547])
    for n in 1...3 {
      for _ in 0..<2 {  // Solicit and advertise, request and reply.
        net.udp(net.client(n)[546], agents, bytes: 90)
        net.udp(server, net.client(n)[546], bytes: 130)
      }
    }
    let map = try net.map()
    #expect(map.services == [server.udp])
    #expect(map.groups == Set((1...3).map { "\(net.client($0)) → \(agents.udp)" }))
  }

  // MARK: - mDNS

  @Test(
    "mDNS between a group and its members makes no service of anybody",
    arguments: Layout.allCases)
  func mdns(layout: Layout) throws {
    var net = Scenario(layout)
    let group = net.group("224.0.0.251", "ff02::fb")[5353]
    for n in 1...4 {
      net.udp(net.client(n)[5353], group, bytes: 45)
      net.udp(net.server(n)[5353], group, bytes: 160)
      net.wait(1)
    }
    let map = try net.map()
    #expect(map.services.isEmpty && map.failedServices.isEmpty && map.undecided.isEmpty)
    #expect(map.groups.count == 8)
  }

  @Test(
    "who answers an mDNS question to the asker alone provides 5353",
    arguments: Layout.allCases, [true, false])
  func mdnsUnicast(layout: Layout, isFrom5353: Bool) throws {
    var net = Scenario(layout)
    let asker = isFrom5353 ? net.client()[5353] : net.ephemeral(net.client())
    net.udp(asker, net.group("224.0.0.251", "ff02::fb")[5353], bytes: 45)
    for n in 1...3 { net.udp(net.server(n)[5353], asker, bytes: 160) }
    let map = try net.map()
    #expect(map.services == Set((1...3).map { net.server($0)[5353].udp }))
    #expect(map.requests(net.client()).count == 3)
  }

  // MARK: - SSDP

  @Test(
    "devices that answer an SSDP search from 1900 provide it to who searched",
    arguments: Layout.allCases)
  func ssdpSearch(layout: Layout) throws {
    var net = Scenario(layout)
    let (asker, group) = (net.client()[51_722], net.group("239.255.255.250", "ff02::c")[1900])
    for _ in 0..<3 {
      net.udp(asker, group, bytes: 130)
      for n in 1...3 { net.udp(net.server(n)[1900], asker, bytes: 320) }
      net.wait(1)
    }
    let map = try net.map()
    #expect(map.services == Set((1...3).map { net.server($0)[1900].udp }))
    #expect(map.requests(net.client()) == map.services)
    #expect(map.groups == ["\(net.client()) → \(group.udp)"])
  }

  @Test("SSDP announcements are group traffic and no service", arguments: Layout.allCases)
  func ssdpNotify(layout: Layout) throws {
    var net = Scenario(layout)
    let group = net.group("239.255.255.250", "ff02::c")[1900]
    for n in 1...5 {
      let device = n % 2 == 0 ? net.server(n)[1900] : net.ephemeral(net.server(n))
      for _ in 0..<6 { net.udp(device, group, bytes: 330) }
    }
    let map = try net.map()
    #expect(map.services.isEmpty && map.failedServices.isEmpty && map.undecided.isEmpty)
    #expect(map.groups.count == 5)
  }
}
