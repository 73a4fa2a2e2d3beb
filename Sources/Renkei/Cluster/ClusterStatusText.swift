internal import Cluster
internal import Reporter

/// A cluster's condition for a terminal of 100 columns.
struct ClusterStatusText {
  private let condition: ClusterCondition
  private let phrases: Phrases
  /// Those of the reports, for the outcomes of packets.
  private let reportPhrases: Phrases

  init(_ condition: ClusterCondition, language: ReportLanguage) {
    self.condition = condition
    phrases = Phrases(language, of: ClusterPhrases.rows)
    reportPhrases = Phrases(language)
  }

  var text: String {
    let tables = [streams, collectors, trackers, mergers].filter { !$0.isEmpty }
    let parts = tables + balances + [refused].filter { !$0.isEmpty } + [verdict]
    return parts.joined(separator: "\n")
  }

  /// What is wrong, one line each.
  private var verdict: String {
    guard !condition.isWell else { return phrases["cluster.well"] + "\n" }
    let count = "\(condition.problems.count)"
    return phrases.filled("cluster.wrong", ["count": count]) + "\n"
      + condition.problems.map { "  \(TextTable.printable(text(of: $0)))\n" }.joined()
  }

  private func text(of problem: ClusterCondition.Problem) -> String {
    var what = problem.what
    if problem.kind == .noProcess { what = phrases["role.\(what)"] }
    return phrases.filled(
      "problem.\(problem.kind.rawValue)", ["what": what, "detail": problem.detail])
  }

  // MARK: - Tables

  private typealias Column = (key: String, isNumber: Bool, widthMax: Int)

  private func part(_ title: String, _ columns: [Column], _ rows: [[String]]) -> String {
    guard !rows.isEmpty else { return "" }
    var table = TextTable(
      columns.map { .init(title: phrases[$0.key], isNumber: $0.isNumber, widthMax: $0.widthMax) })
    for row in rows { table.add(row) }
    return phrases[title] + "\n" + table.text
  }

  private var streams: String {
    part(
      "title.streams",
      [
        ("stream.name", false, 24), ("stream.messages", true, 14), ("stream.bytes", true, 10),
        ("stream.share", true, 8), ("stream.replicas", true, 9), ("stream.leader", false, 16),
        ("stream.behind", true, 8),
      ],
      condition.streams.map { stream in
        [
          stream.name, HumanUnits.count(stream.messages), HumanUnits.bytes(stream.bytes),
          stream.bytesMax == 0 ? "-" : HumanUnits.share(stream.bytes, of: stream.bytesMax),
          "\(stream.replicasCurrent)/\(stream.replicas)", stream.leader ?? "?",
          HumanUnits.count(stream.behind),
        ]
      })
  }

  private static let memberColumns: [Column] = [
    ("member.name", false, 16), ("member.host", false, 14), ("member.state", false, 8),
  ]

  private func begin(_ member: ClusterCondition.Member) -> [String] {
    let state = member.isEnded ? "ended" : member.isAlive ? "alive" : "dead"
    return [member.status.name, member.status.host, phrases["state.\(state)"]]
  }

  private func lag(_ member: ClusterCondition.Member) -> String {
    guard let seconds = member.lagSeconds, seconds.isFinite, !member.isEnded else { return "-" }
    return HumanUnits.duration(ns: UInt64(min(max(0, seconds), 9e9) * 1e9))
  }

  private var collectors: String {
    part(
      "title.collectors",
      ClusterStatusText.memberColumns + [
        ("collector.captured", true, 18), ("collector.sent", true, 18),
        ("collector.spool", true, 10), ("collector.disconnects", true, 8),
        ("member.lag", true, 10),
      ],
      condition.members(.collector).map { member in
        let collector = member.status.collector ?? .init()
        return begin(member) + [
          HumanUnits.count(collector.captured), HumanUnits.count(collector.records),
          HumanUnits.bytes(collector.spoolBytes), HumanUnits.count(collector.disconnects),
          lag(member),
        ]
      })
  }

  private var trackers: String {
    part(
      "title.trackers",
      ClusterStatusText.memberColumns + [
        ("tracker.shards", false, 24), ("member.pending", true, 10),
        ("tracker.sessions", true, 14), ("tracker.takeovers", true, 10), ("member.lag", true, 10),
      ],
      condition.members(.tracker).map { member in
        let tracker = member.status.tracker ?? .init()
        return begin(member) + [
          ranges(tracker.shards.map(\.shard)),
          HumanUnits.count(tracker.shards.reduce(0) { $0 &+ $1.pending }),
          HumanUnits.count(tracker.shards.reduce(0) { $0 &+ $1.sessions }),
          HumanUnits.count(tracker.takeovers), lag(member),
        ]
      })
  }

  private var mergers: String {
    part(
      "title.mergers",
      ClusterStatusText.memberColumns + [
        ("merger.commits", true, 12), ("member.pending", true, 10),
        ("merger.inPipeline", true, 16), ("member.memory", true, 9), ("member.lag", true, 10),
      ],
      condition.members(.merger).map { member in
        let merger = member.status.merger ?? .init()
        return begin(member) + [
          HumanUnits.count(merger.commits), HumanUnits.count(merger.pending),
          HumanUnits.count(merger.inPipeline), HumanUnits.bytes(member.status.memoryBytes),
          lag(member),
        ]
      })
  }

  /// What became of all packets, as each living merger has it.
  private var balances: [String] {
    condition.members(.merger).filter(\.isAlive).compactMap { member in
      guard let merger = member.status.merger else { return nil }
      let reasons = merger.reasons.filter { $0.value > 0 }
        .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      var rows = reasons.map { reason, count in
        let key = "outcome.\(reason)"
        let name = reportPhrases[key]
        return (name == key ? reason : name, count)
      }
      if !merger.isBalanced {
        rows.append((phrases["balance.unaccounted"], merger.unaccounted.magnitude))
      }
      let line = phrases.filled(
        "balance.line",
        [
          "captured": HumanUnits.count(merger.captured), "mapped": HumanUnits.count(merger.mapped),
          "inPipeline": HumanUnits.count(merger.inPipeline),
          "reasons": HumanUnits.count(reasons.reduce(0) { $0 &+ $1.value }),
        ])
      let width = rows.map { TextTable.width($0.0) }.max() ?? 0
      return phrases.filled("title.balance", ["who": TextTable.printable(member.status.name)])
        + "\n  \(line)\n"
        + rows.map { name, count in
          let fill = String(repeating: " ", count: width - TextTable.width(name) + 2)
          return "    \(TextTable.printable(name))\(fill)\(HumanUnits.count(count))\n"
        }.joined()
    }
  }

  private var refused: String {
    part(
      "title.refused",
      [("refused.reason", false, 30), ("refused.who", false, 40), ("refused.count", true, 14)],
      condition.refused.sorted { $0.key < $1.key }.flatMap { reason, counts in
        counts.sorted { $0.key < $1.key }.map { [reason, $0.key, HumanUnits.count($0.value)] }
      })
  }

  /// 0, 1, 2, 5 as "0–2, 5".
  private func ranges(_ numbers: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for number in Set(numbers).sorted() {
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.isEmpty
      ? "-"
      : ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)" }
        .joined(separator: ", ")
  }
}
