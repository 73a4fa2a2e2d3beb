import Foundation
import TestSupport
import Testing

/// `--roles` on traffic past and to come, end to end.
@Suite struct RolesFileTests {
  /// Captures as a user has them: a file, a map kept, and room for a roles file.
  private struct Desk {
    let folder: TemporaryDirectory
    let capture: String
    let store: String
    let packets: Int

    init(_ scenario: Scenario) throws {
      folder = try TemporaryDirectory()
      capture = try scenario.write(to: folder)
      store = folder.path("map.db")
      packets = scenario.sent.count
      let result = try Command.run(["audit", "-q", "-r", capture, "-o", store])
      try #require(result.status == 0, "\(result.errors)")
    }

    /// The map with a roles file: audited with it, and reported from the store made without it.
    func maps(_ roles: String) throws -> [MapDocument] {
      let file = try folder.write(Data(roles.utf8), to: "roles.txt")
      return try [["audit", "-q", "-r", capture], ["report", "--store", store]].map { words in
        let result = try Command.run(words + ["--format", "json", "--roles", file])
        try #require(result.status == 0, "\(result.errors)")
        #expect(result.errors.isEmpty)
        return try JSONDecoder().decode(MapDocument.self, from: result.output)
      }
    }
  }

  /// Two that talk with ports that tell nothing, and others so that a map is worth making.
  static func office() -> Scenario {
    var net = Scenario(.serversLow)
    net.tcp(Host("10.0.0.9")[31_235], Host("10.0.0.5")[31_234], Scenario.midstream)
    for n in 0..<6 as Range<UInt16> {
      net.tcp(Host("10.0.2.\(n)")[50_000 + n], Host("10.0.0.6")[443], Scenario.midstream)
    }
    net.tcp(Host("10.0.0.9")[50_001], Host("10.0.0.7")[25], ">S <RA")
    net.tcp(Host("10.0.0.9")[50_002], Host("10.0.0.7")[26], ">A <R")
    return net
  }

  private func service(_ map: MapDocument, _ address: String, _ port: UInt16) -> MapDocument
    .Service?
  {
    map.hosts.first { $0.address == address }?.provides.first { $0.port == port }
  }

