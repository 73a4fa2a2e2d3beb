internal import ServiceMap
internal import Wire

/// The overview for a terminal of 80 to 100 columns.
struct TextReport {
  private let map: ServiceMap
  private let labels: Labels
  private let overview: Overview
  private let findings: Findings
  private let phrases: Phrases
  private let version: String

  init(_ reporter: MapReport) {
    map = reporter.map
    labels = Labels(map: reporter.map, names: reporter.serviceNames)
    overview = Overview(map: reporter.map)
    phrases = Phrases(reporter.language)
    findings = Findings(map: reporter.map, phrases: phrases)
    version = reporter.version
  }

  // MARK: - Summary

  func summary() -> String { summary(isWhole: true) }

  /// - Parameter isWhole: whether nothing about completeness follows.
  private func summary(isWhole: Bool) -> String {
    var lines: [(title: String, text: String)] = [
      (phrases["files"], filesText),
      (phrases["time"], timeText),
      (phrases["traffic"], trafficText),
      (
        phrases["hosts"],
        phrases.filled(
          "summaryHosts",
          [
            "hosts": HumanUnits.count(map.summary.hosts),
            "networks": HumanUnits.count(map.summary.networks),
            "servers": HumanUnits.count(map.summary.servers),
            "clients": HumanUnits.count(map.summary.clients),
          ])
      ),
      (
        phrases["services"],
        phrases.filled(
          "summaryServices",
          [
            "services": HumanUnits.count(map.summary.services),
            "relations": HumanUnits.count(map.summary.relations),
            "sessions": HumanUnits.count(map.summary.sessions),
          ])
      ),
    ]
    for (rank, index) in overview.topServicesByClients(3).enumerated() {
      lines.append((rank == 0 ? phrases["top"] : "", topLine(map.services[index])))
    }
    lines.append((phrases["failed"], failedText))
    let undecided = overview.sum(map.undecided)
    if undecided.packets > 0 {
      lines.append(
        (
          phrases["undecided"],
          phrases.filled(
            "undecidedSummary",
            [
              "packets": HumanUnits.count(undecided.packets),
              "relations": HumanUnits.count(undecided.relations),
            ])
        ))
    }
    lines.append((phrases["selfCheck"], findings.selfCheck.text))
    lines.append((phrases["accounting"], identityText))
    if isWhole, let partial = findings.partial { lines.append((phrases["warning"], partial.text)) }
    for warning in warnings.prefix(5) { lines.append((phrases["warning"], warning)) }
    if warnings.count > 5 {
      let more = HumanUnits.count(warnings.count - 5)
      lines.append(("", phrases.filled("moreFiles", ["count": more])))
    }
    let title = "renkei \(version): \(phrases["title"])\n"
    return title + lines.map { line($0.title, $0.text) }.joined()
  }

  /// A title in a column of its own, the text wrapped beside it.
  private func line(_ title: String, _ text: String, indent: Int = 16) -> String {
    let fill = max(1, indent - 2 - TextTable.width(title))
    var result = "  " + title + String(repeating: " ", count: fill)
    var column = indent
    for word in words(TextTable.printable(text)) {
      let width = TextTable.width(word.text)
      let space = column > indent && word.followsSpace ? 1 : 0
      if column > indent, column + space + width > 98 {
        result += "\n" + String(repeating: " ", count: indent)
        column = indent
      } else if space > 0 {
        result += " "
        column += 1
      }
      result += word.text
      column += width
    }
    return result + "\n"
  }

  /// What a line may be broken between: words at spaces; and Japanese, which has none, behind commas and
  /// full stops.
  private func words(_ text: String) -> [(text: String, followsSpace: Bool)] {
    var words: [(text: String, followsSpace: Bool)] = []
    for part in text.split(separator: " ") {
      var word = ""
      var followsSpace = true
      for character in part {
        word.append(character)
        guard character == "、" || character == "。" else { continue }
        words.append((word, followsSpace))
        word = ""
        followsSpace = false
      }
      if !word.isEmpty { words.append((word, followsSpace)) }
    }
    return words
  }

  private var filesText: String {
    let names = map.capture.files.map(\.name)
    if names.isEmpty { return phrases["liveCapture"] }
    let shown = names.prefix(4).joined(separator: ", ")
    if names.count <= 4 { return shown }
    let more = HumanUnits.count(names.count - 4)
    return "\(shown) \(phrases.filled("moreFiles", ["count": more]))"
  }

