/// The hostile nine tenths of a capture with an attack: short sessions of a kind that no catalogue
/// of services has, one after the other as a Poisson process. Always IPv4 and untagged.
struct Attack {
  /// A host that is scanned.
  private struct Target {
    /// Address.
    let address: UInt32
    /// Index in the `HostPlan`; −1 if it only stands in the way.
    let host: Int32
    /// True if a port without a service stays silent, false if it refuses.
    let isSilent: Bool
  }

  /// When the next session begins, in microseconds since the capture began; `UInt64.max` after the
  /// last one.
  private(set) var nextUs: UInt64 = 0
  /// When the last packets of the attack have gone; `UInt64.max` until that is known.
  private(set) var endUs = UInt64.max
  /// Which attack.
  private let profile: Options.Profile
  /// True to write one direction of each session only.
  private let isOneWay: Bool
  /// Index of the kind that goes into the sessions: that of the ordinary port scan.
  private let kind: UInt8
  /// Mean time between two sessions.
  private let gapUs: Double
  /// Sessions so far.
  private var count: UInt32 = 0
  /// Indices of the two hosts that scan.
  private let scanners: [Int]
  /// The 256 hosts that are scanned.
  private let targets: [Target]
  /// The real services that are flooded, or that answer what others sent in a victim's name.
  private let victims: [Deployment.Instance]
  /// Random numbers, apart, so that the ordinary traffic is that of the profile `enterprise`.
  private var random: RandomSource

  /// A scan has one probe for each of 65,536 ports at 256 hosts.
  private static let probeCount: UInt32 = 1 << 24

  /// Plans an attack; nil if the profile has none.
  init?(options: Options, launcher: SessionLauncher, durationUs: Double) {
    guard options.profile.isAttack else { return nil }
    profile = options.profile
    isOneWay = options.isOneWay
    kind = UInt8(launcher.kinds.firstIndex { $0.fate == .scanned } ?? 0)
    let packetsPerSession = profile == .backscatter ? 1 : profile == .synFlood ? 2.5 : 1.6
    let packets = Double(options.packetCount - options.ordinaryPacketCount)
    gapUs = durationUs * packetsPerSession / packets
    random = RandomSource(seed: options.seed, stream: 2)
    let hosts = launcher.hosts
    scanners = [0, hosts.clientCount / 2]
    victims = ["https", "http", "smb", "ssh"].flatMap { launcher.instances(of: $0).prefix(2) }
    var targets = hosts.hosts(.anyServer).prefix(256).map {
      Target(address: hosts.addresses[$0], host: Int32($0), isSilent: $0 % 4 == 0)
    }
    for number in targets.count..<256 {
      let address = 10 << 24 | 30 << 16 | UInt32(number)
      targets.append(Target(address: address, host: -1, isSilent: number % 2 == 0))
    }
    self.targets = targets
  }

  /// The session that begins at `nextUs`.
  mutating func launch(from launcher: inout SessionLauncher) -> Session {
    var session = Session()
    session.kind = kind
    session.traits = .hostile
    let bits = random.next()
    session.clientSequence = UInt32(truncatingIfNeeded: bits)
    session.serverSequence = UInt32(truncatingIfNeeded: bits >> 32)
    let more = random.next()
    session.clientIdentification = UInt16(truncatingIfNeeded: more)
    session.serverIdentification = UInt16(truncatingIfNeeded: more >> 16)
    session.clientTimeToLive = 40 + UInt8(more >> 32 & 0xF)
    session.serverTimeToLive = 63
    session.roundTripUs = 150 + UInt32(more >> 40 & 0x3FF)
    if isOneWay { session.traits.insert(more >> 63 == 0 ? .hidesClient : .hidesServer) }
    switch profile {
    case .scan, .ackScan: aimScan(&session, launcher: &launcher)
    case .synFlood, .backscatter: aimFlood(&session, hosts: launcher.hosts)
    case .enterprise, .highPorts: preconditionFailure("no attack")
    }
    advance()
    return session
  }

