import TestSupport
import Wire

@testable import ServiceMap

/// Maps without captures.
enum FakeMap {
  static let startNs: UInt64 = 1_767_225_600_000_000_000  // 2026-01-01T00:00:00Z

  static let serviceNames = ServiceNames(
    text: """
      ssh 22/tcp
      domain 53/udp
      domain 53/tcp
      http 80/tcp www
      ntp 123/udp
      snmp 161/udp
      ldap 389/tcp
      https 443/tcp
      microsoft-ds 445/tcp
      syslog 514/udp
      postgresql 5432/tcp
      mdns 5353/udp
      """)

  static let hostileName = "</script><script>alert('x')</script>\"&<img src=x onerror=alert(1)>"

  /// One of everything: each kind, both families, ICMP, a hostile name, losses, warnings.
  static func small(
    files: [CaptureReport.File]? = nil, hostileNames: Bool = true
  ) -> ServiceMap {
    let texts = [
      "10.0.0.5", "10.0.0.9", "10.0.1.7", "10.0.1.8", "2001:db8::5", "2001:db8:0:1::9",
      "224.0.0.251", "10.0.2.1", "10.0.9.9", "10.0.0.53",
    ]
    let addresses = texts.map { IPAddress($0)! }
    func relation(
      _ server: String, _ client: String, _ number: UInt8, _ port: UInt16, _ kind: RelationKind,
      _ basis: Basis, _ confidence: Double, packets: (UInt64, UInt64), bytes: (UInt64, UInt64),
      sessions: UInt64 = 1, refused: UInt64 = 0, unanswered: UInt64 = 0, clientPort: UInt16 = 0,
      ports: UInt32 = 1
    ) -> Relation {
      var relation = Relation(
        server: texts.firstIndex(of: server)!, client: texts.firstIndex(of: client)!,
        protocolNumber: number, port: port, clientPort: clientPort, kind: kind, basis: basis,
        confidence: confidence)
      relation.serverPorts = ports
      relation.sessions = sessions
      relation.refused = refused
      relation.unanswered = unanswered
      relation.packetsToServer = packets.0
      relation.packetsToClient = packets.1
      relation.bytesToServer = bytes.0
      relation.bytesToClient = bytes.1
      relation.firstTick = Tick.of(nanoseconds: startNs)
      relation.lastTick = Tick.of(nanoseconds: startNs + 5_000_000_000)
      if basis == .handshake, number == IPProtocolNumber.tcp {
        relation.handshakes = sessions
        relation.handshakeTicksSum = 120 * sessions
        relation.handshakeTicksMin = 100
      }
      return relation
    }
    let tcp = IPProtocolNumber.tcp
    let udp = IPProtocolNumber.udp
    let relations = [
      relation(
        "10.0.0.5", "10.0.1.7", tcp, 443, .provided, .handshake, 0.99, packets: (30, 50),
        bytes: (4_000, 61_234), sessions: 3),
      relation(
        "10.0.0.5", "10.0.1.8", tcp, 443, .provided, .synAck, 0.98, packets: (7, 9),
        bytes: (900, 8_000), sessions: 2, refused: 1),
      relation(
        "10.0.0.5", "10.0.1.7", tcp, 45_678, .provided, .fanIn, 0.8123, packets: (2, 2),
        bytes: (120, 130)),
      relation(
        "10.0.0.9", "10.0.0.5", tcp, 5432, .provided, .handshake, 0.99, packets: (100, 90),
        bytes: (20_000, 900_000), sessions: 12),
      relation(
        "10.0.0.53", "10.0.1.7", udp, 53, .provided, .knownServer, 0.95, packets: (5, 5),
        bytes: (300, 700), sessions: 5),
      relation(
        "2001:db8::5", "2001:db8:0:1::9", tcp, 22, .provided, .firstSpeaker, 0.7,
        packets: (11, 12), bytes: (1_000, 2_000)),
      relation(
        "10.0.0.5", "10.0.0.9", IPProtocolNumber.icmp, 2048, .provided, .handshake, 0.99,
        packets: (4, 4), bytes: (336, 336)),
      relation(
        "10.0.0.5", "10.0.0.53", udp, 123, .peer, .port, 0.6, packets: (1, 1), bytes: (76, 76)),
      relation(
        "10.0.9.9", "10.0.1.8", tcp, 23, .failed, .syn, 0.9, packets: (3, 0), bytes: (180, 0),
        sessions: 3, unanswered: 3, ports: 65_535),
      relation(
        "10.0.0.9", "10.0.1.8", tcp, 23, .failed, .syn, 0.9, packets: (1, 1), bytes: (60, 40),
        sessions: 1, refused: 1),
      relation(
        "224.0.0.251", "10.0.2.1", udp, 5353, .group, .group, 1, packets: (6, 0), bytes: (900, 0)),
      relation(
        "10.0.1.7", "10.0.2.1", udp, 40_000, .undecided, .none, 0.5, packets: (8, 3),
        bytes: (1_000, 300), clientPort: 50_000),
      relation(
        "10.0.0.5", "10.0.2.1", tcp, 8080, .undecided, .none, 0.8251, packets: (4, 4),
        bytes: (200, 200), clientPort: 40_001),
      relation(
        "10.0.1.8", "10.0.0.9", IPProtocolNumber.icmp, 0x0301, .notice, .none, 0.5,
        packets: (0, 2), bytes: (0, 140)),
    ]
    var capture = CaptureReport(
      files: files ?? [
        .init(name: "morning.pcap", packets: 300),
        .init(
          name: "<b>odd & \"name\"</b>.pcap", packets: 74,
          warning: "cut off in packet 75: its last 12 bytes are missing"),
      ], filter: "not port 9")
    capture.startNs = startNs
    capture.endNs = startNs + 5_123_456_789
    capture.frameBytes = 1_010_000
    capture.accounting = ["mapped": 1, "notIP": 7, "truncated": 2]
    var map = ServiceMap(capture: capture, addresses: addresses, relations: relations) { address in
      switch address.description {
      case "10.0.0.5": "www.example.net"
      case "10.0.0.9": hostileNames ? hostileName : "db.example.net"
      case "10.0.0.53": hostileNames ? "=HYPERLINK(\"x\"),1" : "ns.example.net"
      case "2001:db8::5": "サーバ"
      default: nil
      }
    }
    map.selfCheck.endpoints = 1000
    map.selfCheck.right = 992
    map.selfCheck.wrong = 3
    map.selfCheck.sessions = 5000
    map.selfCheck.sessionsRight = 4990
    map.selfCheck.sessionsWrong = 4
    map.completeness.sessions = 200
    map.completeness.oneWaySessions = 1
    map.completeness.undecidedPackets = 19
    map.completeness.undecidedBytes = 1700
    map.completeness.services = 7
    map.completeness.newServices = 1
    return map
  }

