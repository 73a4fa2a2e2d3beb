/// A drawing as SVG.
///
/// Colours come from classes and custom properties alone (`css`), so that a page's own light, dark and print
/// styles hold; nothing in it is a script or a style attribute, so that a strict Content-Security-Policy
/// lets it pass. Foreign text is escaped, and clipped to its box.
public struct GraphSVG: Sendable {
  private let drawing: GraphDrawing
  private let text: GraphText
  private let isStandalone: Bool
  private let prefix: String
  private let href: @Sendable (DependencyGraph.Node) -> String?

  /// - Parameters:
  ///   - isStandalone: a file of its own: with its namespace, and with `css`, which a page has in its own.
  ///   - prefix: begins the ids in it; another for each of several in one page.
  ///   - href: what a node leads to; nil where to nothing. Escaped for XML here; names in it are to be
  ///     percent-encoded, and it must be no `javascript:`.
  public init(
    _ drawing: GraphDrawing, text: GraphText, isStandalone: Bool = false,
    prefix: String = "graph",
    href: @escaping @Sendable (DependencyGraph.Node) -> String? = { _ in nil }
  ) {
    self.drawing = drawing
    self.text = text
    self.isStandalone = isStandalone
    self.prefix = prefix
    self.href = href
  }

  public func markup() -> String {
    let graph = drawing.graph
    let width = Int(drawing.width.rounded(.up))
    let height = Int(drawing.height.rounded(.up))
    let links = graph.nodes.map(href)
    // The parts of an image can't be reached by a screen reader, and links must be.
    let role = links.contains { $0 != nil } ? "group" : "img"
    var svg = """
      <svg\(isStandalone ? " xmlns=\"http://www.w3.org/2000/svg\"" : "") class="graph" viewBox="0 0 \(width) \(height)" \
      width="\(width)" height="\(height)" role="\(role)" aria-labelledby="\(prefix)-title \(prefix)-desc">
      <title id="\(prefix)-title">\(xml(text.phrases["graph.title"]))</title>
      <desc id="\(prefix)-desc">\(xml(text.phrases["graph.note"])) \(xml(text.summary(of: graph)))</desc>

      """
    if isStandalone { svg += "<style>\(GraphSVG.css)</style>\n" }
    svg += definitions()
    svg += "<g class=\"graph-edges\">\n"
    for index in graph.edges.indices { svg += edge(index) }
    svg += "</g>\n<g class=\"graph-nodes\">\n"
    for index in graph.nodes.indices { svg += node(index, link: links[index]) }
    return svg + "</g>\n</svg>\n"
  }

  // MARK: - Parts

  private func definitions() -> String {
    var text = "<defs>\n"
    for kind in ["plain", "fail"] {
      text += """
        <marker id="\(prefix)-arrow-\(kind)" viewBox="0 0 8 8" refX="0" refY="4" markerWidth="8" \
        markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">\
        <path d="M0,0L8,4L0,8z" class="graph-head \(kind)"/></marker>

        """
    }
    let sizes = Set(drawing.boxes.map { "\(Int($0.width))" }).sorted()
    for width in sizes {
      text += """
        <clipPath id="\(prefix)-clip-\(width)"><rect width="\((Int(width) ?? 0) - 8)" height="42" x="4"/>\
        </clipPath>

        """
    }
    return text + "</defs>\n"
  }

  private func edge(_ index: Int) -> String {
    let edge = drawing.graph.edges[index]
    let isFailing = edge.isFailing
    var classes = ["graph-edge", GraphSVG.certainty(of: edge)]
    if isFailing { classes.append("fail") }
    let path = edge.from == edge.to ? loop(drawing.boxes[edge.from]) : curve(drawing.paths[index])
    guard !path.isEmpty else { return "" }
    let title = text.details(of: edge, in: drawing.graph).map(xml).joined(separator: "\n")
    let width = tenths(GraphSVG.strokeWidth(of: edge))
    let head =
      edge.from == edge.to
      ? "" : " marker-end=\"url(#\(prefix)-arrow-\(isFailing ? "fail" : "plain"))\""
    // The second path is not seen; it makes a thin line easier to point at.
    var svg = """
      <g class="\(classes.joined(separator: " "))"><title>\(title)</title>\
      <path class="line" d="\(path)" stroke-width="\(width)"\(head)/><path class="hit" d="\(path)"/>
      """
    if drawing.hasEdgeLabels, edge.from != edge.to {
      // There and back often run side by side: each has its text nearer to where it begins.
      let isTwoWay = drawing.graph.edges.contains { $0.from == edge.to && $0.to == edge.from }
      let middle = GraphSVG.point(at: isTwoWay ? 0.3 : 0.5, of: drawing.paths[index])
      let label = GraphText.cut(
        text.services(of: edge, max: 2),
        widthMax: (GraphDrawing.edgeLabelWidth - 10) / GraphDrawing.subtitleFontSize)
      svg += """
        <text x="\(tenths(middle.x))" y="\(tenths(middle.y - 4))">\(isFailing ? "✕ " : "")\(xml(label))</text>
        """
    }
    return svg + "</g>\n"
  }

