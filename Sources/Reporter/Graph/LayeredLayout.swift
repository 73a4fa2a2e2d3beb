/// A layered drawing of a graph (Sugiyama, Tagawa, Toda 1981): cycles broken by turning edges round, a column a
/// node by longest path, few crossings by barycentres, then heights by least squares.
struct LayeredLayout {
  /// A node, or a bend of an edge that passes a column.
  private struct Cell {
    /// Index of the node; -1 for a bend.
    let node: Int
    let height: Double
    var column = 0
    var y = 0.0
    var left: [Int] = []
    var right: [Int] = []
  }

  private struct Link {
    let edge: Int
    /// Cells from the left to the right.
    var cells: [Int]
    /// Whether the edge leads from right to left.
    let isTurned: Bool
  }

  private var cells: [Cell] = []
  private var columns: [[Int]] = []
  private var links: [Link] = []

  private static let sweeps = 12
  private static let columnMax = 18
  private static let rowGap = 14.0
  private static let bendHeight = 6.0
  private static let columnGapMin = 70.0
  private static let columnGapMax = 220.0

  init(_ drawing: GraphDrawing) {
    let nodes = drawing.graph.nodes.count
    let edges = drawing.graph.edges
    let order = LayeredLayout.acyclicOrder(nodes: nodes, edges: edges)
    var ends: [(edge: Int, from: Int, to: Int, isTurned: Bool)] = []
    for (index, edge) in edges.enumerated() where edge.from != edge.to {
      let isTurned = order[edge.from] > order[edge.to]
      ends.append(
        isTurned ? (index, edge.to, edge.from, true) : (index, edge.from, edge.to, false))
    }
    let columnOf = LayeredLayout.columns(
      nodes: nodes, links: ends.map { ($0.from, $0.to) }, order: order)
    for node in 0..<nodes {
      cells.append(
        Cell(node: node, height: drawing.boxes[node].height, column: columnOf[node]))
    }
    for end in ends {
      var path = [end.from]
      for column in (columnOf[end.from] + 1)..<max(columnOf[end.from] + 1, columnOf[end.to]) {
        path.append(cells.count)
        cells.append(Cell(node: -1, height: LayeredLayout.bendHeight, column: column))
      }
      path.append(end.to)
      for (left, right) in zip(path, path.dropFirst()) {
        cells[left].right.append(right)
        cells[right].left.append(left)
      }
      links.append(Link(edge: end.edge, cells: path, isTurned: end.isTurned))
    }
    columns = [[Int]](repeating: [], count: (cells.map(\.column).max() ?? -1) + 1)
    for cell in cells.indices { columns[cells[cell].column].append(cell) }
  }

  // MARK: - Columns

  /// A place for each node such that few edges lead back: the greedy order of Eades, Lin and Smyth (1993).
  private static func acyclicOrder(nodes: Int, edges: [DependencyGraph.Edge]) -> [Int] {
    var out = [Int](repeating: 0, count: nodes)
    var into = out
    for edge in edges where edge.from != edge.to {
      out[edge.from] += 1
      into[edge.to] += 1
    }
    var rest = Set(0..<nodes)
    var first: [Int] = []
    var last: [Int] = []
    while !rest.isEmpty {
      let sorted = rest.sorted()
      let next: Int
      if let sink = sorted.first(where: { out[$0] == 0 }) {
        next = sink
        last.append(next)
      } else if let source = sorted.first(where: { into[$0] == 0 }) {
        next = source
        first.append(next)
      } else {
        next =
          sorted.max {
            let (left, right) = (out[$0] - into[$0], out[$1] - into[$1])
            return left != right ? left < right : $0 > $1
          } ?? sorted[0]
        first.append(next)
      }
      rest.remove(next)
      for edge in edges where edge.from != edge.to {
        if edge.from == next { into[edge.to] -= 1 }
        if edge.to == next { out[edge.from] -= 1 }
      }
    }
    var order = [Int](repeating: 0, count: nodes)
    for (place, node) in (first + last.reversed()).enumerated() { order[node] = place }
    return order
  }

