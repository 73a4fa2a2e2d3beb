import Foundation
import Testing

/// The map as docs/json.md describes it; only what scenarios ask for.
struct MapDocument: Decodable {
  struct Capture: Decodable {
    var packets: Int
    var bytes: Int
    var accounting: [String: Int]
  }
  struct HostEntry: Decodable {
    var address: String
    var provides: [Service]
    var requests: [Service]
  }
  /// An entry of `provides`, which has no `server`, or of `requests`.
  struct Service: Decodable {
    var `protocol`: String
    var port: UInt16
    var server: String?
    var clients: Int?
    var sessions: Int
    var packets: Int
    var bytes: Int
    var packetsIn: Int
    var packetsOut: Int
    var confidence: Double
    var basis: String
    var kind: String
    var name: String { "\(`protocol`)/\(port)" }
  }
  struct Failure: Decodable {
    var client: String
    var server: String
    var `protocol`: String
    var port: UInt16
    var sessions: Int
    var refused: Int
    var unanswered: Int
    var packets: Int
    var bytes: Int
    var ports: Int
  }
  struct GroupTraffic: Decodable {
    var group: String
    var `protocol`: String
    var port: UInt16
    var sender: String
    var packets: Int
    var bytes: Int
  }
  /// An undecided pair, or a notice, which has one port only.
  struct Pair: Decodable {
    var `protocol`: String
    var a: String
    var b: String
    var aPort: UInt16?
    var bPort: UInt16?
    var packets: Int
    var bytes: Int
  }

  var capture: Capture
  var hosts: [HostEntry]
  var failures: [Failure]
  var groups: [GroupTraffic]
  var undecided: [Pair]
  var notices: [Pair]
}

/// The map of a scenario, in words that tests compare: `10.1.0.2 udp/53` is a service.
struct ScenarioMap {
  private let document: MapDocument

  init(_ document: MapDocument) { self.document = document }

  // MARK: - Services

  /// Everything that anybody provides.
  var services: Set<String> {
    Set(document.hosts.flatMap { host in host.provides.map { "\(host.address) \($0.name)" } })
  }

  /// What a host provides: `udp/53`.
  func provides(_ host: Host) -> Set<String> { Set(entry(host)?.provides.map(\.name) ?? []) }

  /// What a host uses: `10.1.0.2 udp/53`.
  func requests(_ host: Host) -> Set<String> {
    Set(entry(host)?.requests.map { "\($0.server ?? "") \($0.name)" } ?? [])
  }

  /// All about one service: `10.1.0.2 udp/53`.
  func service(_ name: String) -> MapDocument.Service? {
    let words = name.split(separator: " ")
    return entry(Host(String(words[0])))?.provides.first { $0.name == words[1] }
  }

  /// The kinds of all services.
  var kinds: Set<String> { Set(document.hosts.flatMap(\.provides).map(\.kind)) }

  /// How sure the surest of all services is; 0 where there is none.
  var highestConfidence: Double {
    document.hosts.flatMap(\.provides).map(\.confidence).max() ?? 0
  }

  private func entry(_ host: Host) -> MapDocument.HostEntry? {
    document.hosts.first { $0.address == host.description }
  }

  // MARK: - What is no service

  /// Services that were asked for in vain: `10.1.0.2 udp/53`.
  var failedServices: Set<String> { Set(document.failures.map(name)) }

  /// How many ports they are; those of a scan are one failure for each host.
  var failedPorts: Int { document.failures.map(\.ports).reduce(0, +) }

  /// The client's failed requests for a service.
  func failure(_ client: Host, _ service: String) -> MapDocument.Failure? {
    document.failures.first { $0.client == client.description && name($0) == service }
  }

  /// `sender → 224.0.0.251 udp/5353`.
  var groups: Set<String> {
    Set(document.groups.map { "\($0.sender) → \($0.group) \($0.protocol)/\($0.port)" })
  }

  var undecided: [MapDocument.Pair] { document.undecided }
  var notices: [MapDocument.Pair] { document.notices }

