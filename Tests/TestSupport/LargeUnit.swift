public import ServiceMap
public import Wire

/// A company as a unit sees it in a day: 16,000 hosts, 100,000 relations, and what goes wrong besides.
/// It follows from the seed alone.
///
/// Most clients use the same few services, and few services have most of the clients: a relation's
/// service is drawn by the cube of a uniform number. A fifth of the relations go on all day, more of
/// them by day than at night; the others are of one to four hours.
public struct LargeUnit: Sendable {
  public struct Size: Sendable {
    public var hosts = 16_000
    /// Some are in none of the minutes that are written.
    public var relations = 102_000
    public var failed = 20_000
    public var undecided = 400
    /// Senders to multicast groups.
    public var grouped = 1_500
    public init() {}
  }

  /// What a link is made of again and again.
  fileprivate struct Pattern: Sendable {
    var server: UInt32
    var client: UInt32
    var protocolNumber: UInt8
    var port: UInt16
    var clientPort: UInt16
    var kind: Kind
    /// Goes on all day; else the hours.
    var isSteady: Bool
    var hours: UInt32
    /// Octets of a session.
    var bytes: UInt32
    var seed: UInt32
  }
  fileprivate enum Kind: UInt8, Sendable {
    case shaken, asked, refused, unanswered, undecided, group
  }

  /// The hosts, servers first.
  public let addresses: [IPAddress]
  private let patterns: [Pattern]
  private let serverCount: Int
  private let outsideCount: Int

  /// - Complexity: O(relations).
  public init(seed: UInt64, size: Size = Size()) {
    var generator = SeededGenerator(seed: seed)
    let (serverCount, outsideCount) = (size.hosts / 20, size.hosts / 10)
    (self.serverCount, self.outsideCount) = (serverCount, outsideCount)
    addresses = LargeUnit.addresses(size.hosts, serverCount, outsideCount)
    let services = LargeUnit.services(serverCount, outsideCount, using: &generator)
    let clients = UInt32(serverCount + outsideCount)..<UInt32(size.hosts)
    var patterns: [Pattern] = []
    var known: Set<UInt64> = []
    /// A service and a client that have nothing with each other yet.
    func pair() -> (service: (server: UInt32, proto: UInt8, port: UInt16), client: UInt32) {
      while true {
        let place = Double.random(in: 0..<1, using: &generator)
        let number = Int(Double(services.count) * place * place * place)
        // Some servers are clients of others.
        let client =
          Int.random(in: 0..<20, using: &generator) == 0
          ? UInt32.random(in: 0..<UInt32(serverCount), using: &generator)
          : UInt32.random(in: clients, using: &generator)
        let service = services[number]
        guard service.server != client, known.insert(UInt64(number) << 32 | UInt64(client)).inserted
        else { continue }
        return (service, client)
      }
    }
    func add(_ count: Int, _ kind: (UInt8) -> Kind) {
      for _ in 0..<count {
        let (service, client) = pair()
        let hours = (0..<Int.random(in: 1...4, using: &generator)).reduce(UInt32(0)) { hours, _ in
          hours | 1 << UInt32.random(in: 0..<24, using: &generator)
        }
        patterns.append(
          Pattern(
            server: service.server, client: client, protocolNumber: service.proto,
            port: service.port, clientPort: .random(in: 32_768...60_999, using: &generator),
            kind: kind(service.proto),
            isSteady: Int.random(in: 0..<5, using: &generator) == 0, hours: hours,
            bytes: 1 << UInt32.random(in: 7...20, using: &generator),
            seed: .random(in: 0...(.max), using: &generator)))
      }
    }
    add(size.relations) { $0 == IPProtocolNumber.tcp ? .shaken : .asked }
    let good = patterns.count
    var isRefused = false
    add(size.failed) { _ in
      isRefused.toggle()
      return isRefused ? .refused : .unanswered
    }
    for place in good..<patterns.count { patterns[place].protocolNumber = IPProtocolNumber.tcp }
    add(size.undecided) { _ in .undecided }
    for place in patterns.count - size.undecided..<patterns.count {
      patterns[place].protocolNumber = IPProtocolNumber.tcp
      patterns[place].port = .random(in: 32_768...60_999, using: &generator)
    }
    add(size.grouped) { _ in .group }
    for place in patterns.count - size.grouped..<patterns.count {
      patterns[place].protocolNumber = IPProtocolNumber.udp
      patterns[place].port = place % 2 == 0 ? 5353 : 1900
      // The two groups are behind the hosts.
      patterns[place].server = UInt32(size.hosts + place % 2)
    }
    self.patterns = patterns
  }

  /// Servers in two networks; outside, anywhere; clients in networks of 200, some with IPv6 as well.
  private static func addresses(_ count: Int, _ servers: Int, _ outside: Int) -> [IPAddress] {
    let hosts = (0..<UInt32(count)).map { number in
      if number < servers {
        return IPAddress(v4: 0x0AC8_0000 + number / 250 * 256 + number % 250 + 1)
      }
      let other = number - UInt32(servers)
      // 198.18.0.0/15 is for benchmarks (RFC 2544), and outside of any organisation.
      if other < outside { return IPAddress(v4: 0xC612_0000 + other * 37) }
      let client = other - UInt32(outside)
      let network = client / 200
      return client % 20 == 7
        ? IPAddress(high: 0x2001_0DB8 << 32 | UInt64(network), low: UInt64(client) << 8 | 1)
        : IPAddress(v4: 0x0A01_0000 + network * 256 + client % 200 + 10)
    }
    return hosts + [IPAddress(v4: 0xE000_00FB), IPAddress(v4: 0xEFFF_FFFA)]
  }

