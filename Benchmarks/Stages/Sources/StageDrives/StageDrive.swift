internal import Collector
internal import Glibc
internal import Merger
internal import Splitter
internal import Tracker
internal import Wire

/// Runs the stages one by one in this thread, each through its public service, between rings.
///
/// The input is a closed ring that holds the whole stream. The output goes to rings as large as those
/// of an audit, which another thread empties; or, where `isDrained` is false, to rings large enough
/// for everything, so that no second thread runs (callgrind lets threads take turns and counts both).
public struct StageDrive: Sendable {
  public var isDrained: Bool

  public init(isDrained: Bool = true) { self.isDrained = isDrained }

  /// Packets to records: a capture, best in the page cache.
  ///
  /// - Parameters:
  ///   - deduplicate: whether copies of packets are looked for.
  ///   - tape: gets the records, where they are wanted; the run then takes longer.
  public func collect(
    capture: String, deduplicate: Bool, tape: Tape? = nil
  ) throws -> StageRun {
    var configuration = CollectorConfiguration(files: [capture])
    configuration.deduplicate = deduplicate
    var status = stat()
    // A packet takes 17 bytes of a file at least; a record takes 19 of a slot.
    let slotsMax = stat(capture, &status) == 0 ? Int(status.st_size) * 2 / RingFile.slotBytes : 0
    return try run(outputs: 1, slotsMax: slotsMax + 8, tapes: tape.map { [$0] } ?? []) {
      files, board in
      try timed(tape == nil) {
        try CollectorService.run(
          configuration, output: RingWriter(try files[0].open()), status: board, process: 0)
      }
    }
  }

  /// Records to so many trackers.
  public func split(_ input: Tape, trackers: Int, tapes: [Tape] = []) throws -> StageRun {
    let ring = try input.ring()
    return try run(
      outputs: trackers, slotsMax: 2 * input.count + 8, tapes: tapes
    ) { files, board in
      try timed(tapes.isEmpty) {
        try SplitterService.run(
          input: try ring.open(), trackers: trackers, output: { try files[$0].open() },
          status: board,
          process: 0)
      }
    }
  }

  /// Records to sessions, in one tracker.
  ///
  /// - Parameter sessionsMax: sessions that the tracker keeps at most; by default the tracker's own limit.
  public func track(
    _ input: Tape, sessionsMax: Int? = nil, tape: Tape? = nil
  ) throws -> StageRun {
    var configuration = TrackerConfiguration()
    if let sessionsMax { configuration.sessionsMax = sessionsMax }
    let ring = try input.ring()
    // A session has a packet at least, and its row takes less than four records.
    return try run(
      outputs: 1, slotsMax: 4 * input.count + 8, tapes: tape.map { [$0] } ?? []
    ) { files, board in
      try timed(tape?.keepsSlots != true) {
        try TrackerService.run(
          configuration, input: try ring.open(), output: try files[0].open(), status: board,
          process: 0)
      }
    }
  }

  /// Session rows of one tracker to links.
  ///
  /// - Parameter store: where the links are written, if they are.
  public func merge(_ input: Tape, store: String? = nil) throws -> StageRun {
    let ring = try input.ring()
    let board = try StatusBoard(processes: 1)
    var result = try renkeiMeasured {
      try MergerService.run(
        trackers: 1, input: { _ in try ring.open() }, store: store, output: nil, status: board,
        process: 0)
    }
    result.items = input.items
    return result
  }

  /// A stage with a tape only makes the input of another, and callgrind is not to count it.
  private func timed(
    _ isMeasured: Bool, _ body: () throws -> Void
  ) rethrows -> StageRun {
    if isMeasured { return try renkeiMeasured(body) }
    try body()
    return StageRun(items: 0, wallSeconds: 0, cpuSeconds: 0)
  }

  private func run(
    outputs: Int, slotsMax: Int, tapes: [Tape],
    _ body: ([RingFile], borrowing StatusBoard) throws -> StageRun
  ) throws -> StageRun {
    let files = try (0..<outputs).map { _ in
      try isDrained ? RingFile() : RingFile(slotsMin: slotsMax)
    }
    let board = try StatusBoard(processes: 1)
    let drain = isDrained ? Drain(files, tapes: tapes) : nil
    var result = try body(files, board)
    drain?.wait()
    if !isDrained, !tapes.isEmpty { Drain(files, tapes: tapes).wait() }
    result.items = Int(board.get(.items, of: 0))
    return result
  }
}