  /// A site: few servers with many clients, many with few, scans, and traffic without roles.
  static func big(hosts: Int, relations count: Int, seed: UInt64 = 1) -> ServiceMap {
    var generator = SeededGenerator(seed: seed)
    func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }
    let addresses = (0..<hosts).map(address(of:))
    let ports: [(UInt8, UInt16)] = [
      (6, 443), (6, 80), (17, 53), (6, 22), (6, 445), (17, 123), (6, 389), (6, 5432), (17, 161),
      (17, 514), (6, 8080), (6, 3306), (1, 2048), (6, 40_321),
    ]
    var seen = Set<UInt64>()
    var relations: [Relation] = []
    relations.reserveCapacity(count)
    let bases: [Basis] = [.handshake, .handshake, .handshake, .synAck, .knownServer, .firstSpeaker]
    while relations.count < count {
      // The square of a uniform number: some servers are far more popular than others.
      let popular = below(1000) * below(1000)
      let server = popular * max(1, hosts / 8) / 1_000_000 * 8 % hosts
      let client = below(hosts)
      let (number, port) = ports[below(ports.count) * below(ports.count) / ports.count]
      let key = UInt64(server) << 40 | UInt64(client) << 24 | UInt64(number) << 16 | UInt64(port)
      guard server != client, seen.insert(key).inserted else { continue }
      let kind: RelationKind
      switch below(100) {
      case 0..<88: kind = .provided
      case 88..<93: kind = .failed
      case 93..<96: kind = .undecided
      default: kind = .provided
      }
      let basis = kind == .undecided ? .none : kind == .failed ? .syn : bases[below(bases.count)]
      var relation = Relation(
        server: server, client: client, protocolNumber: number, port: port,
        clientPort: kind == .undecided ? UInt16(32_768 + below(28_000)) : 0, kind: kind,
        basis: basis,
        confidence: basis == .handshake ? 0.99 : 0.5 + Double(below(5000)) / 10_000)
      relation.sessions = UInt64(1 + below(20) * below(20) / 10)
      if kind == .failed { relation.unanswered = relation.sessions }
      relation.packetsToServer = relation.sessions * UInt64(3 + below(40))
      relation.bytesToServer = relation.packetsToServer * UInt64(60 + below(400))
      if kind != .failed {
        relation.packetsToClient = relation.sessions * UInt64(3 + below(60))
        relation.bytesToClient = relation.packetsToClient * UInt64(60 + below(1400))
      }
      relation.firstTick = Tick.of(nanoseconds: startNs + UInt64(below(3_000)) * 1_000_000_000)
      relation.lastTick = relation.firstTick + UInt64(below(100_000_000))
      if basis == .handshake {
        relation.handshakes = relation.sessions
        relation.handshakeTicksSum = relation.sessions * UInt64(20 + below(4000))
        relation.handshakeTicksMin = 20
      }
      relations.append(relation)
    }
    var capture = CaptureReport(files: [.init(name: "site.pcapng", packets: 1)])
    capture.startNs = startNs
    capture.endNs = startNs + 3_600_000_000_000
    capture.accounting = ["notIP": 12_345]
    return ServiceMap(capture: capture, addresses: addresses, relations: relations) { address in
      address.low % 10 == 3 ? "host-\(address.low & 0xFFFF).example.net" : nil
    }
  }

  /// Every twentieth host has IPv6; 200 hosts make a network.
  private static func address(of index: Int) -> IPAddress {
    if index % 20 == 19 {
      let high = 0x2001_0db8_0000_0000 as UInt64
      let low = 0x0200_5eff_fe00_0000 as UInt64
      return IPAddress(high: high | UInt64(index % 16), low: low + UInt64(index))
    }
    let network = UInt32(index / 200) << 8
    return IPAddress(v4: 0x0A00_0000 + network + UInt32(index % 200 + 1))
  }
}
