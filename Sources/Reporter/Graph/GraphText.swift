/// What stands in and beside a graph's nodes, in the reader's language.
public struct GraphText: Sendable {
  let phrases: Phrases

  public init(_ language: ReportLanguage) {
    phrases = Phrases(language, of: Phrases.graphRows)
  }

  /// Characters of foreign text that any format gets; no name of the DNS is longer (RFC 1035).
  private static let foreignMax = 255

  /// The first line of a node: what it is called.
  func title(of node: DependencyGraph.Node) -> String {
    let name = node.labels.first.map { GraphText.clean($0) } ?? ""
    switch node.kind {
    case .outside where name.isEmpty: return phrases["graph.outside"]
    case .others where name.isEmpty: return phrases["graph.others"]
    case .others: return phrases.filled("graph.othersOf", ["name": name])
    case .clients where name.isEmpty: return phrases["graph.clientsOutside"]
    case .clients: return phrases.filled("graph.clientsOf", ["name": name])
    default: return name
    }
  }

  /// The second line: the address of a host that has a name, or how many are in it; nil where there is
  /// nothing to add.
  func subtitle(of node: DependencyGraph.Node) -> String? {
    if node.kind == .host { return node.labels.count > 1 ? GraphText.clean(node.labels[1]) : nil }
    func counted(_ key: String, _ count: Int) -> String? {
      count > 0 ? phrases.filled(key, ["count": HumanUnits.count(count)]) : nil
    }
    let parts = [
      counted(node.kind == .clients ? "graph.addresses" : "graph.hosts", node.hosts),
      counted("graph.services", node.kind == .clients ? 0 : node.provides),
    ]
    let text = parts.compactMap { $0 }.joined(separator: " · ")
    return text.isEmpty ? nil : text
  }

  /// All that is known of a node, a line each: for a tooltip.
  func details(of node: DependencyGraph.Node) -> [String] {
    [title(of: node), subtitle(of: node)].compactMap { $0 } + [
      phrases.filled("graph.provides", ["count": HumanUnits.count(node.provides)]),
      phrases.filled("graph.requests", ["count": HumanUnits.count(node.requests)]),
      HumanUnits.bytes(node.bytes),
    ]
  }

  /// The services of an edge in one line: `https, postgresql +3`.
  func services(of edge: DependencyGraph.Edge, max: Int) -> String {
    let shown = edge.services.prefix(max).map { GraphText.clean($0.label) }
    let rest = edge.servicesCount - shown.count
    let more =
      rest > 0 ? [phrases.filled("graph.more", ["count": HumanUnits.count(rest)])] : []
    return ([shown.joined(separator: ", ")] + more).joined(separator: " ")
  }

  /// All that is known of an edge, a line each.
  func details(of edge: DependencyGraph.Edge, in graph: DependencyGraph) -> [String] {
    let client = title(of: graph.nodes[edge.from])
    let server = title(of: graph.nodes[edge.to])
    var lines = [phrases.filled("graph.edge", ["client": client, "server": server])]
    for service in edge.services {
      let name = service.name.isEmpty ? "" : " \(GraphText.clean(service.name))"
      lines.append("\(service.endpoint)\(name): \(HumanUnits.bytes(service.bytes))")
    }
    let rest = edge.servicesCount - edge.services.count
    if rest > 0 { lines.append(phrases.filled("graph.more", ["count": HumanUnits.count(rest)])) }
    lines.append(
      phrases.filled(
        "graph.traffic",
        ["bytes": HumanUnits.bytes(edge.bytes), "sessions": HumanUnits.count(edge.sessions)]))
    if edge.hasFailures {
      lines.append(
        phrases.filled(
          "graph.failed",
          [
            "count": HumanUnits.count(edge.failedSessions),
            "share": HumanUnits.share(edge.failedSessions, of: edge.sessions),
          ]))
    }
    lines.append(
      phrases.filled(
        "graph.confidence",
        [
          "confidence": HumanUnits.confidence(edge.confidence),
          "min": HumanUnits.confidence(edge.confidenceMin),
        ]))
    return lines
  }

  /// What the graph shows and what it leaves out, in sentences.
  public func summary(of graph: DependencyGraph) -> String {
    if graph.nodes.isEmpty { return phrases["graph.empty"] }
    var sentences = [
      phrases.filled(
        "graph.summary",
        [
          "nodes": HumanUnits.count(graph.nodes.count),
          "edges": HumanUnits.count(graph.edges.count),
        ])
    ]
    if graph.hiddenNodes > 0 {
      sentences.append(
        phrases.filled("graph.hiddenNodes", ["count": HumanUnits.count(graph.hiddenNodes)]))
    }
    if graph.hiddenEdges > 0 {
      sentences.append(
        phrases.filled("graph.hiddenEdges", ["count": HumanUnits.count(graph.hiddenEdges)]))
    }
    return sentences.joined(separator: " ")
  }

  // MARK: - Foreign text

  /// Foreign text that can do no harm in a line: control characters, line separators and what turns the
  /// direction of writing become U+FFFD, and it ends after 255 characters.
  static func clean(_ text: String) -> String {
    var cleaned = String.UnicodeScalarView()
    for (count, scalar) in text.unicodeScalars.enumerated() {
      if count == foreignMax {
        cleaned.append("…")
        break
      }
      cleaned.append(isHarmful(scalar) ? "\u{FFFD}" : scalar)
    }
    return String(cleaned)
  }

  /// Also what XML 1.0 section 2.2 does not allow: the controls, U+FFFE and U+FFFF.
  static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F, 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF,
      0xFFFE, 0xFFFF:
      true
    default: false
    }
  }

  /// `text`, cut with … so that it is at most `widthMax` wide (`width(of:)`).
  static func cut(_ text: String, widthMax: Double) -> String {
    // Accents take no room, so that any number of them would fit on one letter.
    var narrow = 0
    let scalars = text.unicodeScalars.filter {
      narrow = width(of: $0) == 0 ? narrow + 1 : 0
      return narrow <= 2
    }
    let plain = String(String.UnicodeScalarView(scalars))
    if width(of: plain) <= widthMax { return plain }
    var used = width(of: "…")
    let kept = scalars.prefix {
      used += width(of: $0)
      return used <= widthMax
    }
    return String(String.UnicodeScalarView(kept)) + "…"
  }

  /// Width of a line in units of the font's size, at least that of the usual sans-serif fonts.
  static func width(of text: String) -> Double {
    text.unicodeScalars.reduce(0) { $0 + width(of: $1) }
  }

  private static func width(of scalar: Unicode.Scalar) -> Double {
    switch scalar.value {
    case 0x300...0x36F, 0x200B...0x200D, 0x20D0...0x20FF, 0xFE00...0xFE0F: 0
    case 0x2E, 0x2C, 0x3A, 0x3B, 0x27, 0x7C, 0x69, 0x6A, 0x6C, 0x21, 0x20: 0.34
    case 0x66, 0x72, 0x74, 0x28, 0x29, 0x5B, 0x5D, 0x2F, 0x2D, 0xB7: 0.45
    case 0x4D, 0x57, 0x6D, 0x77, 0x40, 0x25, 0x2192, 0x2026: 1.0
    case 0x41...0x5A, 0x26, 0x2B, 0x3C...0x3E, 0x7E, 0x5F, 0x23, 0x3F: 0.76
    case 0x21...0x7E: 0.64
    case 0xA0...0x10FF: 0.85
    // CJK counts double, and so does what is not known.
    default: 1.05
    }
  }
}
