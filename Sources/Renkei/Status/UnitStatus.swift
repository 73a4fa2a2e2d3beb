/// How a unit is: what its supervisor writes each second as `status.json`.
///
/// Times are seconds since 1970 (UTC); counters are cumulative since the unit's start. In JSON, what is
/// nil is left out.
struct UnitStatus: Codable, Equatable, Sendable {
  /// What the unit does.
  enum State: String, Codable, CaseIterable, Sendable {
    case starting, capturing, draining, ended
  }

  /// One process of the pipeline.
  struct Process: Codable, Equatable, Sendable {
    enum State: String, Codable, CaseIterable, Sendable {
      /// `failed`: given up after it ended again and again.
      case running, restarting, failed, ended
    }

    /// "collector eth0", "splitter", "tracker 1", "merger", "reporter"; each only once.
    var role: String
    /// nil while it does not run.
    var pid: Int32?
    var state: State = .running
    var restarts = 0
    /// How it ended the last time, for people: "killed by signal 9".
    var lastEnd: String?
    /// Packets, records or rows handled.
    var items: UInt64 = 0
    var itemsPerSecond: Double = 0
    /// How full the ring that it reads from is, 0 to 1; nil for the collector.
    var inputRingFill: Double?
    /// By how much it is behind the newest packet captured.
    var lagSeconds: Double?
    /// Resident memory.
    var memoryBytes: UInt64 = 0
    /// User and system time.
    var cpuSeconds: Double = 0
  }

  /// One interface that is captured from.
  struct Interface: Codable, Equatable, Sendable {
    enum State: String, Codable, CaseIterable, Sendable {
      case up, down, missing
    }

    var name: String
    var state: State = .up
    /// Packets that reached the capture point, dropped ones with them.
    var captured: UInt64 = 0
    /// The bytes of those that were not dropped, as on the wire.
    var capturedBytes: UInt64 = 0
    var packetsPerSecond: Double = 0
    var bytesPerSecond: Double = 0
    var droppedByKernel: UInt64 = 0
    var droppedByRing: UInt64 = 0
    /// How often it went down.
    var downs = 0
  }

  /// What became of all packets: captured = mapped + inPipeline + Σ reasons.
  struct Accounting: Codable, Equatable, Sendable {
    var captured: UInt64 = 0
    /// In the map, committed.
    var mapped: UInt64 = 0
    /// On the way to the map.
    var inPipeline: UInt64 = 0
    /// Packets that are not in the map, by reason: the names of `PacketOutcome`.
    var reasons: [String: UInt64] = [:]

    var isBalanced: Bool { reasons.values.reduce(mapped &+ inPipeline, &+) == captured }
  }

  struct Sessions: Codable, Equatable, Sendable {
    var open: UInt64 = 0
    /// Exported before their end because there were `max`.
    var exportedEarly: UInt64 = 0
    /// As many are kept at most, over all trackers.
    var max: UInt64 = 0
  }

  struct Store: Codable, Equatable, Sendable {
    var path = ""
    /// The database with its write-ahead log.
    var bytes: UInt64 = 0
    var lastCommitAtSeconds: Double?
    var commits: UInt64 = 0
    /// What keeps the map from being committed, for people: "disk full".
    var problem: String?
    /// Where a damaged store was moved.
    var setAside: String?
  }

  /// The collector's box of a cluster: how it gets on with the rest. `accounting.mapped` is what it has handed over.
  struct Cluster: Codable, Equatable, Sendable {
    var capturePoint: String
    /// Whether the cluster takes what it is given.
    var isReachable = false
    /// Messages, and their bytes.
    var batches: UInt64 = 0
    var bytes: UInt64 = 0
    /// Bytes that wait on disk, and records that ever did.
    var spoolBytes: UInt64 = 0
    var spooledRecords: UInt64 = 0
    /// Entries of the spool that could not be read.
    var spoolDamaged: UInt64 = 0
    /// How often the cluster stopped taking anything.
    var disconnects: UInt64 = 0
  }

  /// What the clock did while the unit ran.
  struct Clock: Codable, Equatable, Sendable {
    var steps = 0
    /// Positive: forwards.
    var lastStepSeconds: Double?
    var lastStepAtSeconds: Double?
  }

  /// The layout of this file; a reader refuses others.
  var version = UnitStatus.currentVersion
  var pid: Int32 = 0
  var startedAtSeconds: Double = 0
  var writtenAtSeconds: Double = 0
  var state: State = .starting
  var configurationPath: String?
  var processes: [Process] = []
  var interfaces: [Interface] = []
  var accounting = Accounting()
  var sessions = Sessions()
  var links: UInt64 = 0
  var store = Store()
  var clock = Clock()
  /// nil where this is no box of a cluster.
  var cluster: Cluster?
  /// For people, in English.
  var warnings: [String] = []

  static let currentVersion = 1
}
