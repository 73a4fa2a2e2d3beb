internal import Wire

/// What the table of a cluster's shard knows of its rows beside the rows themselves, in columns by the row's place: they
/// are looked at when a row changes for the first time in an epoch or a packet comes late, so the rows stay 64
/// bytes.
///
/// Places without a row are all zeros. Memory: 8 bytes a row, and 48 for each point from the second on.
final class TableColumns {
  /// What one point saw: as it is, and as it was at the last seal.
  final class Sightings {
    private let nowPages: ZeroPages<PointSighting>
    private let sealedPages: ZeroPages<PointSighting>
    let now: UnsafeMutablePointer<PointSighting>
    let sealed: UnsafeMutablePointer<PointSighting>

    init(rowsMax: Int) {
      nowPages = ZeroPages(rowsMax + 1)
      sealedPages = ZeroPages(rowsMax + 1)
      now = nowPages.rows
      sealed = sealedPages.rows
    }

    fileprivate func move(_ from: Int, to: Int) {
      now[to] = now[from]
      sealed[to] = sealed[from]
    }

    fileprivate func clear(_ range: Range<Int>) {
      for place in range {
        now[place] = PointSighting()
        sealed[place] = PointSighting()
      }
      nowPages.giveBack(range)
      sealedPages.giveBack(range)
    }
  }

  private let previousPages: ZeroPages<UInt32>
  private let periodPages: ZeroPages<UInt32>
  private let rowsMax: Int
  /// The number, from 1, of the row that had the five-tuple before; 0 where there is none any more.
  let previous: UnsafeMutablePointer<UInt32>
  /// The period of the batch that put the row on record, minutes since 1970; means something only where the row was
  /// changed in this epoch.
  let periods: UnsafeMutablePointer<UInt32>
  /// Of the points from number 1 on; what the first one saw is the rest.
  private(set) var sightings: [Sightings] = []
  /// While rows are moved: the new number of each, 0 where it goes.
  private var moved: [UInt32] = []
  private var kept = 0

  /// - Parameter rowsMax: of the table.
  init(rowsMax: Int) {
    self.rowsMax = rowsMax
    previousPages = ZeroPages(rowsMax + 1)
    periodPages = ZeroPages(rowsMax + 1)
    previous = previousPages.rows
    periods = periodPages.rows
  }

  /// Room for one more point, from number 1 on.
  func addPoint() { sightings.append(Sightings(rowsMax: rowsMax)) }

  /// What the points from number 1 on have seen of a row, without those at the end that saw nothing.
  func seen(of place: Int, atLastSeal: Bool = false) -> [PointSighting] {
    guard var last = sightings.indices.last else { return [] }
    func one(_ point: Int) -> PointSighting {
      atLastSeal ? sightings[point].sealed[place] : sightings[point].now[place]
    }
    while one(last) == PointSighting() {
      if last == 0 { return [] }
      last -= 1
    }
    return (0...last).map(one)
  }

  /// What is known now is what was known at the last seal.
  func seal(_ place: Int) {
    for one in sightings { one.sealed[place] = one.now[place] }
  }

  /// Sets a recovered row's columns.
  func restore(_ place: Int, previous number: UInt32, seen: [PointSighting]) {
    previous[place] = number
    for (point, sighting) in seen.enumerated() where point < sightings.count {
      sightings[point].now[place] = sighting
      sightings[point].sealed[place] = sighting
    }
  }

  // MARK: - Compaction

  func beginCompaction(rows: Int) {
    moved = [UInt32](repeating: 0, count: rows)
    kept = 0
  }

  /// The row of that number is the next that stays.
  func keep(_ number: Int) {
    // Rows only move towards the front, and one's predecessor has moved before it.
    let place = number - 1
    let before = previous[place]
    previous[kept] = before == 0 ? 0 : moved[Int(before) - 1]
    for one in sightings { one.move(place, to: kept) }
    kept += 1
    moved[place] = UInt32(kept)
  }

  func endCompaction(rowsBefore: Int) {
    moved = []
    let gone = kept..<max(kept, rowsBefore)
    for place in gone { previous[place] = 0 }
    previousPages.giveBack(gone)
    for one in sightings { one.clear(gone) }
  }
}
