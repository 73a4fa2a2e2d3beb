internal import Reporter

/// The status for a terminal of 100 columns.
struct StatusText {
  private let status: UnitStatus
  private let condition: UnitCondition
  private let now: Double
  private let phrases: Phrases
  /// Those of the reports, for the outcomes of packets.
  private let reportPhrases: Phrases
  private let version: String

  /// - Parameter now: seconds since 1970.
  init(
    _ status: UnitStatus, condition: UnitCondition, now: Double, language: ReportLanguage,
    version: String
  ) {
    self.status = status
    self.condition = condition
    self.now = now
    self.version = version
    phrases = Phrases(language, of: StatusPhrases.rows)
    reportPhrases = Phrases(language)
  }

  /// One line where there is no status.
  static func missing(_ error: StatusFileError, language: ReportLanguage) -> String {
    Phrases(language, of: StatusPhrases.rows).filled("unit.missing", ["what": "\(error)"]) + "\n"
  }

  var text: String {
    // Of a unit that ended as it should, the packets and the map are of interest.
    let parts =
      condition == .ended
      ? [packets, map, warnings] : [processes, interfaces, packets, map, warnings]
    return heading + parts.filter { !$0.isEmpty }.map { "\n\($0)" }.joined()
  }

  // MARK: - Parts

  private var heading: String {
    let stated = phrases.filled(
      "unit.\(status.state.rawValue)", ["time": age(status.startedAtSeconds)])
    switch condition {
    case .running:
      let process = phrases.filled("unit.process", ["pid": "\(status.pid)"])
      let details = [process] + (status.configurationPath.map { [TextTable.printable($0)] } ?? [])
      return "renkei \(version): \(stated) (\(details.joined(separator: ", ")))\n"
    case .ended:
      return phrases.filled("unit.ended", ["time": time(status.writtenAtSeconds)]) + "\n"
    case .dead:
      return phrases.filled(
        "unit.dead", ["pid": "\(status.pid)", "time": time(status.writtenAtSeconds)]) + "\n"
    case .stale(let seconds):
      return phrases.filled(
        "unit.stale", ["pid": "\(status.pid)", "age": duration(seconds)]) + "\n"
    }
  }

  private typealias Column = (key: String, isNumber: Bool, widthMax: Int)

  private static let processColumns: [Column] = [
    ("process.role", false, 24), ("process.pid", true, 10), ("process.state", false, 12),
    ("process.restarts", true, 8), ("process.rate", true, 12), ("process.ring", true, 6),
    ("process.lag", true, 10), ("process.memory", true, 9), ("process.cpu", true, 12),
  ]

  private var processRows: [[String]] {
    status.processes.map { process in
      [
        process.role, process.pid.map { "\($0)" } ?? "-",
        phrases["state.\(process.state.rawValue)"], HumanUnits.count(process.restarts),
        rate(process.itemsPerSecond),
        process.inputRingFill.map { percent($0) } ?? "-",
        process.lagSeconds.map { duration($0) } ?? "-", HumanUnits.bytes(process.memoryBytes),
        duration(process.cpuSeconds),
      ]
    }
  }

  private var lastEnds: [String] {
    status.processes.compactMap { process in
      process.lastEnd.map { phrases.filled("process.lastEnd", ["role": process.role, "how": $0]) }
    }
  }

  private var processes: String {
    guard !status.processes.isEmpty else { return "" }
    return title("title.processes") + table(StatusText.processColumns, processRows).text
      + lastEnds.map { "  \(TextTable.printable($0))\n" }.joined()
  }

  private static let interfaceColumns: [Column] = [
    ("interface.name", false, 16), ("interface.state", false, 10),
    ("interface.packets", true, 18), ("interface.packetRate", true, 12),
    ("interface.bitRate", true, 12), ("interface.kernel", true, 14), ("interface.ring", true, 14),
    ("interface.downs", true, 6),
  ]

  private var interfaceRows: [[String]] {
    status.interfaces.map { interface in
      [
        interface.name, phrases["state.\(interface.state.rawValue)"],
        HumanUnits.count(interface.captured), rate(interface.packetsPerSecond),
        HumanUnits.bitsPerSecond(sane(interface.bytesPerSecond * 8)),
        HumanUnits.count(interface.droppedByKernel), HumanUnits.count(interface.droppedByRing),
        HumanUnits.count(interface.downs),
      ]
    }
  }

  private var interfaces: String {
    guard !status.interfaces.isEmpty else { return "" }
    return title("title.interfaces") + table(StatusText.interfaceColumns, interfaceRows).text
  }

  private var packetRows: [[String]] {
    let accounting = status.accounting
    var rows: [(String, UInt64)] = [
      (phrases["packets.captured"], accounting.captured),
      (phrases["packets.mapped"], accounting.mapped),
      (phrases["packets.inPipeline"], accounting.inPipeline),
    ]
    // The most frequent first.
    let reasons = accounting.reasons.filter { $0.value > 0 }
      .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    for (reason, count) in reasons {
      let key = "outcome.\(reason)"
      let name = reportPhrases[key]
      rows.append((name == key ? reason : name, count))
    }
    if !accounting.isBalanced {
      let found = reasons.reduce(accounting.mapped &+ accounting.inPipeline) { $0 &+ $1.value }
      let missing = Int64(bitPattern: accounting.captured &- found)
      rows.append((phrases["packets.unbalanced"], missing.magnitude))
    }
    return rows.map { name, count in
      [name, HumanUnits.count(count), HumanUnits.share(count, of: accounting.captured)]
    }
  }

