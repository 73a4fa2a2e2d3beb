internal import ServiceMap

/// How the pipeline is that writes the map, in words of the asked language.
public struct SiteHealth: Sendable {
  public struct Column: Sendable {
    /// In JSON and CSV.
    public let key: String
    public let title: String
    public let isNumber: Bool

    public init(key: String, title: String, isNumber: Bool = false) {
      self.key = key
      self.title = title
      self.isNumber = isNumber
    }
  }

  public struct Table: Sendable {
    public let name: String
    public let title: String
    public let columns: [Column]
    public let rows: [[String]]

    public init(name: String, title: String, columns: [Column], rows: [[String]]) {
      self.name = name
      self.title = title
      self.columns = columns
      self.rows = rows
    }
  }

  /// What is wrong; empty where all is well.
  public let problems: [String]
  /// In one sentence.
  public let summary: String
  public let tables: [Table]

  public init(problems: [String], summary: String, tables: [Table]) {
    self.problems = problems
    self.summary = summary
    self.tables = tables
  }

  /// - Parameter title: of the page.
  func page(title: String) -> SitePage {
    var sections: [SitePage.Section] = problems.map { .note(.init(.warn, $0)) }
    sections.append(.note(.init(problems.isEmpty ? .good : .plain, summary)))
    for table in tables {
      let rows = table.rows
      sections.append(
        .table(
          SiteTable(
            table.name, title: table.title, sort: "", ids: Array(rows.indices),
            columns: table.columns.enumerated().map { index, column in
              (
                SiteColumn(column.key, .text, title: column.title, isNumber: column.isNumber),
                { rows[$0].indices.contains(index) ? .text(rows[$0][index]) : .none }
              )
            }), .part(rows: 200)))
    }
    return SitePage(view: "health", title: title, sections: sections)
  }
}
