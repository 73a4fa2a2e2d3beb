public import ServiceMap

/// What a report is written as.
public enum ReportFormat: String, CaseIterable, Sendable {
  /// One self-contained page.
  case html
  /// The whole map, schema `renkei.map/1`; see docs/json.md.
  case json
  /// One row a relation; see docs/json.md.
  case csv
  /// The overview, for a terminal.
  case text
}

/// The language of the texts for people; JSON and CSV have none.
public enum ReportLanguage: String, CaseIterable, Sendable {
  case en
  case ja
}

/// Writes a map for people and for programs.
///
/// The same map gives the same bytes: nothing here reads a clock, the environment or the order of
/// a hash table.
public struct MapReport: Sendable {
  let map: ServiceMap
  let serviceNames: ServiceNames
  let directory: HostDirectory
  let language: ReportLanguage
  let version: String

  /// - Parameters:
  ///   - map: what to report.
  ///   - serviceNames: the names of ports.
  ///   - directory: which hosts belong together.
  ///   - language: of the text and of the page as it opens; the page holds both languages.
  ///   - version: of the program, for the page's foot.
  public init(
    map: ServiceMap, serviceNames: ServiceNames, directory: HostDirectory = HostDirectory(),
    language: ReportLanguage, version: String
  ) {
    self.map = map
    self.serviceNames = serviceNames
    self.directory = directory
    self.language = language
    self.version = version
  }

  /// Writes the report to the file `path`, as a whole or not at all; "-" is the standard output.
  ///
  /// - Parameter whenReady: as for `AtomicOutput.write`.
  /// - Throws: `ReportError` with one line for the operator.
  /// - Complexity: O(n) in relations.
  public func write(
    _ format: ReportFormat, to path: String, whenReady: () -> Void = {}
  ) throws {
    switch format {
    case .json:
      let report = JSONReport(map: map, labels: Labels(map: map, names: serviceNames))
      try AtomicOutput.write(to: path, whenReady: whenReady) { report.write(to: &$0) }
    case .csv:
      let report = CSVReport(map: map, labels: Labels(map: map, names: serviceNames))
      try AtomicOutput.write(to: path, whenReady: whenReady) { report.write(to: &$0) }
    case .text:
      let text = TextReport(self).full()
      try AtomicOutput.write(to: path, whenReady: whenReady) { $0.write(text) }
    case .html:
      let page = try HTMLReport(self)
      try AtomicOutput.write(to: path, whenReady: whenReady) { page.write(to: &$0) }
    }
  }

  /// Ten to fifteen lines: what was read, what is in it, and what is missing from it.
  public func summaryText() -> String {
    TextReport(self).summary()
  }
}