  private func checkSums(_ map: MapDocument, _ desk: Desk) {
    #expect(map.capture.accounting["mapped"] == desk.packets)
    ScenarioMap(map).checkSums(captured: desk.packets, #_sourceLocation)
  }

  @Test("an undecided endpoint becomes the server that the operator says it is, now and later")
  func server() throws {
    let desk = try Desk(RolesFileTests.office())
    for map in try desk.maps("# nothing yet\n") {
      #expect(map.undecided.contains { [$0.aPort, $0.bPort].contains(31_234) })
      #expect(service(map, "10.0.0.5", 31_234) == nil)
    }
    for map in try desk.maps("10.0.0.5:31234/tcp: server # the old ERP\n") {
      let one = try #require(service(map, "10.0.0.5", 31_234))
      #expect(one.basis == "overridden" && one.confidence == 1 && one.clients == 1)
      // Scenario.midstream: three packets either way, one with 240 bytes, two with 1,160.
      #expect(one.packets == 6 && one.packetsIn == 3 && one.packetsOut == 3 && one.sessions == 1)
      #expect(one.bytes == 6 * 40 + 240 + 2 * 1160)
      #expect(map.undecided.isEmpty)
      checkSums(map, desk)
    }
  }

  @Test("a verdict that is wrong is turned, with all that belongs to it")
  func client() throws {
    let desk = try Desk(RolesFileTests.office())
    for map in try desk.maps("10.0.0.5:31234/tcp: server\n") {
      #expect(service(map, "10.0.0.6", 443) != nil)
    }
    for map in try desk.maps("10.0.0.6:443/tcp: client\n") {
      #expect(service(map, "10.0.0.6", 443) == nil)
      let one = try #require(service(map, "10.0.2.0", 50_000))
      #expect(one.basis == "overridden" && one.packetsIn == 3 && one.packetsOut == 3)
      #expect(map.hosts.first { $0.address == "10.0.0.6" }?.requests.count == 6)
      checkSums(map, desk)
    }
  }

  @Test("auto leaves the evidence its say, and exceptions stand above the rule")
  func auto() throws {
    let desk = try Desk(RolesFileTests.office())
    for map in try desk.maps("10.0.0.6:443/tcp: auto\n10.0.0.6:*/tcp: client\n") {
      let one = try #require(service(map, "10.0.0.6", 443))
      #expect(one.basis != "overridden")
    }
  }

  @Test("no service is made of requests that were all refused")
  func refused() throws {
    let desk = try Desk(RolesFileTests.office())
    for map in try desk.maps("10.0.0.7:*: server\n10.0.0.8:80: server\n") {
      #expect(service(map, "10.0.0.7", 25) == nil && service(map, "10.0.0.7", 26) == nil)
      #expect(map.failures.map(\.refused) == [1, 1])
      #expect(!map.hosts.contains { $0.address == "10.0.0.8" })
      checkSums(map, desk)
    }
  }

  @Test("a bad file ends the run before anything is read, in one line")
  func errors() throws {
    let desk = try Desk(RolesFileTests.office())
    let bad = try desk.folder.write(Data("\n10.0.0.5:80800/tcp: server\n".utf8), to: "bad.txt")
    let out = desk.folder.path("out.html")
    for words in [
      ["audit", "-r", desk.capture, "-o", out], ["report", "--store", desk.store, "-o", out],
      ["why", "10.0.0.5:31234", "--store", desk.store],
    ] {
      for (file, said) in [
        (bad, "bad.txt:2: \"10.0.0.5:80800/tcp\": port 80800 is above 65535"),
        (desk.folder.path("none.txt"), "does not exist"), (desk.folder.path, "is a directory"),
      ] {
        let result = try Command.run(words + ["--roles", file])
        #expect(result.status == 1 && result.output.isEmpty)
        #expect(result.errors.hasPrefix("renkei: ") && result.errors.contains(said))
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
      }
    }
    #expect(!FileManager.default.fileExists(atPath: out))
  }

  @Test("a pipe is refused where it would be read twice, and read where it is read once")
  func pipes() throws {
    let desk = try Desk(RolesFileTests.office())
    let roles = Data("10.0.0.5:31234/tcp: server\n".utf8)
    let audit = try Command.run(
      ["audit", "-q", "-r", desk.capture, "--format", "json", "--roles", "/dev/null"])
    #expect(audit.status == 1 && audit.errors.contains("no regular file"))
    let fifo = desk.folder.path("fifo")
    #expect(mkfifo(fifo, 0o600) == 0)
    let writer = Process()
    writer.executableURL = URL(fileURLWithPath: "/bin/sh")
    writer.arguments = [
      "-c", "cat \"$1\" > \"$2\"", "sh", try desk.folder.write(roles, to: "r.txt"), fifo,
    ]
    try writer.run()
    let report = try Command.run(
      ["report", "--store", desk.store, "--format", "json", "--roles", fifo])
    writer.waitUntilExit()
    let map = try JSONDecoder().decode(MapDocument.self, from: report.output)
    #expect(service(map, "10.0.0.5", 31_234)?.basis == "overridden")
  }

  @Test("the roles file is not overwritten by an output")
  func inputs() throws {
    let desk = try Desk(RolesFileTests.office())
    let file = try desk.folder.write(Data("10.0.0.5:1: server\n".utf8), to: "roles.txt")
    for words in [["audit", "-r", desk.capture], ["report", "--store", desk.store]] {
      let result = try Command.run(words + ["--roles", file, "-o", file])
      #expect(result.status == 1 && result.errors.contains("is an input"))
    }
  }
}
