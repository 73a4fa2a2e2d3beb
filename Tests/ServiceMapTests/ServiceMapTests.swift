import ServiceMap
import Testing
import Wire

@Suite struct ServiceMapTests {
  /// web 10.0.1.1:80 serves two clients, uses db 10.0.2.1:5432; a scan of 10.0.2.7; mDNS.
  private func map() throws -> ServiceMap {
    let addresses = try [
      "10.0.1.9", "10.0.1.1", "10.0.2.1", "10.0.3.3", "10.0.2.7", "224.0.0.251",
    ].map { try #require(IPAddress($0)) }
    func relation(
      _ server: Int, _ port: UInt16, _ client: Int, _ kind: RelationKind, packets: UInt64
    ) -> Relation {
      var one = Relation(
        server: server, client: client, protocolNumber: 6, port: port, kind: kind,
        basis: .handshake, confidence: 0.999)
      one.sessions = 2
      one.packetsToServer = packets
      one.packetsToClient = kind == .provided ? packets : 0
      one.bytesToServer = packets * 100
      return one
    }
    return ServiceMap(
      capture: CaptureReport(), addresses: addresses,
      relations: [
        relation(5, 5353, 0, .group, packets: 1), relation(1, 80, 0, .provided, packets: 10),
        relation(4, 22, 3, .failed, packets: 1), relation(2, 5432, 1, .provided, packets: 5),
        relation(1, 80, 3, .provided, packets: 20),
      ], name: { $0.v4 == 0x0A00_0201 ? "db" : nil })
  }

  @Test("counts hosts, servers, clients, networks, services and relations")
  func summary() throws {
    let summary = try map().summary
    // 10.0.2.7 never answered and the group is no host: four are left.
    #expect(summary.hosts == 4 && summary.servers == 2 && summary.clients == 2)
    #expect(summary.networks == 3 && summary.services == 2 && summary.relations == 3)
    #expect(summary.sessions == 10)
  }

  @Test("each host has what it provides and what it requests, in order")
  func hosts() throws {
    let map = try map()
    #expect(map.hosts.map(\.address) == map.hosts.map(\.address).sorted())
    let web = try #require(map.hosts.first { $0.address.description == "10.0.1.1" })
    #expect(web.provides.map { map.services[$0].port } == [80])
    #expect(map.services[web.provides.lowerBound].clients == 2)
    #expect(map.services[web.provides.lowerBound].total.packets == 60)
    let asked = web.requests.map { map.relations[map.requestOrder[$0]] }
    #expect(asked.map(\.port) == [5432])
    #expect(map.hosts[asked[0].server].name == "db")
    #expect(web.packetsOut == 35 && web.packetsIn == 35)
  }

  @Test("what hosts sent and received adds up to what is mapped")
  func conservation() throws {
    let map = try map()
    #expect(map.hosts.reduce(0) { $0 + $1.packetsOut } == map.accounting[.mapped])
    #expect(map.hosts.reduce(0) { $0 + $1.packetsIn } == map.accounting[.mapped])
    #expect(map.failed.count == 1 && map.groups.count == 1 && map.undecided.isEmpty)
  }

  @Test("an empty capture is an empty map")
  func empty() {
    let map = ServiceMap(capture: CaptureReport(), addresses: [], relations: [])
    #expect(map.summary == ServiceMap.Summary() && map.hosts.isEmpty)
  }
}
