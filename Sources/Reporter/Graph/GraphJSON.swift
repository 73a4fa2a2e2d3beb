/// A graph as JSON: schema `renkei.graph/1`, and Cytoscape's.
enum GraphJSON {
  static func plain(_ graph: DependencyGraph, _ text: GraphText) -> String {
    var json = "{\"schema\":\"renkei.graph/1\",\"hiddenNodes\":\(graph.hiddenNodes),"
    json += "\"hiddenEdges\":\(graph.hiddenEdges),\n\"nodes\":["
    json += graph.nodes.map { "\n{\(fields(of: $0, text))}" }.joined(separator: ",")
    json += "],\n\"edges\":["
    json += graph.edges.map { edge in
      let from = string(graph.nodes[edge.from].id)
      let to = string(graph.nodes[edge.to].id)
      return "\n{\"client\":\(from),\"server\":\(to),\(fields(of: edge))}"
    }.joined(separator: ",")
    return json + "]}\n"
  }

  /// Cytoscape.js "elements JSON", in the frame that Cytoscape writes and reads (.cyjs).
  static func cytoscape(_ graph: DependencyGraph, _ text: GraphText) -> String {
    var json = """
      {"format_version":"1.0","generated_by":"renkei","target_cytoscapejs_version":"~2.1",
      "data":{"name":"renkei"},
      "elements":{"nodes":[
      """
    json += graph.nodes.map { "\n{\"data\":{\(fields(of: $0, text))}}" }.joined(separator: ",")
    json += "],\n\"edges\":["
    json += graph.edges.enumerated().map { index, edge in
      let source = string(graph.nodes[edge.from].id)
      let target = string(graph.nodes[edge.to].id)
      return "\n{\"data\":{\"id\":\"e\(index)\",\"source\":\(source),\"target\":\(target),"
        + "\(fields(of: edge))}}"
    }.joined(separator: ",")
    return json + "]}}\n"
  }

  private static func fields(of node: DependencyGraph.Node, _ text: GraphText) -> String {
    "\"id\":\(string(node.id)),\"kind\":\"\(node.kind.rawValue)\","
      + "\"label\":\(string(text.title(of: node))),"
      + "\"names\":[\(node.labels.map(string).joined(separator: ","))],"
      + "\"hosts\":\(node.hosts),\"provides\":\(node.provides),\"requests\":\(node.requests),"
      + "\"bytes\":\(node.bytes),\"focus\":\(node.isFocus)"
  }

  private static func fields(of edge: DependencyGraph.Edge) -> String {
    let services = edge.services.map {
      "{\"endpoint\":\(string($0.endpoint)),\"name\":\(string($0.name)),\"bytes\":\($0.bytes)}"
    }
    return "\"label\":\(string(edge.services.first?.label ?? "")),"
      + "\"services\":[\(services.joined(separator: ","))],\"servicesCount\":\(edge.servicesCount),"
      + "\"bytes\":\(edge.bytes),\"sessions\":\(edge.sessions),"
      + "\"failedSessions\":\(edge.failedSessions),\"confidence\":\(ratio(edge.confidence)),"
      + "\"confidenceMin\":\(ratio(edge.confidenceMin))"
  }

  /// Four decimals.
  static func ratio(_ value: Double) -> String {
    let parts = ByteWriter.tenThousandths(value)
    let digits = String(parts % 10_000)
    return "\(parts / 10_000)." + String(repeating: "0", count: 4 - digits.count) + digits
  }

  /// RFC 8259 section 7. Foreign text as elsewhere in a graph: without controls, and not endless.
  private static func string(_ text: String) -> String {
    var escaped = "\""
    for scalar in GraphText.clean(text).unicodeScalars {
      switch scalar {
      case "\"": escaped += "\\\""
      case "\\": escaped += "\\\\"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped + "\""
  }
}
