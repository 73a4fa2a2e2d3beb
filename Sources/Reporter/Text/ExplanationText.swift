internal import Glibc
internal import ServiceMap
internal import Wire

/// Why an endpoint is judged as it is, for a terminal of 100 columns.
struct ExplanationText {
  private let one: Explanation
  private let phrases: Phrases
  /// Between sentences and in lists.
  private let gap: String

  init(_ explanation: Explanation, language: ReportLanguage) {
    one = explanation
    phrases = Phrases(language, of: Phrases.explanationRows)
    gap = language == .en ? " " : ""
  }

  func full() -> String {
    var text = wrapped("", verdict, indent: 0)
    for part in one.parts {
      text += line(phrases["part.\(part.role.rawValue)"], partText(part))
    }
    if one.basis != .none { text += line(phrases["title.why"], phrases["basis.\(one.basis)"]) }
    for (title, words) in statements { text += line(title, words) }
    text += "\n\(phrases["title.seen"])\n" + findings
    if one.isPartial { text += paragraph(phrases["seen.partial"]) }
    text += "\n\(phrases["title.example"])\n" + example
    let changes = changes
    if !changes.isEmpty {
      text += "\n\(phrases["title.changes"])\n" + changes.map { paragraph("- " + $0) }.joined()
    }
    return text
  }

  // MARK: - Verdict

  private var verdict: String {
    let servers = one.parts.first?.addresses ?? 0
    let key =
      switch (one.role, one.basis) {
      case (.client, _) where servers > 1: "is.clientOfMany"
      case (.undecided, .overridden): "is.undecidedByLine"
      default: "is.\(one.role.rawValue)"
      }
    let words = phrases.filled(
      key,
      [
        "endpoint": "\(one.endpoint)", "other": "\(one.example.other)",
        "count": HumanUnits.count(servers),
        "confidence": HumanUnits.confidence(one.confidence),
      ])
    return words
  }

  private func partText(_ part: Explanation.Part) -> String {
    phrases.filled(
      "part.text",
      ["addresses": addresses(part.addresses), "sessions": sessions(part.sessions)])
  }

  /// What the roles file says of either side.
  private var statements: [(title: String, text: String)] {
    var lines: [String] = []
    if let said = one.statement {
      lines.append(
        phrases.filled(
          "roles.line", ["path": said.path, "line": "\(said.line)", "text": said.text]))
    }
    if let said = one.otherStatement {
      lines.append(
        phrases.filled(
          "roles.other",
          [
            "path": said.path, "line": "\(said.line)", "other": "\(one.example.other)",
            "text": said.text,
          ]))
    }
    return lines.map { (phrases["title.roles"], $0) }
  }

  // MARK: - Findings

  private var findings: String {
    let found = one.findings
    var text = line(
      phrases["title.traffic"],
      phrases.filled(
        "seen.traffic",
        [
          "sessions": sessions(found.sessions), "addresses": addresses(found.peers),
          "ports": count(found.peerPorts, "port"), "in": HumanUnits.bytes(found.bytesIn),
          "out": HumanUnits.bytes(found.bytesOut),
        ]))
    if one.endpoint.protocolNumber != IPProtocolNumber.udp {
      text += line(phrases["title.handshakes"], handshakes)
      text += line(phrases["title.requests"], failures)
    }
    if found.withoutHandshake > 0 {
      text += line(
        phrases["title.first"],
        phrases.filled(
          "seen.first",
          [
            "count": HumanUnits.count(found.firstFromOther),
            "sessions": sessions(found.withoutHandshake),
          ]))
      text += line(
        phrases["title.directions"],
        phrases.filled(
          "seen.directions",
          [
            "twoWay": HumanUnits.count(found.twoWay), "onlyIn": HumanUnits.count(found.onlyIn),
            "onlyOut": HumanUnits.count(found.onlyOut),
          ]))
    }
    return text + line(phrases["title.host"], hostText)
  }

  private var handshakes: String {
    let found = one.findings
    var texts: [String] = []
    if found.answered > 0 {
      texts.append(
        phrases.filled(
          "seen.handshakes",
          ["sessions": sessions(found.answered), "addresses": addresses(found.answeredClients)]))
    }
    if found.begun > 0 {
      texts.append(phrases.filled("seen.begun", ["sessions": sessions(found.begun)]))
    }
    if found.unheard > 0 {
      texts.append(phrases.filled("seen.unheard", ["count": HumanUnits.count(found.unheard)]))
    }
    return texts.isEmpty ? phrases["seen.noHandshakes"] : joined(texts)
  }

  private var failures: String {
    let found = one.findings
    if found.refused + found.unanswered + found.halfOpen == 0 {
      return phrases["seen.nothingFailed"]
    }
    return phrases.filled(
      "seen.failed",
      [
        "refused": HumanUnits.count(found.refused),
        "unanswered": HumanUnits.count(found.unanswered),
        "halfOpen": HumanUnits.count(found.halfOpen),
      ])
  }

