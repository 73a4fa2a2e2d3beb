public import ServiceMap

/// Writes the graph of a map, for programs, documents and people.
public struct GraphReport: Sendable {
  public let graph: DependencyGraph
  private let text: GraphText

  /// - Complexity: O(n) in relations and hosts.
  public init(
    map: ServiceMap, serviceNames: ServiceNames, grouping: GraphGrouping, options: GraphOptions,
    language: ReportLanguage
  ) {
    let labels = Labels(map: map, names: serviceNames)
    graph = DependencyGraph(map: map, labels: labels, grouping: grouping, options: options)
    text = GraphText(language)
  }

  /// What it shows and what it leaves out.
  public var summary: String { text.summary(of: graph) }

  /// Writes it to the file `path`, as a whole or not at all; "-" is the standard output.
  ///
  /// - Throws: `ReportError` with one line for the operator.
  public func write(_ format: GraphFormat, to path: String, usesGraphviz: Bool = true) throws {
    let bytes = format.text(of: graph, text: text, usesGraphviz: usesGraphviz)
    try AtomicOutput.write(to: path) { $0.write(bytes) }
  }
}
