/// What maintenance remembers between its slices. Nothing of it is needed after a crash.
struct Upkeep {
  /// A commit wrote the segment.
  mutating func wasWritten(_ segment: StoredSegment) {}

  /// A link is being written: its addresses are in use.
  mutating func marks(_ link: Link) {}
}

extension UnitStore {
  /// A slice of maintenance.
  public func maintain(
    _ retention: Retention, nowSeconds: UInt64, budgetSeconds: Double
  ) throws -> Bool { false }
}
