internal import Foundation
internal import GRDB
internal import Wire

/// What a store holds, at a glance.
public struct StoreInfo: Codable, Equatable, Sendable {
  /// The segments of one length.
  public struct Span: Codable, Equatable, Sendable {
    /// 0: whole captures.
    public var resolutionSeconds: Int
    public var segments: Int
    /// Seconds since 1970 of the first segment's begin and the last one's end.
    public var beginSeconds: Int
    public var endSeconds: Int

    /// `minutes`, `hours`, `days`, or `captures`.
    public var name: String {
      switch resolutionSeconds {
      case 0: "captures"
      case 60: "minutes"
      case 3600: "hours"
      case 86_400: "days"
      default: "\(resolutionSeconds) s"
      }
    }

    /// By length, the longest first.
    static func all(_ segments: [(resolution: Int, begin: Int, end: Int)]) -> [Span] {
      var spans: [Int: Span] = [:]
      for one in segments {
        var span =
          spans[one.resolution]
          ?? Span(
            resolutionSeconds: one.resolution, segments: 0, beginSeconds: one.begin,
            endSeconds: one.end)
        span.segments += 1
        span.beginSeconds = min(span.beginSeconds, one.begin)
        span.endSeconds = max(span.endSeconds, one.end)
        spans[one.resolution] = span
      }
      return spans.values.sorted { $0.resolutionSeconds > $1.resolutionSeconds }
    }
  }

  /// A run of an audit or a unit.
  public struct Run: Codable, Equatable, Sendable {
    public var id: UInt64
    /// Capture files or interfaces.
    public var names: [String]
    /// Seconds since 1970 of the first and the last packet; nil where there was none.
    public var startSeconds: Double?
    public var endSeconds: Double?
    public var captured: UInt64
  }

  public var schema: String
  /// Of the file, of its WAL, and of the file's pages that hold nothing.
  public var bytes: Int
  public var walBytes: Int
  public var freeBytes: Int
  public var runs: [Run]
  /// By length, the longest first.
  public var segments: [Span]
  /// Segments that are being made or deleted, and can't be seen.
  public var hiddenSegments: Int
  public var links: Int
  public var addresses: Int

  /// - Throws: `StoreError`.
  /// - Complexity: O(pages).
  public static func read(path: String) throws -> StoreInfo {
    try StoreReader.read(path: path) { database in
      let reader = try StoreReader(database, path: path)
      func number(_ sql: String) throws -> Int { try Int.fetchOne(database, sql: sql) ?? 0 }
      func size(_ path: String) -> Int {
        let facts = try? FileManager.default.attributesOfItem(atPath: path)
        return (facts?[.size] as? NSNumber)?.intValue ?? 0
      }
      return StoreInfo(
        schema: reader.schema, bytes: size(path), walBytes: size(path + "-wal"),
        freeBytes: try number("PRAGMA freelist_count") * number("PRAGMA page_size"),
        runs: reader.runs.map { Run($0.id, $0.capture) }, segments: reader.spans,
        hiddenSegments: try number("SELECT count(*) FROM segment") - reader.segments.count,
        links: try number("SELECT count(*) FROM link"),
        addresses: try number("SELECT count(*) FROM address"))
    }
  }
}

extension StoreInfo.Run {
  fileprivate init(_ id: UInt64, _ capture: CaptureReport) {
    self.init(
      id: id, names: capture.files.map(\.name),
      startSeconds: capture.startNs.map { Double($0) / 1e9 },
      endSeconds: capture.endNs.map { Double($0) / 1e9 },
      captured: capture.accounting.values.reduce(0, &+))
  }
}
