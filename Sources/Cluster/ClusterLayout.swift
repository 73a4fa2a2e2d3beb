/// The streams of a cluster.
public enum ClusterStream: String, Sendable, CaseIterable {
  /// Batches of records, by capture point and shard. Kept until every merger has committed what came of them.
  case records = "RENKEI_RECORDS"
  /// What the trackers report: changes of an epoch, and snapshots of a shard's sessions. Kept from the snapshot on
  /// that every merger has passed.
  case epochs = "RENKEI_EPOCHS"

  /// All of its subjects.
  public var subjects: String {
    switch self {
    case .records: "renkei.records.*.*"
    case .epochs: "renkei.epochs.*"
    }
  }
}

/// The key-value buckets of a cluster.
public enum ClusterBucket: String, Sendable, CaseIterable {
  /// `layout` (`ClusterLayout`), `assignment` (which tracker owns which shard), `watermark.<merger>`.
  case cluster = "renkei-cluster"
  /// `collector.<point>`, `tracker.<name>`, `merger.<name>`: how each process is, written about once a second. A
  /// process whose entry does not change any more is taken for dead.
  case status = "renkei-status"
}

/// Names of subjects.
public enum ClusterSubject {
  public static func records(point: String, shard: Int) -> String {
    "renkei.records.\(point).\(shard)"
  }
  /// Of all capture points.
  public static func records(shard: Int) -> String { "renkei.records.*.\(shard)" }
  public static func epochs(shard: Int) -> String { "renkei.epochs.\(shard)" }
  /// Of all shards.
  public static let epochs = "renkei.epochs.*"

  /// Whether a word can name a capture point, a tracker or a merger: letters, digits, hyphen and underscore, 1 to 32.
  public static func isName(_ word: String) -> Bool {
    (1...32).contains(word.utf8.count)
      && word.utf8.allSatisfy {
        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45
          || $0 == 95
      }
  }
}

/// What all processes of a cluster have to agree upon; `renkei cluster init` writes it once, as JSON under `layout`.
public struct ClusterLayout: Codable, Equatable, Sendable {
  /// Of this layout and of the messages.
  public var version = 1
  /// Nanoseconds since 1970 of its making: names the run in the stores.
  public var createdNs: UInt64
  /// Virtual shards: a power of two, 1 to 64.
  public var shards: Int

  public init(createdNs: UInt64, shards: Int) {
    self.createdNs = createdNs
    self.shards = shards
  }
}
