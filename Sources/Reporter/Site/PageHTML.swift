internal import Mustache
internal import ServiceMap
internal import Wire

/// A page for people.
///
/// The frame is Templates/site.mustache; tables go past the template engine, which looks at each value by
/// reflection. It reads without JavaScript, and nothing foreign is ever part of a script or a style.
struct PageHTML {
  let snapshot: MapSnapshot
  let query: SiteQuery
  let phrases: Phrases
  let frame: SiteFrame

  /// Whether the map is of less than a day.
  private var isShort: Bool { Overview(map: snapshot.map).spanNs < 86_400_000_000_000 }

  /// - Throws: `SiteProblem` where an order or a page is asked for that there is none of.
  func bytes(of page: SitePage) throws(SiteProblem) -> [UInt8] {
    var out = PageBytes()
    let (head, tail) = frame.around(
      page, snapshot: snapshot === MapSnapshot.empty ? nil : snapshot, query: query,
      phrases: phrases)
    out.raw(head)
    try content(of: page, to: &out)
    out.raw(tail)
    return out.bytes
  }

  private func content(of page: SitePage, to out: inout PageBytes) throws(SiteProblem) {
    out.write("<h1 id=\"title\">")
    out.write("<bdi>")
    out.html(page.title)
    out.write("</bdi>")
    if !page.subtitle.isEmpty {
      out.write(" <bdi class=\"name\">")
      out.html(page.subtitle)
      out.write("</bdi>")
    }
    out.write("</h1>\n")
    for section in page.sections {
      switch section {
      case .note(let note): self.note(note, to: &out)
      case .facts(let facts): self.facts(facts, to: &out)
      case .table(let table, let place):
        try self.table(table, place, isAlone: phrases[table.title] == page.title, to: &out)
      case .chart(let chart): try self.chart(chart, to: &out)
      case .matrix(let matrix): self.matrix(matrix, to: &out)
      case .graph(let graph): try self.graph(graph, to: &out)
      case .text(let text):
        out.write("<pre class=\"lines\">")
        out.html(text)
        out.write("</pre>\n")
      case .links(let links):
        out.write("<p class=\"links\">")
        for (href, text) in links {
          link(href, to: &out) { $0.html(text) }
          out.write(" ")
        }
        out.write("</p>\n")
      }
    }
  }

  private func link(
    _ href: String, class style: StaticString? = nil, to out: inout PageBytes,
    _ body: (inout PageBytes) -> Void
  ) {
    out.write("<a href=\"")
    out.html(href)
    if let style {
      out.write("\" class=\"")
      out.write(style)
    }
    out.write("\">")
    body(&out)
    out.write("</a>")
  }

  // MARK: - Notes and facts

  private func note(_ note: SitePage.Note, to out: inout PageBytes) {
    out.raw("<p class=\"note \(note.kind.rawValue)\"><bdi>")
    if note.kind == .warn {
      out.write("<strong>")
      out.html(phrases["warning"])
      out.write("</strong>: ")
    }
    out.html(note.text)
    out.write("</bdi></p>\n")
  }

  private func facts(_ facts: [SitePage.Fact], to out: inout PageBytes) {
    out.write("<dl class=\"figures\">\n")
    for fact in facts where fact.value != .none {
      out.write("<div><dt>")
      out.html(phrases[fact.key])
      out.write("</dt><dd>")
      value(fact.value, to: &out)
      if case .role(_, let basis, _) = fact.value {
        out.write("<p class=\"quiet\">")
        out.html(phrases["because.\(snapshot.labels.basis(basis))"])
        out.write("</p>")
      }
      if !fact.note.isEmpty {
        out.write(" <span class=\"quiet\">")
        out.html(fact.note)
        out.write("</span>")
      }
      out.write("</dd></div>\n")
    }
    out.write("</dl>\n")
  }

  // MARK: - Tables