  /// By longest path from the left; who only asks stands next to whom it asks; a column of more than
  /// `columnMax` is spread over several, as far as its nodes only ask or only serve.
  private static func columns(
    nodes: Int, links: [(from: Int, to: Int)], order: [Int]
  ) -> [Int] {
    var column = [Int](repeating: 0, count: nodes)
    var outgoing = [[Int]](repeating: [], count: nodes)
    var incoming = outgoing
    for link in links {
      outgoing[link.from].append(link.to)
      incoming[link.to].append(link.from)
    }
    let sorted = (0..<nodes).sorted { order[$0] < order[$1] }
    for node in sorted {
      for next in outgoing[node] { column[next] = max(column[next], column[node] + 1) }
    }
    for node in sorted.reversed() where incoming[node].count < outgoing[node].count {
      column[node] = (outgoing[node].map { column[$0] }.min() ?? 1) - 1
    }
    // Those with nothing around them stand below all others, in the first column.
    var parts: [[(node: Int, part: Int)]] = []
    let last = column.max() ?? -1
    for one in 0..<max(0, last + 1) {
      let members = (0..<nodes).filter { column[$0] == one }
      var part = [Int: Int]()
      for (isAsking, sign) in [(true, -1), (false, 1)] {
        let free = members.filter { isAsking ? incoming[$0].isEmpty : outgoing[$0].isEmpty }
          .filter { part[$0] == nil }
        guard members.count > columnMax, free.count > columnMax / 2 else { continue }
        let slices = (free.count + columnMax - 1) / columnMax
        // Who has more edges stays nearer.
        let ranked = free.sorted {
          let (left, right) = (
            outgoing[$0].count + incoming[$0].count, outgoing[$1].count + incoming[$1].count
          )
          return left != right ? left > right : $0 < $1
        }
        for (place, node) in ranked.enumerated() {
          part[node] = sign * (place * slices / free.count + (free.count < members.count ? 1 : 0))
        }
      }
      parts.append(members.map { ($0, part[$0] ?? 0) })
    }
    var next = 0
    for members in parts {
      let used = Set(members.map(\.part)).sorted()
      for (node, part) in members { column[node] = next + (used.firstIndex(of: part) ?? 0) }
      next += used.count
    }
    return column
  }

  // MARK: - Order and heights

  mutating func place(_ drawing: inout GraphDrawing) {
    order()
    align()
    // Columns with much between them stand farther apart.
    var x = 0.0
    var middle: [Double] = []
    for (index, column) in columns.enumerated() {
      let widths = column.map { cells[$0].node < 0 ? 0 : drawing.boxes[cells[$0].node].width }
      let width = widths.max() ?? 0
      middle.append(x + width / 2)
      let between = column.reduce(0) { $0 + cells[$1].right.count }
      let least =
        drawing.hasEdgeLabels
        ? GraphDrawing.edgeLabelWidth + 3 * GraphDrawing.arrowLength : LayeredLayout.columnGapMin
      let gap = min(LayeredLayout.columnGapMax, least + 3 * Double(between))
      x += width + (index + 1 < columns.count ? gap : 0)
    }
    for cell in cells where cell.node >= 0 {
      drawing.boxes[cell.node].x = middle[cell.column]
      drawing.boxes[cell.node].y = cell.y
    }
    route(&drawing, middle)
  }

  /// Sorts the columns by where their neighbours are, to and fro, and keeps what crosses least.
  private mutating func order() {
    var best = columns
    var bestCrossings = crossings(columns)
    for sweep in 0..<LayeredLayout.sweeps where bestCrossings > 0 {
      let isRightwards = sweep % 2 == 0
      let indices = Array(columns.indices)
      var place = [Double](repeating: 0, count: cells.count)
      for column in columns { for (at, cell) in column.enumerated() { place[cell] = Double(at) } }
      for index in isRightwards ? indices : indices.reversed() {
        let keyed = columns[index].enumerated().map { at, cell in
          let neighbours = isRightwards ? cells[cell].left : cells[cell].right
          let mean =
            neighbours.isEmpty
            ? Double(at) : neighbours.reduce(0) { $0 + place[$1] } / Double(neighbours.count)
          return (key: mean, at: at, cell: cell)
        }
        columns[index] = keyed.sorted { ($0.key, $0.at) < ($1.key, $1.at) }.map(\.cell)
        for (at, cell) in columns[index].enumerated() { place[cell] = Double(at) }
      }
      let now = crossings(columns)
      if now < bestCrossings { (best, bestCrossings) = (columns, now) }
    }
    columns = best
  }

  /// Pairs of lines that cross.
  private func crossings(_ columns: [[Int]]) -> Int {
    var place = [Int](repeating: 0, count: cells.count)
    for column in columns { for (at, cell) in column.enumerated() { place[cell] = at } }
    var crossings = 0
    for column in columns {
      var ends: [Int] = []
      for cell in column {
        let own = cells[cell].right.map { place[$0] }.sorted()
        // Those above that end below.
        for end in own { crossings += ends.count { $0 > end } }
        ends += own
      }
    }
    return crossings
  }

