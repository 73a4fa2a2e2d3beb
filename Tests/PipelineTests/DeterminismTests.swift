import Foundation
import TestSupport
import Testing

@Suite struct DeterminismTests {
  /// The JSON without the line that names the files, which differs where the files do.
  private func json(_ arguments: [String]) throws -> String {
    let result = try Command.run(["audit"] + arguments + ["--format", "json"])
    try #require(result.status == 0, "\(result.errors)")
    return result.text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.contains("\"files\":") && !$0.contains("\"warnings\":") }
      .joined(separator: "\n")
  }

  /// Cuts a classic pcap into two files behind its `count`-th packet.
  private func split(_ path: String, after count: Int, in folder: TemporaryDirectory) throws
    -> [String]
  {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    var offset = 24
    for _ in 0..<count {
      let length = data.subdata(in: offset + 8..<offset + 12).withUnsafeBytes {
        UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))
      }
      offset += 16 + Int(length)
    }
    return [
      try folder.write(data.prefix(offset), to: "first.pcap"),
      try folder.write(data.prefix(24) + data.suffix(from: offset), to: "second.pcap"),
    ]
  }

  @Test("the same capture gives the same bytes with any number of trackers")
  func trackers() throws {
    let one = try json(["-r", OfficeTests.capture, "--trackers", "1"])
    for trackers in [2, 3, 7] {
      #expect(try json(["-r", OfficeTests.capture, "--trackers", "\(trackers)"]) == one)
    }
  }

  @Test("and whether it is one file or two, in either order of naming", arguments: [1, 1000, 5001])
  func files(cut: Int) throws {
    let folder = try TemporaryDirectory()
    let parts = try split(OfficeTests.capture, after: cut, in: folder)
    let whole = try json(["-r", OfficeTests.capture])
    #expect(try json(["-r", parts[0], "-r", parts[1], "--trackers", "2"]) == whole)
    #expect(try json(["-r", parts[1], "-r", parts[0]]) == whole)
  }

  @Test(
    "and from standard input, and compressed",
    arguments: ["-"] + ["gzip", "zstd", "lz4"].filter { Tool($0).isInstalled })
  func forms(form: String) throws {
    let folder = try TemporaryDirectory()
    let whole = try json(["-r", OfficeTests.capture])
    let data = try Data(contentsOf: URL(fileURLWithPath: OfficeTests.capture))
    if form == "-" {
      let result = try Command.run(["audit", "-r", "-", "--format", "json"], input: data)
      try #require(result.status == 0, "\(result.errors)")
      let text = result.text.split(separator: "\n", omittingEmptySubsequences: false)
        .filter { !$0.contains("\"files\":") && !$0.contains("\"warnings\":") }
        .joined(separator: "\n")
      #expect(text == whole)
      return
    }
    let packed = try Tool(form).run(["-c", OfficeTests.capture]).output
    #expect(packed.count < data.count)
    #expect(try json(["-r", try folder.write(packed, to: "office.pcap.\(form)")]) == whole)
  }

  @Test("a report made again from the kept store is the same, in every format")
  func again() throws {
    let folder = try TemporaryDirectory()
    let store = folder.path("map.db")
    let first = try Command.run(
      ["audit", "-r", OfficeTests.capture, "-o", store]
        + ["html", "json", "csv", "txt"].flatMap { ["-o", folder.path("a.\($0)")] })
    try #require(first.status == 0, "\(first.errors)")
    for ending in ["html", "json", "csv", "txt"] {
      let again = folder.path("b.\(ending)")
      let result = try Command.run(["report", "--store", store, "-o", again])
      #expect(result.status == 0, "\(result.errors)")
      let made = try Data(contentsOf: URL(fileURLWithPath: folder.path("a.\(ending)")))
      #expect(made.count > 500)
      #expect(try Data(contentsOf: URL(fileURLWithPath: again)) == made)
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(
      left == [
        "a.csv", "a.html", "a.json", "a.txt", "b.csv", "b.html", "b.json", "b.txt", "map.db",
      ])
  }
}
