internal import ArgumentParser
internal import CLinux
internal import Collector
internal import Glibc
internal import Merger
internal import ServiceMap
internal import Splitter
internal import Tracker
internal import Wire

/// What every stage is told by its supervisor.
struct StageOptions: ParsableArguments {
  /// What is read, for people who look at ps(1).
  @Option(help: .hidden) var capture: String
  @Option(help: .hidden) var statusFd: Int32
  @Option(help: .hidden) var process: Int
  @Option(help: .hidden) var parent: Int32

  /// Names this process, ties its life to the supervisor's, and runs the stage.
  func run(_ name: String, _ body: (borrowing StatusBoard) throws -> Void) throws {
    renkei_set_process_name("renkei-\(name)")
    renkei_die_with_parent(parent)
    // Ctrl-C reaches the whole group; the supervisor decides what it means.
    signal(SIGINT, SIG_IGN)
    try body(StatusBoard(inherited: statusFd))
  }
}

struct CollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collect", abstract: "Stage: packets to records.", shouldDisplay: false)

  @OptionGroup var stage: StageOptions
  @Option(help: .hidden) var outputFd: Int32
  @Option(parsing: .singleValue, help: .hidden) var read: [String] = []
  @Flag(help: .hidden) var noDecapsulate = false
  @Flag(help: .hidden) var noDeduplicate = false
  @Argument(help: .hidden) var filter: String = ""

  func run() throws {
    try stage.run("collect") { status in
      var configuration = CollectorConfiguration(files: read, filter: filter)
      configuration.decapsulate = !noDecapsulate
      configuration.deduplicate = !noDeduplicate
      try CollectorService.run(
        configuration, output: RingWriter(try Ring(inherited: outputFd)), status: status,
        process: stage.process)
    }
  }
}

struct SplitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split", abstract: "Stage: records to trackers.", shouldDisplay: false)

  @OptionGroup var stage: StageOptions
  @Option(parsing: .singleValue, help: .hidden) var inputFd: [Int32]
  @Option(parsing: .singleValue, help: .hidden) var outputFd: [Int32]
  /// In a unit, as the next.
  @Option(help: .hidden) var memoryFd: Int32?
  @Option(help: .hidden) var addressesFd: Int32?

  func run() throws {
    try stage.run("split") { status in
      guard let memoryFd, let addressesFd else {
        return try SplitterService.run(
          input: try Ring(inherited: inputFd[0]), trackers: outputFd.count,
          output: { try Ring(inherited: outputFd[$0]) }, status: status, process: stage.process)
      }
      try SplitterService.run(
        inputs: inputFd.count, input: { try Ring(inherited: inputFd[$0]) },
        outputs: outputFd.count, output: { try Ring(inherited: outputFd[$0]) },
        memory: try SplitMemory(inherited: memoryFd),
        addresses: try SharedAddresses(inherited: addressesFd), status: status,
        process: stage.process)
    }
  }
}

struct TrackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "track", abstract: "Stage: records to sessions.", shouldDisplay: false)

  @OptionGroup var stage: StageOptions
  @Option(help: .hidden) var number: Int
  @Option(help: .hidden) var inputFd: Int32
  @Option(help: .hidden) var outputFd: Int32?
  /// In a unit, instead of `outputFd`, and with the others.
  @Option(help: .hidden) var memoryFd: Int32?
  @Option(help: .hidden) var epochSeconds = 1.0
  @Option(help: .hidden) var tcpIdleTimeoutSeconds: Int?
  @Option(help: .hidden) var idleTimeoutSeconds: Int?

  func run() throws {
    var configuration = TrackerConfiguration()
    configuration.tcpIdleTimeoutSeconds =
      tcpIdleTimeoutSeconds ?? configuration.tcpIdleTimeoutSeconds
    configuration.idleTimeoutSeconds = idleTimeoutSeconds ?? configuration.idleTimeoutSeconds
    try stage.run("track-\(number)") { status in
      if let memoryFd {
        try TrackerService.run(
          configuration, input: try Ring(inherited: inputFd),
          memory: try SessionMemory(inherited: memoryFd), epochSeconds: epochSeconds,
          status: status, process: stage.process)
      } else if let outputFd {
        try TrackerService.run(
          configuration, input: try Ring(inherited: inputFd),
          output: try Ring(inherited: outputFd), status: status, process: stage.process)
      }
    }
  }

  func validate() throws {
    guard (outputFd == nil) != (memoryFd == nil) else {
      throw ValidationError("--output-fd or --memory-fd")
    }
  }
}

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Stage: sessions to the map.", shouldDisplay: false)

  @OptionGroup var stage: StageOptions
  @Option(help: .hidden) var store: String?
  @Option(help: .hidden) var outputFd: Int32?
  @Option(parsing: .singleValue, help: .hidden) var inputFd: [Int32] = []
  /// In a unit, instead of `inputFd`, and with the others.
  @Option(parsing: .singleValue, help: .hidden) var memoryFd: [Int32] = []
  @Option(help: .hidden) var addressesFd: Int32?
  @Option(name: .customLong("run"), help: .hidden) var runNumber: UInt64 = 0
  @Option(parsing: .singleValue, help: .hidden) var interface: [String] = []
  @Option(help: .hidden) var filter = ""
  @Option(help: .hidden) var linksMax: Int?
  @Option(help: .hidden) var keepMinutes: Int?
  @Option(help: .hidden) var keepHours: Int?
  @Option(help: .hidden) var keepDays: Int?
  @Option(help: .hidden) var bytesMax: Int?

  func run() throws {
    try stage.run("merge") { status in
      guard let addressesFd, let store else {
        return try MergerService.run(
          trackers: inputFd.count, input: { try Ring(inherited: inputFd[$0]) }, store: store,
          output: try outputFd.map { try Ring(inherited: $0) }, status: status,
          process: stage.process)
      }
      var configuration = UnitMergerConfiguration(
        run: runNumber, store: store, interfaces: interface, filter: filter)
      configuration.linksMax = linksMax ?? configuration.linksMax
      let usual = Retention()
      configuration.retention = Retention(
        minutesSeconds: keepMinutes ?? usual.minutesSeconds,
        hoursSeconds: keepHours ?? usual.hoursSeconds,
        daysSeconds: keepDays ?? usual.daysSeconds, bytesMax: bytesMax)
      try MergerService.run(
        configuration, trackers: try memoryFd.map { try SessionMemory(inherited: $0) },
        addresses: try SharedAddresses(inherited: addressesFd), status: status,
        process: stage.process)
    }
  }
}
