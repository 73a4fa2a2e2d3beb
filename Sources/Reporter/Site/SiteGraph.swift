internal import Dispatch
internal import ServiceMap

/// A picture of who depends on whom.
struct SiteGraph: Sendable {
  static let rowsMax = 200

  let drawing: GraphDrawing
  let text: GraphText
  let options: GraphOptions
  /// Whether it is what the page is about: groups open in it, and it has a form.
  let isMain: Bool

  /// Its edges, for those who can't see or would rather read.
  var edges: SiteTable {
    let graph = drawing.graph
    let text = text
    @Sendable func name(_ node: Int) -> SiteValue { .text(text.title(of: graph.nodes[node])) }
    let columns: [SiteTable.Column] = [
      (SiteColumn("from", .text, title: "client"), { name(graph.edges[$0].from) }),
      (SiteColumn("to", .text, title: "server"), { name(graph.edges[$0].to) }),
      (
        SiteColumn("services", .text),
        { .text(graph.edges[$0].services.map(\.label).joined(separator: ", ")) }
      ),
      (SiteColumn("sessions", .count), { .count(graph.edges[$0].sessions) }),
      (SiteColumn("failed", .count), { .count(graph.edges[$0].failedSessions) }),
      (SiteColumn("bytes", .bytes), { .bytes(graph.edges[$0].bytes) }),
      (SiteColumn("confidence", .ratio), { .ratio(graph.edges[$0].confidence) }),
    ]
    return SiteTable(
      "edges", title: "site.edges", sort: "-bytes", ids: Array(graph.edges.indices),
      columns: columns)
  }
}

/// What is chosen of a graph, and the graph as a file.
struct GraphForm {
  let graph: SiteGraph
  let query: SiteQuery
  let phrases: Phrases

  func write(to out: inout PageBytes) {
    out.write("<form class=\"tools\" method=\"get\" action=\"\">")
    for (name, value) in query.kept { hidden(name, value, to: &out) }
    for name in graph.options.expanded { hidden("expand", name, to: &out) }
    choice("level", [("group", "site.level.group"), ("host", "site.level.host")], to: &out)
    choice(
      "minBytes",
      [("", "site.any"), ("1000000", "1 MB"), ("100000000", "100 MB"), ("10000000000", "10 GB")],
      to: &out)
    choice("minConfidence", [("", "site.any"), ("0.9", "0.90"), ("0.98", "0.98")], to: &out)
    choice("failures", [("", "site.yes"), ("0", "site.no")], to: &out)
    out.write("<label>")
    out.html(phrases["host"])
    out.write(" <input name=\"host\" size=\"16\" maxlength=\"45\" value=\"")
    out.html(query.request.value("host") ?? "")
    out.write("\"></label> <button>")
    out.html(phrases["site.apply"])
    out.write("</button> <span class=\"zooms\" hidden></span> <span class=\"files\">")
    for format in GraphFormat.allCases where format != .json {
      out.write("<a href=\"")
      out.html(SiteQuery.moved(query.here([:]), to: "/graph.\(format.fileExtension)"))
      out.raw("\">\(format.rawValue)</a> ")
    }
    out.write("</span></form>\n")
    if graph.options.expanded.isEmpty { return }
    out.write("<p class=\"links\">")
    out.html(phrases["site.opened"])
    for name in graph.options.expanded {
      out.write(" <a class=\"soft\" href=\"")
      out.html(query.here(without: ("expand", name)))
      out.write("\"><bdi>")
      out.html(name)
      out.write("</bdi> ×</a>")
    }
    out.write("</p>\n")
  }

  private func hidden(_ name: String, _ value: String, to out: inout PageBytes) {
    out.write("<input type=\"hidden\" name=\"")
    out.html(name)
    out.write("\" value=\"")
    out.html(value)
    out.write("\">")
  }

  private func choice(
    _ name: String, _ choices: [(value: String, text: String)], to out: inout PageBytes
  ) {
    out.write("<label>")
    out.html(phrases["site.graph.\(name)"])
    out.raw(" <select name=\"\(name)\">")
    let chosen = query.request.value(name) ?? ""
    for (value, text) in choices {
      out.raw("<option value=\"\(value)\"\(value == chosen ? " selected" : "")>")
      out.html(phrases[text])
      out.write("</option>")
    }
    out.write("</select></label> ")
  }
}

/// Drawings of the maps that are shown, each made once however many ask for it.
///
/// Graphviz takes a tenth of a second and more, and waiting for it must not hold up others.
actor GraphDrawings {
  private struct Key: Hashable {
    let map: UInt64
    let options: GraphOptions
    let language: ReportLanguage
  }

  private var drawings: [Key: Task<GraphDrawing, Never>] = [:]
  /// In the order in which they were drawn.
  private var asked: [Key] = []
  private let queue = DispatchQueue(label: "renkei.graph", qos: .userInitiated)
  private static let drawingsMax = 200
  private static let renewedMax = 6

  func drawing(
    of snapshot: MapSnapshot, _ options: GraphOptions, _ language: ReportLanguage
  ) async -> GraphDrawing {
    let key = Key(map: snapshot.number, options: options, language: language)
    return await task(key, snapshot).value
  }

  /// Draws of a new map what was last asked for of the one before it, so that its first readers need not wait.
  func renew(_ before: UInt64, _ snapshot: MapSnapshot) async {
    var tasks: [Task<GraphDrawing, Never>] = []
    for old in asked.suffix(GraphDrawings.renewedMax) where old.map == before {
      let key = Key(map: snapshot.number, options: old.options, language: old.language)
      tasks.append(task(key, snapshot))
    }
    for task in tasks { _ = await task.value }
    drawings = drawings.filter { $0.key.map != before }
  }

  private func task(_ key: Key, _ snapshot: MapSnapshot) -> Task<GraphDrawing, Never> {
    if let known = drawings[key] { return known }
    if drawings.count >= GraphDrawings.drawingsMax { (drawings, asked) = ([:], []) }
    let (options, language) = (key.options, key.language)
    let task = Task { [queue] in
      await withCheckedContinuation { continuation in
        queue.async {
          let graph = DependencyGraph(
            map: snapshot.map, labels: snapshot.labels, grouping: snapshot.grouping,
            options: options)
          continuation.resume(returning: GraphLayout.best(graph, text: GraphText(language)))
        }
      }
    }
    drawings[key] = task
    asked.append(key)
    if asked.count > GraphDrawings.drawingsMax { asked.removeFirst(GraphDrawings.drawingsMax / 2) }
    return task
  }
}
