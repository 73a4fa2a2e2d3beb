/// Makes new sessions: draws the kind, the two hosts, their ports and all that stays fixed.
struct SessionLauncher {
  /// What the user asked for.
  let capture: Options
  /// The kinds of traffic.
  let kinds: [ServiceKind]
  /// The hosts, with the ephemeral ports they have used.
  private(set) var hosts: HostPlan
  /// Who provides what.
  private let deployment: Deployment
  /// Sum of the weights up to each kind, to find a kind by a number drawn below the last sum.
  private let weightSums: [Double]
  /// Index of the kind that follows each kind, −1 for none; names are looked up once, at start.
  private let followers: [Int]
  /// Requests so far of each kind that asks all providers in turn.
  private var turns: [Int]
  /// Index of the client that scans ports: one machine in a run.
  private let scanner: Int
  /// Most packets in one request or response: one in 500 of the run, so that no single transfer
  /// makes up a file, and 20,000 at most, so that larger runs have sessions of the same sizes. Where
  /// the user sets the number of sessions, sizes follow from it.
  let scale: SizeScale

  /// Plans hosts and services for a run.
  init(options: Options) {
    capture = options
    let usesHighPorts = options.profile == .highPorts
    let kinds = ServiceCatalogue.all
    self.kinds = kinds
    hosts = HostPlan(
      packets: options.ordinaryPacketCount, seed: options.seed, avoidsKnownPorts: usesHighPorts)
    deployment = Deployment(
      kinds: kinds, hosts: hosts, seed: options.seed, usesHighPorts: usesHighPorts)
    var sum = 0.0
    weightSums = kinds.map { kind in
      sum += kind.weight
      return sum
    }
    followers = kinds.map { kind in
      guard let name = kind.followUp?.kind.description else { return -1 }
      let index = kinds.firstIndex { $0.name.description == name }
      precondition(index != nil, "the catalogue names a follow-up that it does not have")
      return index ?? -1
    }
    turns = kinds.map { _ in 0 }
    scanner = Int(RandomSource.mix(options.seed, 0x5C) % UInt64(hosts.clientCount))
    // A run of days has the sessions of its first day on the others, too.
    let packets = Double(options.ordinaryPacketCount) / Double(options.days ?? 1)
    let burstMax = min(20_000, max(20, packets / 500))
    guard let sessions = options.sessionCount else {
      scale = SizeScale(burstMax: burstMax, factor: 1)
      return
    }
    let factor = packets / Double(sessions) / ArrivalClock.packetsPerSession
    scale = SizeScale(burstMax: max(20, packets / 500), factor: factor)
  }

  /// Draws the kind of the next session that no other one brings about.
  func drawKind(_ random: inout RandomSource) -> Int {
    let number = random.unit() * (weightSums.last ?? 0)
    return weightSums.firstIndex { number < $0 } ?? 0
  }

  /// The session that a new one brings about this time, if any: kind and client.
  func drawFollowUp(
    of session: Session, random: inout RandomSource
  ) -> (kind: Int, client: Int)? {
    let kind = Int(session.kind)
    guard let followUp = kinds[kind].followUp, random.chance(permille: followUp.permille) else {
      return nil
    }
    return (followers[kind], Int(followUp.comesFromServer ? session.server : session.client))
  }

  /// Makes a session of a kind.
  ///
  /// - Parameter client: index of the client if it is given; else one of the kind's requesters.
  /// - Returns: nil if there is none: a server would call itself, or a mid-stream capture has
  ///   nothing left of it.
  mutating func launch(
    kind index: Int, client given: Int?, random: inout RandomSource
  ) -> Session? {
    let kind = kinds[index]
    var session = Session()
    let client = given ?? drawClient(kind, random: &random)
    session.kind = UInt8(index)
    session.transport = kind.transport
    session.client = Int32(client)
    session.clientAddress = hosts.addresses[client]
    guard aim(&session, at: kind, index: index, random: &random) else { return nil }
    equip(&session, kind: kind, random: &random)

    let isMidStream = capture.isMidStream && kind.transport != .icmp
    if kind.transport == .tcp, !isMidStream {
      session.phase = .syn
      // Three SYNs in a thousand sessions are lost on the way and sent again.
      let isLost = session.traits.contains(.silent) || random.chance(permille: 3)
      session.repeatsLeft = isLost ? UInt16(1 + random.below(3)) : 0
      return session
    }
    if isMidStream, kind.fate != .accepted { return nil }
    session.beginRound(kind.shape, scale: scale, random: &random)
    if isMidStream {
      let remains = session.loseBeginning(kind.shape, scale: scale, random: &random)
      return remains ? session : nil
    }
    return session
  }

