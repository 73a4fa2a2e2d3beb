internal import Foundation
internal import Glibc
internal import Wire

/// A capture from interfaces, and a report of it at the end: a unit that lives as long as that.
struct LiveAudit {
  var configuration: UnitConfiguration
  /// When it ends by itself; nil: not after any time, or number of packets.
  var limitSeconds: Double?
  var packetsMax: UInt64?
  var showsProgress: Bool

  /// - Parameters:
  ///   - keptStore: where the user keeps the store; nil where not.
  ///   - reportOptions: for `renkei report`.
  /// - Throws: `RunError` and the like; `ExitCode` where the reason has been said.
  func run(keptStore: String?, reportOptions: [String]) throws {
    let user = UnitUser.caller()
    let folder = try WorkFolder(for: keptStore, owner: user, isApart: true)
    defer { folder.remove() }
    var configuration = configuration
    configuration.store.path = folder.store
    // An hour by the minute is an hour by the minute; nothing is given up before the report.
    configuration.store.keepMinutes = nil
    configuration.store.bytesMax = nil
    let plan = try UnitPlan(
      configuration, run: Clock.wallNs(), packetsMax: packetsMax, user: user)
    let unit = UnitSupervisor(configuration, plan) { line in
      Terminal.clearLine()
      Terminal.standardError("renkei: \(Terminal.oneLine(line))\n")
    }
    let observer = UnitObserver()
    let begin = Clock.seconds()
    try LiveAudit.exiting {
      _ = try unit.run(limitSeconds: limitSeconds, tickSeconds: 0.5) { unit in
        guard showsProgress && Terminal.isInteractive else { return }
        let status = observer.status(of: unit)
        let line = LiveAudit.line(status, seconds: Clock.seconds() - begin, of: limitSeconds)
        Terminal.standardError("\r\(line)\u{1B}[K")
      }
      if showsProgress { Terminal.clearLine() }
      try unit.runAfterwards(
        "reporter", ["report", "--store", folder.store] + reportOptions)
    }
    try folder.keep()
  }

  /// What the person at the terminal sees.
  static func line(_ status: UnitStatus, seconds: Double, of limit: Double?) -> String {
    let rate = status.interfaces.reduce(0) { $0 + $1.packetsPerSecond }
    let dropped = status.interfaces.reduce(0) { $0 + $1.droppedByKernel + $1.droppedByRing }
    var parts = ["\(status.accounting.captured.grouped) packets", "\(Terminal.short(rate))pps"]
    if dropped > 0 { parts.append("\(dropped.grouped) dropped") }
    for one in status.interfaces where one.state != .up {
      parts.append("\(one.name) is \(one.state.rawValue)")
    }
    switch (status.state, limit) {
    case (.draining, _), (.ended, _): parts.append("finishing")
    case (_, let limit?): parts.append("\(Int(max(0, limit - seconds).rounded(.up))) s left")
    default: parts.append("\(Int(seconds)) s, Ctrl-C ends")
    }
    return parts.joined(separator: "  ")
  }
}
