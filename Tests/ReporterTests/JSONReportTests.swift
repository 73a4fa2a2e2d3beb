import Foundation
import Reporter
import ServiceMap
import Testing
import Wire

@Suite struct JSONReportTests {
  private func json(_ map: ServiceMap) throws -> (text: String, root: [String: Any]) {
    let folder = TemporaryFolder()
    try MapReport(map: map, serviceNames: FakeMap.serviceNames, language: .en, version: "test")
      .write(.json, to: folder["map.json"])
    let text = try folder.text("map.json")
    let root = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    return (text, try #require(root))
  }

  private func sum(_ rows: Any?, _ key: String) -> UInt64 {
    (rows as? [[String: Any]] ?? []).reduce(0) { $0 + (($1[key] as? NSNumber)?.uint64Value ?? 0) }
  }

  @Test("conserves packets, bytes and sessions: what is in no service is in another list")
  func conservation() throws {
    let map = FakeMap.small()
    let root = try json(map).root
    let hosts = try #require(root["hosts"] as? [[String: Any]])
    for (key, expected) in [
      ("packets", map.accounting[.mapped]), ("bytes", map.bytes),
      ("sessions", map.summary.sessions),
    ] {
      let provided = hosts.reduce(0) { $0 + sum($1["provides"], key) }
      let rest = ["failures", "groups", "undecided", "notices"].reduce(0) {
        $0 + sum(root[$1], key)
      }
      #expect(provided + rest == expected)
      let requested = hosts.reduce(0) { $0 + sum($1["requests"], key) }
      #expect(requested == provided)
    }
    let accounting = try #require(
      (root["capture"] as? [String: Any])?["accounting"] as? [String: NSNumber])
    let outcomes = PacketOutcome.allCases.reduce(0) { $0 + accounting[$1.name]!.uint64Value }
    #expect(accounting["captured"]?.uint64Value == outcomes)
    #expect(outcomes == map.accounting.captured)
  }

  @Test("tells in and out from the host's own point of view")
  func pointOfView() throws {
    let hosts = try #require(try json(FakeMap.small()).root["hosts"] as? [[String: Any]])
    let server = try #require(hosts.first { $0["address"] as? String == "10.0.0.9" })
    let service = try #require((server["provides"] as? [[String: Any]])?.first)
    #expect(service["service"] as? String == "postgresql")
    #expect(service["protocol"] as? String == "tcp")
    #expect((service["packetsIn"] as? NSNumber)?.intValue == 100)
    #expect((service["bytesOut"] as? NSNumber)?.intValue == 900_000)
    #expect(service["firstSeen"] as? String == "2026-01-01T00:00:00.000000000Z")
    let client = try #require(hosts.first { $0["address"] as? String == "10.0.0.5" })
    let request = try #require(
      (client["requests"] as? [[String: Any]])?.first { $0["server"] as? String == "10.0.0.9" })
    #expect((request["packetsIn"] as? NSNumber)?.intValue == 90)
    #expect((request["bytesOut"] as? NSNumber)?.intValue == 20_000)
  }

  @Test("lists no group and no silent target of a failure as a host")
  func activeOnly() throws {
    let hosts = try #require(try json(FakeMap.small()).root["hosts"] as? [[String: Any]])
    let addresses = hosts.compactMap { $0["address"] as? String }
    #expect(!addresses.contains("224.0.0.251"))
    #expect(!addresses.contains("10.0.9.9"))
    #expect(addresses.contains("2001:db8::5"))
    #expect(addresses.count == FakeMap.small().summary.hosts)
  }

  @Test("says how well the rule does here, and how complete the map is")
  func findings() throws {
    let root = try json(FakeMap.small()).root
    let check = try #require(root["selfCheck"] as? [String: Int])
    #expect(
      check == [
        "endpoints": 1000, "right": 992, "wrong": 3, "undecided": 5, "sessions": 5000,
        "sessionsRight": 4990, "sessionsWrong": 4,
      ])
    let complete = try #require(root["completeness"] as? [String: Any])
    #expect(
      complete.keys.sorted() == [
        "droppedPackets", "newServices", "oneWaySessions", "partial", "services", "sessions",
        "undecidedBytes", "undecidedPackets",
      ])
    #expect(complete["partial"] as? Bool == false)
    #expect(complete["newServices"] as? Int == 1)
    let empty = ServiceMap(capture: CaptureReport(), addresses: [], relations: [])
    let none = try #require(try json(empty).root["completeness"] as? [String: Any])
    #expect(none["newServices"] is NSNull)
  }

  @Test("names the likelier server of an undecided pair, and none where they are even")
  func likelyServer() throws {
    let root = try json(FakeMap.small()).root
    let undecided = try #require(root["undecided"] as? [[String: Any]])
    let likelier = try #require(undecided.first { $0["aPort"] as? Int == 8080 })
    #expect(likelier["likelyServer"] as? String == "a")
    #expect(likelier["confidence"] as? Double == 0.8251)
    #expect(likelier["ports"] as? Int == 1)
    let even = try #require(undecided.first { $0["aPort"] as? Int == 40_000 })
    #expect(even["likelyServer"] is NSNull)
    #expect(even["confidence"] as? Double == 0.5)
    let failures = try #require(root["failures"] as? [[String: Any]])
    #expect(failures.compactMap { $0["ports"] as? Int }.sorted() == [1, 65_535])
  }

  @Test("gives foreign names back unchanged")
  func escaping() throws {
    let root = try json(FakeMap.small()).root
    let hosts = try #require(root["hosts"] as? [[String: Any]])
    #expect(hosts.contains { $0["name"] as? String == FakeMap.hostileName })
    #expect(hosts.contains { $0["name"] as? String == "サーバ" })
    let capture = try #require(root["capture"] as? [String: Any])
    #expect((capture["files"] as? [String])?.last == "<b>odd & \"name\"</b>.pcap")
  }

  @Test("escapes every control character, quotation mark and backslash")
  func controls() throws {
    let name = String(String.UnicodeScalarView((0..<0x80).map { Unicode.Scalar($0)! })) + "é漢🎌"
    let root = try json(FakeMap.small(files: [.init(name: name)])).root
    #expect((root["capture"] as? [String: Any])?["files"] as? [String] == [name])
  }

  @Test("differs in the lines of the files alone when a capture is split otherwise")
  func splitFiles() throws {
    let whole = try json(FakeMap.small(files: [.init(name: "a", packets: 2)])).text
    let split = try json(
      FakeMap.small(files: [.init(name: "b", packets: 1), .init(name: "c", warning: "cut")])
    ).text
    func rest(_ text: String) -> [Substring] {
      text.split(separator: "\n").filter {
        !$0.hasPrefix("\"files\":") && !$0.hasPrefix("\"warnings\":")
      }
    }
    #expect(whole != split)
    #expect(rest(whole) == rest(split))
  }

  @Test("is the same, byte for byte, at every run")
  func determinism() throws {
    let map = FakeMap.big(hosts: 300, relations: 3000)
    #expect(try json(map).text == json(map).text)
  }

  @Test("reports an empty capture")
  func empty() throws {
    let map = ServiceMap(capture: CaptureReport(), addresses: [], relations: [])
    let root = try json(map).root
    #expect((root["hosts"] as? [Any])?.isEmpty == true)
    #expect((root["capture"] as? [String: Any])?["start"] is NSNull)
  }
}
