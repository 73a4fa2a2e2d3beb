/// A graph's edges as a table.
enum GraphCSV {
  static func text(of graph: DependencyGraph, _ text: GraphText) -> String {
    var csv =
      "client,client_kind,server,server_kind,services,services_count,bytes,sessions,failed_sessions,"
      + "confidence,confidence_min\r\n"
    for edge in graph.edges {
      let (from, to) = (graph.nodes[edge.from], graph.nodes[edge.to])
      let services = edge.services.map {
        $0.name.isEmpty ? $0.endpoint : "\($0.endpoint) \(GraphText.clean($0.name))"
      }
      let fields = [
        field(name(from, text)), from.kind.rawValue, field(name(to, text)), to.kind.rawValue,
        field(services.joined(separator: "; ")), "\(edge.servicesCount)", "\(edge.bytes)",
        "\(edge.sessions)", "\(edge.failedSessions)", GraphJSON.ratio(edge.confidence),
        GraphJSON.ratio(edge.confidenceMin),
      ]
      csv += fields.joined(separator: ",") + "\r\n"
    }
    return csv
  }

  /// A host's address rather than its name, which need not be its alone.
  private static func name(_ node: DependencyGraph.Node, _ text: GraphText) -> String {
    node.kind == .host ? node.labels.last ?? "" : text.title(of: node)
  }

  private static func field(_ text: String) -> String {
    var out = PageBytes()
    out.csv(text)
    return String(decoding: out.bytes, as: UTF8.self)
  }
}
