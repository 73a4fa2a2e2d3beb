public import Wire

/// Why an endpoint is what the map says it is, in figures; texts are the reporter's.
///
/// All of it is from the endpoint's point of view: positive values and log-odds speak for it as the
/// server, "own" is its side.
public struct Explanation: Sendable {
  public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    public let address: IPAddress
    public let protocolNumber: UInt8
    public let port: UInt16

    public init(address: IPAddress, protocolNumber: UInt8, port: UInt16) {
      self.address = address
      self.protocolNumber = protocolNumber
      self.port = port
    }

    /// As the roles file and the command line write it: `[2001:db8::1]:443/tcp`.
    public var description: String {
      let host = address.isIPv4 ? "\(address)" : "[\(address)]"
      return "\(host):\(port)/\(ProtocolName.of(protocolNumber))"
    }
  }

  /// What the endpoint is in a part of its traffic; the first that applies is what it is at all.
  public enum Role: String, CaseIterable, Sendable {
    case server, peer, client
    /// It is a group; it sends to one.
    case group, sender
    case undecided
    /// Others asked it in vain; it asked in vain.
    case failed, inVain
    /// Only errors, or resets without their cause.
    case notice
  }

  /// What decided about a link, the operator first.
  public enum Reason: String, CaseIterable, Sendable {
    case overridden, handshake, group, notice
    /// The ports were cut off.
    case portsUnknown
    /// Both sides have the same port, so neither's port tells.
    case samePort
    /// The evidence was weighed.
    case weighed
    /// Only one side was seen.
    case oneWay
    /// The answer came from another port or address than was asked.
    case elsewhere
  }

  /// Traffic in which the endpoint has one role.
  public struct Part: Equatable, Sendable {
    public let role: Role
    /// Distinct addresses on the other side.
    public var addresses = 0
    public var sessions: UInt64 = 0
    public var packets: UInt64 = 0

    public init(role: Role) {
      self.role = role
    }
  }

  /// A line of the roles file.
  public struct Statement: Equatable, Sendable {
    public let path: String
    public let line: Int
    public let text: String
    public let role: RoleOverrides.Role
  }

  /// What was seen of the endpoint, in sessions unless named otherwise.
  public struct Findings: Equatable, Sendable {
    public var sessions: UInt64 = 0
    /// Distinct peer addresses, and peer ports.
    public var peers = 0
    public var peerPorts: UInt64 = 0
    public var packetsIn: UInt64 = 0
    public var packetsOut: UInt64 = 0
    public var bytesIn: UInt64 = 0
    public var bytesOut: UInt64 = 0
    /// Handshakes that it answered and that led to a session, and by how many addresses.
    public var answered: UInt64 = 0
    public var answeredClients = 0
    /// Handshakes in which it was the client.
    public var begun: UInt64 = 0
    /// Of the handshakes of either side: answered and left; refused; unanswered; answers that were not
    /// seen.
    public var halfOpen: UInt64 = 0
    public var refused: UInt64 = 0
    public var unanswered: UInt64 = 0
    public var unheard: UInt64 = 0
    /// Without a handshake, and who spoke first in them.
    public var withoutHandshake: UInt64 = 0
    public var firstFromOther: UInt64 = 0
    /// Of those: seen from both sides; only from the other; only from it.
    public var twoWay: UInt64 = 0
    public var onlyIn: UInt64 = 0
    public var onlyOut: UInt64 = 0
    /// What the whole host clearly served and requested, in endpoints of its peers; and what it
    /// requested in vain.
    public var host = HostEvidence()
  }

  /// A piece of evidence on the scales.
  public struct Weight: Equatable, Sendable {
    /// nil: handshakes that either side answered in other sessions.
    public let feature: RoleFeatures.Feature?
    public let value: Double
    /// Log-odds for each unit of `value`.
    public let weight: Double
    /// Log-odds that it adds.
    public let contribution: Double
  }

  /// All that the rule put on the scales for a link.
  public struct Weighing: Equatable, Sendable {
    public let weights: [Weight]
    /// Their sum.
    public let logOdds: Double
    /// Of the side that the sum is for.
    public let confidence: Double
    public var isServer: Bool { logOdds >= 0 }
    public let own: EndpointEvidence
    public let other: EndpointEvidence
    public let ownHost: HostEvidence
    public let otherHost: HostEvidence
    /// Sessions in which the other side spoke first, and this.
    public let firstFromOther: UInt64
    public let firstFromOwn: UInt64
    /// Who broke a silence.
    public let otherBrokeSilence: Bool
    public let ownBrokeSilence: Bool
    /// Every handshake of the capture was left out, to see what the rest says.
    public let hidesHandshakes: Bool
    /// Share of the TCP sessions whose beginning was captured.
    public let beginnings: Double
  }

  /// The link that stands for the others: of those in the endpoint's role the one with the most
  /// sessions.
  public struct Example: Sendable {
    public let other: Endpoint
    /// How many ports of either side the link stands for; `port` is then the smallest.
    public let ownPorts: UInt32
    public let otherPorts: UInt32
    public let sessions: UInt64
    public let reason: Reason
    public let confidence: Double
    public let basis: Basis
    /// nil where there is nothing to weigh: groups, ports unknown.
    public let weighing: Weighing?
  }

  /// How sure the other links are.
  public struct Spread: Equatable, Sendable {
    public let links: Int
    public let min: Double
    public let median: Double
    public let max: Double
  }

  /// What the endpoint would be, for which each was tried out and judged anew.
  public struct Outcome: Equatable, Sendable {
    public let role: Role
    public let confidence: Double

    public init(role: Role, confidence: Double) {
      self.role = role
      self.confidence = confidence
    }
  }

  /// What would change the verdict.
  public enum Change: Equatable, Sendable {
    /// One more session in which this endpoint, or the other, answers a handshake.
    case answersHandshake(Outcome)
    case otherAnswersHandshake(Outcome)
    /// So many more addresses that talk to it like the one of the example.
    case morePeers(Int, Outcome)
    /// A line in the roles file.
    case line(String, Outcome)
    /// The line that decides now, taken away.
    case withoutLine(Statement, Outcome)
  }

  public let endpoint: Endpoint
  public let role: Role
  public let confidence: Double
  public let basis: Basis
  /// By role, the endpoint's own first.
  public let parts: [Part]
  public let findings: Findings
  /// The links it has a part in, and the one that stands for them.
  public let links: Int
  public let example: Example
  /// nil where there are no others.
  public let others: Spread?
  /// The line of the roles file for this endpoint, and for the example's other side.
  public let statement: Statement?
  public let otherStatement: Statement?
  public let changes: [Change]
  /// Only one direction of most traffic was captured.
  public let isPartial: Bool
}

/// What was seen of an address, for those who asked for a port that was not.
public struct Sighting: Equatable, Sendable {
  public let endpoint: Explanation.Endpoint
  /// The ports that it stands for; the endpoint's is the smallest.
  public var ports: UInt32
  public var sessions: UInt64
  /// It provides a service there.
  public var isService: Bool
  /// The endpoint that it talked to, where that is one.
  public var other: Explanation.Endpoint?
}
