import Foundation
import TestSupport

@testable import Renkei

/// A unit in a network namespace, with its store and its status in a directory of the test's own.
final class UnitRun {
  let namespace: NetworkNamespace
  let folder: TemporaryDirectory
  let store: String
  private(set) var pid: pid_t = 0
  private var process: Process?
  private var starts = 0

  /// - Parameter place: where the store is; nil: in a directory of its own.
  init(_ namespace: NetworkNamespace, place: String? = nil) throws {
    self.namespace = namespace
    folder = try TemporaryDirectory()
    store = (place ?? folder.path("store")) + "/map.db"
  }

  deinit {
    guard let process, process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitForEnd()
  }

  var directory: String { folder.path("run") }
  var configuration: String { folder.path("renkei.yaml") }

  /// Writes the configuration; small buffers, because the tests share the machine.
  func configure(
    interfaces: String = "[in0]", trackers: Int = 2, filter: String = "", pipeline: [String] = [],
    store: [String] = []
  ) throws {
    let text = """
      interfaces: \(interfaces)
      filter: "\(filter)"
      capture:
        bufferBytes: 32MiB
      pipeline:
        trackers: \(trackers)
        ringBytes: 8MiB
        epochSeconds: 100ms
        sessionsMax: 100000
        addressesMax: 100000
      \(pipeline.map { "  \($0)\n" }.joined())
      store:
        path: \(self.store)
      \(store.map { "  \($0)\n" }.joined())
      run:
        user: nobody
        directory: \(directory)
        restartBackoffSeconds: 50ms
        restartBackoffMaxSeconds: 200ms

      """
    _ = try folder.write(Data(text.utf8), to: "renkei.yaml")
  }

  /// Starts `renkei run`, and waits until it captures.
  func start(isExpectedUp: Bool = true) throws {
    starts += 1
    try? FileManager.default.removeItem(atPath: directory + "/status.json")
    let errors = try folder.write([], to: "stderr-\(starts)")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = namespace.prefix + [Command.renkei, "run", "-c", configuration]
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    process.standardInput = FileHandle.nullDevice
    try process.run()
    self.process = process
    // ip(8) becomes what it starts.
    pid = process.processIdentifier
    if isExpectedUp { try wait("capturing") { $0.state == .capturing } }
  }

  /// What the unit that runs, or the last one, wrote to its standard error.
  var errors: String {
    (try? String(contentsOfFile: folder.path("stderr-\(starts)"), encoding: .utf8)) ?? ""
  }

  var isRunning: Bool { process?.isRunning ?? false }

  /// The status of the unit that runs; nil before it has written one.
  var status: UnitStatus? { try? UnitStatus.read(from: directory) }

  /// Waits for a status. Each that is seen on the way must account for every packet.
  @discardableResult
  func wait(
    _ what: String, limitSeconds: Double = 40, _ isReached: (UnitStatus) -> Bool
  ) throws -> UnitStatus {
    let limit = Date() + limitSeconds
    while true {
      if let status {
        guard status.accounting.isBalanced else {
          throw UnitRunError(description: "not balanced: \(status.accounting)")
        }
        if isReached(status) { return status }
      }
      guard isRunning else {
        throw UnitRunError(description: "ended before it was \(what): \(errors)")
      }
      guard Date() < limit else {
        throw UnitRunError(
          description: "not \(what): \(status.map { "\($0)" } ?? "no status"); \(errors)")
      }
      usleep(20_000)
    }
  }

  func send(signal: Int32) { kill(pid, signal) }

  /// Waits for the end, at most `limitSeconds`; then it is killed.
  ///
  /// - Returns: the exit status, or the negative number of the signal that ended it.
  @discardableResult
  func waitForEnd(limitSeconds: Double = 60) -> Int32 {
    guard let process else { return -1 }
    let limit = Date() + limitSeconds
    while process.isRunning {
      if Date() > limit {
        kill(process.processIdentifier, SIGKILL)
        process.waitForEnd()
        return -1000
      }
      usleep(5_000)
    }
    return process.terminationReason == .exit
      ? process.terminationStatus : -process.terminationStatus
  }

  /// SIGTERM, and the exit status.
  func end() -> Int32 {
    send(signal: SIGTERM)
    return waitForEnd()
  }

