internal import Glibc
internal import Wire

/// What is known of one endpoint (address, protocol, port). Every field is a sum or a count of
/// distinct things that live in one place only, so shards, epochs and days add up.
public struct EndpointEvidence: Equatable, Sendable {
  /// Sessions in which it answered a handshake.
  public var served: UInt32 = 0
  /// Distinct peer addresses and peer endpoints that spoke to it first. Of TCP sessions without a
  /// handshake all peers count here, since their first packet seen is hardly ever their first.
  public var peersIn: UInt32 = 0
  public var peerPortsIn: UInt32 = 0
  /// The same of those that it spoke to first. A client with a fixed port (NTP, IKE) has many.
  public var peersOut: UInt32 = 0
  public var peerPortsOut: UInt32 = 0

  public init() {}
}

/// What is known of a session, or of several with the same two endpoints and the same first
/// speaker, beyond its endpoints.
public struct PairEvidence: Equatable, Sendable {
  public var protocolNumber: UInt8
  public var aPort: UInt16
  public var bPort: UInt16
  public var firstFromB: Bool

  public init(protocolNumber: UInt8, aPort: UInt16, bPort: UInt16, firstFromB: Bool) {
    self.protocolNumber = protocolNumber
    self.aPort = aPort
    self.bPort = bPort
    self.firstFromB = firstFromB
  }
}

/// Who of two endpoints is the server, and how sure that is.
public struct Verdict: Equatable, Sendable {
  public var serverIsA: Bool
  /// Probability that it is right, 0.5–1.
  public var confidence: Double
  /// The evidence that weighs most for it.
  public var basis: Basis
}

/// The one rule that turns evidence into roles where no handshake decides.
///
/// Each piece of evidence adds a log-odds; the sum's logistic is the confidence. Source: features
/// of Takara (2008) section 3.3 (peer addresses, peer ports), and who speaks first.
public enum RoleRule {
  /// Below this confidence a pair stays undecided.
  public static let decidedAbove = 0.65
  /// No sum of circumstances is as sure as a handshake.
  private static let confidenceMax = 0.995

  /// Judges the pair; symmetric: exchanging A and B exchanges the verdict.
  ///
  /// - Complexity: O(1); once for each pair of endpoints without a handshake, not for each packet.
  public static func judge(
    _ pair: PairEvidence, a: EndpointEvidence, b: EndpointEvidence
  ) -> Verdict {
    let isTCP = pair.protocolNumber == IPProtocolNumber.tcp
    // An endpoint that answered handshakes is a server; this outweighs all the rest.
    let known = 6 * (sign(a.served) - sign(b.served))

    // Many ask a server's port, each from many ports; a client's port asks.
    let peers = logRatio(a.peersIn, a.peersOut) - logRatio(b.peersIn, b.peersOut)
    let ports = logRatio(a.peerPortsIn, a.peerPortsOut) - logRatio(b.peerPortsIn, b.peerPortsOut)
    let fanIn = clamp((isTCP ? 1.2 : 0.8) * peers, 4) + clamp((isTCP ? 1.0 : 0.6) * ports, 4)

    // Who is spoken to first serves. In the middle of a TCP session it says next to nothing.
    // Between equal ports it is nearly all there is to go by.
    let weight = isTCP ? 0.2 : pair.aPort == pair.bPort ? 2.5 : 1.0
    let speaker = weight * (pair.firstFromB ? 1 : -1)

    let port =
      PortPrior.logOdds(pair.aPort, pair.protocolNumber)
      - PortPrior.logOdds(pair.bPort, pair.protocolNumber)

    let sum = known + fanIn + speaker + port
    let toA = sum > 0 || sum == 0 && pair.firstFromB
    let towards = toA ? 1.0 : -1.0
    // The basis is the strongest evidence of behaviour; a port number only where there is no other.
    let parts: [(Double, Basis)] = [
      (known * towards, .knownServer), (fanIn * towards, .fanIn),
      (speaker * towards, .firstSpeaker),
    ]
    var strongest = (0.0, port * towards > 0 ? Basis.port : .none)
    for part in parts where part.0 > strongest.0 { strongest = part }
    return Verdict(
      serverIsA: toA, confidence: min(confidenceMax, 1 / (1 + exp(-abs(sum)))),
      basis: strongest.1)
  }

  private static func sign(_ count: UInt32) -> Double { count > 0 ? 1 : 0 }

  private static func clamp(_ value: Double, _ limit: Double) -> Double {
    min(limit, max(-limit, value))
  }

  /// Drawn to 0 by one imaginary peer each way, so that a single peer says little.
  private static func logRatio(_ inward: UInt32, _ outward: UInt32) -> Double {
    log((Double(inward) + 1) / (Double(outward) + 1))
  }
}

/// How likely a port number is a server's, before anything is seen. The weakest evidence.
public enum PortPrior {
  /// Log-odds of "server" for a port. Ranges: RFC 6335 section 6 (system, user, dynamic).
  public static func logOdds(_ port: UInt16, _ protocolNumber: UInt8) -> Double {
    if protocolNumber == IPProtocolNumber.udp && isClientPort(port) { return -3 }
    if port == 0 { return 0 }
    if port < 1024 { return 2.5 }
    if isUserServicePort[Int(port)] { return 1.5 }
    // Linux takes ephemeral ports from 32768, Windows and the BSDs from 49152.
    if port >= 49152 { return -1 }
    return port >= 32768 ? -0.7 : 0
  }

  /// Ports on which the protocol itself puts the client: DHCP (RFC 2131 section 4.1) and DHCPv6
  /// (RFC 8415 section 7.2).
  private static func isClientPort(_ port: UInt16) -> Bool { port == 68 || port == 546 }

  /// By port number; a table because it is asked for both ends of every pair.
  private static let isUserServicePort: [Bool] = {
    var table = [Bool](repeating: false, count: 65536)
    for port in userServicePorts { table[port] = true }
    return table
  }()

  /// Registered user ports (IANA) of services that are common in companies.
  private static let userServicePorts: [Int] = [
    1194, 1433, 1434, 1521, 1645, 1646, 1701, 1718, 1719, 1720, 1723, 1812, 1813, 1883, 1900, 1985,
    2049, 2123, 2152, 2181, 2222, 2375, 2379, 2427, 2727, 3128, 3222, 3260, 3268, 3269, 3283, 3289,
    3306, 3389, 3391, 3478, 3479, 3544, 3690, 3702, 3784, 3785, 4369, 4433, 4500, 4739, 4789, 4793,
    5004, 5005, 5044, 5050, 5060, 5061, 5093, 5201, 5222, 5351, 5353, 5355, 5432, 5555, 5601, 5632,
    5671, 5672, 5683, 5684, 5900, 5985, 5986, 6000, 6081, 6343, 6379, 6443, 6514, 6653, 8000, 8008,
    8080, 8081, 8086, 8088, 8443, 8472, 8805, 8888, 9000, 9042, 9090, 9092, 9100, 9200, 9300, 9418,
    9987, 9995, 9996, 10050, 10051, 10161, 11211, 15672, 17185, 19132, 19302, 20000, 25565, 27015,
    27017, 27960, 30303, 33434, 34964, 44818, 47808, 48898, 51820, 64738,
  ]
}
