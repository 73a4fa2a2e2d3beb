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
}
