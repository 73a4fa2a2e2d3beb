import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct FoldingTests {
  /// Inside and outside, both families, groups.
  private static func addresses(_ count: Int) -> [IPAddress] {
    (0..<UInt32(count)).map { number in
      switch number % 5 {
      case 0: IPAddress(v4: 0x0A00_0000 + number)
      case 1: IPAddress(v4: 0x0808_0000 + number % 3 * 256 + number)
      case 2: IPAddress(v4: 0x5DB8_0000 + number * 7)
      case 3: IPAddress(high: 0x2001_0DB8 << 32 | UInt64(number % 3) << 16, low: UInt64(number))
      default: IPAddress(v4: number % 2 == 0 ? 0xE000_00FB + number : 0xC0A8_0000 + number)
      }
    }
  }

  private static func map(_ generator: inout SeededGenerator) -> ServiceMap {
    let links = (0..<400).map { _ in Sample.random(hosts: 60, using: &generator) }
    return MapStore.Content(
      capture: CaptureReport(), addresses: addresses(60), links: links
    ).map()
  }

  private func sums(_ map: ServiceMap) -> [UInt64] {
    [
      map.relations.reduce(0) { $0 + $1.packets }, map.relations.reduce(0) { $0 + $1.bytes },
      map.relations.reduce(0) { $0 + $1.sessions }, map.relations.reduce(0) { $0 + $1.refused },
      map.relations.reduce(0) { $0 + $1.unanswered },
      map.relations.reduce(0) { $0 + $1.handshakes }, map.hosts.reduce(0) { $0 + $1.packetsIn },
      map.hosts.reduce(0) { $0 + $1.bytesOut }, UInt64(map.hosts.reduce(0) { $0 + $1.addresses }),
      map.bytes, map.summary.sessions,
    ]
  }

  @Test("all sums stay, and hosts outside are networks with each address counted once")
  func sums() {
    var generator = TestSeed.generator(for: "FoldingTests.sums")
    let directory = HostDirectory()
    for _ in 0..<20 {
      let map = FoldingTests.map(&generator)
      let folded = map.folded(outside: directory)
      #expect(sums(folded) == sums(map))
      #expect(folded.accounting == map.accounting)
      #expect(folded.completeness == map.completeness && folded.selfCheck == map.selfCheck)
      #expect(folded.hosts.count < map.hosts.count)
      #expect(folded.hosts.map(\.address) == folded.hosts.map(\.address).sorted())
      for host in folded.hosts where !host.isGroup {
        #expect((host.prefixBits != nil) == !directory.isInside(host.address))
        let bits = host.address.isIPv4 ? 24 : 48
        guard host.prefixBits != nil else {
          #expect(host.addresses == 1)
          continue
        }
        #expect(host.prefixBits == bits)
        let network = Prefix(host.address, bits: bits)
        #expect(host.addresses == map.hosts.count { network.contains($0.address) && !$0.isGroup })
      }
      // Each relation of before has its place.
      for kind in RelationKind.allCases where kind != .failed && kind != .peer {
        let count = { (map: ServiceMap) in map.relations.count { $0.kind == kind } }
        #expect((count(map) > 0) == (count(folded) > 0), "\(kind)")
      }
      #expect(folded.hosts.map { $0.provides.count }.reduce(0, +) == folded.services.count)
      let again = folded.folded(outside: directory)
      #expect(again.relations == folded.relations)
      #expect(again.hosts.map(\.addresses) == folded.hosts.map(\.addresses))
      let named = folded.named([folded.hosts[0].address: "x"])
      #expect(named.relations == folded.relations)
      #expect(named.hosts.map(\.prefixBits) == folded.hosts.map(\.prefixBits))
    }
  }

  @Test("clients of one network become one; what one of them got is a service")
  func joined() throws {
    let addresses = try ["10.0.0.1", "8.8.8.1", "8.8.8.2", "8.8.9.1"].map {
      try #require(IPAddress($0))
    }
    func relation(_ client: Int, _ kind: RelationKind, _ confidence: Double) -> Relation {
      var one = Relation(
        server: 0, client: client, protocolNumber: 6, port: 443, kind: kind,
        basis: kind == .failed ? .syn : .handshake, confidence: confidence)
      one.sessions = 2
      if kind == .failed { one.unanswered = 2 }
      one.packetsToServer = 5
      return one
    }
    let map = ServiceMap(
      capture: CaptureReport(), addresses: addresses,
      relations: [
        relation(1, .failed, 0.9), relation(2, .provided, 0.99), relation(3, .provided, 0.98),
      ])
    var directory = HostDirectory()
    directory.add(text: "8.8.8.0/24,Resolver,\n8.8.8.1,one,\n")
    let folded = map.folded(outside: directory)
    #expect(folded.hosts.map { "\($0.address)" } == ["8.8.8.0", "8.8.9.0", "10.0.0.1"])
    #expect(folded.hosts.map(\.name) == ["Resolver", nil, nil])
    #expect(folded.hosts.map(\.addresses) == [2, 1, 1])
    #expect(folded.relations.map(\.kind) == [.provided, .provided])
    #expect(folded.relations[0].packets == 10 && folded.relations[0].sessions == 4)
    #expect(folded.relations[0].unanswered == 2)
    #expect(folded.relations[0].basis == .handshake && folded.relations[0].confidence == 0.99)
    #expect(folded.failed.isEmpty && folded.services.count == 1)
  }

  @Test("a network whose first address is a host of the organisation stays as it is")
  func taken() throws {
    let addresses = try ["8.8.8.0", "8.8.8.200", "8.8.9.1"].map { try #require(IPAddress($0)) }
    let relations = [1, 2].map {
      var one = Relation(
        server: 0, client: $0, protocolNumber: 6, port: 443, kind: .provided, basis: .handshake,
        confidence: 1)
      one.sessions = 1
      one.packetsToServer = 1
      return one
    }
    let map = ServiceMap(capture: CaptureReport(), addresses: addresses, relations: relations)
    var directory = HostDirectory()
    directory.organisation.append(try #require(Prefix("8.8.8.0/25")))
    let folded = map.folded(outside: directory)
    #expect(folded.hosts.map { "\($0.address)" } == ["8.8.8.0", "8.8.8.200", "8.8.9.0"])
    #expect(folded.hosts.map(\.prefixBits) == [nil, nil, 24])
    #expect(folded.relations.count == 2)
  }
}
