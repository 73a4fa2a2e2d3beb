internal import ServiceMap
internal import Wire

/// A page for programs: `renkei.page/1`, described in Templates/openapi.yaml.
struct PageJSON {
  let snapshot: MapSnapshot
  let query: SiteQuery

  /// - Throws: `SiteProblem` where an order or a page is asked for that there is none of.
  func bytes(of page: SitePage) throws(SiteProblem) -> [UInt8] {
    var out = PageBytes()
    out.write("{\"schema\":\"renkei.page/1\",\"view\":")
    out.json(page.view)
    out.write(",\"title\":")
    out.json(page.title)
    out.write(",\"map\":")
    map(to: &out)
    out.write(",\"notes\":[")
    var isFirst = true
    for case .note(let note) in page.sections {
      out.raw(isFirst ? "{\"kind\":\"" : ",{\"kind\":\"")
      out.raw(note.kind.rawValue)
      out.write("\",\"text\":")
      out.json(note.text)
      out.write("}")
      isFirst = false
    }
    out.write("],\"facts\":{")
    isFirst = true
    for case .facts(let facts) in page.sections {
      for fact in facts {
        let column = SiteColumn(fact.key, PageJSON.kind(of: fact.value))
        fields(column, fact.value, isFirst: &isFirst, to: &out)
      }
    }
    out.write("},\"tables\":{")
    isFirst = true
    for (table, place) in page.tables {
      if !isFirst { out.write(",\n") }
      isFirst = false
      out.json(table.name)
      out.write(":")
      try rows(of: table, place, to: &out)
    }
    out.write("}}\n")
    return out.bytes
  }

  /// What the map is of.
  private func map(to out: inout PageBytes) {
    let capture = snapshot.map.capture
    out.write("{\"start\":")
    time(capture.startNs, to: &out)
    out.write(",\"end\":")
    time(capture.endNs, to: &out)
    out.write(",\"from\":")
    time(snapshot.coverage.map { UInt64(max(0, $0.beginSeconds)) * 1_000_000_000 }, to: &out)
    out.write(",\"to\":")
    time(snapshot.coverage.map { UInt64(max(0, $0.endSeconds)) * 1_000_000_000 }, to: &out)
    out.raw(",\"captured\":\(snapshot.map.accounting.captured)")
    out.raw(",\"mapped\":\(snapshot.map.accounting[.mapped])}")
  }

  private func rows(
    of table: SiteTable, _ place: SitePage.TablePlace, to out: inout PageBytes
  ) throws(SiteProblem) {
    let choice = try TableChoice(table, place, snapshot: snapshot, query: query)
    out.raw(
      "{\"total\":\(table.ids.count),\"found\":\(choice.found),\"page\":\(choice.page),\"pages\":\(choice.pages),\"rows\":["
    )
    for (position, id) in choice.ids.enumerated() {
      out.raw(position == 0 ? "\n{" : ",\n{")
      var isFirst = true
      for (index, column) in table.columns.enumerated() where !column.isForPeople {
        fields(column, table.value(id, index), isFirst: &isFirst, to: &out)
      }
      out.write("}")
    }
    out.write("]}")
  }

  // MARK: - Values

  private static func kind(of value: SiteValue) -> SiteColumn.Kind {
    switch value {
    case .none, .text: .text
    case .count: .count
    case .bytes: .bytes
    case .host: .host
    case .network: .network
    case .service, .provided: .service
    case .role: .role
    case .time: .time
    case .duration: .duration
    case .ratio: .ratio
    case .link: .link
    }
  }

  private func fields(
    _ column: SiteColumn, _ value: SiteValue, isFirst: inout Bool, to out: inout PageBytes
  ) {
    for (name, text) in zip(column.fields, PageJSON.texts(value, column, snapshot)) {
      out.raw(isFirst ? "\"" : ",\"")
      isFirst = false
      out.raw(name)
      out.write("\":")
      switch text {
      case .null: out.write("null")
      case .literal(let literal): out.raw(literal)
      case .string(let string): out.json(string)
      }
    }
  }

  enum Field {
    case null
    /// A number or a truth value.
    case literal(String)
    case string(String)
  }

