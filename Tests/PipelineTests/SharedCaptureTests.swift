import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: SharedCaptures.arePresent, "no shared captures here"))
struct SharedCaptureTests {
  /// Audits a file; one that can't be audited must say why in one line.
  private func audit(_ path: String, _ options: [String] = []) throws -> [String: Any]? {
    let result = try Command.run(
      ["audit", "-q", "-r", path, "--format", "json"] + options, limitSeconds: 30)
    let name = (path as NSString).lastPathComponent
    if result.status == 1 {
      let lines = result.errors.split(separator: "\n")
      #expect(lines.count == 1 && lines.first?.contains(name) == true, "\(name): \(result.errors)")
      return nil
    }
    #expect(result.status == 0, "\(name): status \(result.status): \(result.errors)")
    #expect(result.errors.isEmpty, "\(name): \(result.errors)")
    // Five seconds is what a user is promised; a debug build on a busy machine gets some leave.
    #expect(result.seconds < 15, "\(name): \(result.seconds) s")
    #expect(result.json != nil, "\(name): no JSON")
    return result.json
  }

  /// The sums that hold for every map.
  private func checkSums(_ map: [String: Any], _ name: String) throws {
    let capture = try #require(map["capture"] as? [String: Any])
    let accounting = try #require(capture["accounting"] as? [String: Int])
    let captured = try #require(accounting["captured"])
    let others = accounting.filter { $0.key != "captured" }.map(\.value).reduce(0, +)
    #expect(captured == others, "\(name): \(accounting)")
    var packets = 0
    for host in try #require(map["hosts"] as? [[String: Any]]) {
      for one in try #require(host["provides"] as? [[String: Any]]) {
        packets += try #require(one["packets"] as? Int)
      }
    }
    for list in ["failures", "groups", "undecided", "notices"] {
      for one in try #require(map[list] as? [[String: Any]]) {
        packets += try #require(one["packets"] as? Int)
      }
    }
    #expect(packets == accounting["mapped"], "\(name)")
  }

  @Test(
    "every file ends in a map whose sums hold, or in one clear line",
    arguments: ["encap", "bad", "real"])
  func everyFile(kind: String) throws {
    var maps = 0
    for path in SharedCaptures.files(kind) {
      guard let map = try audit(path) else { continue }
      try checkSums(map, (path as NSString).lastPathComponent)
      maps += 1
    }
    #expect(maps > 0)
  }

  @Test(
    "services and relations of the real captures are found the right way round",
    .enabled(if: Tool("python3").isInstalled))
  func truth() throws {
    let folder = try #require(SharedCaptures.root)
    let python = Tool("python3")
    let work = try TemporaryDirectory()
    var services = (found: 0, all: 0)
    var relations = (found: 0, all: 0)
    var reversed = 0
    var ghosts = 0
    for path in SharedCaptures.files("real", "large") {
      let name = (path as NSString).lastPathComponent
      let truth = "\(folder)/captures/truth/\(name).tsv"
      guard FileManager.default.fileExists(atPath: truth) else { continue }
      let json = work.path("map.json")
      let result = try Command.run(["audit", "-q", "-r", path, "-o", json], limitSeconds: 60)
      #expect(result.status == 0, "\(name): \(result.errors)")
      let score = try python.run(["\(folder)/tools/score_map.py", json, truth]).text
      let numbers = score.split { !$0.isNumber && $0 != "." }.map(String.init)
      // services F/A (ratio) relations F/A (ratio) reversed N missing N ghosts N/…; "0/0 (none)"
      // has no ratio, so the words are what to go by.
      func after(_ word: String, _ index: Int) -> Int {
        guard let range = score.range(of: word + " ") else { return 0 }
        let tail = score[range.upperBound...].split { !$0.isNumber }.map(String.init)
        return tail.indices.contains(index) ? Int(tail[index]) ?? 0 : 0
      }
      #expect(!numbers.isEmpty, "\(name): no score")
      services.found += after("services", 0)
      services.all += after("services", 1)
      relations.found += after("relations", 0)
      relations.all += after("relations", 1)
      reversed += after("reversed", 0)
      // Of this one, only one direction was captured: the clients go on to send data after their SYN,
      // so somebody answers them; the truth goes by the answers that are there.
      if !name.contains("208-BMP") { ghosts += after("ghosts", 0) }
    }
    print(
      "real and large captures: services \(services), relations \(relations), "
        + "reversed \(reversed), ghosts \(ghosts)")
    #expect(services.all > 1000)
    #expect(Double(services.found) >= 0.99 * Double(services.all))
    #expect(Double(relations.found) >= 0.99 * Double(relations.all))
    #expect(Double(reversed) <= 0.002 * Double(relations.all))
    // NetBIOS hosts ask each other from port 137 to 137; either may, so one is listed as a peer.
    #expect(ghosts <= 1)
  }

  @Test(
    "packets are what capinfos counts and octets what tshark adds up",
    .enabled(if: Tool("tshark").isInstalled && Tool("capinfos").isInstalled))
  func totals() throws {
    var compared = 0
    // Frames in these files carry no IPv4 in IPv4 that would make "the" length ambiguous.
    for path in SharedCaptures.files("real").prefix(40) {
      let name = (path as NSString).lastPathComponent
      guard let map = try audit(path, ["--no-decapsulate", "--no-deduplicate", "ip"]),
        let capture = map["capture"] as? [String: Any]
      else { continue }
      let counted = try Tool("capinfos").run(["-TMrc", path]).text
      let packets = counted.split { $0 == "\t" || $0 == "\n" }.last.flatMap { Int($0) }
      #expect(packets == capture["packets"] as? Int, "\(name)")
      let lengths = try Tool("tshark").run([
        "-n", "-r", path, "-Y", "ip", "-T", "fields", "-E", "occurrence=f", "-e", "ip.len",
      ]
      ).text
      let octets = lengths.split(separator: "\n").compactMap { Int($0) }.reduce(0, +)
      #expect(octets == capture["bytes"] as? Int, "\(name)")
      compared += 1
    }
    #expect(compared >= 20)
  }
}
