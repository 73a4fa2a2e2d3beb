internal import Cluster
internal import Reporter

/// A cluster's processes on the report service's page of health, as `renkei cluster status` shows them in a terminal.
struct ClusterHealth {
  private let condition: ClusterCondition
  private let phrases: Phrases
  /// Those of the reports, for the outcomes of packets.
  private let reportPhrases: Phrases

  /// - Parameter condition: by what the bucket of status says alone.
  init(_ condition: ClusterCondition, language: ReportLanguage) {
    self.condition = condition
    phrases = Phrases(language, of: ClusterPhrases.rows + ClusterHealth.rows)
    reportPhrases = Phrases(language)
  }

  // Tabular: key | English | Japanese.
  static let rows = Phrases.rows(
    of: """
      health.summary | {alive} of {count} {count?process/processes} alive | {count} プロセス中 {alive} が動作中
      health.waiting | The cluster has not been looked at yet. | クラスタの状態はまだ取得されていない。
      health.unreachable | The cluster's status can't be read: {detail} | クラスタの状態を取得できない:{detail}
      health.dropped | Dropped | 破棄
      health.ofSpool | {bytes} of {max} | {bytes}(上限 {max})
      health.missing | Never came | 未着
      health.packets | Packets | パケット
      health.outcome | Outcome | 結果
      """)

  /// Where there is nothing to show.
  static func nothing(_ detail: String?, language: ReportLanguage) -> SiteHealth {
    let phrases = Phrases(language, of: rows)
    guard let detail else {
      return SiteHealth(problems: [], summary: phrases["health.waiting"], tables: [])
    }
    return SiteHealth(
      problems: [phrases.filled("health.unreachable", ["detail": detail])], summary: "",
      tables: [])
  }

  var health: SiteHealth {
    let alive = condition.members.count { $0.isAlive || $0.isEnded }
    let tables = [collectors, trackers, mergers, packets, refused]
    return SiteHealth(
      problems: condition.problems.map(text),
      summary: phrases.filled(
        "health.summary", ["alive": "\(alive)", "count": "\(condition.members.count)"]),
      tables: tables.filter { !$0.rows.isEmpty })
  }

  private func text(of problem: ClusterCondition.Problem) -> String {
    let what = problem.kind == .noProcess ? phrases["role.\(problem.what)"] : problem.what
    return phrases.filled(
      "problem.\(problem.kind.rawValue)", ["what": what, "detail": problem.detail])
  }

  // MARK: - Tables

  private func table(
    _ name: String, _ title: String? = nil, _ columns: [(key: String, isNumber: Bool)],
    _ rows: [[String]]
  ) -> SiteHealth.Table {
    SiteHealth.Table(
      name: name, title: phrases[title ?? "title.\(name)"],
      columns: columns.map {
        SiteHealth.Column(
          key: String($0.key.split(separator: ".").last ?? ""), title: phrases[$0.key],
          isNumber: $0.isNumber)
      }, rows: rows)
  }

  private static let member: [(key: String, isNumber: Bool)] = [
    ("member.name", false), ("member.host", false), ("member.state", false),
  ]

  private func begin(_ member: ClusterCondition.Member) -> [String] {
    let state = member.isEnded ? "ended" : member.isAlive ? "alive" : "dead"
    return [member.status.name, member.status.host, phrases["state.\(state)"]]
  }

  /// The status is somebody else's: a number that is none must not end the program.
  private func lag(_ member: ClusterCondition.Member) -> String {
    guard let seconds = member.lagSeconds, seconds.isFinite, !member.isEnded else { return "-" }
    return seconds < 0.0005
      ? "0 s" : HumanUnits.duration(ns: UInt64(min(max(0, seconds), 9e9) * 1e9))
  }

  private var collectors: SiteHealth.Table {
    table(
      "collectors",
      nil,
      ClusterHealth.member + [
        ("collector.captured", true), ("collector.sent", true), ("health.dropped", true),
        ("collector.spool", true), ("collector.disconnects", true), ("member.lag", true),
      ],
      condition.members(.collector).map { member in
        let one = member.status.collector ?? .init()
        let dropped = ["droppedByKernel", "droppedByRing", "droppedBySpool"]
          .reduce(0) { $0 &+ (one.accounting[$1] ?? 0) }
        return begin(member) + [
          HumanUnits.count(one.captured), HumanUnits.count(one.records),
          HumanUnits.count(dropped),
          phrases.filled(
            "health.ofSpool",
            [
              "bytes": HumanUnits.bytes(one.spoolBytes), "max": HumanUnits.bytes(one.spoolBytesMax),
            ]), HumanUnits.count(one.disconnects), lag(member),
        ]
      })
  }

  private var trackers: SiteHealth.Table {
    table(
      "trackers",
      nil,
      ClusterHealth.member + [
        ("tracker.shards", false), ("member.pending", true), ("tracker.sessions", true),
        ("tracker.takeovers", true), ("member.lag", true),
      ],
      condition.members(.tracker).map { member in
        let one = member.status.tracker ?? .init()
        return begin(member) + [
          one.shards.map(\.shard).sorted().map { "\($0)" }.joined(separator: ", "),
          HumanUnits.count(one.shards.reduce(0) { $0 &+ $1.pending }),
          HumanUnits.count(one.shards.reduce(0) { $0 &+ $1.sessions }),
          HumanUnits.count(one.takeovers), lag(member),
        ]
      })
  }

  private var mergers: SiteHealth.Table {
    table(
      "mergers",
      nil,
      ClusterHealth.member + [
        ("merger.commits", true), ("member.pending", true), ("merger.inPipeline", true),
        ("health.missing", true), ("member.lag", true),
      ],
      condition.members(.merger).map { member in
        let one = member.status.merger ?? .init()
        return begin(member) + [
          HumanUnits.count(one.commits), HumanUnits.count(one.pending),
          HumanUnits.count(one.inPipeline),
          HumanUnits.count(one.missing.values.reduce(0, &+)), lag(member),
        ]
      })
  }

  /// What became of all packets, as the merger has it that has booked most.
  private var packets: SiteHealth.Table {
    let mergers = condition.members(.merger).filter(\.isAlive).compactMap(\.status.merger)
    let columns = [
      (key: "health.outcome", isNumber: false), (key: "health.packets", isNumber: true),
    ]
    guard let merger = mergers.max(by: { $0.captured < $1.captured }) else {
      return table("packets", "health.packets", columns, [])
    }
    let reasons = merger.reasons.filter { $0.value > 0 }
      .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return table(
      "packets", "health.packets", columns,
      [
        [phrases["balance.captured"], HumanUnits.count(merger.captured)],
        [phrases["balance.mapped"], HumanUnits.count(merger.mapped)],
        [phrases["balance.inPipeline"], HumanUnits.count(merger.inPipeline)],
      ]
        + reasons.map { reason, count in
          let key = "outcome.\(reason)"
          let name = reportPhrases[key]
          return [name == key ? reason : name, HumanUnits.count(count)]
        }
        + (merger.isBalanced
          ? []
          : [[phrases["balance.unaccounted"], HumanUnits.count(merger.unaccounted.magnitude)]]))
  }

  private var refused: SiteHealth.Table {
    table(
      "refused",
      nil,
      [("refused.reason", false), ("refused.who", false), ("refused.count", true)],
      condition.refused.sorted { $0.key < $1.key }.flatMap { reason, counts in
        counts.sorted { $0.key < $1.key }.map { [reason, $0.key, HumanUnits.count($0.value)] }
      })
  }
}
