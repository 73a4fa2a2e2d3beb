import Glibc
import TestSupport
import Testing

@testable import Collector

@Suite struct CaptureFilesTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func capture(_ name: String, at ns: UInt64) throws -> String {
    try directory.write(PcapWriter.file([TestPacket([1], timestampNs: ns)]), to: name)
  }

  @Test("orders files by their first packets, and leaves equal ones as they were")
  func order() throws {
    let late = try capture("a", at: 9_000_000)
    let early = try capture("b", at: 1_000_000)
    let empty = try directory.write(PcapWriter.file([]), to: "c")
    let alsoLate = try capture("d", at: 9_000_000)
    let facts = try CaptureFiles.inspect([empty, late, alsoLate, early])
    #expect(facts.paths == [early, late, alsoLate, empty])
    #expect(facts.totalBytes == 3 * 41 + 24)
  }

  @Test("keeps the given order where standard input is among the files")
  func standardInput() throws {
    let late = try capture("a", at: 9_000_000)
    let early = try capture("b", at: 1_000_000)
    let facts = try CaptureFiles.inspect([late, "-", early])
    #expect(facts.paths == [late, "-", early])
    #expect(facts.totalBytes == 0)
  }

  @Test("does not touch a pipe")
  func pipe() throws {
    let path = directory.path + "/pipe"
    #expect(mkfifo(path, 0o600) == 0)
    #expect(try CaptureFiles.inspect([path]).paths == [path])
  }

  private func message(about path: String) throws -> String {
    let error = try #require(throws: CollectorError.self) { try CaptureFiles.inspect([path]) }
    #expect(error.description.hasPrefix(path + ": "))
    #expect(!error.description.contains("\n"))
    return error.description
  }

  @Test("says of each file that is no capture what is wrong with it")
  func messages() throws {
    #expect(try message(about: directory.path).contains("is a directory"))
    #expect(try message(about: directory.path + "/no").contains("no such file"))
    #expect(try message(about: directory.write([], to: "empty")).contains("is empty"))
    let text = try directory.write(Array("hello, this is text\n".utf8), to: "text")
    #expect(try message(about: text).contains("looks like text"))
    let binary = try directory.write([0, 1, 2, 3, 4, 5], to: "binary")
    #expect(try message(about: binary).contains("begins with 00 01 02 03"))
    let other = try directory.write([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], to: "xz")
    #expect(try message(about: other).contains("unxz"))
    let cut = try directory.write(Array(PcapWriter.file([]).prefix(20)), to: "cut")
    #expect(try message(about: cut).contains("cut off at byte 20"))
    let first = Array(PcapWriter.file([TestPacket([1, 2, 3])]).prefix(42))
    #expect(
      try message(about: directory.write(first, to: "first")).contains("cut off at byte 42"))
  }

  @Test("says that a file may not be read", .enabled(if: getuid() != 0))
  func permission() throws {
    let path = try capture("a", at: 1)
    chmod(path, 0)
    #expect(try message(about: path).contains("permission denied"))
  }

  @Test(
    "says that a compressed file is no capture inside", .enabled(if: Tool("gzip").isInstalled))
  func compressedText() throws {
    let path = try directory.write(Array("text in gzip".utf8), to: "a")
    _ = try Tool("gzip").run([path])
    #expect(try message(about: path + ".gz").contains("decompressed content"))
  }
}
