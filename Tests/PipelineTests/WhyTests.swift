import Foundation
import TestSupport
import Testing

/// `renkei why`, as its user runs it.
@Suite struct WhyTests {
  /// The map of a scenario.
  private func store(_ scenario: Scenario, in folder: TemporaryDirectory) throws -> String {
    let capture = try scenario.write(to: folder)
    let store = folder.path("map.db")
    let result = try Command.run(["audit", "-q", "-r", capture, "-o", store])
    try #require(result.status == 0, "\(result.errors)")
    return store
  }

  private func why(
    _ endpoint: String, _ words: [String], status: Int32 = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Command.Result {
    let result = try Command.run(
      ["why", endpoint] + words, environment: ["LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"])
    #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty == (status != 0), sourceLocation: sourceLocation)
    return result
  }

  @Test("explains what an audit finds, from the capture as from the map")
  func office() throws {
    let folder = try TemporaryDirectory()
    let store = folder.path("office.db")
    _ = try Command.run(["audit", "-q", "-r", OfficeTests.capture, "-o", store])
    let one = try why("10.20.2.80:443/tcp", ["--store", store])
    #expect(one.text.hasPrefix("10.20.2.80:443/tcp is a server, confidence 0.99.\n"))
    #expect(one.text.contains("A handshake decides"))
    #expect(one.text.contains("With every handshake of the capture hidden"))
    #expect(one.text.contains("for server"))
    let other = try why("10.20.2.80:443/tcp", ["-q", "-r", OfficeTests.capture])
    #expect(other.text == one.text && other.errors.isEmpty)
    // Both protocols where none is named.
    let both = try why("10.20.2.53:53", ["--store", store]).text
    #expect(both.contains("10.20.2.53:53/tcp is") && both.contains("10.20.2.53:53/udp is"))
    let six = try why("[fd00:20:2::80]:443/tcp", ["--store", store, "--format", "json"])
    let entries = try #require(six.json?["endpoints"] as? [[String: Any]])
    #expect(six.json?["schema"] as? String == "renkei.why/1")
    #expect(entries.count == 1 && entries[0]["role"] as? String == "server")
  }

  @Test("no word of the program itself shows, in either language", arguments: ["en", "ja"])
  func words(language: String) throws {
    let folder = try TemporaryDirectory()
    let store = folder.path("office.db")
    _ = try Command.run(["audit", "-q", "-r", OfficeTests.capture, "-o", store])
    let roles = try folder.write(
      Data("10.20.2.25:25: peer\n10.20.2.22:22: client".utf8), to: "roles")
    for endpoint in [
      "10.20.2.80:443", "10.20.2.53:53", "10.20.2.25:25", "10.20.2.22:22", "10.20.2.123:123",
      "[fd00:20:2::63]:6379", "224.0.0.251:5353", "10.20.2.80:8080",
    ] {
      let result = try Command.run(
        ["why", endpoint, "--store", store, "--roles", roles, "--lang", language])
      let text = result.text
      if result.status != 0 { continue }
      #expect(text.firstMatch(of: /[a-z]+[.][a-z]+[A-Z]?[a-z]*/) == nil, "\(text)")
      #expect(text.firstMatch(of: /[a-z][A-Z][a-z]/) == nil, "\(text)")
      #expect(!text.contains("{") && !text.contains("}"))
      #expect(text.contains(/[ぁ-ん]/) == (language == "ja"))
    }
  }

  @Test("what would decide an undecided pair does decide it")
  func undecided() throws {
    let folder = try TemporaryDirectory()
    let store = try store(RolesFileTests.office(), in: folder)
    let result = try why("10.0.0.5:31234/tcp", ["--store", store, "--format", "json"])
    let entry = try #require((result.json?["endpoints"] as? [[String: Any]])?.first)
    #expect(entry["role"] as? String == "undecided")
    let changes = try #require(entry["changes"] as? [[String: Any]])
    let kinds = Set(changes.compactMap { $0["what"] as? String })
    #expect(kinds == ["morePeers", "answersHandshake", "otherAnswersHandshake", "line"])
    for change in changes {
      var net = RolesFileTests.office()
      let (server, other) = (Host("10.0.0.5")[31_234], Host("10.0.0.9")[31_235])
      var words: [String] = []
      switch change["what"] as? String {
      case "morePeers":
        for n in 0..<(change["peers"] as? Int ?? 0) {
          net.tcp(Host("10.0.1.\(n + 1)")[31_235], server, Scenario.midstream)
        }
      case "answersHandshake":
        net.wait(600)
        net.tcp(other, server)
      case "otherAnswersHandshake":
        net.wait(600)
        net.tcp(server, other)
      default:
        let line = try #require(change["line"] as? String)
        words = ["--roles", try folder.write(Data(line.utf8), to: "roles.txt")]
      }
      let after = try why(
        "10.0.0.5:31234/tcp",
        ["--store", self.store(net, in: folder), "--format", "json"] + words)
      let entry = try #require((after.json?["endpoints"] as? [[String: Any]])?.first)
      #expect(entry["role"] as? String == change["role"] as? String, "\(change)")
    }
    let text = try why("10.0.0.5:31234/tcp", ["--store", store]).text
    #expect(text.hasPrefix("10.0.0.5:31234/tcp is undecided"))
    #expect(text.contains("\"10.0.0.5:31234/tcp: server\": server, confidence 1.00"))
  }

  @Test("names the line of the roles file that decides, for either side")
  func overridden() throws {
    let folder = try TemporaryDirectory()
    let store = try store(RolesFileTests.office(), in: folder)
    let roles = try folder.write(Data("\n10.0.0.5:31234: server # ERP\n".utf8), to: "roles.txt")
    let one = try why("10.0.0.5:31234/tcp", ["--store", store, "--roles", roles]).line
    #expect(one.contains("is a server, confidence 1.00"))
    #expect(one.contains("roles.txt:2: 10.0.0.5:31234: server Seen"))
    #expect(one.contains("Without line 2 of"))
    let other = try why("10.0.0.9:31235/tcp", ["--store", store, "--roles", roles]).line
    #expect(other.contains("is a client of 10.0.0.5:31234/tcp, confidence 1.00"))
    #expect(other.contains("about 10.0.0.5:31234/tcp:"))
  }

  @Test("an endpoint that was not seen is answered with what was")
  func unseen() throws {
    let folder = try TemporaryDirectory()
    let store = try store(RolesFileTests.office(), in: folder)
    let port = try why("10.0.0.6:444/tcp", ["--store", store], status: 1).errors
    #expect(port.hasPrefix("renkei: ") && port.contains("10.0.0.6 provides 443/tcp"))
    let address = try why("10.0.0.250:443", ["--store", store], status: 1).errors
    #expect(address.contains("10.0.0.250 was not seen") && address.contains("10.0.0.9"))
    let udp = try why("10.0.0.6:443/udp", ["--store", store], status: 1).errors
    #expect(udp.contains("10.0.0.6 provides 443/tcp"))
    #expect([port, address, udp].allSatisfy { $0.split(separator: "\n").count == 1 })
    let missing = try why("10.0.0.6:443", ["--store", folder.path("no.db")], status: 1).errors
    #expect(missing.contains("no such file"))
  }

  @Test(
    "a wrong endpoint ends with 2 and an example",
    arguments: [
      "", "10.0.0.5", "10.0.0.5:", "10.0.0.5:99999/tcp", "10.0.0.5:80/http", "10.0.0.5:80/icmp",
      "2001:db8::1:443/tcp", "[10.0.0.1]:80", "www.example.com:443", "10.0.0.5:80/tcp/udp",
      "10.0.0.5:+80", "[fe80::1%eth0]:80", ":80", "[]:80",
    ])
  func wrong(endpoint: String) throws {
    let errors = try why(endpoint, ["--store", "x.db"], status: 2).errors
    #expect(errors.contains("10.0.0.5:8080/tcp") && errors.contains("[2001:db8::1]:443/tcp"))
  }

  @Test(
    "wrong options end with 2",
    arguments: [
      [], ["--store", "a.db", "-r", "b.pcap"], ["--store", "a.db", "--format", "html"],
      ["--store", "a.db", "--lang", "fr"], ["--store", "a.db", "tcp port 80"],
    ])
  func options(words: [String]) throws {
    #expect(try why("10.0.0.5:80", words, status: 2).errors.contains("Usage:"))
  }
}

extension Command.Result {
  /// The output as if the terminal were as wide as could be.
  fileprivate var line: String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