  /// Draws when the next session begins, if there is one.
  private mutating func advance() {
    count &+= 1
    if (profile == .scan || profile == .ackScan) && count == Attack.probeCount {
      endUs = nextUs + 5_000_000
      nextUs = .max
    } else {
      nextUs += UInt64(random.exponential(mean: gapUs))
    }
  }

  /// The next probe: all ports of all targets in an order without an order, as scanners have it.
  private func aimScan(_ session: inout Session, launcher: inout SessionLauncher) {
    // An odd factor makes this a permutation of the 24-bit numbers.
    let place = count &* 0x9E_3779 &+ 0x51_7C35
    let target = targets[Int(place & 0xFF)]
    let scanner = scanners[Int(place >> 4 & 1)]
    session.client = Int32(scanner)
    session.clientAddress = launcher.hosts.addresses[scanner]
    // One of the two keeps its port, as fast scanners do; the other asks its system for one.
    session.clientPort = scanner == 0 ? 40_125 : launcher.takeEphemeralPort(scanner)
    session.server = target.host
    session.serverAddress = target.address
    session.serverPort = UInt16(truncatingIfNeeded: place >> 8)
    if profile == .ackScan {
      session.phase = .ackProbe
      if target.isSilent { session.traits.insert(.silent) }
    } else if target.host >= 0,
      launcher.isListening(Int(target.host), port: session.serverPort)
    {
      session.traits.insert(.probe)
    } else {
      session.traits.insert(target.isSilent ? .silent : .refused)
    }
  }

  /// A SYN in the name of somebody else, or only what the victim says to that.
  private mutating func aimFlood(_ session: inout Session, hosts: HostPlan) {
    let victim = victims[Int(random.below(UInt32(victims.count)))]
    session.client = -1
    session.clientAddress = spoofedAddress()
    session.clientPort = 1024 + UInt16(random.below(64_512))
    session.server = victim.host
    session.serverAddress = hosts.addresses[Int(victim.host)]
    session.serverPort = victim.port
    if profile == .synFlood {
      // One source in five exists and resets what it did not ask for; of the others, one SYN+ACK in
      // four is sent again.
      if random.below(5) == 0 {
        session.traits.insert(.probe)
      } else {
        session.traits.insert(.halfOpen)
        session.repeatsLeft = random.below(4) == 0 ? 1 : 0
      }
      return
    }
    switch random.below(10) {
    case 0..<6:
      session.phase = .synAck
      session.traits.insert(.halfOpen)
    case 6..<9:
      session.phase = .refusal
      session.serverPort = 1 + UInt16(random.below(65_535))
      if isListening(session) { session.serverPort = 9 }
    default:
      session.phase = .unreachable
      session.transport = .icmp
    }
  }

  /// True if one of the victims has its service at the session's server port.
  private func isListening(_ session: Session) -> Bool {
    victims.contains { $0.host == session.server && $0.port == session.serverPort }
  }

  /// An address from 11.0.0.0 up to 191.255.255.255, but none of 127.0.0.0/8: no host of the plan.
  private mutating func spoofedAddress() -> UInt32 {
    let address = 11 << 24 + random.below(181 << 24)
    return address >> 24 == 127 ? address ^ 1 << 24 : address
  }
}

extension Session {
  /// The phases that only an attack has.
  ///
  /// - Returns: microseconds until the next packet, or `finished`.
  mutating func attack(_ packet: inout Packet) -> UInt64 {
    switch phase {
    case .ackProbe:
      packet = fromClient(TCPFlags.ack)
      if traits.contains(.silent) { return Session.finished }
      phase = .reset
      return UInt64(roundTripUs)
    case .reset:
      // The number that was acknowledged (RFC 9293 section 3.10.7.1), and no acknowledgement.
      packet = fromServer(TCPFlags.rst)
      packet.acknowledgement = 0
      return Session.finished
    default:
      packet = fromServer(0)
      packet.payloadBytes = FrameEncoder.quotedBytes
      return Session.finished
    }
  }
}
