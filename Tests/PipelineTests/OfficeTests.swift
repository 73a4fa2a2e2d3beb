import Foundation
import TestSupport
import Testing

/// The recorded office, whose truth was written down by the script that made its hosts talk.
@Suite struct OfficeTests {
  static let folder = Command.root + "/Examples/office"
  static let capture = folder + "/office.pcap"

  struct Talk: Hashable, CustomStringConvertible {
    var server: String
    var proto: String
    var port: Int
    var client: String
    var description: String { "\(client) → \(server) \(proto)/\(port)" }
  }

  /// The map's talks by kind.
  struct Found {
    var requests = Set<Talk>()
    var provides = Set<Talk>()
    var failures = Set<Talk>()
    var groups = Set<Talk>()
  }

  private func audit() throws -> [String: Any] {
    let result = try Command.run([
      "audit", "-r", OfficeTests.capture, "--format", "json", "--trackers", "2",
    ])
    try #require(result.status == 0, "\(result.errors)")
    return try #require(result.json)
  }

  /// ICMP's port in the map is the request's type·256; the script knows only "ping".
  private func proto(_ name: String) -> String { name == "ipv6-icmp" ? "icmpv6" : name }
  private func port(_ proto: String, _ port: Int) -> Int { proto.contains("icmp") ? 0 : port }

  private func found(in map: [String: Any]) throws -> Found {
    var found = Found()
    for host in try #require(map["hosts"] as? [[String: Any]]) {
      let address = try #require(host["address"] as? String)
      for one in try #require(host["provides"] as? [[String: Any]]) {
        let proto = try #require(one["protocol"] as? String)
        found.provides.insert(
          Talk(
            server: address, proto: self.proto(proto),
            port: port(proto, try #require(one["port"] as? Int)), client: ""))
      }
      for one in try #require(host["requests"] as? [[String: Any]]) {
        found.requests.insert(try talk(one, server: "server", client: address))
      }
    }
    for one in try #require(map["failures"] as? [[String: Any]]) {
      found.failures.insert(try talk(one, server: "server", client: nil))
    }
    for one in try #require(map["groups"] as? [[String: Any]]) {
      var one = one
      one["client"] = one["sender"]
      found.groups.insert(try talk(one, server: "group", client: nil))
    }
    return found
  }

  private func talk(_ one: [String: Any], server: String, client: String?) throws -> Talk {
    let proto = try #require(one["protocol"] as? String)
    return Talk(
      server: try #require(one[server] as? String), proto: self.proto(proto),
      port: port(proto, try #require(one["port"] as? Int)),
      client: try client ?? #require(one["client"] as? String))
  }

  @Test("finds every service, request, failure and group that the script made, and no other")
  func truth() throws {
    let found = try found(in: try audit())
    var expected: [String: Set<Talk>] = [:]
    let text = try String(contentsOfFile: OfficeTests.folder + "/expected.tsv", encoding: .utf8)
    for line in text.split(separator: "\n").dropFirst() {
      let field = line.split(separator: "\t").map(String.init)
      expected[field[4], default: []].insert(
        Talk(server: field[0], proto: field[1], port: Int(field[2]) ?? -1, client: field[3]))
    }
    let answered = expected["answered", default: []].union(expected["midstream", default: []])
      .union(expected["oneway", default: []])
    #expect(answered.count > 40)
    #expect(answered.subtracting(found.requests) == [])
    let failed = expected["refused", default: []].union(expected["unanswered", default: []])
    #expect(failed.subtracting(found.failures) == [])
    #expect(failed.intersection(found.requests) == [])
    #expect(expected["multicast", default: []].subtracting(found.groups) == [])
    // No service that the script did not set up: no ghost, no ephemeral port.
    let services = Set(
      answered.map { Talk(server: $0.server, proto: $0.proto, port: $0.port, client: "") })
    #expect(
      found.provides.filter { $0.proto == "tcp" || $0.proto == "udp" }.subtracting(services) == [])
  }

  @Test("accounts for every packet, and says when the capture was taken")
  func accounting() throws {
    let capture = try #require(try audit()["capture"] as? [String: Any])
    let accounting = try #require(capture["accounting"] as? [String: Int])
    let captured = try #require(accounting["captured"])
    #expect(captured == accounting.filter { $0.key != "captured" }.map(\.value).reduce(0, +))
    #expect(captured == capture["packets"] as? Int)
    #expect(try #require(accounting["mapped"]) > captured * 9 / 10)
    #expect(try #require(accounting["notIP"]) > 0)
    #expect((capture["start"] as? String)?.hasSuffix("Z") == true)
  }

  @Test("names come from the names file")
  func names() throws {
    let result = try Command.run([
      "audit", "-r", OfficeTests.capture, "--format", "json", "--names",
      OfficeTests.folder + "/names.hosts",
    ])
    let hosts = try #require(result.json?["hosts"] as? [[String: Any]])
    let named = hosts.filter { $0["name"] is String }
    #expect(named.count > 20)
  }
}
