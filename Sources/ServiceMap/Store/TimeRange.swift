/// A time that is asked for, in seconds since 1970.
public struct TimeRange: Equatable, Sendable {
  /// Nil: from the first on.
  public var from: Int?
  /// Not in it. Nil: to the last.
  public var to: Int?

  public init(from: Int? = nil, to: Int? = nil) {
    self.from = from
    self.to = to
  }

  /// A moment: the finest segment that holds it.
  public static func at(_ seconds: Int) -> TimeRange { TimeRange(from: seconds, to: seconds + 1) }

  /// Whether it has a part of `begin..<end`.
  func overlaps(_ begin: Int, _ end: Int) -> Bool {
    (from ?? .min) < end && begin < (to ?? .max)
  }
}
