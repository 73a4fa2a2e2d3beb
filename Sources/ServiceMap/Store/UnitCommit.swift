public import Wire

/// What one transaction of a running unit writes: all of it, or nothing.
public struct UnitCommit: Sendable {
  /// Which run of the unit; any number but that of another run.
  public var run: UInt64
  /// What the run needs to go on from here (watermarks), in the merger's own form.
  public var progress: [UInt8]
  /// Of the run so far; replaces what the last commit said.
  public var capture: CaptureReport
  public var segments: [SegmentChange]

  public init(
    run: UInt64, progress: [UInt8], capture: CaptureReport, segments: [SegmentChange] = []
  ) {
    self.run = run
    self.progress = progress
    self.capture = capture
    self.segments = segments
  }
}

/// What has changed in the segment of a minute.
public struct SegmentChange: Sendable {
  /// Seconds since 1970, a whole minute.
  public var beginSeconds: UInt64
  /// Of the segment so far, not only what is new.
  public var accounting: Accounting
  /// Links that are new or have changed, with their values so far; their hosts are store ids. Numbers
  /// count from 0 without gaps, and are below 2²⁴.
  public var links: [(number: Int, link: Link)]
  /// How many links the segment has now, where it may have had more; nil where none has gone.
  public var linkCount: Int?

  public init(
    beginSeconds: UInt64, accounting: Accounting, links: [(number: Int, link: Link)] = []
  ) {
    self.beginSeconds = beginSeconds
    self.accounting = accounting
    self.links = links
  }

  /// How long the period of a segment is that a unit writes.
  public static let seconds = 60
  /// How many links a segment may have.
  public static let linksMax = StoreSchema.linksMax
}

/// How long a store keeps what.
public struct Retention: Codable, Equatable, Sendable {
  /// Minutes are kept so long; then they become hours.
  public var minutesSeconds = 2 * 3600
  /// Hours are kept so long; then they become days.
  public var hoursSeconds = 14 * 86400
  /// Days are kept so long; then they are deleted.
  public var daysSeconds = 400 * 86400
  /// The pages in use; past it the oldest segments are deleted, whatever their age. Nil: no limit.
  public var bytesMax: Int?

  public init(
    minutesSeconds: Int = 2 * 3600, hoursSeconds: Int = 14 * 86400,
    daysSeconds: Int = 400 * 86400, bytesMax: Int? = nil
  ) {
    self.minutesSeconds = minutesSeconds
    self.hoursSeconds = hoursSeconds
    self.daysSeconds = daysSeconds
    self.bytesMax = bytesMax
  }
}
