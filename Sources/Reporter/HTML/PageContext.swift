internal import ServiceMap
internal import Wire

/// What report.mustache asks for, by the names it uses there.
struct PageContext {
  let language: String
  let version: String
  let t: [String: String]
  let css = HTMLReport.text(PackageResources.report_css) + GraphSVG.css
  let js = HTMLReport.text(PackageResources.report_js)
  let texts: String
  let pageTitle: String?
  let searchLabel: String
  let searchHint: String
  let none: String
  let whyCommand: String

  // The capture.
  let files: [String]
  let filesMore: Bool
  let filesMoreCount: String
  let filesMoreText: String
  let filesHidden: [String]
  let start: String?
  let end: String?
  let duration: String
  let filter: String?
  let warnings: [String]
  let hasDrops: Bool
  let duplicates: Counted?
  let saturated: Counted?
  let exportedEarly: Counted?
  let isComplete: Bool
  let selfCheck: Statement
  let partial: Statement?
  let completeness: [Statement]

  // Figures.
  let counts: Counts
  let captured: String
  let terms: [Outcome]
  let outcomes: [Outcome]
  let packets: String
  let bytes: String
  let bytesExact: String
  let frameBytesExact: String
  let rate: String
  let failed: Part
  let undecided: Part
  let isCapped: Bool
  let capped: Capped

  // Rankings.
  let serviceTables: [PageTables.ServiceTable]
  let hostTables: [PageTables.HostTable]
  let networks: [PageTables.Network]
  let networksMore: PageTables.More?
  let hasMatrix: Bool
  let matrixColumns: [String]
  let matrixRows: [PageTables.MatrixRow]
  let graph: Graph

  /// The dependency graph, and what belongs to it.
  struct Graph {
    struct Picture {
      let language: String
      let isHidden: Bool
      let summary: String
      let svg: String
    }
    let title: String
    var name = ""
    let pictures: [Picture]
    var texts: [String: String] = [:]
    var legend: [LegendEntry] = []
  }

  struct LegendEntry {
    /// The class of the line.
    let style: String
    let key: String
    let text: String
  }

  /// The numbers of the navigation and the overview.
  struct Counts {
    let hosts, servers, clients, networks, services, relations, sessions: String
    let failures, groups, undecided, notices: String
  }

  /// A number inside a sentence: the script needs it apart to put it into the other language.
  struct Counted {
    let count: String
    /// Of all packets; "" where the sentence has no share in it.
    var share = ""
    let text: String
  }

  struct Part {
    let sessions: String
    let packets: String
    let share: String
  }

  struct Capped {
    let relations, listed, rows, text: String
  }

  struct Outcome {
    let name: String
    let key: String
    let label: String
    let packets: String
    let share: String
    let why: String
    let sign: String
    let plus: Bool
    let isTotal: Bool
  }