  /// As many as the column has fields.
  static func texts(_ value: SiteValue, _ column: SiteColumn, _ snapshot: MapSnapshot) -> [Field] {
    switch value {
    case .none: return [Field](repeating: .null, count: column.fields.count)
    case .text(let text), .link(_, let text): return [.string(text)]
    case .count(let value), .bytes(let value), .duration(let value): return [.literal("\(value)")]
    case .host(let index):
      return [
        .string(snapshot.labels.addresses[index]),
        snapshot.map.hosts[index].name.map { .string($0) } ?? .null,
      ]
    case .network(let index):
      return [.string(snapshot.pathName(ofGroup: index))]
    case .service(let number, let port), .provided(_, let number, let port):
      return [
        .string(ProtocolName.of(number)), .literal("\(port)"),
        .string(snapshot.labels.service(number, port)),
      ]
    case .role(let kind, let basis, let confidence):
      return [
        .string(snapshot.labels.kind(kind)), .string(snapshot.labels.basis(basis)),
        .literal(ratio(confidence)),
      ]
    case .time(let ns): return [.string(rfc3339(ns))]
    case .ratio(let value): return [.literal(ratio(value))]
    }
  }

  private static func ratio(_ value: Double) -> String {
    let parts = ByteWriter.tenThousandths(value)
    var digits = String(parts % 10_000)
    digits = String(repeating: "0", count: 4 - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return digits.isEmpty ? "\(parts / 10_000)" : "\(parts / 10_000).\(digits)"
  }

  /// In UTC with milliseconds.
  static func rfc3339(_ ns: UInt64) -> String {
    var out = PageBytes(capacity: 24)
    out.time(ns: ns, .rfc3339)
    return String(decoding: out.bytes, as: UTF8.self)
  }

  private func time(_ ns: UInt64?, to out: inout PageBytes) {
    guard let ns else { return out.write("null") }
    out.json(PageJSON.rfc3339(ns))
  }
}

/// A table for spreadsheets: RFC 4180, the field names of the JSON, all rows that were found.
struct PageCSV {
  let snapshot: MapSnapshot
  let query: SiteQuery

  func bytes(of table: SiteTable, _ place: SitePage.TablePlace) throws(SiteProblem) -> [UInt8] {
    var out = PageBytes()
    let columns = table.columns.enumerated().filter { !$0.element.isForPeople }
    out.raw(columns.flatMap(\.element.fields).joined(separator: ",") + "\r\n")
    let choice = try TableChoice(table, place, snapshot: snapshot, query: query, isWhole: true)
    for id in choice.ids {
      var isFirst = true
      for (index, column) in columns {
        for field in PageJSON.texts(table.value(id, index), column, snapshot) {
          if !isFirst { out.write(",") }
          isFirst = false
          switch field {
          case .null: break
          case .literal(let text): out.raw(text)
          case .string(let text): out.csv(text)
          }
        }
      }
      out.write("\r\n")
    }
    return out.bytes
  }
}

/// The rows of a table that were asked for.
struct TableChoice {
  let ids: [Int]
  let found: Int
  let page: Int
  let pages: Int
  let sort: String
  let rows: SiteQuery.Rows
  /// Before the names of its terms in the address.
  let prefix: String

  /// - Parameter isWhole: all that were found, on one page.
  /// - Throws: `SiteProblem` where there is no such column or page.
  init(
    _ table: SiteTable, _ place: SitePage.TablePlace, snapshot: MapSnapshot, query: SiteQuery,
    isWhole: Bool = false
  ) throws(SiteProblem) {
    let isMain = place == .main
    let usual =
      switch place {
      case .main: 100
      case .part(let rows), .top(let rows, _): rows
      }
    prefix = isMain ? "" : "\(table.name)."
    rows = try query.rows(of: isMain ? nil : table.name, count: usual)
    sort = rows.sort ?? table.sort
    guard let ordered = sort.isEmpty ? table.ids : snapshot.rows(of: table, by: sort) else {
      throw .badRequest(
        "\(prefix)sort: one of " + table.columns.map(\.key).joined(separator: ", ")
          + ", - before it for the largest first")
    }
    let hits = snapshot.search.hits(rows.search)
    let matching =
      hits.isEmpty
      ? ordered : ordered.filter { snapshot.search.matches(table.subject($0), hits) }
    found = matching.count
    let count = isWhole ? max(1, found) : rows.count
    pages = max(1, (found + count - 1) / count)
    page = isWhole ? 1 : min(rows.page, pages)
    let first = min(found, (page - 1) * count)
    ids = Array(matching[first..<min(found, first + count)])
  }
}
