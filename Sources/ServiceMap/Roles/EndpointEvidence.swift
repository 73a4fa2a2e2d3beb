/// What is known of one endpoint (address, protocol, port). Every field is a sum or a count of
/// distinct things that live in one place only, so shards, epochs and days add up.
public struct EndpointEvidence: Equatable, Sendable {
  /// Sessions in which it answered a handshake and the session went on.
  public var served: UInt64 = 0
  /// Distinct peer addresses, and distinct peer endpoints.
  public var peers: UInt32 = 0
  public var peerPorts: UInt32 = 0
  /// Peer endpoints that mostly spoke to it first, and those that it mostly spoke to first.
  public var askedBy: UInt32 = 0
  public var asked: UInt32 = 0
  /// Links over UDP in which it was spoken to and never answered.
  public var oneWayPeers: UInt32 = 0
  /// Half-open sessions, those of SYN+ACKs that answer nothing, and completed ones, by client.
  public var halfOpenClients: UInt32 = 0
  public var completedClients: UInt32 = 0

  public init() {}
}

/// What is known of one host beyond its endpoints: how it behaves elsewhere.
public struct HostEvidence: Equatable, Sendable {
  /// Peer endpoints that it clearly served, and endpoints by which it was clearly served.
  public var served: UInt32 = 0
  public var requested: UInt32 = 0
  /// Endpoints that it spoke to in vain, or that answered its SYN and were let down.
  public var inVain: UInt32 = 0
  /// TCP packets that it sent beyond SYN and RST (saturating at 2^20 a link).
  public var spoken: UInt32 = 0
  /// TCP links in which both sides said more than SYN and RST; only this host; only the other.
  public var twoWay: UInt32 = 0
  public var unheard: UInt32 = 0
  public var unspoken: UInt32 = 0
  /// Of the links that only this host spoke in, those in which it said more than a probe does.
  public var unheardTalks: UInt32 = 0

  public init() {}

  /// A scanner, or the forged source of a flood: it knocks at many doors and enters few.
  public var isProbing: Bool { inVain >= 20 && inVain > 4 &* min(requested, 1 << 20) }
}

/// A pair of endpoints as the rule sees it: differences between A and B, all positive where they
/// speak for A as the server.
public struct RoleFeatures: Equatable, Sendable {
  /// The features in the order of `RoleWeights`.
  public enum Feature: Int, CaseIterable, Sendable {
    /// log₂ of the peer addresses, at least one, A less B.
    case peers
    /// log₂ of the peer endpoints, at least one, A less B.
    case peerPorts
    /// Who speaks first in this link's sessions, −1…1.
    case firstSpeaker
    /// The same, times the share of TCP sessions whose beginning was captured.
    case firstOfWhole
    /// log₂ ratio of those who asked the endpoint to those that it asked, A less B.
    case asked
    /// How well known the port number is as a server's (`PortPrior`).
    case portKnown
    /// How far it is from those that operating systems give to clients.
    case portRange
    /// log₂ of how many hosts use this port number, against its neighbours.
    case portCommon
    /// How unlike the port is to the client ports of its host and of the network.
    case notEphemeral
    /// log₂ ratio of what the host serves elsewhere to what it requests.
    case host
    /// Who breaks a silence within a session, −1…1: mostly the client.
    case silence

    /// The name in JSON and in explanations.
    public var name: String { "\(self)" }
  }

  /// By `Feature.rawValue`. In line, since an array would be an allocation a link.
  private(set) var values = InlineArray<11, Double>(repeating: 0)

  public init() {}

  @inline(__always) public subscript(feature: Feature) -> Double {
    get { values[feature.rawValue] }
    set { values[feature.rawValue] = newValue }
  }

  /// No single circumstance decides: that a host serves elsewhere, however much, least of all.
  @inline(__always) mutating func clamp() {
    for index in values.indices { values[index] = min(8, max(-8, values[index])) }
    self[.host] = min(3, max(-3, self[.host]))
    self[.notEphemeral] = min(3, max(-3, self[.notEphemeral]))
  }

  public static func == (one: RoleFeatures, other: RoleFeatures) -> Bool {
    Feature.allCases.allSatisfy { one[$0] == other[$0] }
  }
}
