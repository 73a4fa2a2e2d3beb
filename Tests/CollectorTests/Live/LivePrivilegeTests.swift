import Foundation
import TestSupport
import Testing
import Wire

/// What a collector may do once its interface is open: nothing.
@Suite(
  .serialized,
  .enabled(if: NetworkNamespace.isAllowed && Tool("python3").isInstalled, "takes root and python3"))
struct LivePrivilegeTests {
  /// The lines of /proc/PID/status, for all threads.
  private func facts(_ process: StageProcess) throws -> [[String: String]] {
    let tasks = "/proc/\(process.pid)/task"
    return try FileManager.default.contentsOfDirectory(atPath: tasks).map { thread in
      let text = try String(contentsOfFile: "\(tasks)/\(thread)/status", encoding: .utf8)
      let pairs = text.split(separator: "\n").compactMap { line -> (String, String)? in
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        return (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
      }
      return Dictionary(pairs) { first, _ in first }
    }
  }

  private func expectNothing(_ facts: [String: String]) {
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
      #expect(facts[set] == "0000000000000000", "\(set)")
    }
    #expect(facts["NoNewPrivs"] == "1")
  }

  @Test("becomes the user it is told, without a group or a capability, and still captures")
  func otherUser() throws {
    let run = try LiveRun()
    let collector = try run.start(["--user", "65534:65533"])
    for facts in try facts(collector) {
      expectNothing(facts)
      #expect(facts["Uid"] == "65534\t65534\t65534\t65534")
      #expect(facts["Gid"] == "65533\t65533\t65533\t65533")
      #expect(facts["Groups"] == "")
    }
    try run.namespace.ip("link", "set", NetworkNamespace.inside, "down")
    try run.waitFor(.interfaceState) { $0 == 2 }
    try run.namespace.ip("link", "set", NetworkNamespace.inside, "up")
    try run.waitFor(.interfaceState) { $0 == 1 }
    try run.namespace.send(LiveRun.frames(0..<100))
    collector.send(signal: SIGTERM)
    #expect(collector.wait() == 0)
    #expect(try run.drain().records.count == 100)
  }

  @Test("gives up root's capabilities where it stays root")
  func root() throws {
    let run = try LiveRun()
    let collector = try run.start()
    for facts in try facts(collector) { expectNothing(facts) }
    collector.send(signal: SIGTERM)
    #expect(collector.wait() == 0)
  }

  @Test(
    "says what helps where it may not capture", .enabled(if: Tool("setpriv").isInstalled))
  func notPermitted() throws {
    let run = try LiveRun()
    let collector = try run.start(
      through: ["setpriv", "--inh-caps=-all", "--bounding-set=-all"], isExpectedUp: false)
    #expect(collector.wait() == 1)
    #expect(
      collector.errors.hasPrefix(
        "renkei: in0: no permission to capture; run it with sudo, or once: sudo setcap "
          + "cap_net_raw,cap_net_admin=ep /"))
  }

  @Test("refuses a user that is none")
  func badUser() throws {
    for user in ["root", "0", "1:", "-1:2", "1:2:3"] {
      let run = try LiveRun()
      let collector = try run.start(["--user=\(user)"], isExpectedUp: false)
      #expect(collector.wait() == 2, "\(user)")
    }
  }
}
