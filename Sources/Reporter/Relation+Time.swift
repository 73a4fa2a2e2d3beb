internal import ServiceMap
internal import Wire

extension Relation {
  /// Nanoseconds since 1970 of the first packet; nil where there was none.
  var firstNs: UInt64? { firstTick <= lastTick ? Tick.nanoseconds(firstTick) : nil }
  /// Nanoseconds since 1970 of the last packet; nil where there was none.
  var lastNs: UInt64? { firstTick <= lastTick ? Tick.nanoseconds(lastTick) : nil }
}
