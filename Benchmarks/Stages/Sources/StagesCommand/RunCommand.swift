internal import ArgumentParser
internal import Foundation
internal import StageDrives

/// One stage on what the stages before it make of a capture.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs one stage on a capture.")

  enum Stage: String, ExpressibleByArgument, CaseIterable {
    case collect
    case collectWithoutCopies = "collect-without-copies"
    case split, track, merge
  }

  @Argument(help: "Which stage.") var stage: Stage
  @Argument(help: "The capture.") var capture: String
  @Option(help: "How often.") var runs = 1
  @Option(help: "Trackers that the splitter writes to.") var trackers = 4
  @Option(help: "Sessions that a tracker keeps. Default: the tracker's own limit.")
  var sessionsMax: Int?
  @Flag(help: "Rings for the whole output and no second thread: for callgrind.")
  var undrained = false

  func run() throws {
    let drive = StageDrive(isDrained: !undrained)
    let records = Tape()
    let sessions = Tape()
    switch stage {
    case .collect, .collectWithoutCopies: break
    case .split, .track:
      _ = try drive.collect(capture: capture, deduplicate: true, tape: records)
    case .merge:
      _ = try drive.collect(capture: capture, deduplicate: true, tape: records)
      _ = try drive.track(records, sessionsMax: sessionsMax, tape: sessions)
    }
    for _ in 0..<runs {
      var line = ["stage": stage.rawValue] as [String: Any]
      let result: StageRun
      switch stage {
      case .collect: result = try drive.collect(capture: capture, deduplicate: true)
      case .collectWithoutCopies:
        result = try drive.collect(capture: capture, deduplicate: false)
      case .split: result = try drive.split(records, trackers: trackers)
      case .track:
        let rows = Tape(keepsSlots: false)
        result = try drive.track(
          records, sessionsMax: sessionsMax, tape: undrained ? nil : rows)
        line["sessions"] = rows.items
      case .merge:
        result = try drive.merge(sessions)
      }
      line["items"] = result.items
      line["wall"] = result.wallSeconds
      line["cpu"] = result.cpuSeconds
      try JSONLine.print(line)
    }
  }
}

/// Results on standard output, for the script that asked.
enum JSONLine {
  static func print(_ line: [String: Any]) throws {
    let data = try JSONSerialization.data(withJSONObject: line, options: .sortedKeys)
    Swift.print(String(decoding: data, as: UTF8.self))
  }
}
