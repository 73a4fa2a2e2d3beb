/// How a process of a cluster is: its entry in the bucket `status`, JSON, about once a second.
///
/// Times are seconds since 1970 (UTC); counters are cumulative since the process began, unless said otherwise.
public struct ProcessStatus: Codable, Equatable, Sendable {
  public enum Role: String, Codable, Sendable, CaseIterable { case collector, tracker, merger }

  public var role: Role
  /// Capture point, tracker or merger.
  public var name: String
  public var host: String
  public var pid: Int32
  public var version: String
  public var startedAtSeconds: Double
  public var writtenAtSeconds: Double
  /// Nanoseconds since 1970 of its start: which of its lives.
  public var incarnation: UInt64
  /// For people: what keeps it from working; nil where all is well.
  public var problem: String?
  public var memoryBytes: UInt64 = 0
  public var cpuSeconds: Double = 0
  /// Ticks since 1970 of the newest packet that it has handled; for the lag.
  public var newestTick: UInt64 = 0
  /// Packets or records handled.
  public var items: UInt64 = 0
  /// Messages refused, by name of the reason.
  public var refused: [String: UInt64] = [:]
  public var collector: Collector?
  public var tracker: Tracker?
  public var merger: Merger?

  public init(
    role: Role, name: String, host: String, pid: Int32, version: String, incarnation: UInt64,
    atSeconds: Double
  ) {
    self.role = role
    self.name = name
    self.host = host
    self.pid = pid
    self.version = version
    self.incarnation = incarnation
    startedAtSeconds = atSeconds
    writtenAtSeconds = atSeconds
  }

  public struct Collector: Codable, Equatable, Sendable {
    /// What became of the packets of this run, by `PacketOutcome.name`.
    public var accounting: [String: UInt64] = [:]
    public var captured: UInt64 = 0
    public var interfaces: [String] = []
    /// Batches and bytes that were published, and records in them.
    public var batches: UInt64 = 0
    public var bytes: UInt64 = 0
    public var records: UInt64 = 0
    /// The spool: bytes that wait in it now, its limit, and records that it ever took.
    public var spoolBytes: UInt64 = 0
    public var spoolBytesMax: UInt64 = 0
    public var spooledRecords: UInt64 = 0
    /// How often the connection was lost or could not be made, and why the last time.
    public var disconnects: UInt64 = 0
    public var lastDisconnect: String?
    public var isEnded = false

    public init() {}
  }

  public struct Tracker: Codable, Equatable, Sendable {
    public struct Shard: Codable, Equatable, Sendable {
      public var shard: Int
      public var epoch: UInt64 = 0
      /// Messages that wait for it.
      public var pending: UInt64 = 0
      public var sessions: UInt64 = 0
      public var newestTick: UInt64 = 0

      public init(shard: Int) { self.shard = shard }
    }

    public var shards: [Shard] = []
    /// Shards taken over so far, and how long the last one took from being free to its first epoch.
    public var takeovers: UInt64 = 0
    public var lastTakeoverSeconds: Double?
    /// Epochs that another owner had already reported.
    public var superseded: UInt64 = 0
    public var sessionsExportedEarly: UInt64 = 0

    public init() {}
  }

  public struct Merger: Codable, Equatable, Sendable {
    public var store: String = ""
    public var commits: UInt64 = 0
    public var lastCommitAtSeconds: Double?
    /// Messages of the epochs' stream that wait for it.
    public var pending: UInt64 = 0
    public var links: UInt64 = 0
    /// Of all runs in the store.
    public var mapped: UInt64 = 0
    /// What became of all packets of all capture points, by `PacketOutcome.name`.
    public var accounting: [String: UInt64] = [:]
    public var captured: UInt64 = 0
    /// On the way: captured − mapped − Σ reasons.
    public var inPipeline: UInt64 = 0
    /// Records of batches that never came, by point.
    public var missing: [String: UInt64] = [:]
    public var points: [String] = []

    public init() {}
  }
}
