import Foundation
import FoundationXML
import ServiceMap
import TestSupport
import Testing
import Wire

@testable import Reporter

@Suite struct GraphFormatTests {
  static let hostileNames = [
    FakeMap.hostileName,
    "quote\" back\\slash\\ \\N \\G \\l #quot; &lt; &amp; %2 'apostrophe' `tick` {brace} |bar| [box]",
    "line\nbreak\rtab\tnul\u{0}esc\u{1B}[31m del\u{7F} c1\u{85} \u{FFFE}\u{FFFF} ]]> --> %%",
    "rtl \u{202E}exe.cod\u{202C} \u{2066}isolate\u{2069} \u{200F}mark\u{2028}line\u{2029}",
    String(repeating: "あ<", count: 5000),
    "a" + String(repeating: "\u{301}", count: 3000),
    "=HYPERLINK(\"http://192.0.2.1\"),1", "end", "", "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}",
  ]

  /// All of them as hosts and as groups.
  private static func graph(_ options: GraphOptions) -> DependencyGraph {
    let addresses = (0..<20).map { IPAddress(v4: 0x0A00_0000 + UInt32($0)) }
    var relations: [Relation] = []
    for client in 0..<20 {
      for server in [(client + 1) % 20, (client + 7) % 20, client] {
        var relation = Relation(
          server: server, client: client, protocolNumber: 6, port: UInt16(443 + server % 3),
          kind: client % 5 == 0 ? .failed : .provided, basis: .handshake,
          confidence: 0.6 + Double(client) / 50)
        relation.sessions = 3
        relation.unanswered = client % 5 == 0 ? 3 : 0
        relation.packetsToServer = 5
        relation.bytesToServer = 1 << UInt64(client * 2)
        relations.append(relation)
      }
    }
    let map = ServiceMap(
      capture: CaptureReport(files: []), addresses: addresses, relations: relations
    ) { hostileNames[Int($0.v4) % hostileNames.count] }
    let grouping = GraphGrouping(
      groups: hostileNames.map { .init(name: $0) },
      groupOfHost: map.hosts.indices.map { $0 % hostileNames.count })
    let services = ServiceNames(text: "https<\"> 443/tcp\n")
    return DependencyGraph(
      map: map, labels: Labels(map: map, names: services), grouping: grouping, options: options)
  }

  static let graphs = [
    graph(GraphOptions()), graph(GraphOptions(level: .host)),
    graph(GraphOptions(expanded: [hostileNames[0]], nodesMax: 6)),
    graph(GraphOptions(focus: IPAddress("10.0.0.3")!)),
    DependencyGraph(nodes: [], edges: []),
  ]

  private func bytes(_ format: GraphFormat, _ graph: DependencyGraph) -> [UInt8] {
    format.text(
      of: graph, text: GraphText(.en), usesGraphviz: false,
      href: { "/x?a=1&b=\($0.id)" })
  }

  private func text(_ format: GraphFormat, _ graph: DependencyGraph) -> String {
    String(decoding: bytes(format, graph), as: UTF8.self)
  }

