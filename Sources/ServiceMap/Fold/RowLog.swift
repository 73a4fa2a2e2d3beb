public import Wire

/// Session rows in the order in which they came, in memory that grows without being moved.
public struct RowLog: ~Copyable {
  @usableFromInline let pages: ZeroPages<SessionRow>
  public let capacity: Int
  @usableFromInline var rowCount = 0

  @inlinable public var count: Int { rowCount }

  /// - Parameter capacity: rows; 64 bytes each where they are used.
  public init(capacity: Int = 0) {
    pages = ZeroPages(max(1, capacity))
    self.capacity = capacity
  }

  @inlinable public subscript(place: Int) -> SessionRow {
    // SAFETY: below `count`, so the row was written.
    precondition(place < rowCount)
    return pages.rows[place]
  }

  /// There must be room.
  @inlinable public mutating func append(_ row: SessionRow) {
    precondition(rowCount < capacity)
    pages.rows[rowCount] = row
    rowCount += 1
  }

  public mutating func removeAll() { rowCount = 0 }
}
