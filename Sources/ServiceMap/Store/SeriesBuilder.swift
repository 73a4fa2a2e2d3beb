internal import Wire

/// Into which buckets the traffic of segments goes.
///
/// Buckets begin and end with segments. A grid over all time says which segments share one, so that the buckets
/// of a time stay the same when more segments follow.
struct SeriesPlan: Equatable, Sendable {
  static let bucketsMax = 120
  /// Each a multiple of the one before, so that a bucket of a coarser plan is made of whole finer ones.
  private static let widths = [
    60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_419_200, 9_676_800,
    48_384_000, 483_840_000,
  ]

  /// Begins and ends of the segments, by begin.
  let segments: [Range<Int>]
  /// Seconds.
  let width: Int
  let bounds: [Int]
  /// By segment.
  let buckets: [UInt32]

  /// The finest plan with at most 120 buckets.
  ///
  /// - Parameter widthMin: what was found to be too fine for it is not tried.
  init(_ segments: [Range<Int>], widthMin: Int = 0) {
    for width in SeriesPlan.widths where width >= widthMin {
      let plan = SeriesPlan(segments, width: width)
      if plan.bounds.count <= SeriesPlan.bucketsMax + 1 {
        self = plan
        return
      }
    }
    self.init(segments, width: .max)
  }

  /// The next coarser one; nil where this has one bucket.
  var coarser: SeriesPlan? {
    bounds.count <= 2 ? nil : SeriesPlan(segments, widthMin: width == .max ? .max : width + 1)
  }

  private init(_ segments: [Range<Int>], width: Int) {
    self.segments = segments
    self.width = width
    var bounds: [Int] = []
    var end = 0
    buckets = segments.map { segment in
      if let begin = bounds.last {
        if segment.lowerBound < end || segment.lowerBound / width == begin / width {
          end = max(end, segment.upperBound)
          return UInt32(bounds.count - 1)
        }
        // Nothing is stored in between.
        if segment.lowerBound > end { bounds.append(end) }
      }
      bounds.append(segment.lowerBound)
      end = segment.upperBound
      return UInt32(bounds.count - 1)
    }
    self.bounds = bounds.isEmpty ? [] : bounds + [end]
  }
}

/// Collects `TrafficSeries` while segments are read, in their order.
///
/// 24 bytes a cell, one for each link and bucket; past `cellsMax` buckets become coarser, and where there are
/// more links than that, there is no series rather than a wrong one.
struct SeriesBuilder: Sendable {
  private var plan: SeriesPlan
  private let cellsMax: Int
  private var index = KeyIndex()
  private var ends: [TrafficSeries.Ends] = []
  /// In the order of their buckets.
  private var cells: [TrafficSeries.Cell] = []
  /// By link: its latest cell.
  private var lastCells: [UInt32] = []
  private var isTooMuch = false

  init(_ segments: [Range<Int>], cellsMax: Int = 1 << 22) {
    plan = SeriesPlan(segments)
    self.cellsMax = cellsMax
  }

  /// Makes room for more segments, which follow those that there are.
  mutating func extend(to segments: [Range<Int>]) {
    change(to: SeriesPlan(segments, widthMin: plan.width))
  }

  /// - Parameter segment: its place among the segments; not less than that of the link before.
  /// - Complexity: O(1) amortised: one table access.
  mutating func add(_ link: Link, segment: Int) {
    guard !isTooMuch, link.bytesAB | link.bytesBA != 0 else { return }
    let isServerA = link.hasHandshake || link.bPorts > 1
    // Without a server a link has no order of its sides, and may come either way round.
    let isTurned = !isServerA && (link.a, link.aPort) > (link.b, link.bPort)
    let one = isTurned ? link.exchanged : link
    let bPort = isServerA ? 0 : one.bPort
    let key = Key(
      UInt64(truncatingIfNeeded: one.a) << 32 | UInt64(truncatingIfNeeded: one.b) & 0xFFFF_FFFF,
      UInt64(one.aPort) | UInt64(bPort) << 16 | UInt64(one.protocolNumber) << 32
        | (isServerA ? 1 << 40 : 0))
    let number = index.number(of: key)
    if number == ends.count {
      ends.append(
        TrafficSeries.Ends(
          a: UInt32(truncatingIfNeeded: one.a), b: UInt32(truncatingIfNeeded: one.b),
          aPort: one.aPort, bPort: bPort, protocolNumber: one.protocolNumber,
          isServerA: isServerA))
      lastCells.append(.max)
    }
    append(
      TrafficSeries.Cell(
        link: UInt32(number), bucket: plan.buckets[segment],
        bytesAB: Int64(bitPattern: one.bytesAB), bytesBA: Int64(bitPattern: one.bytesBA)))
    while cells.count > cellsMax {
      guard let coarser = plan.coarser else {
        // Nothing of it is of use any more.
        self = SeriesBuilder([], cellsMax: cellsMax)
        isTooMuch = true
        return
      }
      change(to: coarser)
    }
  }

  private mutating func append(_ cell: TrafficSeries.Cell) {
    let last = Int(lastCells[Int(cell.link)])
    if last < cells.count, cells[last].bucket == cell.bucket {
      cells[last].bytesAB &+= cell.bytesAB
      cells[last].bytesBA &+= cell.bytesBA
      return
    }
    lastCells[Int(cell.link)] = UInt32(cells.count)
    cells.append(cell)
  }

  /// - Parameter plan: of the same segments, and maybe of more after them; as coarse or coarser.
  private mutating func change(to plan: SeriesPlan) {
    guard !isTooMuch else { return }
    let before = self.plan
    self.plan = plan
    guard plan.width != before.width else { return }
    var buckets = [UInt32](repeating: 0, count: before.bounds.count)
    for (segment, bucket) in before.buckets.enumerated() {
      buckets[Int(bucket)] = plan.buckets[segment]
    }
    let old = cells
    cells = []
    for place in lastCells.indices { lastCells[place] = .max }
    for var cell in old {
      cell.bucket = buckets[Int(cell.bucket)]
      append(cell)
    }
  }

  /// - Parameter address: of a handle.
  /// - Returns: nil where there were too many links.
  func series(address: (UInt32) -> IPAddress) -> TrafficSeries? {
    isTooMuch
      ? nil : TrafficSeries(bounds: plan.bounds, ends: ends, cells: cells, address: address)
  }
}
