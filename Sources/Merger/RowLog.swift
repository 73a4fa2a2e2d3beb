internal import Wire

/// Session rows in the order in which they came, in memory that grows without being moved.
struct RowLog: ~Copyable {
  private let pages: ZeroPages<SessionRow>
  let capacity: Int
  private(set) var count = 0

  /// - Parameter capacity: rows; 64 bytes each where they are used.
  init(capacity: Int = 0) {
    pages = ZeroPages(max(1, capacity))
    self.capacity = capacity
  }

  subscript(place: Int) -> SessionRow {
    // SAFETY: below `count`, so the row was written.
    precondition(place < count)
    return pages.rows[place]
  }

  /// There must be room.
  mutating func append(_ row: SessionRow) {
    precondition(count < capacity)
    pages.rows[count] = row
    count += 1
  }

  mutating func removeAll() { count = 0 }
}
