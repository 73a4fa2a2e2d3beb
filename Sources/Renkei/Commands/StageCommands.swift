internal import ArgumentParser
internal import CLinux
internal import Collector
internal import Glibc
internal import Merger
internal import ServiceMap
internal import Splitter
internal import Tracker
internal import Wire

/// The processes of a pipeline, as their supervisor starts them.
struct StageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stage", abstract: "A process of a pipeline.", shouldDisplay: false,
    subcommands: [
      CollectCommand.self, SplitCommand.self, TrackCommand.self, MergeCommand.self,
      PublishCommand.self,
    ])
}

/// What every stage is told by its supervisor.
struct StageOptions: ParsableArguments {
  /// What is read, for people who look at ps(1).
  @Option(help: .hidden) var capture: String
  @Option(help: .hidden) var statusFd: Int32
  @Option(help: .hidden) var process: Int
  @Option(help: .hidden) var parent: Int32
  /// uid:gid, numbers.
  @Option(help: .hidden) var user: UserAndGroup?

  /// Names this process, ties its life to the supervisor's, gives up its privileges, and runs the stage.
  ///
  /// - Parameter keepsPrivileges: for a stage that gives them up itself, with `dropPrivileges`.
  func run(
    _ name: String, keepsPrivileges: Bool = false, _ body: (borrowing StatusBoard) throws -> Void
  ) throws {
    renkei_set_process_name("renkei-\(name)")
    renkei_die_with_parent(parent)
    // Root without --user stays what it is: whoever audits as root may want to read any file.
    if !keepsPrivileges && (user != nil || geteuid() != 0) { try dropPrivileges() }
    // Ctrl-C reaches the whole group; the supervisor decides what it means.
    signal(SIGINT, SIG_IGN)
    try body(StatusBoard(inherited: statusFd))
  }

  /// Becomes `user`, where that is given, and gives up all capabilities.
  func dropPrivileges() throws { try Privileges.drop(to: user, parent: parent) }
}

enum Privileges {
  /// Becomes `user`, where there is one, and gives up all capabilities; this process then still ends with its
  /// parent.
  ///
  /// - Throws: `RunError`.
  static func drop(to user: UserAndGroup?, parent: Int32) throws {
    let status = renkei_drop_privileges(user?.user ?? 0, user?.group ?? 0, user == nil ? 0 : 1)
    guard status == 0 else {
      throw RunError("could not give up privileges: \(String(cString: strerror(-status)))")
    }
    // Another user's process forgets what it had asked for (prctl(2) PR_SET_PDEATHSIG).
    renkei_die_with_parent(parent)
  }
}

/// Whom a stage runs as.
struct UserAndGroup: ExpressibleByArgument {
  let user: UInt32
  let group: UInt32

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let user = UInt32(parts[0]), let group = UInt32(parts[1]) else {
      return nil
    }
    self.user = user
    self.group = group
  }
}

struct CollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collect", abstract: "Stage: packets to records.", shouldDisplay: false)

  /// The exit status that asks for another process at once: the interface was removed, and waiting for it needs
  /// the privileges that this one has given up (sysexits.h EX_TEMPFAIL).
  static let interfaceRemoved: Int32 = 75

  @OptionGroup var stage: StageOptions
  @Option(help: .hidden) var outputFd: Int32
  /// Files; else one interface.
  @Option(parsing: .singleValue, help: .hidden) var read: [String] = []
  @Option(help: .hidden) var interface: String?
  @Option(help: .hidden) var addressesFd: Int32?
  /// Where several collectors share the interface: their number, and which of them this one is.
  @Option(help: .hidden) var fanout: UInt16?
  @Option(help: .hidden) var fanoutMember = 0
  @Option(help: .hidden) var snaplen = 256
  @Option(help: .hidden) var bufferBytes = 256 << 20
  @Flag(help: .hidden) var noPromiscuous = false
  @Option(name: .customLong("for"), help: .hidden) var durationSeconds: Double?
  @Option(help: .hidden) var count: UInt64?
  /// Only ends the stream of a collector that was killed: the unit is draining.
  @Flag(help: .hidden) var finish = false
  @Flag(help: .hidden) var noDecapsulate = false
  @Flag(help: .hidden) var noDeduplicate = false
  @Argument(help: .hidden) var filter: String = ""

  func validate() throws {
    if (interface == nil) == read.isEmpty {
      throw ValidationError("either --read or --interface")
    }
    if interface != nil && addressesFd == nil {
      throw ValidationError("--interface goes with --addresses-fd")
    }
    guard (64...262_144).contains(snaplen), (1 << 20...Int(Int32.max)).contains(bufferBytes) else {
      throw ValidationError("--snaplen is 64 to 262144, --buffer-bytes 1 MiB to 2 GiB")
    }
    guard durationSeconds.map({ $0 > 0 && $0 < 1e9 }) ?? true else {
      throw ValidationError("--for is a number of seconds")
    }
  }

  func run() throws {
    var configuration = CollectorConfiguration(files: read, filter: filter)
    configuration.decapsulate = !noDecapsulate
    configuration.deduplicate = !noDeduplicate
    try stage.run("collect", keepsPrivileges: interface != nil) { status in
      guard let interface, let addressesFd else {
        return try CollectorService.run(
          configuration, output: RingWriter(try Ring(inherited: outputFd)),
          addresses: try addressesFd.map { try SharedAddresses(inherited: $0) }, status: status,
          process: stage.process)
      }
      let end = try LiveCollectorService.run(
        configuration, live(interface), output: try Ring(inherited: outputFd),
        addresses: try SharedAddresses(inherited: addressesFd), status: status,
        process: stage.process, whenOpen: { try stage.dropPrivileges() })
      if case .interfaceRemoved = end { throw ExitCode(CollectCommand.interfaceRemoved) }
    }
  }

  private func live(_ interface: String) -> LiveConfiguration {
    var live = LiveConfiguration(interface: interface)
    live.snaplenBytes = snaplen
    live.bufferBytes = bufferBytes
    live.isPromiscuous = !noPromiscuous
    live.fanout = fanout.map { (group: $0, member: fanoutMember) }
    live.durationSeconds = durationSeconds
    live.packetsMax = count
    live.onlyEnds = finish
    return live
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
