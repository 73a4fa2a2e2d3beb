/// A graph in Graphviz' language.
enum GraphDOT {
  static func text(of graph: DependencyGraph, _ text: GraphText) -> String {
    var dot = """
      digraph renkei {
        graph [rankdir=LR nodesep=0.2 ranksep=0.9 fontname="sans-serif"]
        node [shape=box style="rounded,filled" fillcolor="#eaf2fb" color="#9fb0c3" \
      fontname="sans-serif" fontsize=12 fontcolor="#1b2230"]
        edge [color="#8295ab" arrowsize=0.8 fontname="sans-serif" fontsize=10 fontcolor="#5d6878"]

      """
    for (index, node) in graph.nodes.enumerated() {
      let lines = [text.title(of: node), text.subtitle(of: node)].compactMap { $0 }
      let look =
        switch node.kind {
        case .host: node.isFocus ? " fillcolor=\"#d8e8fa\" penwidth=2" : " fillcolor=\"#f4f7fb\""
        case .outside: " fillcolor=\"#fdf6e9\""
        case .others, .clients: " style=\"rounded,dashed\""
        case .group, .network: ""
        }
      let label = lines.map(escaped).joined(separator: "\\n")
      dot += "  n\(index) [label=\"\(label)\" tooltip=\(quoted(node.id))\(look)]\n"
    }
    for edge in graph.edges {
      let style =
        switch GraphSVG.certainty(of: edge) {
        case "sure": ""
        case "likely": " style=dashed"
        default: " style=dotted"
        }
      let width = Int((GraphSVG.strokeWidth(of: edge) * 10).rounded())
      let colour = edge.isFailing ? " color=\"#c0392b\" fontcolor=\"#c0392b\"" : ""
      let tooltip = text.details(of: edge, in: graph).map(escaped).joined(separator: "\\n")
      dot += "  n\(edge.from) -> n\(edge.to) [label=\(quoted(text.services(of: edge, max: 2))) "
      dot += "tooltip=\"\(tooltip)\" penwidth=\(width / 10).\(width % 10)\(style)\(colour)]\n"
    }
    return dot + "}\n"
  }

  static func quoted(_ text: String) -> String { "\"\(escaped(GraphText.clean(text)))\"" }

  /// Within quotation marks. Labels are "escStrings", in which a backslash has a meaning, and dot reads HTML's
  /// entities in them.
  private static func escaped(_ text: String) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": escaped.append(contentsOf: "\\\"".unicodeScalars)
      case "\\": escaped.append(contentsOf: "\\\\".unicodeScalars)
      case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
      default: escaped.append(scalar)
      }
    }
    return String(escaped)
  }
}
