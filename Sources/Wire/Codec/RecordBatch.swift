/// A batch of records as it travels between boxes: all of one capture point and one virtual shard, in the order in which
/// they were captured. Understood without any other message: the addresses behind its handles are in it.
///
/// Shape, encoding and version: docs/wire-format.md.
public struct RecordBatch: Sendable, Equatable {
  /// Name of the capture point.
  public var point: String = ""
  /// Nanoseconds since 1970 of the start of the collector's run: of two runs of one point the later one has the greater.
  public var run: UInt64 = 0
  public var shard: UInt16 = 0
  public var shardCount: UInt16 = 0
  /// Number of the batch among those of this point, run and shard, from 1.
  public var sequence: UInt64 = 0
  /// Records in the batches before this one, of the same point, run and shard.
  public var recordsBefore: UInt64 = 0
  /// Records' ticks count from it.
  public var baseTick: UInt64 = 0
  /// Minutes since 1970 in which all records lie, but for those that came late by seconds.
  public var period: UInt32 = 0
  /// Ticks since 1970 up to which the collector has come: tells the time where there are no records.
  public var reachedTick: UInt64 = 0
  /// The run of this point is over; nothing follows in this shard.
  public var isLast = false
  /// JSON of a `CaptureReport`, cumulative over the run, with its accounting; in shard 0 only, about once a second
  /// and at the end; else empty.
  public var report: [UInt8] = []
  /// What the handles in the records stand for: 240.0.0.0 the first, 240.0.0.1 the second, and so on.
  public var addresses: [IPAddress] = []
  /// Records of 19 bytes (`PacketRecord`), one behind the other.
  public var records: [UInt8] = []

  public init() {}

  public var recordCount: Int { records.count / PacketRecord.bytes }

  /// Records in a batch, at most.
  public static let recordsMax = 8192
}

/// Why a message of a cluster is refused. Its name is what is counted and shown.
public enum WireError: Error, Equatable, Hashable, Sendable, CustomStringConvertible {
  case tooShort
  /// Something else altogether: not renkei's.
  case notAMessage
  case unknownVersion(UInt16)
  case unknownKind(UInt16)
  case brokenChecksum
  /// The checksum is right, the content contradicts itself.
  case inconsistent

  public var description: String {
    switch self {
    case .tooShort: "it is too short"
    case .notAMessage: "it is not a message of renkei"
    case .unknownVersion(let version):
      "it is of version \(version), which this renkei does not know"
    case .unknownKind(let kind): "it is of kind \(kind), which does not belong here"
    case .brokenChecksum: "its checksum is broken"
    case .inconsistent: "it contradicts itself"
    }
  }

  /// For counters: "brokenChecksum".
  public var name: String {
    switch self {
    case .tooShort: "tooShort"
    case .notAMessage: "notAMessage"
    case .unknownVersion: "unknownVersion"
    case .unknownKind: "unknownKind"
    case .brokenChecksum: "brokenChecksum"
    case .inconsistent: "inconsistent"
    }
  }
}
