import Foundation
import Reporter
import Testing

@Suite struct AtomicOutputTests {
  private func failure(_ path: String, bytes: Int = 10) -> ReportError? {
    do {
      try AtomicOutput.write(to: path) { $0.write([UInt8](repeating: 65, count: bytes)) }
      return nil
    } catch {
      return error
    }
  }

  @Test("leaves the whole file under its name, and nothing else")
  func success() throws {
    let folder = TemporaryFolder()
    let bytes = [UInt8]((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) })
    try AtomicOutput.write(to: folder["a"]) { out in
      out.write("x")
      out.write(bytes)
      out.decimal(UInt64.max)
    }
    let written = try Data(contentsOf: URL(fileURLWithPath: folder["a"]))
    #expect(written == Data("x".utf8) + bytes + Data("18446744073709551615".utf8))
    #expect(folder.names == ["a"])
    let mode =
      try FileManager.default.attributesOfItem(atPath: folder["a"])[.posixPermissions] as? NSNumber
    #expect((mode?.intValue ?? 0) & 0o133 == 0)
  }

  @Test("keeps a symbolic link and replaces what it points to")
  func link() throws {
    let folder = TemporaryFolder()
    try "old".write(toFile: folder["real"], atomically: false, encoding: .utf8)
    try FileManager.default.createSymbolicLink(
      atPath: folder["link"], withDestinationPath: folder["real"])
    #expect(failure(folder["link"]) == nil)
    #expect(try folder.text("real") == "AAAAAAAAAA")
    #expect(folder.names == ["link", "real"])
  }

  @Test("says that the disk is full, for short and long reports", arguments: [10, 5_000_000])
  func fullDisk(bytes: Int) throws {
    let error = try #require(failure("/dev/full", bytes: bytes))
    #expect(error.code == .noSpace)
    #expect(error.description.contains("/dev/full"))
    #expect(!error.description.contains("\n"))
  }

  @Test("writes to a device in place instead of replacing it")
  func device() {
    #expect(failure("/dev/null") == nil)
    var status = stat()
    #expect(stat("/dev/null", &status) == 0)
    #expect(status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test("names a missing directory, and what to do")
  func missingDirectory() throws {
    let folder = TemporaryFolder()
    let error = try #require(failure(folder["none/map.json"]))
    #expect(error.code == .noDirectory)
    #expect(error.description.contains("\"\(folder["none"])\""))
    #expect(folder.names.isEmpty)
  }

  @Test("says so where a place takes no files")
  func takesNoFiles() {
    #expect(failure("/proc/map.json")?.code == .notWritable)
  }

  @Test("refuses a directory as its target", arguments: ["d", "d/", "new/"])
  func directory(name: String) throws {
    let folder = TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder["d"], withIntermediateDirectories: false)
    #expect(failure(folder[name])?.code == .isDirectory)
    #expect(folder.names == ["d"])
  }

  @Test("takes every name that the file system takes", arguments: ["n", "表", "👨‍👩‍👧‍👦"])
  func longName(character: String) throws {
    let folder = TemporaryFolder()
    // NAME_MAX is 255 bytes.
    let name = String(repeating: character, count: 255 / character.utf8.count)
    #expect(failure(folder[name]) == nil)
    #expect(folder.names == [name])
  }

  @Test("leaves the old report and no temporary file when the name can't be had")
  func nameTooLong() throws {
    let folder = TemporaryFolder()
    try "old".write(toFile: folder["map"], atomically: false, encoding: .utf8)
    let error = try #require(failure(folder[String(repeating: "n", count: 300)]))
    #expect(error.code == .system)
    #expect(folder.names == ["map"])
  }
}
