/// What a tracker of a cluster is told.
public struct ClusterTrackerSettings: Sendable {
  /// Of this tracker; `ClusterSubject.isName`.
  public var name: String
  /// Virtual shards of the cluster (`ClusterLayout.shards`).
  public var shards: Int
  /// When sessions end. `sessionsMax` is of all shards together.
  public var tracker: TrackerConfiguration
  /// How often what changed is reported.
  public var epochSeconds: Double
  /// Silence after which another tracker is dead.
  public var takeoverSeconds: Double
  /// For people.
  public var host: String
  public var version: String
  /// Different IPv6 addresses (and IPv4 addresses in 240.0.0.0/4) that the process keeps until it takes its shards up anew;
  /// never fewer than its sessions may have. 16 bytes each, and 8 for finding them.
  public var addressesMax: Int
  /// For tests: rows of a shard, rows from which on some are looked for that are over, seconds between snapshots.
  var rowsMax: Int?
  var compactMin = 16_384
  var snapshotSeconds: Double?
  /// For tests: different addresses that find room.
  var addressesExactly: Int?

  public init(
    name: String, shards: Int, tracker: TrackerConfiguration = TrackerConfiguration(),
    epochSeconds: Double = 1, takeoverSeconds: Double = 4, host: String, version: String,
    addressesMax: Int = 1 << 22
  ) {
    self.name = name
    self.shards = shards
    self.tracker = tracker
    self.epochSeconds = epochSeconds
    self.takeoverSeconds = takeoverSeconds
    self.host = host
    self.version = version
    self.addressesMax = addressesMax
  }
}