  /// Takes the next ephemeral port of a host.
  mutating func takeEphemeralPort(_ host: Int) -> UInt16 {
    hosts.takePort(host)
  }

  /// True if the host provides anything at the port.
  func isListening(_ host: Int, port: UInt16) -> Bool {
    deployment.listens(host: host, port: port)
  }

  /// Where a kind of service is provided, by its name in the catalogue.
  func instances(of name: String) -> [Deployment.Instance] {
    let index = kinds.firstIndex { $0.name.description == name }
    precondition(index != nil, "the catalogue has no such kind")
    return index.map { deployment.instances[$0] } ?? []
  }

  // MARK: - Who asks whom

  /// Draws a client: half of the sessions come from anybody, half mostly from the busy ones.
  private func drawClient(_ kind: ServiceKind, random: inout RandomSource) -> Int {
    if kind.fate == .scanned { return scanner }
    let group = hosts.hosts(kind.requester)
    let fraction = random.unit()
    let skewed = random.below(2) == 0 ? fraction : fraction * fraction
    return group.lowerBound + Int(skewed * Double(group.count))
  }

  /// Sets server, ports and fate. False if the server would be the client.
  private mutating func aim(
    _ session: inout Session, at kind: ServiceKind, index: Int, random: inout RandomSource
  ) -> Bool {
    let client = Int(session.client)
    switch kind.fate {
    case .scanned:
      aimScan(&session, turn: turns[index])
      turns[index] += 1
    case .silent:
      let network = random.below(UInt32(hosts.serverNetworkCount))
      session.serverAddress = 10 << 24 | 10 << 16 | network << 8 | (200 + random.below(40))
      session.serverPort = closedPort(&random)
      session.traits.insert(.silent)
    case .refused:
      let servers = hosts.hosts(.anyServer)
      let server = servers.lowerBound + Int(random.below(UInt32(servers.count)))
      session.server = Int32(server)
      session.serverPort = closedPort(&random)
      while deployment.listens(host: server, port: session.serverPort) {
        session.serverPort = closedPort(&random)
      }
      session.traits.insert(.refused)
    case .accepted:
      var instance = deployment.pick(kind: index, client: client, random: &random)
      if kind.fansOut {
        instance = deployment.instances[index][turns[index] % deployment.instances[index].count]
        turns[index] += 1
      }
      session.server = instance.host
      session.serverPort = instance.port
      if kind.provider == .group {
        let isLocal = kind.groupAddress == 0
        session.serverAddress = isLocal ? session.clientAddress | 0xFF : kind.groupAddress
      }
    }
    if session.server >= 0 { session.serverAddress = hosts.addresses[Int(session.server)] }
    return session.server != session.client
  }

  /// Aims a scan: host after host, then the next port.
  private func aimScan(_ session: inout Session, turn: Int) {
    let servers = hosts.hosts(.anyServer)
    let server = servers.lowerBound + turn % servers.count
    let sweep = turn / servers.count
    var port = SessionLauncher.scannedPorts[sweep % SessionLauncher.scannedPorts.count]
    if capture.profile == .highPorts {
      port = UInt16(20_001 + sweep * 37 % 40_000)
      while KnownPorts.contains(port) { port += 1 }
    }
    session.server = Int32(server)
    session.serverPort = port
    if deployment.listens(host: server, port: port) {
      session.traits.insert(.probe)
    } else {
      // Every fourth host has a firewall that says nothing.
      session.traits.insert(server % 4 == 0 ? .silent : .refused)
    }
  }

  /// Ports that a scan tries.
  private static let scannedPorts: [UInt16] = [
    21, 22, 23, 25, 80, 110, 135, 139, 143, 443, 445, 1433, 1521, 3306, 3389, 5432, 5900, 8080,
    8443,
  ]

  /// A port that a client believes in and nobody serves.
  private func closedPort(_ random: inout RandomSource) -> UInt16 {
    if capture.profile == .highPorts {
      while true {
        let port = 20_001 + UInt16(random.below(40_000))
        if !KnownPorts.contains(port) { return port }
      }
    }
    let ports: [UInt16] = [21, 23, 111, 139, 593, 2049, 5900, 7680, 8443, 8530, 9090, 9200]
    return ports[Int(random.below(UInt32(ports.count)))]
  }
}
