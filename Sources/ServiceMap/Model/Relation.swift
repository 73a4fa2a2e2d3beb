/// What a relation is, once the roles of its endpoints have been judged.
public enum RelationKind: UInt8, CaseIterable, Sendable {
  /// The server answered the client at least once: the server provides, the client requests.
  case provided = 1
  /// Same-port protocols in which either side asks (NTP peers, IKE): listed as provided by `server`.
  case peer = 2
  /// Every request was refused or stayed unanswered. No service is made of it.
  case failed = 3
  /// The destination is a multicast or broadcast group; `server` is the group, `client` the sender.
  case group = 4
  /// Neither side is shown to be the server: `server` and `client` only name the two sides.
  case undecided = 5
  /// ICMP errors and other messages that are neither request nor answer.
  case notice = 6

  /// The name in JSON and CSV.
  public var name: String { "\(self)" }

  /// Whether `server` provides something to `client`.
  public var isService: Bool { self == .provided || self == .peer }
}

/// On what a role rests, the strongest evidence first.
public enum Basis: UInt8, CaseIterable, Sendable {
  /// The operator said so.
  case overridden
  /// SYN and SYN+ACK of the same session were seen (also SCTP, DCCP, and ICMP request and reply).
  case handshake
  /// A SYN+ACK without its SYN.
  case synAck
  /// It answered a SYN, and no session came of it: an open port that was probed.
  case openPort
  /// A SYN without answer: who asked is certain, that somebody serves is not.
  case syn
  /// The endpoint answered handshakes in other sessions.
  case knownServer
  /// Many peers or many peer ports meet in this endpoint.
  case fanIn
  /// The other side spoke first.
  case firstSpeaker
  /// The protocol of this port never answers (syslog, SNMP traps, NetFlow), and it is spoken to again
  /// and again.
  case oneWay
  /// What the two hosts do elsewhere.
  case behaviour
  /// Port numbers alone.
  case port
  /// The address is a multicast or broadcast group.
  case group
  /// Nothing.
  case none

  /// The name in JSON and CSV.
  public var name: String { "\(self)" }
}

/// All traffic between one server endpoint and one client address.
///
/// The sum of `packets` over all relations of a map is the number of mapped packets, exactly: what
/// is failed, undecided or a notice is a relation too.
public struct Relation: Equatable, Sendable {
  /// Index into `ServiceMap.hosts`.
  public var server: Int
  public var client: Int
  public var protocolNumber: UInt8
  /// The server's port; ICMP: type·256+code of the request.
  public var port: UInt16
  /// How many ports of the server this stands for, of which `port` is the smallest: 1, or more where
  /// requests to many ports came to nothing, as those of a scan.
  public var serverPorts: UInt32
  /// How many addresses an unspecified server or client (0.0.0.0) stands for: a flood or a sweep.
  public var addresses: UInt32
  /// The client's port where the kind is `undecided`; else 0, since client ports are not kept.
  public var clientPort: UInt16
  public var kind: RelationKind
  public var basis: Basis
  /// Probability that the role is right, 0.5–1.
  public var confidence: Double
  /// Sessions, each counted once, and how many of them were refused or unanswered.
  public var sessions: UInt64
  public var refused: UInt64
  public var unanswered: UInt64
  /// Packets and layer-3 octets by direction.
  public var packetsToServer: UInt64
  public var packetsToClient: UInt64
  public var bytesToServer: UInt64
  public var bytesToClient: UInt64
  /// Packets that other capture points of a cluster have seen as well, both directions together; not in the above.
  public var seenElsewhere: UInt64
  /// Ticks (4,096 ns since 1970) of the first and the last packet.
  public var firstTick: UInt64
  public var lastTick: UInt64
  /// Handshakes with a measured round trip, their sum and minimum in ticks.
  public var handshakes: UInt64
  public var handshakeTicksSum: UInt64
  public var handshakeTicksMin: UInt64

  public init(
    server: Int, client: Int, protocolNumber: UInt8, port: UInt16, clientPort: UInt16 = 0,
    kind: RelationKind, basis: Basis, confidence: Double
  ) {
    self.server = server
    self.client = client
    self.protocolNumber = protocolNumber
    self.port = port
    self.clientPort = clientPort
    self.kind = kind
    self.basis = basis
    self.confidence = confidence
    serverPorts = 1
    addresses = 1
    sessions = 0
    refused = 0
    unanswered = 0
    packetsToServer = 0
    packetsToClient = 0
    bytesToServer = 0
    bytesToClient = 0
    seenElsewhere = 0
    firstTick = .max
    lastTick = 0
    handshakes = 0
    handshakeTicksSum = 0
    handshakeTicksMin = .max
  }

  public var packets: UInt64 { packetsToServer + packetsToClient }
  public var bytes: UInt64 { bytesToServer + bytesToClient }
  /// Sessions that were neither refused nor unanswered.
  public var answered: UInt64 { sessions - min(sessions, refused + unanswered) }

  /// Takes basis and confidence, together, of the one of the two that has the better basis, or the
  /// same and is surer.
  public mutating func takeRole(of other: Relation) {
    guard (other.basis.rawValue, -other.confidence) < (basis.rawValue, -confidence) else { return }
    basis = other.basis
    confidence = other.confidence
  }

  /// Adds the counters of `other`, which has the same key.
  public mutating func add(_ other: Relation) {
    serverPorts = max(serverPorts, other.serverPorts)
    addresses =
      addresses > 1 && other.addresses > 1
      ? addresses &+ other.addresses : max(addresses, other.addresses)
    sessions += other.sessions
    refused += other.refused
    unanswered += other.unanswered
    packetsToServer += other.packetsToServer
    packetsToClient += other.packetsToClient
    bytesToServer += other.bytesToServer
    bytesToClient += other.bytesToClient
    seenElsewhere += other.seenElsewhere
    firstTick = min(firstTick, other.firstTick)
    lastTick = max(lastTick, other.lastTick)
    handshakes += other.handshakes
    handshakeTicksSum += other.handshakeTicksSum
    handshakeTicksMin = min(handshakeTicksMin, other.handshakeTicksMin)
  }
}