  /// - Parameter isAlone: the page's own heading is its heading.
  private func table(
    _ table: SiteTable, _ place: SitePage.TablePlace, isAlone: Bool = false,
    to out: inout PageBytes
  ) throws(SiteProblem) {
    let choice = try TableChoice(table, place, snapshot: snapshot, query: query)
    let isMain = place == .main
    let title = phrases[table.title]
    out.raw(
      "<section class=\"part\" id=\"\(table.name)\"><h2\(isAlone ? " class=\"unseen\"" : "")>")
    out.html(title)
    out.raw(" <span class=\"badge\">\(HumanUnits.count(table.ids.count))</span></h2>\n")
    if let note = table.note {
      out.write("<p class=\"quiet\">")
      out.html(phrases[note])
      out.write("</p>\n")
    }
    if isMain { tools(table, choice, to: &out) }
    out.write("<div class=\"scroll\"><table class=\"list\"><caption class=\"unseen\">")
    out.html(title)
    out.write("</caption><thead><tr>")
    for column in table.columns { head(column, choice, place, to: &out) }
    out.write("</tr></thead><tbody>\n")
    for id in choice.ids {
      out.write("<tr>")
      for (index, column) in table.columns.enumerated() {
        out.write(index == 0 ? "<th scope=\"row\"" : "<td")
        switch column.kind {
        case .role: out.write(" class=\"role\">")
        case .link: out.write(" class=\"n\">")
        default: out.write(column.isNumber ? " class=\"n\">" : ">")
        }
        value(table.value(id, index), to: &out)
        out.write(index == 0 ? "</th>" : "</td>")
      }
      out.write("</tr>\n")
    }
    if choice.ids.isEmpty {
      out.raw("<tr><td class=\"quiet\" colspan=\"\(table.columns.count)\">")
      out.html(phrases[table.ids.isEmpty ? "rows.none" : "rows.noMatch"])
      out.write("</td></tr>\n")
    }
    out.write("</tbody></table></div>\n")
    if case .top(_, let all) = place {
      if table.ids.count > choice.ids.count || !all.isEmpty {
        out.write("<p class=\"all\">")
        link(all.contains("?") ? all : query.href(all), to: &out) {
          $0.html(phrases["site.all"])
        }
        out.write("</p>\n")
      }
    } else {
      pager(choice, to: &out)
    }
    out.write("</section>\n")
  }

  /// Search, and the same as a file.
  private func tools(_ table: SiteTable, _ choice: TableChoice, to out: inout PageBytes) {
    out.write("<form class=\"tools\" role=\"search\" method=\"get\" action=\"\">")
    for (name, value) in query.request.query where name != "q" && name != "page" {
      out.write("<input type=\"hidden\" name=\"")
      out.html(name)
      out.write("\" value=\"")
      out.html(value)
      out.write("\">")
    }
    out.write("<label>")
    out.html(phrases["site.find"])
    out.write(
      " <input type=\"search\" name=\"q\" class=\"live\" autocomplete=\"off\" spellcheck=\"false\" maxlength=\"200\" placeholder=\""
    )
    out.html(phrases["filter.placeholder"])
    out.write("\" value=\"")
    out.html(choice.rows.search)
    out.write("\"></label> <button>")
    out.html(phrases["site.apply"])
    out.write("</button> <span class=\"quiet\" role=\"status\">")
    out.html(
      choice.found == table.ids.count
        ? phrases.filled("rows.count", ["count": HumanUnits.count(choice.found)])
        : phrases.filled(
          "rows.found",
          [
            "found": HumanUnits.count(choice.found), "count": HumanUnits.count(table.ids.count),
          ]))
    out.write("</span> <span class=\"files\">")
    let path = query.request.path == "/" ? "/overview" : query.request.path
    for (name, href) in [
      ("CSV", SiteQuery.moved(query.here([:]), to: path + ".csv")),
      ("JSON", SiteQuery.moved(query.here([:]), to: "/api/v1" + path)),
    ] {
      link(href, to: &out) { $0.raw(name) }
      out.write(" ")
    }
    out.write("</span></form>\n")
  }

