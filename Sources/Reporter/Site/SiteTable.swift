internal import ServiceMap

/// A table of the map as data, which HTML, CSV and JSON are made of: what a page shows can be fetched.
struct SiteTable: Sendable {
  /// Its name in JSON and in the names of CSV files.
  let name: String
  /// In the table of phrases.
  let title: String
  let note: String?
  let columns: [SiteColumn]
  /// Numbers of its rows, in the order of the map.
  let ids: [Int]
  /// By what it is ordered unless asked: a column's key, `-` before it for the largest first.
  let sort: String
  /// Whether its rows are always those of the whole map, so that an order of them is worth keeping.
  let isWhole: Bool
  /// By column: the value of a row.
  private let values: [@Sendable (_ id: Int) -> SiteValue]
  typealias Column = (column: SiteColumn, value: @Sendable (_ id: Int) -> SiteValue)
  /// What a search looks at.
  let subject: @Sendable (_ id: Int) -> SearchSubject

  init(
    _ name: String, title: String? = nil, note: String? = nil, sort: String, isWhole: Bool = false,
    ids: [Int], subject: @escaping @Sendable (Int) -> SearchSubject = { _ in SearchSubject() },
    columns: [Column]
  ) {
    self.name = name
    self.title = title ?? name
    self.note = note
    self.sort = sort
    self.isWhole = isWhole
    self.ids = ids
    self.columns = columns.map(\.column)
    self.subject = subject
    values = columns.map(\.value)
  }

  /// The same table of other rows, as they are in order.
  func with(ids: [Int]) -> SiteTable {
    SiteTable(
      name, title: title, note: note, sort: "", ids: ids, subject: subject,
      columns: Array(zip(columns, values)).map { (column: $0.0, value: $0.1) })
  }

  func value(_ id: Int, _ column: Int) -> SiteValue { values[column](id) }

  /// The rows by a column; equal ones stay in the order of the map.
  ///
  /// - Parameter name: of a host, since a column of hosts can be ordered by their names too; those without
  ///   come last.
  /// - Returns: nil where there is no such column.
  /// - Complexity: O(n log n).
  func ordered(by sort: String, name: (Int) -> String?) -> [Int]? {
    let isDescending = sort.hasPrefix("-")
    let key = isDescending ? String(sort.dropFirst()) : sort
    if let column = columns.firstIndex(where: { $0.kind == .host && $0.fields[1] == key }) {
      let keyed = ids.enumerated().map { place, id in
        var text: String?
        if case .host(let index) = value(id, column) { text = name(index) }
        return (text: text ?? (isDescending ? "" : "\u{10FFFF}"), place: place)
      }
      return keyed.sorted {
        $0.text != $1.text ? ($0.text < $1.text) != isDescending : $0.place < $1.place
      }.map { ids[$0.place] }
    }
    guard let column = columns.firstIndex(where: { $0.key == key }) else { return nil }
    if columns[column].kind == .text || columns[column].kind == .link {
      let keyed = ids.enumerated().map { (text: text($1, column), place: $0) }
      return keyed.sorted {
        $0.text != $1.text ? ($0.text < $1.text) != isDescending : $0.place < $1.place
      }.map { ids[$0.place] }
    }
    let keyed = ids.enumerated().map { (order: value($1, column).order ?? 0, place: $0) }
    return keyed.sorted {
      $0.order != $1.order ? ($0.order < $1.order) != isDescending : $0.place < $1.place
    }.map { ids[$0.place] }
  }

  private func text(_ id: Int, _ column: Int) -> String {
    switch value(id, column) {
    case .text(let text), .link(_, let text): text
    default: ""
    }
  }
}

/// What of a row a search looks at: its hosts, and its protocol and port.
struct SearchSubject: Sendable {
  var host: Int?
  var other: Int?
  var network: Int?
  /// protocol·65536 + port.
  var endpoint: UInt32?
}
