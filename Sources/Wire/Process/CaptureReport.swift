/// What a collector knows about a stream beyond its records. It travels in the stream itself, as
/// its last batch (`BatchKind.report`), so that it reaches the store with the data it describes.
public struct CaptureReport: Codable, Equatable, Sendable {
  public struct File: Codable, Equatable, Sendable {
    public var name: String
    public var packets: UInt64
    /// Where the file was damaged or cut off, and what that means; nil where it was whole.
    public var warning: String?

    public init(name: String, packets: UInt64 = 0, warning: String? = nil) {
      self.name = name
      self.packets = packets
      self.warning = warning
    }
  }

  /// In the order read.
  public var files: [File]
  /// The filter in the user's words; empty where there is none.
  public var filter: String
  /// Nanoseconds since 1970 of the earliest and the latest packet; nil where there was none.
  public var startNs: UInt64?
  public var endNs: UInt64?
  /// Frame octets as on the wire, of all packets captured.
  public var frameBytes: UInt64
  /// Packets whose layer-3 length did not fit a record's 16 bits and was counted as 65,535.
  public var lengthSaturated: UInt64
  /// Sessions that trackers reported before their end for want of room; such a session may be
  /// counted twice. Filled in by the merger.
  public var sessionsExportedEarly: UInt64
  /// The counters at the end of the stream, by `PacketOutcome.name`.
  public var accounting: [String: UInt64]

  public init(files: [File] = [], filter: String = "") {
    self.files = files
    self.filter = filter
    frameBytes = 0
    lengthSaturated = 0
    sessionsExportedEarly = 0
    accounting = [:]
  }
}