  private static func services(
    _ servers: Int, _ outside: Int, using generator: inout SeededGenerator
  ) -> [(server: UInt32, proto: UInt8, port: UInt16)] {
    let tcp: [UInt16] = [
      443, 80, 22, 25, 445, 389, 636, 88, 3306, 5432, 6379, 8080, 8443, 9090, 9100, 993, 1433, 1521,
      2049, 3389, 5000, 5672, 9092, 9200, 11211, 27017, 50020, 50021, 50100, 8000,
    ]
    let udp: [UInt16] = [53, 123, 161, 514, 88, 1812]
    var found: [(server: UInt32, proto: UInt8, port: UInt16)] = []
    for server in 0..<UInt32(servers) {
      var free = tcp
      for _ in 0..<Int.random(in: 1...5, using: &generator) {
        let port = free.remove(at: .random(in: free.indices, using: &generator))
        found.append((server, IPProtocolNumber.tcp, port))
      }
      if server % 8 == 0 {
        found.append((server, IPProtocolNumber.udp, udp[Int(server / 8) % udp.count]))
      }
    }
    for server in UInt32(servers)..<UInt32(servers + outside) {
      found.append((server, IPProtocolNumber.tcp, server % 9 == 0 ? 80 : 443))
    }
    // Which of them are liked does not depend on their addresses.
    found.shuffle(using: &generator)
    return found
  }

  /// A names file for a third of the hosts: `address,name,group`.
  public func names() -> String {
    var lines = ""
    for (number, address) in addresses.enumerated() where number % 3 == 0 {
      let (name, group) =
        number < serverCount
        ? ("srv-\(number).example.test", "Servers")
        : number < serverCount + outsideCount
          ? ("www.\(number).example.com", "Elsewhere")
          : ("pc-\(number).example.test", "Floor \(number % 12 + 1)")
      lines += "\(address),\(name),\(group)\n"
    }
    return lines
  }

  /// How many links there are that `link` makes.
  public var count: Int { patterns.count }

  /// The numbers of the links of which something passes in an hour, 0 to 23.
  public func active(inHour hour: Int) -> [Int] {
    patterns.indices.filter { isActive($0, inHour: hour) }
  }

  /// Whether something passes in an hour of the day.
  private func isActive(_ number: Int, inHour hour: Int) -> Bool {
    let one = patterns[number]
    // At night every fourth of what goes on all day.
    if one.isSteady { return (7..<19).contains(hour) || one.seed & 3 == 0 }
    return one.hours >> UInt32(hour) & 1 == 1
  }

  /// A link as of a minute.
  ///
  /// - Parameters:
  ///   - id: the store's number of an address.
  ///   - rounds: how much of it there was, at least 1.
  public func link(
    _ number: Int, seconds: UInt64, rounds: UInt64 = 1, id: (IPAddress) -> Int
  ) -> Link {
    let one = patterns[number]
    var link = Link(
      a: id(addresses[Int(one.server)]), b: id(addresses[Int(one.client)]),
      protocolNumber: one.protocolNumber, aPort: one.port, bPort: one.clientPort,
      hasHandshake: [.shaken, .refused, .unanswered].contains(one.kind), events: one.kind.events)
    link.sessions = rounds * (1 + UInt64(one.seed >> 8 & 3))
    link.firstFromB = one.kind == .undecided ? link.sessions / 2 : link.sessions
    link.packetsBA = link.sessions * 3
    link.bytesBA = link.packetsBA * 60
    switch one.kind {
    case .shaken, .asked, .undecided:
      link.twoWay = link.sessions
      link.bytesAB = link.sessions * (UInt64(one.bytes) + UInt64(one.seed & 0xFF))
      link.packetsAB = link.bytesAB / 1400 + link.sessions
      link.bytesBA += link.bytesAB / 10
    case .refused:
      link.refused = link.sessions
      link.packetsAB = link.packetsBA
      link.bytesAB = link.packetsAB * 40
    case .unanswered: link.unanswered = link.sessions
    case .group: break
    }
    link.bPorts = UInt32(clamping: one.kind == .undecided ? 1 : link.sessions)
    if one.kind == .shaken {
      link.handshakes = link.sessions
      link.handshakeTicksMin = 20 + UInt64(one.seed >> 16 & 0x3FF)
      link.handshakeTicksSum = link.sessions * (link.handshakeTicksMin + 10)
    }
    let begin = seconds * 1_000_000_000 + UInt64(one.seed % 30_000) * 1_000_000
    link.firstTick = Tick.of(nanoseconds: begin)
    link.lastTick = Tick.of(nanoseconds: begin + 29_000_000_000)
    return link
  }
}

extension LargeUnit.Kind {
  fileprivate var events: SessionEvents {
    switch self {
    case .shaken:
      [.synFromB, .synAckFromA, .progressFromA, .progressFromB, .firstFromB, .finFromB]
    case .asked: [.progressFromA, .progressFromB, .firstFromB]
    case .refused: [.synFromB, .rstFromA, .firstFromB]
    case .unanswered: [.synFromB, .firstFromB]
    case .undecided: [.progressFromA, .progressFromB]
    case .group: [.progressFromB, .firstFromB]
    }
  }
}
