internal import Foundation
internal import Mustache
internal import ServiceMap

/// The page: one file that needs nothing else, neither a server nor a network.
///
/// What is fixed is rendered from Templates/report.mustache; the map itself, up to some megabytes,
/// goes past the template engine: the template is cut in two where the data belongs.
struct HTMLReport {
  private let head: String
  private let tail: String
  private let data: PageData

  /// - Throws: where the embedded template is broken, which a test would have shown.
  init(_ reporter: MapReport, rowsMax: Int = PageSelection.rowsMax) throws {
    let labels = Labels(map: reporter.map, names: reporter.serviceNames)
    let selection = PageSelection(map: reporter.map, rowsMax: rowsMax)
    data = PageData(map: reporter.map, labels: labels, selection: selection)
    let context = PageContext(
      reporter, labels: labels, selection: selection, graph: HTMLReport.graph(reporter, labels))

    let source = HTMLReport.text(PackageResources.report_mustache)
    let parts = source.split(separator: "{{{data}}}", maxSplits: 1)
    _ = ScalarHTML.registered
    head = try MustacheTemplate(string: ScalarHTML.pragma + parts[0]).render(context)
    tail = try MustacheTemplate(string: ScalarHTML.pragma + parts[1]).render(context)
  }

  func write(to out: inout ByteWriter) {
    out.write(head)
    data.write(to: &out)
    out.write(tail)
  }

  /// The graph in both languages: the page can switch, and has no layout of its own.
  private static func graph(_ reporter: MapReport, _ labels: Labels) -> PageContext.Graph {
    let map = reporter.map
    let graph = DependencyGraph(
      map: map, labels: labels,
      grouping: GraphGrouping(HostGroups(map: map, directory: reporter.directory)),
      options: GraphOptions())
    let addresses = labels.addresses
    func picture(_ language: ReportLanguage) -> PageContext.Graph.Picture {
      let text = GraphText(language)
      let svg = GraphSVG(
        GraphLayout.best(graph, text: text), text: text, prefix: "graph-\(language.rawValue)"
      ) { node in
        switch node.target {
        case .host(let index): "#host=\(addresses[index])"
        case .group(let name) where !name.isEmpty: "#view=hosts&q=\(encoded(name))"
        default: nil
        }
      }
      return PageContext.Graph.Picture(
        language: language.rawValue, isHidden: language != reporter.language,
        summary: text.summary(of: graph), svg: svg.markup())
    }
    return PageContext.Graph(
      title: GraphText(reporter.language).phrases["graph.title"],
      pictures: ReportLanguage.allCases.map(picture))
  }

  /// A value in the page's own addresses, in which & and = mean something.
  private static func encoded(_ text: String) -> String {
    var plain = CharacterSet.alphanumerics
    plain.insert(charactersIn: "./:-_")
    return text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
  }

  static func text(_ resource: [UInt8]) -> String { String(decoding: resource, as: UTF8.self) }
}

/// HTML escaping by Unicode scalar.
///
/// Mustache's own goes by `Character`, and leaves a quotation mark alone that a combining accent
/// follows: together they are another character for Swift, but not for a browser. Names and file
/// names come from other people.
struct ScalarHTML: MustacheContentType {
  static let pragma = "{{% CONTENT_TYPE:SCALAR-HTML}}"
  /// Once a process: the library's register is global.
  static let registered: Void = MustacheContentTypes.register(ScalarHTML(), named: "SCALAR-HTML")

  func escapeText(_ text: String) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
      case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
      case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
      case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
      case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
      default: escaped.append(scalar)
      }
    }
    return String(escaped)
  }
}