  private var hostText: String {
    let host = one.findings.host
    var texts = [
      phrases.filled(
        "seen.host",
        [
          "served": HumanUnits.count(Int(host.served)),
          "requested": HumanUnits.count(Int(host.requested)),
        ])
    ]
    if host.inVain > 0 {
      texts.append(
        phrases.filled("seen.hostInVain", ["count": HumanUnits.count(Int(host.inVain))]))
    }
    return joined(texts)
  }

  // MARK: - The example and the scales

  private var example: String {
    let example = one.example
    var words = phrases.filled(
      "example.with",
      [
        "sessions": sessions(example.sessions), "all": HumanUnits.count(one.findings.sessions),
        "other": otherText,
      ])
    words += gap + phrases["reason.\(reasonName)"]
    if example.ownPorts > 1 {
      words +=
        gap
        + phrases.filled(
          "example.ownPorts",
          ["count": HumanUnits.count(Int(example.ownPorts)), "port": "\(one.endpoint.port)"])
    }
    var text = paragraph(words)
    if let weighing = example.weighing {
      if let note = note(on: weighing) { text += paragraph(phrases[note]) }
      text += table(weighing) + paragraph(conclusion(weighing))
      let silent = weighing.weights.filter { !ExplanationText.counts($0) }.map(name)
      if !silent.isEmpty {
        text += paragraph(phrases.filled("sum.silent", ["list": joined(silent)]))
      }
    }
    if let others = one.others {
      let isSame = HumanUnits.confidence(others.min) == HumanUnits.confidence(others.max)
      text += paragraph(
        phrases.filled(
          others.links == 1 ? "others.one" : isSame ? "others.same" : "others.text",
          [
            "links": HumanUnits.count(others.links), "min": HumanUnits.confidence(others.min),
            "median": HumanUnits.confidence(others.median),
            "max": HumanUnits.confidence(others.max),
          ]))
    }
    return text
  }

  /// The reason, told apart further where the basis shows what came of it.
  private var reasonName: String {
    let example = one.example
    return switch (example.reason, example.basis) {
    case (.handshake, .syn), (.handshake, .openPort): "syn"
    case (.oneWay, .oneWay): "oneWayService"
    default: example.reason.rawValue
    }
  }

  /// The other side; where several of its ports are one link, how many.
  private var otherText: String {
    let example = one.example
    if example.otherPorts <= 1 { return "\(example.other)" }
    return phrases.filled(
      "example.place",
      ["other": "\(example.other)", "count": HumanUnits.count(Int(example.otherPorts))])
  }

  /// What the figures stand for where they did not decide.
  private func note(on weighing: Explanation.Weighing) -> String? {
    if weighing.hidesHandshakes { return "hidden.note" }
    switch one.example.reason {
    case .weighed: return nil
    case .oneWay: return "unanswered.note"
    default: return "beside.note"
    }
  }

  /// Whether it shows in the figures as they are rounded.
  private static func counts(_ weight: Explanation.Weight) -> Bool {
    abs(weight.contribution) >= 0.005
  }

  private func table(_ weighing: Explanation.Weighing) -> String {
    var table = TextTable([
      .init(title: phrases["column.evidence"], widthMax: 44),
      .init(title: phrases["column.own"], isNumber: true),
      .init(title: phrases["column.other"], isNumber: true),
      .init(title: phrases["column.value"], isNumber: true),
      .init(title: phrases["column.weight"], isNumber: true),
      .init(title: phrases["column.logOdds"], isNumber: true),
      .init(title: phrases["column.odds"]),
    ])
    for weight in weighing.weights.sorted(by: { abs($0.contribution) > abs($1.contribution) })
    where ExplanationText.counts(weight) {
      let (own, other) = cells(weight, weighing)
      table.add([
        name(weight), own, other, signed(weight.value), decimal(weight.weight),
        signed(weight.contribution), odds(weight.contribution),
      ])
    }
    table.add([
      phrases["sum.total"], "", "", "", "", signed(weighing.logOdds), odds(weighing.logOdds),
    ])
    return table.text
  }

  private func name(_ weight: Explanation.Weight) -> String {
    phrases["evidence.\(weight.feature.map { $0.name } ?? "served")"]
  }

  /// What the value was made of, on either side; "" where it is no simple figure.
  private func cells(
    _ weight: Explanation.Weight, _ weighing: Explanation.Weighing
  ) -> (String, String) {
    let (own, other) = (weighing.own, weighing.other)
    func yes(_ is: Bool) -> String { phrases[`is` ? "cell.yes" : "cell.no"] }
    return switch weight.feature {
    case .peers: ("\(own.peers)", "\(other.peers)")
    case .peerPorts: ("\(own.peerPorts)", "\(other.peerPorts)")
    case .firstSpeaker, .firstOfWhole: ("\(weighing.firstFromOwn)", "\(weighing.firstFromOther)")
    case .asked: ("\(own.askedBy) : \(own.asked)", "\(other.askedBy) : \(other.asked)")
    case .portKnown, .portRange, .portCommon, .notEphemeral:
      ("\(one.endpoint.port)", "\(one.example.other.port)")
    case .host:
      (
        "\(weighing.ownHost.served) : \(weighing.ownHost.requested)",
        "\(weighing.otherHost.served) : \(weighing.otherHost.requested)"
      )
    case .silence: (yes(weighing.ownBrokeSilence), yes(weighing.otherBrokeSilence))
    case nil: (yes(own.served > 0), yes(other.served > 0))
    }
  }