  private func node(_ index: Int, link: String?) -> String {
    let node = drawing.graph.nodes[index]
    let box = drawing.boxes[index]
    let (width, height) = (Int(box.width), Int(box.height))
    let title = text.details(of: node).map(xml).joined(separator: "\n")
    let middle = width / 2
    var content = """
      <title>\(title)</title><rect width="\(width)" height="\(height)" rx="\(node.kind == .host ? 4 : 9)"/>\
      <g clip-path="url(#\(prefix)-clip-\(width))"><text x="\(middle)" y="18">\(xml(box.title))</text>
      """
    if let subtitle = box.subtitle {
      content += "<text class=\"sub\" x=\"\(middle)\" y=\"33\">\(xml(subtitle))</text>"
    }
    content += "</g>"
    if let link { content = "<a href=\"\(xml(link))\">\(content)</a>" }
    let place = "translate(\(tenths(box.x - box.width / 2)) \(tenths(box.y - box.height / 2)))"
    let focus = node.isFocus ? " focus" : ""
    return
      "<g class=\"graph-node \(node.kind.rawValue)\(focus)\" transform=\"\(place)\">\(content)</g>\n"
  }

  // MARK: - Lines

  /// 1 to 7: by the magnitude of the bytes, 1 kB or less to 1 TB and more.
  static func strokeWidth(of edge: DependencyGraph.Edge) -> Double {
    // Whole powers of two, so that the last digit of a logarithm shows nowhere.
    let magnitude = Double(64 - edge.bytes.leadingZeroBitCount) - 10
    return 1 + max(0, min(30, magnitude)) / 5
  }

  /// As the levels of confidence in the tables.
  static func certainty(of edge: DependencyGraph.Edge) -> String {
    edge.confidence >= 0.98 ? "sure" : edge.confidence >= 0.9 ? "likely" : "weak"
  }

  private func curve(_ points: [GraphDrawing.Point]) -> String {
    guard let first = points.first else { return "" }
    var path = "M\(tenths(first.x)),\(tenths(first.y))C"
    path += points.dropFirst().map { "\(tenths($0.x)),\(tenths($0.y))" }.joined(separator: " ")
    return path
  }

  /// What stays within a node: a small arc at its upper right corner.
  private func loop(_ box: GraphDrawing.Box) -> String {
    let (x, y) = (box.right, box.y - box.height / 2)
    return "M\(tenths(x - 22)),\(tenths(y))C\(tenths(x - 20)),\(tenths(y - 14)) "
      + "\(tenths(x + 12)),\(tenths(y - 12)) \(tenths(x)),\(tenths(y + 12))"
  }

  /// The point of a curve after a part of its length, by straight lines between eight points a piece.
  private static func point(
    at part: Double, of points: [GraphDrawing.Point]
  ) -> GraphDrawing.Point {
    guard let first = points.first else { return .init(x: 0, y: 0) }
    var line = [first]
    for start in stride(from: 0, to: points.count - 3, by: 3) {
      for step in 1...8 {
        let t = Double(step) / 8
        let weights = [
          (1 - t) * (1 - t) * (1 - t), 3 * t * (1 - t) * (1 - t), 3 * t * t * (1 - t), t * t * t,
        ]
        var point = GraphDrawing.Point(x: 0, y: 0)
        for (weight, control) in zip(weights, points[start...]) {
          point.x += weight * control.x
          point.y += weight * control.y
        }
        line.append(point)
      }
    }
    func length(_ one: GraphDrawing.Point, _ other: GraphDrawing.Point) -> Double {
      ((one.x - other.x) * (one.x - other.x) + (one.y - other.y) * (one.y - other.y)).squareRoot()
    }
    var rest = part * zip(line, line.dropFirst()).reduce(0) { $0 + length($1.0, $1.1) }
    for (one, other) in zip(line, line.dropFirst()) {
      rest -= length(one, other)
      if rest <= 0 { return other }
    }
    return first
  }

  /// In at most one decimal: the same digits on every machine.
  private func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    let sign = tenths < 0 ? "-" : ""
    let rest = abs(tenths) % 10
    return "\(sign)\(abs(tenths) / 10)" + (rest == 0 ? "" : ".\(rest)")
  }

  private func xml(_ text: String) -> String { GraphXML.escaped(text) }
}

/// Text in XML 1.0, in elements and in quoted attributes.
enum GraphXML {
  /// By Unicode scalar; what XML does not allow (section 2.2), and what else does harm, becomes U+FFFD.
  static func escaped(_ text: String) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
      case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
      case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
      case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
      case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
      case "\n": escaped.append(scalar)
      case _ where GraphText.isHarmful(scalar): escaped.append("\u{FFFD}")
      default: escaped.append(scalar)
      }
    }
    return String(escaped)
  }
}