  private func name(_ failure: MapDocument.Failure) -> String {
    "\(failure.server) \(failure.protocol)/\(failure.port)"
  }

  /// Every verdict with the hosts' parts in place of their addresses, for comparing layouts.
  func picture(_ scenario: Scenario, hosts: Int = 40) -> Set<String> {
    var parts: [String: String] = [:]
    for n in 1...hosts {
      parts[scenario.server(n).description] = "server \(n)"
      parts[scenario.client(n).description] = "client \(n)"
    }
    func part(_ address: String?) -> String { address.flatMap { parts[$0] } ?? address ?? "" }
    var picture = Set<String>()
    for host in document.hosts {
      for one in host.requests {
        picture.insert(
          "\(part(host.address)) → \(part(one.server)) \(one.name) \(one.kind) \(one.basis) "
            + "\(one.confidence) \(one.sessions)")
      }
    }
    for one in document.failures {
      picture.insert(
        "\(part(one.client)) failed \(part(one.server)) \(one.protocol)/\(one.port) "
          + "\(one.refused) \(one.unanswered)")
    }
    for one in document.undecided {
      let ends = ["\(part(one.a)) \(one.aPort ?? 0)", "\(part(one.b)) \(one.bPort ?? 0)"].sorted()
      picture.insert("undecided \(one.protocol) \(ends) \(one.packets)")
    }
    return picture
  }

  // MARK: - What holds for every map

  /// Every packet was captured, mapped, and is in exactly one relation.
  func checkSums(captured: Int, _ sourceLocation: SourceLocation) {
    let accounting = document.capture.accounting
    let outcomes = accounting.filter { $0.key != "captured" }.values.reduce(0, +)
    #expect(accounting["captured"] == captured, sourceLocation: sourceLocation)
    #expect(outcomes == captured, sourceLocation: sourceLocation)
    #expect(accounting["mapped"] == captured, sourceLocation: sourceLocation)
    let provided = document.hosts.flatMap(\.provides)
    let requested = document.hosts.flatMap(\.requests)
    let relations =
      provided.map { ($0.packets, $0.bytes) } + document.failures.map { ($0.packets, $0.bytes) }
      + document.groups.map { ($0.packets, $0.bytes) }
      + (undecided + notices).map { ($0.packets, $0.bytes) }
    #expect(relations.map(\.0).reduce(0, +) == captured, sourceLocation: sourceLocation)
    #expect(
      relations.map(\.1).reduce(0, +) == document.capture.bytes, sourceLocation: sourceLocation)
    #expect(
      provided.map(\.packets).reduce(0, +) == requested.map(\.packets).reduce(0, +),
      sourceLocation: sourceLocation)
  }

  /// Nothing is claimed that the kinds and ranges of docs/json.md do not allow.
  func checkHonesty(of scenario: Scenario, _ sourceLocation: SourceLocation) {
    for host in document.hosts {
      for one in host.provides + host.requests {
        let what: Comment = "\(host.address) \(one.name) \(one.kind) \(one.basis)"
        #expect(0.5...1 ~= one.confidence, what, sourceLocation: sourceLocation)
        #expect(["provided", "peer"].contains(one.kind), what, sourceLocation: sourceLocation)
        #expect(one.basis != "none", what, sourceLocation: sourceLocation)
        #expect(one.sessions > 0, what, sourceLocation: sourceLocation)
      }
      for one in host.provides where one.kind == "peer" {
        let isSamePort = scenario.sent.contains { sent in
          sent.from.port == sent.to.port && sent.from.port == one.port
            && [sent.from.host, sent.to.host].contains(Host(host.address))
        }
        let isSymmetric =
          one.packetsIn <= 2 * one.packetsOut && one.packetsOut <= 2 * one.packetsIn
        #expect(
          isSamePort || isSymmetric, "\(host.address) \(one.name) is a peer",
          sourceLocation: sourceLocation)
      }
    }
    for one in document.failures {
      let failed = one.refused + one.unanswered
      #expect(failed > 0 && failed <= one.sessions, sourceLocation: sourceLocation)
    }
  }
}
