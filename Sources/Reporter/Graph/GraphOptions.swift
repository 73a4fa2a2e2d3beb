public import Wire

/// What of a map a graph shows, and how far it is joined.
public struct GraphOptions: Equatable, Hashable, Sendable {
  /// What a node is.
  public enum Level: String, CaseIterable, Sendable {
    /// A group of hosts, or a network.
    case group
    /// Every host: readable only where they are few.
    case host
  }

  public var level: Level
  /// Names of groups that are opened into their hosts. Unknown names are ignored.
  public var expanded: [String]
  /// Only this host and one step around it: its clients, and what it requests. Hosts are nodes; where one
  /// service has many clients, they are joined by group. `level` and `expanded` have no meaning then.
  public var focus: IPAddress?
  /// Edges with less are hidden, and counted.
  public var bytesMin: UInt64
  public var sessionsMin: UInt64
  /// Relations whose role is less sure, 0–1, are left out before anything is joined.
  public var confidenceMin: Double
  /// Whether requests that came to nothing are in it.
  public var includesFailures: Bool
  /// At most so many nodes; what has least traffic beyond is joined into nodes of the kind `others`.
  public var nodesMax: Int
  /// At most so many edges, those with most traffic.
  public var edgesMax: Int

  public init(
    level: Level = .group, expanded: [String] = [], focus: IPAddress? = nil, bytesMin: UInt64 = 0,
    sessionsMin: UInt64 = 0, confidenceMin: Double = 0, includesFailures: Bool = true,
    nodesMax: Int = 60, edgesMax: Int = 200
  ) {
    self.level = level
    self.expanded = expanded
    self.focus = focus
    self.bytesMin = bytesMin
    self.sessionsMin = sessionsMin
    self.confidenceMin = confidenceMin
    self.includesFailures = includesFailures
    self.nodesMax = nodesMax
    self.edgesMax = edgesMax
  }

  /// Beyond these no picture is readable, and a matrix of nodes would grow without bound.
  static let nodesRange = 2...500
  static let edgesRange = 1...5000
}