  private var packets: String {
    var table = TextTable([
      .init(title: ""), .init(title: "", isNumber: true), .init(title: "", isNumber: true),
    ])
    for row in packetRows { table.add(row) }
    // The first line is that of the empty titles.
    return title("title.packets") + table.text.drop { $0 != "\n" }.dropFirst()
  }

  private var mapLines: [(String, String)] {
    let store = status.store
    var lines: [(String, String)] = []
    if !store.path.isEmpty {
      lines.append(
        (
          "map.store",
          phrases.filled(
            "map.storeText", ["path": store.path, "size": HumanUnits.bytes(store.bytes)])
        ))
      let commit = store.lastCommitAtSeconds.map { last in
        phrases.filled(
          "map.commitText", ["age": age(last), "commits": HumanUnits.count(store.commits)])
      }
      lines.append(("map.commit", commit ?? phrases["map.commitNone"]))
    }
    if let problem = store.problem { lines.append(("map.problem", problem)) }
    if let setAside = store.setAside { lines.append(("map.setAside", setAside)) }
    lines.append(("map.links", HumanUnits.count(status.links)))
    let sessions = status.sessions
    lines.append(
      (
        "map.sessions",
        phrases.filled(
          sessions.exportedEarly == 0 ? "map.sessionsText" : "map.sessionsEarly",
          [
            "open": HumanUnits.count(sessions.open), "max": HumanUnits.count(sessions.max),
            "early": HumanUnits.count(sessions.exportedEarly),
          ])
      ))
    if status.clock.steps > 0 {
      lines.append(
        (
          "map.clock",
          phrases.filled(
            "map.clockText",
            [
              "steps": HumanUnits.count(status.clock.steps),
              "seconds": signed(status.clock.lastStepSeconds ?? 0),
              "time": time(status.clock.lastStepAtSeconds ?? 0),
            ])
        ))
    }
    return lines
  }

  private var map: String {
    let lines = mapLines
    let width = lines.map { TextTable.width(phrases[$0.0]) }.max() ?? 0
    return title("title.map")
      + lines.map { key, text in
        let name = phrases[key]
        let fill = String(repeating: " ", count: width - TextTable.width(name) + 2)
        return "  \(name)\(fill)\(TextTable.printable(text))\n"
      }.joined()
  }

  private var warnings: String {
    guard !status.warnings.isEmpty else { return "" }
    return title("title.warnings")
      + status.warnings.map { "  \(TextTable.printable($0))\n" }.joined()
  }

  // MARK: - As a page

  /// The same for the report service.
  var health: SiteHealth {
    func table(_ name: String, _ columns: [Column], _ rows: [[String]]) -> SiteHealth.Table {
      SiteHealth.Table(
        name: name, title: phrases["title.\(name)"],
        columns: columns.map {
          SiteHealth.Column(
            key: String($0.key.split(separator: ".").last ?? ""), title: phrases[$0.key],
            isNumber: $0.isNumber)
        }, rows: rows)
    }
    var problems = status.warnings
    if let illness = status.illness(condition) { problems.insert(illness, at: 0) }
    if let problem = status.store.problem { problems.append(problem) }
    let tables = [
      table("processes", StatusText.processColumns, processRows),
      table("interfaces", StatusText.interfaceColumns, interfaceRows),
      table(
        "packets",
        [("packets.outcome", false, 0), ("packets.count", true, 0), ("packets.share", true, 0)],
        packetRows),
      table(
        "map", [("map.what", false, 0), ("map.value", false, 0)],
        mapLines.map { [phrases[$0.0], $0.1] }),
    ]
    return SiteHealth(
      problems: problems,
      summary: ([String(heading.split(separator: "\n")[0])] + lastEnds).joined(separator: " · "),
      tables: tables.filter { !$0.rows.isEmpty })
  }

  // MARK: - Pieces

  private func title(_ key: String) -> String { phrases[key] + "\n" }

  private func table(_ columns: [Column], _ rows: [[String]]) -> TextTable {
    var table = TextTable(
      columns.map {
        .init(title: phrases[$0.key], isNumber: $0.isNumber, widthMax: $0.widthMax)
      })
    for row in rows { table.add(row) }
    return table
  }

  private func rate(_ value: Double) -> String { HumanUnits.count(UInt64(sane(value).rounded())) }

  private func percent(_ ratio: Double) -> String {
    "\(Int((min(1, sane(ratio)) * 100).rounded())) %"
  }

  private func duration(_ seconds: Double) -> String {
    seconds < 0.0005 ? "0 s" : HumanUnits.duration(ns: UInt64(sane(seconds) * 1e9))
  }

  /// How long ago a moment was; the clock may have been set since.
  private func age(_ moment: Double) -> String { duration(max(0, now - moment)) }

  private func time(_ seconds: Double) -> String { CivilTime(ns: UInt64(sane(seconds) * 1e9)).text }

  private func signed(_ value: Double) -> String {
    let magnitude = HumanUnits.significant(sane(abs(value)))
    return value < 0 ? "-\(magnitude)" : "+\(magnitude)"
  }

  /// The status is a file: a number that is none, or too large to convert, must not end the program.
  private func sane(_ value: Double) -> Double { value.isFinite ? min(max(0, value), 9e9) : 0 }
}
