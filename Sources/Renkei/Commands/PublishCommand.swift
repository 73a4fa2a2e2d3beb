internal import ArgumentParser
internal import CLinux
internal import Cluster
internal import Glibc
internal import Splitter
internal import Wire

struct PublishCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish", abstract: "Stage: records to a cluster.", shouldDisplay: false)

  @OptionGroup var stage: StageOptions
  /// Only how the cluster is reached is taken from it: the rest may have changed since the run began.
  @Option(help: .hidden) var config: String
  @Option(help: .hidden) var point: String
  @Option(name: .customLong("run"), help: .hidden) var runNumber: UInt64
  @Option(help: .hidden) var shards: Int
  @Option(help: .hidden) var spool: String
  @Option(help: .hidden) var spoolBytesMax: Int
  @Option(parsing: .singleValue, help: .hidden) var interface: [String]
  @Option(help: .hidden) var filter = ""
  /// Ends only when everything is in the cluster.
  @Flag(help: .hidden) var untilSent = false
  @Option(parsing: .singleValue, help: .hidden) var inputFd: [Int32]
  @Option(help: .hidden) var memoryFd: Int32
  @Option(help: .hidden) var addressesFd: Int32

  /// How long a store may take before what is not acknowledged goes to the spool.
  private static let storeSecondsMax = 2.0

  func validate() throws {
    guard (1...VirtualShard.countMax).contains(shards), shards & (shards - 1) == 0 else {
      throw ValidationError("--shards: a power of two")
    }
  }

  func run() throws {
    try stage.run("publish") { status in
      let configuration = try ClusterConfiguration.load(path: config)
      let link = NATSLink(configuration.link(role: "collector"))
      link.storeSecondsMax = PublishCommand.storeSecondsMax
      var settings = PublisherSettings(
        point: point, run: runNumber, shards: shards, interfaces: interface, filter: filter)
      if untilSent { settings.drainSecondsMax = nil }
      let identity = ProcessStatus(
        role: .collector, name: point, host: ClusterConfiguration.host, pid: getpid(),
        version: RenkeiCommand.version, incarnation: Clock.wallNs(), atSeconds: Clock.wallSeconds())
      // Whether there is one or not is found out by the way; but a run should not begin in the spool for that.
      try? link.connect(withinSeconds: 1)
      try SplitterService.publish(
        settings, inputs: inputFd.count, input: { try Ring(inherited: inputFd[$0]) },
        memory: try SplitMemory(inherited: memoryFd),
        addresses: try SharedAddresses(inherited: addressesFd), log: link,
        spool: try Spool(path: spool, bytesMax: spoolBytesMax), identity: identity,
        usage: { UnitObserver.usage(getpid()) }, status: status)
    }
  }
}
