internal import Benchmark
internal import Foundation
internal import StageDrives

/// Wall time of a stage for one packet, record or row. The rate would do as well, but a threshold is
/// an upper bound; picoseconds, since a metric is a whole number.
private let perItem = BenchmarkMetric.custom("ps per item", polarity: .prefersSmaller)

/// What the stages read, made once: the capture that `RENKEI_CAPTURE` names, taken through the stages
/// before.
private struct Inputs: Sendable {
  let capture: String
  let records: Tape
  let sessions: Tape

  static let made = Inputs()

  private init() {
    guard let capture = ProcessInfo.processInfo.environment["RENKEI_CAPTURE"] else {
      fatalError("RENKEI_CAPTURE names no capture; Benchmarks/speed.py generates one")
    }
    self.capture = capture
    records = Tape()
    sessions = Tape()
    let drive = StageDrive()
    do {
      _ = try drive.collect(capture: capture, deduplicate: true, tape: records)
      _ = try drive.track(records, tape: sessions)
    } catch {
      fatalError("\(capture): \(error)")
    }
  }
}

/// One stage, in turns with nothing: its input is filled before the clock starts.
private func stage(_ name: String, _ run: @escaping @Sendable (Inputs) throws -> StageRun) {
  Benchmark(name) { benchmark in
    let inputs = Inputs.made
    do {
      benchmark.measurement(perItem, try run(inputs).picosecondsPerItem)
    } catch {
      benchmark.error("\(error)")
    }
  }
}

let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [perItem], units: [perItem: .count], warmupIterations: 1, maxDuration: .seconds(20),
    maxIterations: 7)

  let drive = StageDrive()
  stage("collect") { try drive.collect(capture: $0.capture, deduplicate: true) }
  stage("collect-without-copies") { try drive.collect(capture: $0.capture, deduplicate: false) }
  stage("split") { try drive.split($0.records, trackers: 4) }
  stage("track") { try drive.track($0.records) }
  stage("merge") { try drive.merge($0.sessions) }
  stage("merge-to-store") { inputs in
    let store = FileManager.default.temporaryDirectory
      .appendingPathComponent("renkei-merge-\(getpid()).db").path
    defer { try? FileManager.default.removeItem(atPath: store) }
    return try drive.merge(inputs.sessions, store: store)
  }
}
