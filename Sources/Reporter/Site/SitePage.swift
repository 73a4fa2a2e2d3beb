internal import ServiceMap

/// A page as data: what HTML, JSON and CSV are made of.
struct SitePage: Sendable {
  /// Of the navigation.
  let view: String
  let title: String
  var subtitle = ""
  var sections: [Section]

  enum Section: Sendable {
    case note(Note)
    /// Figures.
    case facts([Fact])
    case table(SiteTable, TablePlace)
    case chart(SiteChart)
    case matrix(SiteMatrix)
    case graph(SiteGraph)
    /// Lines as they are, for a fixed-width font.
    case text(String)
    /// Links to elsewhere: address and text.
    case links([(href: String, text: String)])
  }

  struct Note: Sendable {
    enum Kind: String, Sendable { case plain, good, warn }
    let kind: Kind
    let text: String
    init(_ kind: Kind, _ text: String) {
      self.kind = kind
      self.text = text
    }
  }

  struct Fact: Sendable {
    /// The name in JSON, and the title in the table of phrases.
    let key: String
    let value: SiteValue
    var note = ""

    init(_ key: String, _ value: SiteValue, note: String = "") {
      self.key = key
      self.value = value
      self.note = note
    }
  }

  /// How a table stands in its page.
  enum TablePlace: Equatable, Sendable {
    /// What the page is about: it is searched, put in order and turned over.
    case main
    /// One of several: put in order and turned over under its own name.
    case part(rows: Int)
    /// The first rows, and where all are.
    case top(rows: Int, all: String)
  }

  /// The tables, by their place in the page.
  var tables: [(table: SiteTable, place: TablePlace)] {
    sections.compactMap {
      switch $0 {
      case .table(let table, let place): (table, place)
      case .chart(let chart): (chart.table, .part(rows: SiteChart.rowsMax))
      case .matrix(let matrix): (matrix.table, .part(rows: 100))
      case .graph(let graph): graph.isMain ? (graph.edges, .part(rows: SiteGraph.rowsMax)) : nil
      default: nil
      }
    }
  }
}

/// Traffic over time.
struct SiteChart: Sendable {
  static let rowsMax = 200

  let title: String
  /// Seconds since 1970: bucket i is `bounds[i]..<bounds[i + 1]`.
  let bounds: [Int]
  /// Octets by bucket, as the page's subject sees them; `out` is empty where there is one direction only.
  let bytesIn: [UInt64]
  let bytesOut: [UInt64]

  /// Its figures, for those who can't see or would rather count.
  var table: SiteTable {
    let chart = self
    var columns: [SiteTable.Column] = [
      (
        SiteColumn("from", .time, title: "since"),
        { .time(UInt64(max(0, chart.bounds[$0])) * 1_000_000_000) }
      ),
      (SiteColumn("seconds", .count), { .count(chart.bounds[$0 + 1] - chart.bounds[$0]) }),
    ]
    if bytesOut.isEmpty {
      columns.append((SiteColumn("bytes", .bytes), { .bytes(chart.bytesIn[$0]) }))
    } else {
      columns.append((SiteColumn("bytesIn", .bytes), { .bytes(chart.bytesIn[$0]) }))
      columns.append((SiteColumn("bytesOut", .bytes), { .bytes(chart.bytesOut[$0]) }))
    }
    return SiteTable(
      "traffic", title: title, sort: "from", ids: Array(bytesIn.indices), columns: columns)
  }
}

/// Who provides to whom between networks.
struct SiteMatrix: Sendable {
  /// Indices into `HostGroups.groups`: clients in rows, services in columns.
  let rows: [Int]
  let columns: [Int]
  /// Octets, by row and column.
  let bytes: [UInt64]
  /// All pairs, also those that are not shown.
  let table: SiteTable
}