  private func head(
    _ column: SiteColumn, _ choice: TableChoice, _ place: SitePage.TablePlace,
    to out: inout PageBytes
  ) {
    out.write("<th scope=\"col\"")
    if column.isNumber { out.write(" class=\"n\"") }
    // A host is put in order by its address, or by its name.
    let keys = column.kind == .host ? [column.key, column.fields[1]] : [column.key]
    if keys.contains(where: { choice.sort == "-\($0)" }) {
      out.write(" aria-sort=\"descending\"")
    } else if keys.contains(choice.sort) {
      out.write(" aria-sort=\"ascending\"")
    }
    out.write(">")
    if case .top = place {
      out.html(phrases[column.title])
    } else if column.isForPeople {
      out.write("<span class=\"unseen\">")
      out.html(phrases[column.title])
      out.write("</span>")
    } else {
      for (place, key) in keys.enumerated() {
        let isNext =
          choice.sort != "-\(key)" && (column.isDescending || choice.sort == key)
        let terms: KeyValuePairs = [
          "\(choice.prefix)sort": isNext ? "-\(key)" : key, "\(choice.prefix)page": "",
        ]
        if place > 0 { out.write(" ") }
        link(query.here(terms), class: "soft", to: &out) {
          $0.html(phrases[place == 0 ? column.title : "name"])
        }
      }
    }
    out.write("</th>")
  }

  private func pager(_ choice: TableChoice, to out: inout PageBytes) {
    if choice.pages < 2 { return }
    out.write("<nav class=\"pager\" aria-label=\"")
    out.html(phrases["site.pages"])
    out.write("\">")
    func step(_ page: Int, _ key: String) {
      guard page != choice.page, page >= 1, page <= choice.pages else { return }
      link(query.here(["\(choice.prefix)page": "\(page)"]), class: "soft", to: &out) {
        $0.html(phrases[key])
      }
      out.write(" ")
    }
    step(1, "site.first")
    step(choice.page - 1, "site.previous")
    out.html(
      phrases.filled(
        "site.page",
        ["page": HumanUnits.count(choice.page), "pages": HumanUnits.count(choice.pages)]))
    out.write(" ")
    step(choice.page + 1, "site.next")
    step(choice.pages, "site.last")
    out.write("</nav>\n")
  }

  // MARK: - Values

  private func value(_ value: SiteValue, to out: inout PageBytes) {
    switch value {
    case .none: break
    case .text(let text):
      out.write("<bdi>")
      out.html(text)
      out.write("</bdi>")
    case .count(let count): out.raw(HumanUnits.count(count))
    case .bytes(let bytes):
      out.raw("<span title=\"\(HumanUnits.count(bytes))\">")
      out.raw(HumanUnits.bytes(bytes))
      out.write("</span>")
    case .host(let index):
      link(query.href(SitePath.host(snapshot.pathName(ofHost: index))), to: &out) {
        $0.raw(snapshot.labels.addresses[index])
      }
      if let name = snapshot.map.hosts[index].name {
        out.write(" <bdi class=\"name\">")
        out.html(name)
        out.write("</bdi>")
      }
    case .network(let index):
      link(query.href(SitePath.network(snapshot.pathName(ofGroup: index))), to: &out) {
        $0.write("<bdi>")
        $0.html(snapshot.title(ofGroup: index, phrases))
        $0.write("</bdi>")
      }
    case .service(let number, let port):
      service(query.href(SitePath.service(number, port)), number, port, to: &out)
    case .provided(let host, let number, let port):
      let address = snapshot.pathName(ofHost: host)
      service(query.href(SitePath.provided(address, number, port)), number, port, to: &out)
    case .role(let kind, let basis, let confidence): role(kind, basis, confidence, to: &out)
    case .time(let ns):
      out.write("<time datetime=\"")
      out.time(ns: ns, .rfc3339)
      out.write("\">")
      // Within a day, the day is in the head of the page.
      out.time(ns: ns, isShort ? .clock : .plain)
      out.write("</time>")
    case .duration(let ns): out.raw(HumanUnits.duration(ns: ns))
    case .ratio(let ratio): out.raw(HumanUnits.confidence(ratio))
    case .link(let path, let text): link(query.href(path), to: &out) { $0.html(text) }
    }
  }

  private func service(
    _ href: String, _ number: UInt8, _ port: UInt16, to out: inout PageBytes
  ) {
    let name = snapshot.labels.service(number, port)
    let endpoint = ServiceText.endpoint(number, port)
    link(href, to: &out) {
      $0.write("<bdi>")
      $0.html(name.isEmpty ? endpoint : name)
      $0.write("</bdi>")
    }
    if !name.isEmpty { out.raw(" <span class=\"name\">\(endpoint)</span>") }
  }

