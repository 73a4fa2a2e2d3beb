/// A part of what a tracker reports of one virtual shard: the changes of an epoch, or a snapshot of all its sessions.
///
/// It is both the merger's input and the way in which another tracker takes the shard over: the last snapshot and the
/// changes since then are the table. Encoding: docs/wire-format.md.
public struct EpochReport: Sendable, Equatable {
  public enum Kind: UInt16, Sendable {
    /// Entries have what was before the epoch and what is after it.
    case changes = 1
    /// Entries are all rows of the table, in their order, numbered from 1; `before` is free. Books nothing.
    case snapshot = 2
  }

  public var kind = Kind.changes
  public var shard: UInt16 = 0
  public var shardCount: UInt16 = 0
  /// The tracker's name, and which of its lives: nanoseconds since 1970 of its start.
  public var owner = ""
  public var incarnation: UInt64 = 0
  /// Number of the epoch in its shard, from 1. A snapshot has that of the last epoch that is in it.
  public var epoch: UInt64 = 0
  /// An epoch may have several messages: the place of this one from 0, and whether it is the last one. It counts only
  /// when all are there, of one incarnation, one behind the other.
  public var part: UInt32 = 0
  public var isLastPart = true
  /// Sequence in the stream of records up to which the shard's input is in this epoch and those before it.
  public var recordsSequence: UInt64 = 0
  /// Ticks since 1970 of the newest packet.
  public var newestTick: UInt64 = 0
  /// Sessions that were forgotten before their time for want of room, cumulative.
  public var exportedEarly: UInt64 = 0
  /// Messages that were refused, by `WireError.name` or `replayed`, `foreignPoint`, `otherShard`; cumulative.
  public var refused: [String: UInt64] = [:]
  /// By number of the capture point in this shard: how far each has come. Numbers are given in the order in which points
  /// first appear, and stay.
  public var points: [Point] = []
  /// What the handles in the entries' rows stand for: 240.0.0.0 the first, and so on.
  public var addresses: [IPAddress] = []
  public var entries: [Entry] = []

  public init() {}

  /// How far a shard has come with a capture point.
  public struct Point: Sendable, Equatable {
    public var name: String = ""
    /// The run whose batches come now, and the number of its last batch.
    public var run: UInt64 = 0
    public var sequence: UInt64 = 0
    /// Records taken, of all runs of this point.
    public var packets: UInt64 = 0
    /// Records of all runs that are known to be missing: batches that never came.
    public var missing: UInt64 = 0
    /// Records of this run in batches up to `sequence`, those that are missing too.
    public var recordsOfRun: UInt64 = 0
    public var reachedTick: UInt64 = 0
    public var isEnded = false
    /// The last report of the point's collector, if this shard has any: JSON of `CaptureReport`, of this run.
    public var report: [UInt8] = []
    /// The last reports of the point's runs before this one, that are over: for what is cumulative.
    public var pastReports: [[UInt8]] = []

    public init() {}
  }

  /// A session, before and after. Rows count what all capture points have seen together; `sightings` says which of it
  /// others than the first point (number 0) have seen.
  public struct Entry: Sendable, Equatable {
    /// The row's number in the shard's table, from 1; and that of the row which had the same five-tuple before, 0 where
    /// there is none any more.
    public var number: UInt32 = 0
    public var previous: UInt32 = 0
    /// Minutes since 1970 to which the change belongs.
    public var period: UInt32 = 0
    public var before = SessionRow()
    public var after = SessionRow()
    /// By point, from number 1 on; shorter where the last ones have seen nothing.
    public var sightingsBefore: [PointSighting] = []
    public var sightingsAfter: [PointSighting] = []

    public init() {}
  }
}

/// What one capture point has seen of a session.
@frozen public struct PointSighting: Sendable, Equatable, BitwiseCopyable {
  public var packetsAB: UInt32 = 0
  public var packetsBA: UInt32 = 0
  public var bytesAB: UInt64 = 0
  public var bytesBA: UInt64 = 0

  @inlinable public init() {}
}

extension SessionRow {
  /// The session as the map counts it, where several capture points have seen it: per direction what the point saw that
  /// saw most packets, never the sum.
  ///
  /// - Parameter sightings: of the points from number 1 on; what the first one saw is the rest.
  /// - Returns: the row, and how many packets it has less than all points saw together.
  public func counted(once sightings: some Collection<PointSighting>) -> (
    row: SessionRow, elsewhere: UInt64
  ) {
    guard !sightings.isEmpty else { return (self, 0) }
    var ab = (packets: packetsAB, bytes: bytesAB)
    var ba = (packets: packetsBA, bytes: bytesBA)
    for one in sightings {
      ab = (ab.packets &- one.packetsAB, ab.bytes &- one.bytesAB)
      ba = (ba.packets &- one.packetsBA, ba.bytes &- one.bytesBA)
    }
    for one in sightings {
      if (one.packetsAB, one.bytesAB) > ab { ab = (one.packetsAB, one.bytesAB) }
      if (one.packetsBA, one.bytesBA) > ba { ba = (one.packetsBA, one.bytesBA) }
    }
    var row = self
    (row.packetsAB, row.bytesAB) = ab
    (row.packetsBA, row.bytesBA) = ba
    return (
      row,
      UInt64(packetsAB) + UInt64(packetsBA) - UInt64(ab.packets) - UInt64(ba.packets)
    )
  }
}