  /// A process of the pipeline.
  struct Child: Hashable {
    var pid: pid_t
    /// Its subcommand: collect, split, track, merge, serve.
    var stage: String
  }

  /// The supervisor's children, by proc(5).
  func children() -> [Child] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { name in
      guard let child = pid_t(name),
        let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
        let rest = stat.split(separator: ")").last?.split(separator: " "), rest.count > 1,
        pid_t(rest[1]) == pid, rest[0] != "Z"
      else { return nil }
      let words = Self.words("/proc/\(name)/cmdline")
      guard words.count > 1, words[0] == "renkei" else { return nil }
      return Child(pid: child, stage: words[1] == "stage" ? words[2] : words[1])
    }
  }

  private static func words(_ path: String) -> [String] {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\0").map(String.init)
  }

  /// The map in the store as JSON, without what says where and when it was captured.
  func map(_ options: [String] = []) throws -> String {
    try UnitRun.map(["report", "--store", store] + options)
  }

  /// The map of a capture file.
  static func map(of capture: String, filter: [String] = []) throws -> String {
    try map(["audit", "-r", capture] + filter)
  }

  private static func map(_ arguments: [String]) throws -> String {
    let result = try Command.run(arguments + ["--format", "json"])
    guard result.status == 0 else { throw UnitRunError(description: result.errors) }
    let apart = ["\"files\":", "\"warnings\":", "\"start\":", "\"end\":"]
    return result.text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { line in !apart.contains { line.contains($0) } }
      .joined(separator: "\n")
  }

  /// What became of the packets, as the report tells it.
  func accounting() throws -> [String: Int] {
    let result = try Command.run(["report", "--store", store, "--format", "json"])
    let capture = result.json?["capture"] as? [String: Any]
    return capture?["accounting"] as? [String: Int] ?? [:]
  }

  /// The warnings that the report carries.
  func warnings() throws -> [String] {
    let result = try Command.run(["report", "--store", store, "--format", "json"])
    let capture = result.json?["capture"] as? [String: Any]
    return (capture?["warnings"] as? [Any] ?? []).map { "\($0)" }
  }
}

struct UnitRunError: Error, CustomStringConvertible {
  let description: String
}

/// tcpdump(8) beside a unit, at the same interface.
final class Beside {
  let capture: String
  private let process: Process
  private let errors: String

  init(_ run: UnitRun, interface: String = NetworkNamespace.inside, name: String = "beside") throws
  {
    capture = run.folder.path("\(name).pcap")
    errors = try run.folder.write([], to: "\(name).err")
    process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      run.namespace.prefix + [
        "tcpdump", "-i", interface, "-w", capture, "-s", "256", "-B", "65536", "-U", "-Z", "root",
        "--immediate-mode", "--time-stamp-precision=nano",
      ]
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    try process.run()
    let limit = Date() + 20
    while !text.contains("listening") {
      guard Date() < limit, process.isRunning else { throw UnitRunError(description: text) }
      usleep(10_000)
    }
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  private var text: String { (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "" }

  /// Ends when all `frames` are in the file.
  func end(after frames: [[UInt8]]) throws {
    let bytes = frames.reduce(24) { $0 + 16 + min(256, $1.count) }
    let limit = Date() + 30
    while TemporaryDirectory.size(capture) < bytes, Date() < limit { usleep(10_000) }
    // All is written. Other signals are blocked in what a thread of the test library starts.
    kill(process.processIdentifier, SIGKILL)
    process.waitForEnd()
    guard TemporaryDirectory.size(capture) == bytes else {
      throw UnitRunError(
        description: "\(TemporaryDirectory.size(capture)) bytes rather than \(bytes); \(text)")
    }
  }
}

/// What the tests send.
enum UnitTraffic {
  /// The frames of the example office, in the order in which they came.
  static func office() throws -> [[UInt8]] {
    let file = try TemporaryDirectory.read(OfficeTests.capture)
    var frames: [[UInt8]] = []
    var place = 24
    while place + 16 <= file.count {
      let length = (0..<4).reduce(0) { $0 | Int(file[place + 8 + $1]) << (8 * $1) }
      let frame = Array(file[place + 16..<place + 16 + length])
      // What the sender's card had put together does not fit through again.
      if frame.count <= 1514 { frames.append(frame) }
      place += 16 + length
    }
    return frames
  }
}
