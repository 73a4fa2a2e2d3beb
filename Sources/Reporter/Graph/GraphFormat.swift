/// What a graph is written as.
public enum GraphFormat: String, CaseIterable, Sendable {
  /// Graphviz, https://graphviz.org/doc/info/lang.html
  case dot
  /// A Mermaid flowchart, as Markdown pages show it, https://mermaid.js.org/syntax/flowchart.html
  case mermaid
  /// Cytoscape.js JSON, as Cytoscape imports it (.cyjs).
  case cytoscape
  /// http://graphml.graphdrawing.org, as yEd, Gephi and NetworkX import it.
  case graphml
  /// A picture.
  case svg
  /// Schema `renkei.graph/1`, see docs/graph.md.
  case json
  /// One row an edge, RFC 4180.
  case csv

  /// As HTTP's Content-Type says it.
  public var mediaType: String {
    switch self {
    case .dot: "text/vnd.graphviz; charset=utf-8"
    case .mermaid: "text/plain; charset=utf-8"
    case .cytoscape, .json: "application/json"
    case .graphml: "application/graphml+xml"
    case .svg: "image/svg+xml"
    case .csv: "text/csv; charset=utf-8; header=present"
    }
  }

  /// Without the dot.
  public var fileExtension: String {
    switch self {
    case .mermaid: "mmd"
    case .cytoscape: "cyjs"
    default: rawValue
    }
  }

  /// The graph in this format; UTF-8.
  ///
  /// A picture may take Graphviz some seconds, and blocks until then.
  ///
  /// - Parameters:
  ///   - usesGraphviz: where it is installed; else pictures get the layered layout.
  ///   - href: as for `GraphSVG`; other formats have no links.
  public func text(
    of graph: DependencyGraph, text: GraphText, usesGraphviz: Bool = true,
    href: @escaping @Sendable (DependencyGraph.Node) -> String? = { _ in nil }
  ) -> [UInt8] {
    let written =
      switch self {
      case .dot: GraphDOT.text(of: graph, text)
      case .mermaid: GraphMermaid.text(of: graph, text)
      case .cytoscape: GraphJSON.cytoscape(graph, text)
      case .graphml: GraphML.text(of: graph, text)
      case .json: GraphJSON.plain(graph, text)
      case .csv: GraphCSV.text(of: graph, text)
      case .svg:
        GraphSVG(
          usesGraphviz
            ? GraphLayout.best(graph, text: text) : GraphLayout.layered(graph, text: text),
          text: text, isStandalone: true, href: href
        ).markup()
      }
    return Array(written.utf8)
  }
}