  private var timeText: String {
    guard let start = map.capture.startNs, let end = map.capture.endNs else {
      return phrases["noPackets"]
    }
    let duration = HumanUnits.duration(ns: overview.spanNs)
    return "\(CivilTime(ns: start).text) – \(CivilTime(ns: end).text) UTC (\(duration))"
  }

  private var trafficText: String {
    let packets = phrases.filled(
      "packetsUnit", ["count": HumanUnits.count(map.accounting[.mapped])])
    var text = "\(packets), \(HumanUnits.bytes(map.bytes))"
    if overview.spanNs > 0 {
      let rate = Double(map.bytes) * 8e9 / Double(overview.spanNs)
      text += ", \(HumanUnits.bitsPerSecond(rate))"
    }
    return text
  }

  private var failedText: String {
    let sum = overview.sum(map.failed)
    if sum.relations == 0 { return phrases["noneFailed"] }
    return phrases.filled(
      "failedSummary",
      [
        "sessions": HumanUnits.count(sum.sessions), "relations": HumanUnits.count(sum.relations),
      ])
  }

  /// captured 10 = mapped 8 + not IP 2
  private var identityText: String {
    let accounting = map.accounting
    let terms = [(PacketOutcome.mapped, accounting[.mapped])] + accounting.losses
    return "\(phrases["captured"]) \(HumanUnits.count(accounting.captured)) = "
      + terms.map { "\(phrases["outcome.\($0.0.name)"]) \(HumanUnits.count($0.1))" }
      .joined(separator: " + ")
  }

  private var warnings: [String] {
    var warnings = map.capture.files.compactMap { file in
      file.warning.map { "\(file.name): \($0)" }
    }
    if map.accounting.dropped > 0 {
      warnings.append(phrases["dropsNote"])
    }
    let duplicates = map.accounting[.duplicate]
    if duplicates > 0 {
      let share = Double(duplicates) / Double(map.accounting.captured)
      warnings.append(
        phrases.filled(
          "duplicates",
          ["count": HumanUnits.count(duplicates), "share": HumanUnits.percent(share)]))
    }
    for (phrase, number) in [
      ("saturated", map.capture.lengthSaturated),
      ("exportedEarly", map.capture.sessionsExportedEarly),
    ] where number > 0 {
      warnings.append(phrases.filled(phrase, ["count": HumanUnits.count(number)]))
    }
    return warnings
  }

  private func topLine(_ service: ServiceMap.Service) -> String {
    let clients = phrases.filled("clientsUnit", ["count": HumanUnits.count(service.clients)])
    let host = TextTable.cut(hostText(service.server), to: 50)
    return "\(serviceText(service.protocolNumber, service.port)), \(host): \(clients), "
      + HumanUnits.bytes(service.total.bytes)
  }

  // MARK: - Cells

  /// The host, or how many addresses it stands for.
  private func hostText(_ host: Int, of relation: Relation) -> String {
    guard relation.addresses > 1, map.hosts[host].address.isUnspecified else {
      return hostText(host)
    }
    return phrases.filled("addresses.many", ["count": HumanUnits.count(Int(relation.addresses))])
  }

  /// The service; without its name where it stands for several: that of the first would say too much.
  private func serviceText(_ relation: Relation) -> String {
    relation.serverPorts > 1
      ? portText(relation) : serviceText(relation.protocolNumber, relation.port)
  }

  /// tcp/22, or tcp/22 and 65,534 more ports.
  private func portText(_ relation: Relation) -> String {
    let endpoint = ServiceText.endpoint(relation.protocolNumber, relation.port)
    if relation.serverPorts <= 1 { return endpoint }
    let more = HumanUnits.count(Int(relation.serverPorts) - 1)
    return phrases.filled("ports", ["port": endpoint, "more": more])
  }

  /// https tcp/443
  private func serviceText(_ protocolNumber: UInt8, _ port: UInt16) -> String {
    let name = labels.service(protocolNumber, port)
    let endpoint = ServiceText.endpoint(protocolNumber, port)
    return name.isEmpty ? endpoint : "\(name) \(endpoint)"
  }