  /// Control characters, and what turns the direction of writing.
  private func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<9, 0xB, 0xC, 0xE..<0x20, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069,
      0xFFFE, 0xFFFF:
      true
    default: false
    }
  }

  @Test("holds no character that is harmful or endless", arguments: GraphFormat.allCases)
  func harmless(format: GraphFormat) {
    for graph in GraphFormatTests.graphs {
      let text = text(format, graph)
      #expect(!text.unicodeScalars.contains(where: isHarmful))
      #expect(!text.contains(String(repeating: "あ<", count: 130)))
    }
  }

  @Test("the same graph gives the same bytes", arguments: GraphFormat.allCases)
  func deterministic(format: GraphFormat) {
    for graph in GraphFormatTests.graphs { #expect(bytes(format, graph) == bytes(format, graph)) }
  }

  @Test(
    "DOT: Graphviz takes it and writes the names as they are", .enabled(if: Tool("dot").isInstalled)
  )
  func dot() throws {
    let folder = TemporaryFolder()
    for graph in GraphFormatTests.graphs {
      try Data(bytes(.dot, graph)).write(to: URL(fileURLWithPath: folder["a.dot"]))
      let result = try Tool("dot").run(["-Tsvg", folder["a.dot"]])
      #expect(result.status == 0)
      #expect(!result.errors.contains("Error") && !result.errors.contains("syntax"))
      let nodes = XMLElements(result.output).elements.filter {
        $0.name == "g" && $0.attributes["class"] == "node"
      }
      #expect(nodes.count == graph.nodes.count)
      if graph.nodes.contains(where: { $0.labels.first == GraphFormatTests.hostileNames[1] }) {
        #expect(
          XMLElements(result.output).text.contains("back\\slash\\ \\N \\G \\l #quot; &lt; &amp;"))
      }
    }
  }

  @Test("GraphML and SVG are XML and hold every node", arguments: [GraphFormat.graphml, .svg])
  func xml(format: GraphFormat) {
    for graph in GraphFormatTests.graphs {
      let xml = XMLElements(Data(bytes(format, graph)))
      #expect(xml.error == nil, "\(String(describing: xml.error))")
      let nodes = xml.elements.filter {
        format == .graphml
          ? $0.name == "node" : $0.attributes["class"]?.hasPrefix("graph-node ") == true
      }
      #expect(nodes.count == graph.nodes.count)
      #expect(!xml.elements.contains { ["script", "img", "b", "foreignObject"].contains($0.name) })
      for element in xml.elements {
        #expect(!element.attributes.keys.contains { $0.hasPrefix("on") || $0 == "style" })
        if let link = element.attributes["href"] { #expect(link.hasPrefix("/x?a=1&b=")) }
      }
    }
  }

  @Test(
    "Cytoscape's and our JSON name only nodes that are there",
    arguments: [GraphFormat.cytoscape, .json])
  func json(format: GraphFormat) throws {
    for graph in GraphFormatTests.graphs {
      let parsed = try JSONSerialization.jsonObject(with: Data(bytes(format, graph)))
      let root = try #require(parsed as? [String: Any])
      let elements = format == .json ? root : try #require(root["elements"] as? [String: Any])
      func list(_ key: String) throws -> [[String: Any]] {
        let all = try #require(elements[key] as? [[String: Any]])
        return format == .json ? all : all.compactMap { $0["data"] as? [String: Any] }
      }
      let ids = try list("nodes").compactMap { $0["id"] as? String }
      #expect(ids.count == graph.nodes.count && Set(ids).count == ids.count)
      let edges = try list("edges")
      #expect(edges.count == graph.edges.count)
      for edge in edges {
        let ends = (format == .json ? ["client", "server"] : ["source", "target"])
          .compactMap { edge[$0] as? String }
        #expect(ends.count == 2 && ends.allSatisfy(ids.contains))
      }
      let bytes = edges.compactMap { ($0["bytes"] as? NSNumber)?.uint64Value }
      #expect(bytes == graph.edges.map(\.bytes))
    }
  }

  @Test("Mermaid: every line is a statement, names hold only letters and entities")
  func mermaid() throws {
    let label = #/"(?:[a-zA-Z0-9 .:/,+·…\-]|<br/>|\#quot;|\#\d+;|[^\x00-\x7F])*"/#
    for graph in GraphFormatTests.graphs {
      var lines = text(.mermaid, graph).split(separator: "\n")
      #expect(lines.removeFirst() == "flowchart LR")
      var (nodes, edges) = (0, 0)
      for line in lines {
        let plain = line.replacing(label, with: "L")
        if plain.wholeMatch(of: #/  n\d+(\[L\]|\(L\))/#) != nil {
          nodes += 1
        } else if plain.wholeMatch(of: #/  n\d+ (-->|-\.->)\|L\| n\d+/#) != nil {
          edges += 1
        } else {
          let known = [
            #/  linkStyle [\d,]+ (stroke-width:\dpx|stroke:\#c0392b)/#,
            #/  (classDef) joined stroke-dasharray:4 3/#, #/  (style) n\d+ stroke-width:3px/#,
            #/  class (n\d+,?)+ joined/#,
          ]
          #expect(known.contains { plain.wholeMatch(of: $0) != nil }, "\(line)")
        }
      }
      #expect(nodes == graph.nodes.count && edges == graph.edges.count)
    }
  }

  @Test("CSV: a row an edge, and no field is a formula")
  func csv() throws {
    for graph in GraphFormatTests.graphs {
      let rows = GraphFormatTests.records(text(.csv, graph))
      #expect(rows.count == graph.edges.count + 1)
      #expect(rows.allSatisfy { $0.count == 11 })
      for field in rows.joined() { #expect(!"=+-@".contains(field.first ?? "a")) }
    }
  }

  /// RFC 4180.
  private static func records(_ text: String) -> [[String]] {
    var records: [[String]] = []
    var record: [String] = []
    var field = String.UnicodeScalarView()
    var isQuoted = false
    var scalars = Array(text.unicodeScalars)[...]
    while let scalar = scalars.popFirst() {
      if isQuoted {
        if scalar == "\"", scalars.first == "\"" {
          field.append(scalars.removeFirst())
        } else if scalar == "\"" {
          isQuoted = false
        } else {
          field.append(scalar)
        }
      } else if scalar == "\"" {
        isQuoted = true
      } else if scalar == "," || scalar == "\n" {
        record.append(String(field))
        field = .init()
        if scalar == "\n" {
          records.append(record)
          record = []
        }
      } else if scalar != "\r" {
        field.append(scalar)
      }
    }
    return records
  }

  @Test("a text never is wider than its box, however long the name")
  func cut() {
    for name in GraphFormatTests.hostileNames {
      let cut = GraphText.cut(GraphText.clean(name), widthMax: 15)
      #expect(GraphText.width(of: cut) <= 15)
      #expect(cut.unicodeScalars.count < 150)
    }
    #expect(GraphText.cut("10.0.0.0/24", widthMax: 15) == "10.0.0.0/24")
    #expect(GraphText.cut("経理部のサーバ群と端末一式", widthMax: 8).hasSuffix("…"))
    #expect(GraphText.width(of: "経理") >= 2 && GraphText.width(of: "ab") < 2)
  }

  @Test("texts exist in both languages")
  func phrases() {
    for row in Phrases.graphRows {
      #expect(row.key.split(separator: ".")[0] == "graph")
      #expect(!row.en.isEmpty && !row.ja.isEmpty)
      let names = [row.en, row.ja].map { text in
        Set(text.matches(of: /\{(\w+)/).map { String($0.output.1) })
      }
      #expect(names[0] == names[1], "\(row.key)")
    }
  }
}

/// What an XML parser finds.
private final class XMLElements: NSObject, XMLParserDelegate {
  private(set) var elements: [(name: String, attributes: [String: String])] = []
  private(set) var text = ""
  private(set) var error: (any Error)?

  init(_ data: Data) {
    super.init()
    let parser = XMLParser(data: data)
    parser.delegate = self
    if !parser.parse() { error = parser.parserError ?? CocoaError(.fileReadCorruptFile) }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    elements.append((name, attributes))
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}
