internal import ArgumentParser
internal import Foundation
internal import Merger
internal import Splitter
internal import StageDrives
internal import Tracker
internal import Wire

/// Records from standard input (`renkei-generate --format records`) straight into the splitter, then
/// trackers and merger, each in a thread of its own between rings of an audit's size.
struct DaysCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "days", abstract: "Records from standard input to a store.")

  @Argument(help: "The store to write; it must not exist.") var store: String
  @Option(help: "Tracker threads.") var trackers = 1

  func run() throws {
    let input = try RingFile()
    let shards = try (0..<trackers).map { _ in try RingFile() }
    let epochs = try (0..<trackers).map { _ in try RingFile() }
    let status = try StatusBoard(processes: trackers + 3)
    let board = dup(status.descriptor)
    let trackers = trackers
    let began = DispatchTime.now()

    stage("splitter") {
      try SplitterService.run(
        input: try input.open(), trackers: trackers, output: { try shards[$0].open() },
        status: try StatusBoard(inherited: dup(board)), process: 1)
    }
    for index in 0..<trackers {
      stage("tracker") {
        try TrackerService.run(
          TrackerConfiguration(), input: try shards[index].open(),
          output: try epochs[index].open(), status: try StatusBoard(inherited: dup(board)),
          process: 3 + index)
      }
    }
    let counted = Counted()
    let reading = stage("reader") {
      var source = RecordSource(RingWriter(try input.open()))
      try source.run()
      counted.packets = source.packets
    }
    try MergerService.run(
      trackers: trackers, input: { try epochs[$0].open() }, store: store, output: nil,
      status: status,
      process: 2
    )
    reading.wait()
    let elapsed = DispatchTime.now().uptimeNanoseconds - began.uptimeNanoseconds
    var facts = stat()
    stat(store, &facts)
    try JSONLine.print([
      "stage": "days", "items": counted.packets, "wall": Double(elapsed) * 1e-9,
      "rows": Int(status.get(.items, of: 2)), "storeBytes": Int(facts.st_size),
    ])
  }

  /// Runs `body` in a thread; a failure ends the program, since the others would wait for ever.
  @discardableResult
  private func stage(
    _ name: String, _ body: @escaping @Sendable () throws -> Void
  ) -> DispatchGroup {
    let group = DispatchGroup()
    DispatchQueue(label: name).async(group: group) {
      do {
        try body()
      } catch {
        FileHandle.standardError.write(Data("renkei-stages: \(name): \(error)\n".utf8))
        Foundation.exit(1)
      }
    }
    return group
  }
}

/// What the reading thread has counted.
private final class Counted: @unchecked Sendable {
  // @unchecked Sendable because it is read only after the thread's group was waited for.
  var packets = 0
}