  private func hostText(_ index: Int) -> String {
    map.hosts[index].name.map { "\(labels.addresses[index]) \($0)" } ?? labels.addresses[index]
  }
}

// MARK: - The whole report

extension TextReport {
  func full() -> String {
    var text = summary(isWhole: false)
    text += "\n\(phrases["completeness"])\n"
    for statement in (findings.partial.map { [$0] } ?? []) + findings.completeness {
      text += line("-", statement.text, indent: 4)
    }
    if map.summary.services > 0 {
      text += "\n\(phrases["topByClients"])\n" + services(overview.topServicesByClients(15))
      text += "\n\(phrases["topByBytes"])\n" + services(overview.topServicesByBytes(15))
      text += "\n\(phrases["topServers"])\n" + servers()
    }
    if !map.failed.isEmpty { text += "\n\(phrases["failures"])\n" + failures() }
    if !map.undecided.isEmpty { text += "\n\(phrases["undecidedPairs"])\n" + undecided() }
    return text
  }

  private func services(_ indices: [Int]) -> String {
    var table = TextTable([
      .init(title: phrases["service"], widthMax: 24),
      .init(title: phrases["server"], widthMax: 32),
      .init(title: phrases["clients"], isNumber: true),
      .init(title: phrases["sessions"], isNumber: true),
      .init(title: phrases["bytes"], isNumber: true),
      .init(title: phrases["confidence"], isNumber: true),
    ])
    for service in indices.map({ map.services[$0] }) {
      table.add([
        serviceText(service.protocolNumber, service.port), hostText(service.server),
        HumanUnits.count(service.clients), HumanUnits.count(service.total.sessions),
        HumanUnits.bytes(service.total.bytes), HumanUnits.confidence(service.total.confidence),
      ])
    }
    return table.text
  }

  private func servers() -> String {
    var table = TextTable([
      .init(title: phrases["server"], widthMax: 44),
      .init(title: phrases["services"], isNumber: true),
      .init(title: phrases["clients"], isNumber: true),
      .init(title: phrases["in"], isNumber: true),
      .init(title: phrases["out"], isNumber: true),
    ])
    for (index, clients) in overview.topServers(15) {
      let host = map.hosts[index]
      table.add([
        hostText(index), HumanUnits.count(host.provides.count), HumanUnits.count(clients),
        HumanUnits.bytes(host.bytesIn), HumanUnits.bytes(host.bytesOut),
      ])
    }
    return table.text
  }

  private func failures() -> String {
    let relations = overview.topFailures(10).map { map.relations[$0] }
    // Scans need room for their number of ports.
    let hasScan = relations.contains { $0.serverPorts > 1 }
    var table = TextTable([
      .init(title: phrases["client"], widthMax: hasScan ? 22 : 26),
      .init(title: phrases["server"], widthMax: hasScan ? 22 : 26),
      .init(title: phrases["service"], widthMax: hasScan ? 28 : 20),
      .init(title: phrases["refused"], isNumber: true),
      .init(title: phrases["unanswered"], isNumber: true),
    ])
    for relation in relations {
      table.add([
        hostText(relation.client, of: relation), hostText(relation.server, of: relation),
        serviceText(relation), HumanUnits.count(relation.refused),
        HumanUnits.count(relation.unanswered),
      ])
    }
    return table.text
  }

  private func undecided() -> String {
    let relations = overview.topUndecided(10).map { map.relations[$0] }
    let hasScan = relations.contains { $0.serverPorts > 1 }
    var table = TextTable([
      .init(title: phrases["sideA"], widthMax: hasScan ? 15 : 23),
      .init(title: phrases["portA"], widthMax: hasScan ? 28 : 12),
      .init(title: phrases["sideB"], widthMax: hasScan ? 15 : 23),
      .init(title: phrases["portB"], isNumber: true),
      .init(title: phrases["likelier"]),
      .init(title: phrases["packets"], isNumber: true),
    ])
    for relation in relations {
      let isEven = HumanUnits.hundredths(relation.confidence) <= 50
      table.add([
        labels.addresses[relation.server], portText(relation), labels.addresses[relation.client],
        relation.clientPort == 0 ? "–" : String(relation.clientPort),
        isEven
          ? phrases["likelier.neither"] : "A, \(HumanUnits.confidence(relation.confidence))",
        HumanUnits.count(relation.packets),
      ])
    }
    return table.text
  }
}
