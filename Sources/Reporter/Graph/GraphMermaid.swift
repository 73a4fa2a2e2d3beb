/// A graph as a Mermaid flowchart.
enum GraphMermaid {
  static func text(of graph: DependencyGraph, _ text: GraphText) -> String {
    var lines = ["flowchart LR"]
    for (index, node) in graph.nodes.enumerated() {
      let label = [text.title(of: node), text.subtitle(of: node)].compactMap { $0 }
        .map(escaped).joined(separator: "<br/>")
      let shape = node.kind == .host ? ("[", "]") : ("(", ")")
      lines.append("  n\(index)\(shape.0)\"\(label)\"\(shape.1)")
    }
    var failing: [Int] = []
    for (index, edge) in graph.edges.enumerated() {
      let arrow = GraphSVG.certainty(of: edge) == "sure" ? "-->" : "-.->"
      let label = escaped(text.services(of: edge, max: 2))
      lines.append("  n\(edge.from) \(arrow)|\"\(label)\"| n\(edge.to)")
      if edge.isFailing { failing.append(index) }
    }
    for (index, edge) in graph.edges.enumerated() {
      let width = Int(GraphSVG.strokeWidth(of: edge).rounded())
      if width > 1 { lines.append("  linkStyle \(index) stroke-width:\(width)px") }
    }
    if !failing.isEmpty {
      let numbers = failing.map(String.init).joined(separator: ",")
      lines.append("  linkStyle \(numbers) stroke:#c0392b")
    }
    let joined = graph.nodes.indices.filter {
      graph.nodes[$0].kind == .others || graph.nodes[$0].kind == .clients
    }
    if !joined.isEmpty {
      lines.append("  classDef joined stroke-dasharray:4 3")
      lines.append("  class \(joined.map { "n\($0)" }.joined(separator: ",")) joined")
    }
    if let focus = graph.nodes.firstIndex(where: \.isFocus) {
      lines.append("  style n\(focus) stroke-width:3px")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Within quotation marks. All that could mean something to Mermaid, Markdown or HTML is an entity: Mermaid's
  /// begin with # and have decimal numbers.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": escaped += "#quot;"
      case "a"..."z", "A"..."Z", "0"..."9", " ", ".", ":", "/", "-", ",", "+", "·", "…":
        escaped.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{7F}": escaped += "#\(scalar.value);"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