  private func role(
    _ kind: RelationKind, _ basis: Basis, _ confidence: Double, to out: inout PageBytes
  ) {
    let level = PageTables.level(confidence)
    let certainty = max(0, HumanUnits.hundredths(confidence) * 2 - 100)
    out.raw("<span class=\"meter \(level) p\(certainty)\" aria-hidden=\"true\"></span> ")
    out.raw(HumanUnits.confidence(confidence))
    out.write(" ")
    if kind == .peer {
      out.html(phrases["kind.peer"])
      out.write(", ")
    }
    out.html(phrases["level.\(level)"])
    out.write(" <span class=\"quiet\">(")
    out.html(phrases["basis.\(snapshot.labels.basis(basis))"])
    out.write(")</span>")
  }

  // MARK: - Pictures

  private func chart(_ chart: SiteChart, to out: inout PageBytes) throws(SiteProblem) {
    out.write("<section class=\"part\"><h2>")
    out.html(phrases[chart.title])
    out.write("</h2>\n")
    ChartSVG(chart: chart, phrases: phrases).write(to: &out)
    out.write("<details class=\"behind\"><summary>")
    out.html(phrases["site.figures"])
    out.write("</summary>")
    try table(chart.table, .part(rows: SiteChart.rowsMax), to: &out)
    out.write("</details></section>\n")
  }

  private func graph(_ graph: SiteGraph, to out: inout PageBytes) throws(SiteProblem) {
    out.raw("<section class=\"part graphpart\" id=\"\(graph.isMain ? "graph" : "around")\">")
    if graph.isMain {
      GraphForm(graph: graph, query: query, phrases: phrases).write(to: &out)
    } else {
      out.write("<h2>")
      out.html(phrases["graph.around"])
      out.write("</h2>\n")
    }
    out.write("<div class=\"scroll picture\" tabindex=\"0\" role=\"region\" aria-label=\"")
    out.html(phrases["site.graph"])
    out.write("\">")
    let (query, snapshot) = (query, snapshot)
    let isMain = graph.isMain
    out.raw(
      GraphSVG(graph.drawing, text: graph.text, prefix: isMain ? "graph" : "around") { node in
        switch node.target {
        case .host(let index): query.href(SitePath.host(snapshot.pathName(ofHost: index)))
        // In the picture of all, a click opens the group; the host's links to its page.
        case .group(let name):
          isMain
            ? query.here(adding: ("expand", name))
            : query.href(SitePath.network(name.isEmpty ? "~outside" : name))
        case nil: nil
        }
      }.markup())
    out.write("</div>\n<p class=\"quiet\">")
    out.html(graph.text.summary(of: graph.drawing.graph))
    out.write("</p>\n")
    if graph.isMain {
      out.write("<details class=\"behind\"><summary>")
      out.html(phrases["site.figures"])
      out.write("</summary>")
      try table(graph.edges, .part(rows: SiteGraph.rowsMax), to: &out)
      out.write("</details>")
    }
    out.write("</section>\n")
  }

  private func matrix(_ matrix: SiteMatrix, to out: inout PageBytes) {
    out.write("<section class=\"part\"><h2>")
    out.html(phrases["matrix"])
    out.write("</h2>\n<p class=\"quiet\">")
    out.html(phrases["matrixNote"])
    out.write("</p>\n<div class=\"scroll\"><table class=\"matrix\"><caption class=\"unseen\">")
    out.html(phrases["matrix"])
    out.write("</caption><thead><tr><th scope=\"col\" class=\"corner\">")
    out.html(phrases["matrixCorner"])
    out.write("</th>")
    for column in matrix.columns {
      out.write("<th scope=\"col\"><span>")
      value(.network(column), to: &out)
      out.write("</span></th>")
    }
    out.write("</tr></thead><tbody>\n")
    let most = matrix.bytes.max() ?? 0
    for (place, row) in matrix.rows.enumerated() {
      out.write("<tr><th scope=\"row\">")
      value(.network(row), to: &out)
      out.write("</th>")
      for column in matrix.columns.indices {
        let bytes = matrix.bytes[place * matrix.columns.count + column]
        if bytes == 0 {
          out.write("<td></td>")
        } else {
          let shade = PageTables.shade(bytes, of: most)
          out.raw("<td class=\"n p\(shade)\">\(HumanUnits.bytes(bytes))</td>")
        }
      }
      out.write("</tr>\n")
    }
    out.write("</tbody></table></div></section>\n")
  }
}