  /// Moves every cell towards the middle of its neighbours, as near as order and gaps let it.
  private mutating func align() {
    for column in columns {
      var y = 0.0
      for cell in column {
        cells[cell].y = y + cells[cell].height / 2
        y += cells[cell].height + gap(after: cell)
      }
      for cell in column { cells[cell].y -= y / 2 }
    }
    for sweep in 0..<LayeredLayout.sweeps {
      let isRightwards = sweep % 2 == 0
      for column in isRightwards ? columns : columns.reversed() {
        var offset = 0.0
        var wanted: [Double] = []
        var offsets: [Double] = []
        for (at, cell) in column.enumerated() {
          if at > 0 {
            let above = column[at - 1]
            offset += (cells[above].height + cells[cell].height) / 2 + gap(after: above)
          }
          // Half of the sweeps look one way, the last ones both, so that no side is favoured.
          let one = cells[cell]
          let both = sweep >= LayeredLayout.sweeps - 2
          let neighbours = both ? one.left + one.right : isRightwards ? one.left : one.right
          let mean =
            neighbours.isEmpty
            ? one.y : neighbours.reduce(0) { $0 + cells[$1].y } / Double(neighbours.count)
          wanted.append(mean - offset)
          offsets.append(offset)
        }
        for (at, y) in LayeredLayout.monotone(wanted).enumerated() {
          cells[column[at]].y = y + offsets[at]
        }
      }
    }
  }

  private func gap(after cell: Int) -> Double {
    cells[cell].node < 0 ? LayeredLayout.rowGap / 3 : LayeredLayout.rowGap
  }

  /// The non-decreasing numbers nearest to `values` by least squares: pool adjacent violators.
  static func monotone(_ values: [Double]) -> [Double] {
    var pools: [(mean: Double, count: Int)] = []
    for value in values {
      var pool = (mean: value, count: 1)
      while let above = pools.last, above.mean > pool.mean {
        pools.removeLast()
        let count = above.count + pool.count
        let sum = above.mean * Double(above.count) + pool.mean * Double(pool.count)
        pool = (sum / Double(count), count)
      }
      pools.append(pool)
    }
    return pools.flatMap { [Double](repeating: $0.mean, count: $0.count) }
  }

  // MARK: - Curves

  /// Curves from box to box through the bends, spread along the sides of the boxes.
  private func route(_ drawing: inout GraphDrawing, _ middle: [Double]) {
    // Heights at which links touch their boxes, by the heights of what they lead to.
    var starts = [Double](repeating: 0, count: links.count)
    var ends = starts
    for node in drawing.boxes.indices {
      let outgoing = links.indices.filter { links[$0].cells.first == node }
        .sorted { cells[links[$0].cells[1]].y < cells[links[$1].cells[1]].y }
      let incoming = links.indices.filter { links[$0].cells.last == node }.sorted {
        let (left, right) = (links[$0].cells, links[$1].cells)
        return cells[left[left.count - 2]].y < cells[right[right.count - 2]].y
      }
      let box = drawing.boxes[node]
      for (at, link) in outgoing.enumerated() {
        starts[link] = box.y + LayeredLayout.spread(at, of: outgoing.count, height: box.height)
      }
      for (at, link) in incoming.enumerated() {
        ends[link] = box.y + LayeredLayout.spread(at, of: incoming.count, height: box.height)
      }
    }
    for (index, link) in links.enumerated() {
      let from = drawing.boxes[link.cells[0]]
      let to = drawing.boxes[link.cells[link.cells.count - 1]]
      var points = [GraphDrawing.Point(x: from.right, y: starts[index])]
      for cell in link.cells.dropFirst().dropLast() {
        points.append(.init(x: middle[cells[cell].column], y: cells[cell].y))
      }
      points.append(.init(x: to.left, y: ends[index]))
      if link.isTurned {
        points[0].x += GraphDrawing.arrowLength
        points.reverse()
      } else {
        points[points.count - 1].x -= GraphDrawing.arrowLength
      }
      var path = [points[0]]
      for (one, other) in zip(points, points.dropFirst()) {
        let half = (other.x - one.x) / 2
        path += [.init(x: one.x + half, y: one.y), .init(x: other.x - half, y: other.y), other]
      }
      drawing.paths[link.edge] = path
    }
  }

  /// Offset from the middle of a side for the `at`-th of `count` lines: evenly over six tenths of it.
  private static func spread(_ at: Int, of count: Int, height: Double) -> Double {
    count < 2 ? 0 : (Double(at) / Double(count - 1) - 0.5) * height * 0.6
  }
}
