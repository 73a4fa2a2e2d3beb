import Testing

/// Protocols that move to ports of their own: TFTP, FTP, RPC.
@Suite struct MovingPortTests {
  @Test(
    "TFTP is provided on 69, which never answers, and on no port of the transfers",
    arguments: Layout.allCases, [1, 8])
  func tftp(layout: Layout, clients: Int) throws {
    var net = Scenario(layout)
    for n in 1...clients {
      let (client, transfer) = (net.ephemeral(net.client(n)), net.ephemeral(net.server()))
      net.udp(client, net.server()[69], bytes: 22)
      for _ in 0..<12 {
        net.udp(transfer, client, bytes: 516)
        net.udp(client, transfer, bytes: 4)
      }
      net.wait(2)
    }
    let map = try net.map()
    #expect(map.services == [net.server()[69].udp])
    #expect(map.failedServices.isEmpty)
  }

  /// A login on 21 by which a transfer is arranged.
  private func login(_ net: inout Scenario, _ client: Host) {
    net.tcp(net.ephemeral(client), net.server()[21], ">S <SA >A <PA >PA <PA >PA <PA >A")
  }

  @Test(
    "active FTP: the client that the server connects to for data provides nothing",
    arguments: Layout.allCases, [1, 6])
  func activeFTP(layout: Layout, clients: Int) throws {
    var net = Scenario(layout)
    for n in 1...clients {
      login(&net, net.client(n))
      for _ in 0..<2 {
        net.tcp(
          net.server()[20], net.ephemeral(net.client(n)), ">S <SA >A >PA <A >PA <A >FA <FA >A")
      }
    }
    let map = try net.map()
    for n in 1...clients { #expect(map.provides(net.client(n)).isEmpty) }
    #expect(map.provides(net.server()).contains("tcp/21"))
  }

  @Test("passive FTP: the server provides 21, and the client nothing", arguments: Layout.allCases)
  func passiveFTP(layout: Layout) throws {
    var net = Scenario(layout)
    for n in 1...6 {
      login(&net, net.client(n))
      let data = net.ephemeral(net.server())
      net.tcp(net.ephemeral(net.client(n)), data, ">S <SA >A <PA >A <PA >A <FA >FA <A")
    }
    let map = try net.map()
    for n in 1...6 { #expect(map.provides(net.client(n)).isEmpty) }
    #expect(map.provides(net.server()).contains("tcp/21"))
  }

  @Test(
    "RPC ports that answered handshakes are services, for sessions without one too",
    arguments: Layout.allCases)
  func rpc(layout: Layout) throws {
    var net = Scenario(layout)
    let ports: [UInt16] = [135, 49_664, 49_667, 49_670, 49_700]
    for n in 1...10 {
      let talk = n <= 2 ? Scenario.session : Scenario.midstream
      for port in ports {
        // Windows takes its clients' ports from the same range.
        net.tcp(net.client(n)[49_152 + UInt16(n) * 40 + port % 40], net.server()[port], talk)
      }
    }
    let map = try net.map()
    #expect(map.services == Set(ports.map { net.server()[$0].tcp }))
    for port in ports { #expect(map.service(net.server()[port].tcp)?.clients == 10) }
    #expect(map.undecided.isEmpty)
  }
}
