/// What a publisher has to know of itself and its cluster.
public struct PublisherSettings: Sendable {
  /// Name of the capture point.
  public var point: String
  /// Nanoseconds since 1970 of the start: of two runs of a point the later has the greater.
  public var run: UInt64
  /// Virtual shards of the cluster.
  public var shards: Int
  /// By collector, as they are on the board: the interface.
  public var interfaces: [String]
  public var filter: String
  /// How long to wait at the end for what is in the spool; nil: until it is sent.
  public var drainSecondsMax: Double?

  public init(
    point: String, run: UInt64, shards: Int, interfaces: [String], filter: String = "",
    drainSecondsMax: Double? = 10
  ) {
    self.point = point
    self.run = run
    self.shards = shards
    self.interfaces = interfaces
    self.filter = filter
    self.drainSecondsMax = drainSecondsMax
  }
}

/// What keeps a publisher from ending as it should.
public enum PublisherError: Error, CustomStringConvertible {
  /// Neither the cluster nor the disk takes the last messages.
  case nowhere(String)

  public var description: String {
    switch self {
    case .nowhere(let why):
      "the last messages can neither be stored in the cluster nor in the spool: \(why)"
    }
  }
}
