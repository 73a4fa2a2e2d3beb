import Foundation
import Reporter
import TestSupport
import Testing

@Suite struct MapCommandTests {
  private static let office = "\(Command.root)/Examples/office/office.pcap"

  @Test("writes every format, and the ending of -o tells it", arguments: GraphFormat.allCases)
  func formats(format: GraphFormat) throws {
    let folder = try TemporaryDirectory()
    let path = "\(folder.path)/map.\(format.fileExtension)"
    let common = ["map", "-r", MapCommandTests.office, "--lang", "en", "--no-graphviz"]
    let file = try Command.run(common + ["-o", path])
    #expect(file.status == 0 && file.errors.hasSuffix("nodes and 5 edges.\n"))
    let output = try Command.run(common + ["-q", "--format", format.rawValue])
    #expect(output.status == 0 && output.errors.isEmpty && !output.output.isEmpty)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == output.output)
  }

  @Test("shows one host, and opens a network")
  func parts() throws {
    let common = ["map", "-r", MapCommandTests.office, "-q", "--format", "json"]
    func ids(_ more: [String]) throws -> [String] {
      let nodes = try #require(try Command.run(common + more).json?["nodes"] as? [[String: Any]])
      return nodes.compactMap { $0["id"] as? String }
    }
    let around = try ids(["--host", "10.20.2.32"])
    #expect(around.contains("host:10.20.2.32") && around.allSatisfy { $0.hasPrefix("host:") })
    let opened = try ids(["--expand", "10.20.1.0/24"])
    #expect(opened.contains("host:10.20.1.30") && opened.contains("group:10.20.2.0/24"))
    #expect(try ids(["--ipv4-prefix", "16"]).contains("group:10.20.0.0/16"))
  }

  @Test(
    "says in one line what is wrong",
    arguments: [
      (["--host", "192.0.2.1"], 1, "192.0.2.1: was not seen"),
      (["--expand", "10.20.1.0/25"], 1, "\"10.20.1.0/24\" was perhaps meant"),
      (["--host", "printer"], 2, "no address"), (["-o", "map.pdf"], 2, "does not tell the format"),
      (["--min-bytes", "much"], 2, "write 4096 or 10MB"), (["--nodes", "1"], 2, "2 to 500"),
      (["--at", "now"], 2, "--store"),
    ])
  func mistakes(options: [String], status: Int32, message: String) throws {
    let result = try Command.run(["map", "-r", MapCommandTests.office, "-q"] + options)
    #expect(result.status == status && result.errors.contains(message), "\(result.errors)")
  }
}