  init(_ reporter: MapReport, labels: Labels, selection: PageSelection, graph: Graph) {
    let map = reporter.map
    let phrases = Phrases(reporter.language)
    let overview = Overview(map: map)
    let accounting = map.accounting
    language = reporter.language.rawValue
    version = reporter.version
    t = Dictionary(uniqueKeysWithValues: Phrases.rows.map { ($0.key, phrases[$0.key]) })
    texts = PageContext.textTables
    searchLabel = phrases["filter.label"]
    searchHint = phrases["filter.placeholder"]
    none = phrases["rows.none"]
    whyCommand = phrases["why.command"]

    let names = map.capture.files.map(\.name)
    let shown = 6
    pageTitle = names.first
    files = Array(names.prefix(shown))
    filesHidden = Array(names.dropFirst(shown))
    filesMore = names.count > shown
    filesMoreCount = HumanUnits.count(filesHidden.count)
    filesMoreText = phrases.filled("moreFiles", ["count": filesMoreCount])
    start = map.capture.startNs.map { CivilTime(ns: $0).text }
    end = map.capture.endNs.map { CivilTime(ns: $0).text }
    duration = HumanUnits.duration(ns: overview.spanNs)
    filter = map.capture.filter.isEmpty ? nil : map.capture.filter
    warnings = map.capture.files.compactMap { file in
      file.warning.map { "\(file.name): \($0)" }
    }
    hasDrops = accounting.dropped > 0
    func counted(_ phrase: String, _ number: UInt64) -> Counted? {
      guard number > 0 else { return nil }
      let count = HumanUnits.count(number)
      return Counted(count: count, text: phrases.filled(phrase, ["count": count]))
    }
    let duplicateCount = accounting[.duplicate]
    if duplicateCount > 0 {
      let count = HumanUnits.count(duplicateCount)
      let share = HumanUnits.percent(Double(duplicateCount) / Double(accounting.captured))
      duplicates = Counted(
        count: count, share: share,
        text: phrases.filled("duplicates", ["count": count, "share": share]))
    } else {
      duplicates = nil
    }
    saturated = counted("saturated", map.capture.lengthSaturated)
    exportedEarly = counted("exportedEarly", map.capture.sessionsExportedEarly)
    isComplete = warnings.isEmpty && !hasDrops
    let findings = Findings(map: map, phrases: phrases)
    selfCheck = findings.selfCheck
    partial = findings.partial
    completeness = findings.completeness

    let failedSum = overview.sum(map.failed)
    let undecidedSum = overview.sum(map.undecided)
    counts = Counts(
      hosts: HumanUnits.count(map.summary.hosts), servers: HumanUnits.count(map.summary.servers),
      clients: HumanUnits.count(map.summary.clients),
      networks: HumanUnits.count(map.summary.networks),
      services: HumanUnits.count(map.summary.services),
      relations: HumanUnits.count(map.summary.relations),
      sessions: HumanUnits.count(map.summary.sessions),
      failures: HumanUnits.count(map.failed.count), groups: HumanUnits.count(map.groups.count),
      undecided: HumanUnits.count(map.undecided.count),
      notices: HumanUnits.count(map.notices.count))
    func share(_ part: UInt64, of whole: UInt64) -> String {
      part == 0 ? "" : HumanUnits.percent(Double(part) / Double(whole))
    }
    failed = Part(
      sessions: HumanUnits.count(failedSum.sessions),
      packets: HumanUnits.count(failedSum.packets),
      share: share(failedSum.sessions, of: map.summary.sessions))
    undecided = Part(
      sessions: HumanUnits.count(undecidedSum.sessions),
      packets: HumanUnits.count(undecidedSum.packets),
      share: share(undecidedSum.packets, of: accounting[.mapped]))
    packets = HumanUnits.count(accounting[.mapped])
    bytes = HumanUnits.bytes(map.bytes)
    bytesExact = HumanUnits.count(map.bytes)
    frameBytesExact = HumanUnits.count(map.capture.frameBytes)
    rate =
      overview.spanNs == 0
      ? "–" : HumanUnits.bitsPerSecond(Double(map.bytes) * 8e9 / Double(overview.spanNs))

    func outcome(_ name: String, _ count: UInt64, sign: String) -> Outcome {
      let key = name == "captured" ? name : "outcome.\(name)"
      return Outcome(
        name: name, key: key, label: phrases[key], packets: HumanUnits.count(count),
        share: share(count, of: accounting.captured), why: phrases["why.\(name)"], sign: sign,
        plus: sign == "+", isTotal: name == "captured")
    }
    captured = HumanUnits.count(accounting.captured)
    terms =
      [outcome("mapped", accounting[.mapped], sign: "=")]
      + accounting.losses.map { outcome($0.reason.name, $0.packets, sign: "+") }
    outcomes =
      [outcome("captured", accounting.captured, sign: "")]
      + PacketOutcome.allCases.map {
        outcome($0.name, accounting[$0], sign: $0 == .mapped ? "=" : "+")
      }

    isCapped = selection.isCapped
    let relations = HumanUnits.count(map.summary.relations)
    let listed = HumanUnits.count(selection.pairsListed)
    let rows = HumanUnits.count(selection.restHidden.reduce(0, +))
    capped = Capped(
      relations: relations, listed: listed, rows: rows,
      text: phrases.filled("capped", ["relations": relations, "listed": listed, "rows": rows]))

    let tables = PageTables(map: map, labels: labels, phrases: phrases, overview: overview)
    serviceTables = tables.serviceTables()
    hostTables = tables.hostTables()
    (networks, networksMore) = tables.networks()
    (matrixColumns, matrixRows) = tables.matrix()
    hasMatrix = !matrixRows.isEmpty
    let graphPhrases = GraphText(reporter.language).phrases
    var graph = graph
    graph.name = graphPhrases["graph"]
    // In Mustache a full stop leads into a value.
    graph.texts = Dictionary(
      uniqueKeysWithValues: Phrases.graphRows.map {
        (String($0.key.drop { $0 != "." }.dropFirst()), graphPhrases[$0.key])
      })
    graph.legend = [
      ("sure", "sure"), ("likely", "likely"), ("weak", "weak"), ("sure fail", "fail"),
    ]
    .map { style, name in
      let key = "graph.legend.\(name)"
      return LegendEntry(style: style, key: key, text: graphPhrases[key])
    }
    self.graph = graph
  }

  /// Both languages for the script: {"en":{key:text,…},"ja":{…}}. The texts are ours, without
  /// control characters, quotation marks or backslashes but the escaped ones here.
  private static let textTables: String = {
    func quoted(_ text: String) -> String {
      var escaped = "\""
      for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": escaped += "\\\""
        case "\\": escaped += "\\\\"
        case "<": escaped += "\\u003c"
        default: escaped.unicodeScalars.append(scalar)
        }
      }
      return escaped + "\""
    }
    func table(_ text: ((key: String, en: String, ja: String)) -> String) -> String {
      (Phrases.rows + Phrases.graphRows).map { "\(quoted($0.key)):\(quoted(text($0)))" }
        .joined(separator: ",")
    }
    return "{\"en\":{\(table(\.en))},\"ja\":{\(table(\.ja))}}"
  }()
}