  private func conclusion(_ weighing: Explanation.Weighing) -> String {
    if abs(weighing.logOdds) < 0.005 { return phrases["sum.even"] }
    return phrases.filled(
      "sum.confidence",
      [
        "confidence": HumanUnits.confidence(weighing.confidence),
        "side": phrases[weighing.isServer ? "role.server" : "role.client"],
        "limit": HumanUnits.confidence(RoleRule.decidedAbove),
      ])
  }

  // MARK: - Changes

  private var changes: [String] {
    if one.role == .group { return [phrases["change.none"]] }
    let isCertain = one.example.reason == .handshake && one.role != .undecided
    return (isCertain ? [phrases["change.handshake"]] : [])
      + one.changes.map { change in
        switch change {
        case .answersHandshake(let outcome):
          phrases.filled("change.answers", ["outcome": text(outcome)])
        case .otherAnswersHandshake(let outcome):
          phrases.filled("change.otherAnswers", ["outcome": text(outcome)])
        case .morePeers(let number, let outcome):
          phrases.filled(
            "change.peers", ["peers": count(UInt64(number), "peer"), "outcome": text(outcome)])
        case .line(let line, let outcome):
          phrases.filled("change.line", ["text": line, "outcome": text(outcome)])
        case .withoutLine(let said, let outcome):
          phrases.filled(
            "change.withoutLine",
            ["line": "\(said.line)", "path": said.path, "outcome": text(outcome)])
        }
      }
  }

  private func text(_ outcome: Explanation.Outcome) -> String {
    // How sure it is that nothing is sure would be odd to read.
    if outcome.role == .undecided { return phrases["role.undecided"] }
    return phrases.filled(
      "outcome.text",
      [
        "role": phrases["role.\(outcome.role.rawValue)"],
        "confidence": HumanUnits.confidence(outcome.confidence),
      ])
  }

  // MARK: - Words and figures

  private func addresses(_ number: Int) -> String { count(UInt64(number), "address", "addresses") }
  private func sessions(_ number: UInt64) -> String { count(number, "session") }

  /// "1 port", "2 ports".
  private func count(_ number: UInt64, _ word: String, _ words: String? = nil) -> String {
    if number == 1 { return phrases["count.\(word)1"] }
    return phrases.filled("count.\(words ?? word + "s")", ["count": HumanUnits.count(number)])
  }

  private func joined(_ texts: [String]) -> String {
    texts.joined(separator: phrases["list.separator"] + gap)
  }

  /// −1.58, with a sign either way.
  private func signed(_ value: Double) -> String {
    abs(value) < 0.005 ? "0.00" : (value > 0 ? "+" : "−") + decimal(abs(value))
  }

  private func decimal(_ value: Double) -> String { HumanUnits.significant(value) }

  private func odds(_ logOdds: Double) -> String {
    if abs(logOdds) < 0.005 { return phrases["odds.none"] }
    return phrases.filled(
      logOdds > 0 ? "odds.server" : "odds.client",
      [
        "odds": abs(logOdds) > log(1e6)
          ? phrases["odds.huge"] : "×" + HumanUnits.significant(exp(abs(logOdds)))
      ])
  }

  /// A title in a column of its own, the text wrapped beside it.
  private func line(_ title: String, _ text: String) -> String {
    let fill = max(1, 18 - TextTable.width(title))
    return wrapped("  " + title + String(repeating: " ", count: fill), text, indent: 20)
  }

  private func paragraph(_ text: String) -> String { wrapped("  ", text, indent: 2) }

  private func wrapped(_ start: String, _ text: String, indent: Int) -> String {
    var result = start
    var column = TextTable.width(start)
    for (word, hasGap) in ExplanationText.words(of: TextTable.printable(text)) {
      let width = TextTable.width(word)
      if column > indent, column + (hasGap ? 1 : 0) + width > 98 {
        result += "\n" + String(repeating: " ", count: indent)
        column = indent
      } else if column > indent, hasGap {
        result += " "
        column += 1
      }
      result += word
      column += width
    }
    return result + "\n"
  }

  /// The pieces between which a line may break, and whether a space goes before each: Japanese breaks
  /// between any two characters, but not before a mark that closes.
  private static func words(of text: String) -> [(word: String, hasGap: Bool)] {
    var words: [(word: String, hasGap: Bool)] = []
    var isOpen = false
    var hasGap = false
    for character in text {
      let isWide = TextTable.width(String(character)) == 2
      if character == " " {
        (isOpen, hasGap) = (false, true)
      } else if "、。)".contains(character), !words.isEmpty {
        words[words.count - 1].word.append(character)
        isOpen = false
      } else if isOpen && !isWide {
        words[words.count - 1].word.append(character)
      } else {
        words.append((String(character), hasGap))
        (isOpen, hasGap) = (!isWide, false)
      }
    }
    return words
  }
}
