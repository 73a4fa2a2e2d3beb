import Foundation
import TestSupport
import Testing

@Suite struct ErrorTests {
  /// Runs an audit that must fail, and gives its one line.
  private func failure(
    _ arguments: [String], status: Int32 = 1, input: Data? = nil, in folder: TemporaryDirectory
  ) throws -> String {
    let result = try Command.run(
      ["audit"] + arguments, input: input, in: folder.path, limitSeconds: 20)
    #expect(result.status == status, "\(arguments): \(result.errors)")
    #expect(result.output.isEmpty)
    if status == 1 {
      #expect(result.errors.hasPrefix("renkei: "), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }
    return result.errors
  }

  @Test("says in one line what is wrong with a capture, and leaves nothing behind")
  func captures() throws {
    let folder = try TemporaryDirectory()
    let empty = try folder.write(Data(), to: "empty.pcap")
    let text = try folder.write(Data("these are not the packets\n".utf8), to: "notes.txt")
    for (path, word) in [
      (folder.path("missing.pcap"), "missing.pcap"), (empty, "empty"), (folder.path, "directory"),
      (text, "notes.txt"),
    ] {
      #expect(try failure(["-r", path], in: folder).contains(word))
    }
    #expect(try failure(["-r", "-"], input: Data(), in: folder).contains("empty"))
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(left == ["empty.pcap", "notes.txt"])
  }

  @Test("refuses an output that cannot be written, before the work")
  func outputs() throws {
    let folder = try TemporaryDirectory()
    _ = try failure(["-r", OfficeTests.capture, "-o", "/nonexistent/x.html"], in: folder)
    _ = try failure(["-r", OfficeTests.capture, "-o", folder.path, "--format", "html"], in: folder)
    let copy = try folder.write(
      Data(contentsOf: URL(fileURLWithPath: OfficeTests.capture)), to: "copy.pcap")
    _ = try failure(["-r", copy, "-o", copy, "--format", "json"], in: folder)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["copy.pcap"])
  }

  @Test("a full disk is a clear error and leaves no half-written report")
  func fullDisk() throws {
    let folder = try TemporaryDirectory()
    let errors = try failure(
      ["-r", OfficeTests.capture, "-o", "/dev/full", "--format", "json", "-q"], in: folder)
    #expect(errors.lowercased().contains("no space left"))
  }

  @Test("a wrong filter is shown with libpcap's reason")
  func filter() throws {
    let folder = try TemporaryDirectory()
    _ = try failure(["-r", OfficeTests.capture, "tcp port http port"], in: folder)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test(
    "wrong usage ends with 2 and says how it is meant",
    arguments: [
      ["audit"], ["audit", "--unknown"], ["audit", "-r"], ["nonsense"], ["report"],
      ["audit", "-r", "x", "--format", "pdf"], ["audit", "-r", "x", "--trackers", "0"],
      ["audit", "-r", "x", "-o", "x.unknown"],
    ])
  func usage(arguments: [String]) throws {
    let result = try Command.run(arguments)
    #expect(result.status == 2, "\(result.errors)")
    #expect(result.errors.contains("Usage:"))
    #expect(result.output.isEmpty)
  }

  @Test("help and version go to standard output and end with 0")
  func help() throws {
    for arguments in [["--help"], ["audit", "--help"], ["--version"], ["report", "-h"]] {
      let result = try Command.run(arguments)
      #expect(result.status == 0 && !result.output.isEmpty && result.errors.isEmpty)
    }
  }

  @Test(
    "a killed stage ends the run with its name and no report",
    arguments: ["track", "merge", "split", "collect"])
  func killed(stage: String) throws {
    let folder = try TemporaryDirectory()
    // Standard input stays open, so that the run goes on until the kill.
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Command.renkei)
    process.arguments = ["audit", "-r", "-", "--trackers", "2", "-o", folder.path("out.html")]
    let input = Pipe()
    let errors = Pipe()
    process.standardInput = input
    process.standardError = errors
    try process.run()
    input.fileHandleForWriting.write(
      try Data(contentsOf: URL(fileURLWithPath: OfficeTests.capture)).prefix(100_000))
    var victim: Int32?
    for _ in 0..<500 where victim == nil {
      usleep(10_000)
      victim =
        children(of: process.processIdentifier).first {
          $0.command.contains("renkei\0stage\0\(stage)\0")
        }?.pid
    }
    let pid = try #require(victim, "no \(stage) among the children")
    kill(pid, SIGKILL)
    let end = Date().addingTimeInterval(10)
    while process.isRunning && Date() < end { usleep(10_000) }
    #expect(!process.isRunning, "the run hangs without its \(stage)")
    try input.fileHandleForWriting.close()
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
    let text = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
    #expect(text.contains("signal 9"), "\(text)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    #expect(children(of: process.processIdentifier).isEmpty)
  }

  /// The children of a process, from /proc.
  private func children(of parent: Int32) -> [(pid: Int32, command: String)] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return all.compactMap(Int32.init).compactMap { pid in
      guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
        status.contains("PPid:\t\(parent)\n"),
        let command = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
      else { return nil }
      return (pid, command)
    }
  }
}
