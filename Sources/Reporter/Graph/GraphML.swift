/// A graph in GraphML.
enum GraphML {
  private static let nodeKeys = [
    ("label", "string"), ("kind", "string"), ("hosts", "int"), ("provides", "int"),
    ("requests", "int"), ("bytes", "long"),
  ]
  private static let edgeKeys = [
    ("services", "string"), ("bytes", "long"), ("sessions", "long"), ("failedSessions", "long"),
    ("confidence", "double"),
  ]

  static func text(of graph: DependencyGraph, _ text: GraphText) -> String {
    var xml = """
      <?xml version="1.0" encoding="UTF-8"?>
      <graphml xmlns="http://graphml.graphdrawing.org/xmlns">

      """
    for (name, type) in nodeKeys {
      xml += "<key id=\"n-\(name)\" for=\"node\" attr.name=\"\(name)\" attr.type=\"\(type)\"/>\n"
    }
    for (name, type) in edgeKeys {
      xml += "<key id=\"e-\(name)\" for=\"edge\" attr.name=\"\(name)\" attr.type=\"\(type)\"/>\n"
    }
    xml += "<graph id=\"renkei\" edgedefault=\"directed\">\n"
    for (index, node) in graph.nodes.enumerated() {
      let values = [
        text.title(of: node), node.kind.rawValue, "\(node.hosts)", "\(node.provides)",
        "\(node.requests)", "\(long(node.bytes))",
      ]
      xml += "<node id=\"n\(index)\">\(data("n", nodeKeys, values))</node>\n"
    }
    for (index, edge) in graph.edges.enumerated() {
      let services = edge.services.map {
        GraphText.clean($0.name.isEmpty ? $0.endpoint : "\($0.endpoint) \($0.name)")
      }
      let values = [
        services.joined(separator: ", "), "\(long(edge.bytes))", "\(long(edge.sessions))",
        "\(long(edge.failedSessions))", GraphJSON.ratio(edge.confidence),
      ]
      xml += "<edge id=\"e\(index)\" source=\"n\(edge.from)\" target=\"n\(edge.to)\">"
      xml += "\(data("e", edgeKeys, values))</edge>\n"
    }
    return xml + "</graph>\n</graphml>\n"
  }

  /// GraphML's long has a sign.
  private static func long(_ value: UInt64) -> Int64 { Int64(clamping: value) }

  private static func data(
    _ prefix: String, _ keys: [(String, String)], _ values: [String]
  ) -> String {
    zip(keys, values).map { key, value in
      "<data key=\"\(prefix)-\(key.0)\">\(GraphXML.escaped(value))</data>"
    }.joined()
  }
}
