internal import Foundation
internal import ServiceMap

/// `renkei.why/1`: fields by name, so that two answers can be compared with `diff`.
struct ExplanationJSON {
  private let document: Document

  init(_ explanations: [Explanation]) {
    document = Document(endpoints: explanations.map(Entry.init))
  }

  func text() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // Nothing in it can fail: no infinity, for the rule's values are bounded.
    guard let data = try? encoder.encode(document) else { return "{}\n" }
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  private struct Document: Encodable {
    var schema = "renkei.why/1"
    var endpoints: [Entry]
  }

  private struct Entry: Encodable {
    var endpoint: Place
    var role: String
    var confidence: Double
    var basis: String
    var parts: [Part]
    var findings: Findings
    var links: Int
    var example: Example
    var others: Spread?
    var statement: Statement?
    var otherStatement: Statement?
    var changes: [Change]
    var isPartial: Bool

    init(_ one: Explanation) {
      endpoint = Place(one.endpoint)
      role = one.role.rawValue
      confidence = rounded(one.confidence)
      basis = one.basis.name
      parts = one.parts.map {
        Part(
          role: $0.role.rawValue, addresses: $0.addresses, sessions: $0.sessions,
          packets: $0.packets)
      }
      findings = Findings(one.findings)
      links = one.links
      example = Example(one.example)
      others = one.others.map {
        Spread(
          links: $0.links, min: rounded($0.min), median: rounded($0.median), max: rounded($0.max))
      }
      statement = one.statement.map(Statement.init)
      otherStatement = one.otherStatement.map(Statement.init)
      changes = one.changes.map(Change.init)
      isPartial = one.isPartial
    }
  }

  private struct Place: Encodable {
    var address: String
    var `protocol`: String
    var port: UInt16

    init(_ endpoint: Explanation.Endpoint) {
      address = "\(endpoint.address)"
      `protocol` = ProtocolName.of(endpoint.protocolNumber)
      port = endpoint.port
    }
  }

  private struct Part: Encodable {
    var role: String
    var addresses: Int
    var sessions: UInt64
    var packets: UInt64
  }

  private struct Findings: Encodable {
    var sessions: UInt64
    var peers: Int
    var peerPorts: UInt64
    var packetsIn: UInt64
    var packetsOut: UInt64
    var bytesIn: UInt64
    var bytesOut: UInt64
    var answered: UInt64
    var answeredClients: Int
    var begun: UInt64
    var halfOpen: UInt64
    var refused: UInt64
    var unanswered: UInt64
    var unheard: UInt64
    var withoutHandshake: UInt64
    var firstFromOther: UInt64
    var twoWay: UInt64
    var onlyIn: UInt64
    var onlyOut: UInt64
    var hostServed: UInt32
    var hostRequested: UInt32
    var hostInVain: UInt32

    init(_ found: Explanation.Findings) {
      sessions = found.sessions
      peers = found.peers
      peerPorts = found.peerPorts
      packetsIn = found.packetsIn
      packetsOut = found.packetsOut
      bytesIn = found.bytesIn
      bytesOut = found.bytesOut
      answered = found.answered
      answeredClients = found.answeredClients
      begun = found.begun
      halfOpen = found.halfOpen
      refused = found.refused
      unanswered = found.unanswered
      unheard = found.unheard
      withoutHandshake = found.withoutHandshake
      firstFromOther = found.firstFromOther
      twoWay = found.twoWay
      onlyIn = found.onlyIn
      onlyOut = found.onlyOut
      hostServed = found.host.served
      hostRequested = found.host.requested
      hostInVain = found.host.inVain
    }
  }

  private struct Example: Encodable {
    var other: Place
    var ownPorts: UInt32
    var otherPorts: UInt32
    var sessions: UInt64
    var reason: String
    var confidence: Double
    var basis: String
    var weighing: Weighing?

    init(_ one: Explanation.Example) {
      other = Place(one.other)
      ownPorts = one.ownPorts
      otherPorts = one.otherPorts
      sessions = one.sessions
      reason = one.reason.rawValue
      confidence = rounded(one.confidence)
      basis = one.basis.name
      weighing = one.weighing.map(Weighing.init)
    }
  }

  private struct Weighing: Encodable {
    struct Weight: Encodable {
      var evidence: String
      var value: Double
      var weight: Double
      var logOdds: Double
    }
    var evidence: [Weight]
    var logOdds: Double
    var confidence: Double
    var isServer: Bool
    var hidesHandshakes: Bool

    init(_ one: Explanation.Weighing) {
      evidence = one.weights.map {
        Weight(
          evidence: $0.feature?.name ?? "served", value: rounded($0.value),
          weight: rounded($0.weight), logOdds: rounded($0.contribution))
      }
      logOdds = rounded(one.logOdds)
      confidence = rounded(one.confidence)
      isServer = one.isServer
      hidesHandshakes = one.hidesHandshakes
    }
  }

  private struct Spread: Encodable {
    var links: Int
    var min: Double
    var median: Double
    var max: Double
  }

  private struct Statement: Encodable {
    var file: String
    var line: Int
    var text: String
    var role: String

    init(_ one: Explanation.Statement) {
      file = one.path
      line = one.line
      text = one.text
      role = one.role.rawValue
    }
  }

  private struct Change: Encodable {
    var what: String
    var peers: Int?
    var line: String?
    var role: String
    var confidence: Double

    init(_ change: Explanation.Change) {
      let outcome: Explanation.Outcome
      switch change {
      case .answersHandshake(let result): (what, outcome) = ("answersHandshake", result)
      case .otherAnswersHandshake(let result): (what, outcome) = ("otherAnswersHandshake", result)
      case .morePeers(let count, let result):
        (what, outcome) = ("morePeers", result)
        peers = count
      case .line(let text, let result):
        (what, outcome) = ("line", result)
        line = text
      case .withoutLine(let said, let result):
        (what, outcome) = ("withoutLine", result)
        line = said.text
      }
      role = outcome.role.rawValue
      confidence = rounded(outcome.confidence)
    }
  }
}

/// Four decimals, as in the other reports.
private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
