public import ArgumentParser
internal import Foundation
public import Reporter
internal import ServiceMap
internal import Wire

extension GraphFormat: ExpressibleByArgument {}
extension GraphOptions.Level: ExpressibleByArgument {}

struct MapCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "map",
    abstract: "Draw the map as a graph, or write it for programs that draw.",
    usage: """
      renkei map --store MAP.DB [--format FORMAT] [-o FILE] [options]
      renkei map -r FILE [-r FILE …] [--format FORMAT] [-o FILE] [options] ['filter']
      """,
    discussion: """
      Arrows lead from clients to servers. At first nodes are networks, or the groups that a names file gives; \
      --expand opens one into its hosts, --host shows one host and who is around it. What has least traffic \
      is joined or left out, so that the graph stays readable; standard error says how much.

      Formats: dot (Graphviz; the default), mermaid (Markdown pages), cytoscape (.cyjs), graphml (yEd, Gephi), \
      svg (a picture, laid out by Graphviz where it is installed), json, csv (one row an edge). The ending of -o \
      tells the format where --format does not. With -r the captures are audited first, and nothing is kept.

      Examples:
        renkei map --store map.db -o map.svg
        renkei map --store map.db --expand 10.0.3.0/24 -o servers.svg
        renkei map --store map.db --host 10.0.0.5 --format mermaid
        renkei map --store map.db --at '2026-11-20 09:00' --format mermaid --host 10.0.0.5
        renkei map --store map.db --min-bytes 1MB --min-confidence 0.9 -o map.graphml
        renkei map -r trace.pcap --level host | dot -Tpdf > trace.pdf

      Exit status: 0 done, 1 an error or a host that was not seen, 2 wrong usage.
      """)

  @OptionGroup var input: MapInput

  @Option(help: "dot (default), mermaid, cytoscape, graphml, svg, json or csv.")
  var format: GraphFormat?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write to FILE. Default: standard output.", valueName: "file"))
  var output = "-"

  @Option(help: "What a node is: group (default; or network) or host.")
  var level: GraphOptions.Level = .group

  @Option(help: ArgumentHelp("Only this host and one step around it.", valueName: "address"))
  var host: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Open a group or network into its hosts. May be given several times.", valueName: "group"))
  var expand: [String] = []

  @Option(help: ArgumentHelp("Leave out edges with less: 4096, 10MB.", valueName: "bytes"))
  var minBytes: String?

  @Option(help: ArgumentHelp("Leave out edges with fewer sessions.", valueName: "n"))
  var minSessions: UInt64 = 0

  @Option(
    help: ArgumentHelp(
      "Leave out relations whose role is less sure, 0.5 to 1.", valueName: "confidence"))
  var minConfidence = 0.0

  @Flag(help: "Leave out requests that came to nothing.")
  var noFailures = false

  @Option(help: ArgumentHelp("At most so many nodes, 2 to 500.", valueName: "n"))
  var nodes = 60

  @Option(help: ArgumentHelp("At most so many edges, 1 to 5000.", valueName: "n"))
  var edges = 200

  @Flag(help: "Lay out pictures without Graphviz: the same bytes on every machine.")
  var noGraphviz = false

  @OptionGroup var mapOptions: MapOptions

  @Option(help: "Language of the texts: en or ja. Default: from LANG.")
  var lang: ReportLanguage?

  @Flag(name: .shortAndLong, help: "Nothing on standard error but errors.")
  var quiet = false

  func validate() throws {
    _ = try graphFormat()
    _ = try options()
  }

  func run() throws {
    let format = try graphFormat()
    let options = try options()
    let directory = try mapOptions.directory(isQuiet: quiet)
    let map = try mapOptions.map(of: try input.content(isQuiet: quiet), directory)
    if let focus = options.focus, !map.hosts.contains(where: { $0.address == focus }) {
      throw RunError("--host \(focus): was not seen")
    }
    let grouping = GraphGrouping(HostGroups(map: map, directory: directory))
    try check(options.expanded, in: grouping)
    let report = GraphReport(
      map: map, serviceNames: try mapOptions.services(isQuiet: quiet), grouping: grouping,
      options: options,
      language: lang ?? .ofEnvironment)
    try report.write(format, to: output, usesGraphviz: !noGraphviz)
    if !quiet { Terminal.standardError("\(report.summary)\n") }
  }

  /// By `--format`, or by the ending of the output's name.
  private func graphFormat() throws -> GraphFormat {
    if let format { return format }
    let ending = (output as NSString).pathExtension.lowercased()
    if output == "-" || ending == "gv" { return .dot }
    if let known = GraphFormat.allCases.first(where: { $0.fileExtension == ending }) {
      return known
    }
    let endings = GraphFormat.allCases.map { ".\($0.fileExtension)" }.joined(separator: " ")
    throw ValidationError(
      Terminal.oneLine("-o \(output): the name does not tell the format; ")
        + "end it in one of \(endings), or say --format")
  }

  private func options() throws -> GraphOptions {
    var options = GraphOptions(
      level: level, expanded: expand, sessionsMin: minSessions, confidenceMin: minConfidence,
      includesFailures: !noFailures, nodesMax: nodes, edgesMax: edges)
    if let host {
      guard let address = IPAddress(host) else {
        throw ValidationError(Terminal.oneLine("--host \(host): no address; write 10.0.0.5"))
      }
      options.focus = address
    }
    if let minBytes {
      guard let bytes = Quantity.bytes(minBytes) else {
        throw ValidationError(Terminal.oneLine("--min-bytes \(minBytes): write 4096 or 10MB"))
      }
      options.bytesMin = UInt64(bytes)
    }
    guard (0...1).contains(minConfidence) else {
      throw ValidationError("--min-confidence: 0.5 to 1")
    }
    guard (2...500).contains(nodes) else { throw ValidationError("--nodes: 2 to 500") }
    guard (1...5000).contains(edges) else { throw ValidationError("--edges: 1 to 5000") }
    return options
  }

  /// - Throws: `RunError` that names the group that was probably meant.
  private func check(_ expanded: [String], in grouping: GraphGrouping) throws {
    let known = grouping.groups.map(\.name)
    for name in expanded where !known.contains(name) {
      let near = NearestKey.of(name, among: known)
      throw RunError(
        "--expand \(name): no such group or network"
          + (near.map { "; \"\($0)\" was perhaps meant" } ?? ""))
    }
  }
}
