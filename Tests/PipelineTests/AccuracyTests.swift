import Foundation
import TestSupport
import Testing

/// How much of generated traffic comes out the right way round. Benchmarks/accuracy.py measures the
/// same with larger captures, more of them, and beside other tools.
@Suite(.enabled(if: TrafficGenerator.isBuilt, "renkei-generate is not built"))
struct AccuracyTests {
  /// What has to hold of a kind of capture.
  struct Floor: Sendable, CustomTestStringConvertible {
    /// Options of the generator.
    var options: String
    /// Sessions with the true server, port and client, in percent.
    var right: Double
    /// Sessions with client and server the wrong way round, in percent.
    var reversed: Double
    /// Services that nobody provides.
    var invented: Int

    var testDescription: String { options.isEmpty ? "with handshakes" : options }
  }

  /// To be tightened whenever the roles get better.
  static let floors = [
    Floor(options: "", right: 99.9, reversed: 0, invented: 0),
    Floor(options: "--midstream", right: 99.5, reversed: 0, invented: 0),
    Floor(options: "--one-way", right: 99, reversed: 0, invented: 0),
    Floor(options: "--sample 10", right: 98, reversed: 0, invented: 0),
    Floor(options: "--profile highports", right: 99.9, reversed: 0, invented: 0),
    Floor(options: "--profile highports --midstream", right: 99, reversed: 0, invented: 0),
  ]

  @Test("sessions are oriented as they were", arguments: floors)
  func sessions(floor: Floor) throws {
    let (map, truth) = try audit(floor.options, packets: 200_000)
    var found = map.requests
    for (talk, sessions) in map.failures { found[talk, default: 0] += sessions }
    var wanted: [Talk: Int] = [:]
    for row in truth where row.basis != "mcast" {
      wanted[Talk(row: row), default: 0] += row.sessions
    }
    var missing: [Talk: Int] = [:]
    var all = 0
    var right = 0
    for (talk, sessions) in wanted {
      let same = min(sessions, found[talk] ?? 0)
      all += sessions
      right += same
      missing[talk.withoutPort, default: 0] += sessions - same
    }
    var reversed = 0
    for (talk, sessions) in found where wanted[talk] == nil && !map.peers.contains(talk) {
      let pair = talk.turned.withoutPort
      let taken = min(sessions, missing[pair] ?? 0)
      missing[pair, default: 0] -= taken
      reversed += taken
    }
    let known: Set<Talk> = Set(truth.map { Talk(row: $0).service })
    let invented = map.services.subtracting(known)
    func percent(_ count: Int) -> Double {
      (10_000 * Double(count) / Double(all)).rounded() / 100
    }
    let figures =
      "\(floor.testDescription): right \(percent(right)) %, reversed \(percent(reversed)) %, "
      + "invented \(invented.count)"
    print(figures)
    #expect(all > 1000)
    #expect(percent(right) >= floor.right, "\(figures)")
    #expect(percent(reversed) <= floor.reversed, "\(figures)")
    #expect(invented.count <= floor.invented, "\(figures)")
  }

  @Test(
    "no attack makes a service of what did not answer",
    arguments: ["scan", "synflood", "backscatter", "ackscan"])
  func attacks(profile: String) throws {
    let (map, truth) = try audit("--profile \(profile)", packets: 100_000)
    // Syslog is provided and never answers.
    let answered: Set<Talk> = Set(
      truth.filter { $0.answered > 0 || Talk(row: $0).proto == "udp" }.map { Talk(row: $0).service }
    )
    #expect(map.services.subtracting(answered) == [])
    #expect(map.services.count > answered.count / 2)
  }

  // MARK: - A map and its truth

  struct Talk: Hashable {
    var server: String
    var proto: String
    var port: Int
    var client: String

    /// Without the client.
    var service: Talk { Talk(server: server, proto: proto, port: port, client: "") }
    var withoutPort: Talk { Talk(server: server, proto: proto, port: 0, client: client) }
    /// Client and server exchanged.
    var turned: Talk { Talk(server: client, proto: proto, port: port, client: server) }
  }

  /// What is compared of a map: TCP and UDP.
  struct Map {
    var services = Set<Talk>()
    var requests: [Talk: Int] = [:]
    /// The requests in which either side asks, so that their direction says nothing.
    var peers = Set<Talk>()
    var failures: [Talk: Int] = [:]
  }

  /// The parts of the document that are read here. Decoding only these is much faster than
  /// dictionaries of everything: an attack leaves a hundred thousand failures.
  private struct Document: Decodable {
    struct Capture: Decodable { var accounting: [String: Int] }
    struct Counted: Decodable { var packets: Int }
    struct Provided: Decodable { var `protocol`: String, port: Int, packets: Int, kind: String }
    struct Requested: Decodable {
      var `protocol`: String, port: Int, server: String, sessions: Int, kind: String
    }
    struct Host: Decodable { var address: String, provides: [Provided], requests: [Requested] }
    struct Failure: Decodable {
      var client: String, server: String, `protocol`: String, port: Int, sessions: Int
      var packets: Int
    }
    var capture: Capture
    var hosts: [Host]
    var failures: [Failure]
    var groups: [Counted]
    var undecided: [Counted]
    var notices: [Counted]
  }

  /// Generates and audits; checks that every packet is accounted for.
  private func audit(
    _ options: String, packets: Int
  ) throws -> (Map, [TrafficGenerator.Row]) {
    let work = try TemporaryDirectory()
    let capture = work.path("traffic.pcap")
    let truth = try TrafficGenerator.run(
      options.split(separator: " ").map(String.init), packets: packets, to: capture)
    let json = work.path("map.json")
    let result = try Command.run(["audit", "-q", "-r", capture, "-o", json])
    try #require(result.status == 0, "\(result.errors)")
    let document = try JSONDecoder().decode(
      Document.self, from: Data(contentsOf: URL(fileURLWithPath: json)))
    try checkSums(document)

    let ported: Set = ["tcp", "udp"]
    var map = Map()
    for host in document.hosts {
      for one in host.provides where ported.contains(one.protocol) && one.kind != "peer" {
        map.services.insert(
          Talk(server: host.address, proto: one.protocol, port: one.port, client: ""))
      }
      for one in host.requests where ported.contains(one.protocol) {
        let talk = Talk(
          server: one.server, proto: one.protocol, port: one.port, client: host.address)
        map.requests[talk, default: 0] += one.sessions
        if one.kind == "peer" { map.peers.insert(talk) }
      }
    }
    for one in document.failures where ported.contains(one.protocol) {
      let talk = Talk(
        server: one.server, proto: one.protocol, port: one.port, client: one.client)
      map.failures[talk, default: 0] += one.sessions
    }
    return (map, truth)
  }

  /// The sums that hold for every map (docs/json.md).
  private func checkSums(_ document: Document) throws {
    let accounting = document.capture.accounting
    let captured = try #require(accounting["captured"])
    #expect(captured > 0)
    #expect(captured == accounting.filter { $0.key != "captured" }.map(\.value).reduce(0, +))
    var mapped = 0
    for host in document.hosts { mapped += host.provides.map(\.packets).reduce(0, +) }
    mapped += document.failures.map(\.packets).reduce(0, +)
    for list in [document.groups, document.undecided, document.notices] {
      mapped += list.map(\.packets).reduce(0, +)
    }
    #expect(mapped == accounting["mapped"])
  }
}

extension AccuracyTests.Talk {
  init(row: TrafficGenerator.Row) {
    self.init(server: row.server, proto: row.proto, port: row.port, client: row.client)
  }
}
