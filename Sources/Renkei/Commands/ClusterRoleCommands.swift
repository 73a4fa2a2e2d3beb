internal import ArgumentParser
internal import Cluster
internal import Collector
internal import Foundation
internal import Glibc
internal import Wire

struct ClusterCollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collect",
    abstract: "Capture for a cluster: packets' headers go to NATS.",
    usage: """
      renkei collect [-c FILE] [-i INTERFACE …] ['filter']
      renkei collect [-c FILE] -r FILE [-r FILE …] ['filter']
      """,
    discussion: """
      Captures like `renkei run`, but keeps no map: 19 bytes of each packet's headers go to the cluster, where \
      trackers and mergers make the map of all capture points. While the cluster can't be reached they wait on disk \
      (cluster: spool), and go out in order when it can.

      Runs in the foreground until SIGTERM or Ctrl-C; SIGHUP reads the configuration again. With -r it reads capture \
      files, once, and ends when all of it is in the cluster.

      Examples:
        sudo renkei collect -c /etc/renkei/cluster.yaml
        renkei collect -c cluster.yaml -r monday.pcap.gz
        renkei status -c cluster.yaml
        renkei cluster status -c cluster.yaml

      Exit status: 0 ended by a signal, or everything is in the cluster; 1 an error; 2 wrong usage.
      """)

  @OptionGroup var options: ClusterOptions

  @Option(
    name: [.customShort("i"), .customLong("interface")], parsing: .singleValue,
    help: ArgumentHelp(
      "Capture from INTERFACE instead of those of the configuration. May be given several times.",
      valueName: "interface"))
  var interfaces: [String] = []

  @Option(
    name: [.customShort("r"), .customLong("read")], parsing: .singleValue,
    help: ArgumentHelp(
      "Read a capture file instead. May be given several times.", valueName: "file"))
  var files: [String] = []

  @Argument(help: ArgumentHelp("A packet filter, see pcap-filter(7).", valueName: "filter"))
  var filter: [String] = []

  func validate() throws {
    guard interfaces.isEmpty || files.isEmpty else {
      throw ValidationError("-r reads files and -i captures: one of them at a time")
    }
    for file in files where file == "-" {
      throw ValidationError("-r -: a cluster's collector reads files, not standard input")
    }
  }

  /// - Throws: `ConfigurationError`, `ValidationError`, `CollectorError`.
  private func effective() throws -> ClusterConfiguration {
    var configuration = try options.load()
    if !interfaces.isEmpty {
      configuration.unit.interfaces = interfaces.map { UnitConfiguration.Interface(name: $0) }
    }
    if !filter.isEmpty { configuration.unit.filter = filter.joined(separator: " ") }
    guard !files.isEmpty || !configuration.unit.interfaces.isEmpty else {
      throw ValidationError(
        "nothing to capture from: name an interface with -i, or under `interfaces` in "
          + options.path)
    }
    try CaptureFilter.check(configuration.unit.filter)
    return configuration
  }

  func run() throws { try LiveAudit.exiting { try capture() } }

  private func capture() throws {
    let configuration = try effective()
    let sorted = files.isEmpty ? [] : try CaptureFiles.inspect(files).paths
    let user = try UnitUser.of(configuration.unit, isByDefault: false)
    try UnitDirectory.prepare(configuration, readsFiles: !files.isEmpty, user: user)
    let notify = SdNotify(environment: ProcessInfo.processInfo.environment, pid: getpid())
    SdNotify.hideFromChildren()
    // The link's threads must not take signals that are this thread's.
    let signals = EndingSignals()
    try ClusterCheck.run(configuration)
    if signals.isPending { return }
    let plan = try UnitPlan(
      configuration, path: options.path, run: Clock.wallNs(), files: sorted, user: user)
    try UnitForeground(
      configuration: configuration.unit, configurationPath: options.path, plan: plan,
      differences: {
        let now = try effective()
        return now.unit.differences(from: configuration.unit)
          + (now.cluster == configuration.cluster ? [] : ["cluster"])
      }
    ).run(notify)
  }
}

struct ClusterTrackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "track",
    abstract: "Track sessions for a cluster.",
    usage: "renkei track [-c FILE] [--name NAME]",
    discussion: """
      Takes the records of some of the cluster's shards, tracks their sessions and reports what changed about once a \
      second. Any number may run, on any boxes, several a box under different names; they share the shards, and when \
      one dies the others take its shards over. Nothing is kept on this machine.

      Examples:
        renkei track -c /etc/renkei/cluster.yaml
        renkei track -c /etc/renkei/cluster.yaml --name tracker-2

      Exit status: 0 ended by a signal; 1 an error; 2 wrong usage.
      """)

  @OptionGroup var options: ClusterOptions

  @Option(help: "The tracker's name, instead of the configuration's.")
  var name: String?

  func validate() throws { try ClusterRole.check(name) }

  func run() throws {
    try ClusterRole.run("track", options, name: name) { configuration, link, isStopping in
      try ClusterRole.track(configuration, link, isStopping)
    }
  }
}

struct ClusterMergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Keep a cluster's map in a store.",
    usage: "renkei merge [-c FILE] [--name NAME] [--store MAP.DB]",
    discussion: """
      Takes what the cluster's trackers report into a store. Any number may run, each with the whole map in a store of \
      its own: a second one is a standby that has everything. What all of them have committed is deleted from the \
      cluster's streams. `renkei report --listen` beside it serves the pages.

      Examples:
        renkei merge -c /etc/renkei/cluster.yaml
        renkei report --store /var/lib/renkei/map.db --from -1h -o lasthour.html

      Exit status: 0 ended by a signal, all committed; 1 an error; 2 wrong usage.
      """)

  @OptionGroup var options: ClusterOptions

  @Option(help: "The merger's name, instead of the configuration's.")
  var name: String?

  @Option(help: ArgumentHelp("The store, instead of the configuration's.", valueName: "map.db"))
  var store: String?

  func validate() throws { try ClusterRole.check(name) }

  func run() throws {
    try ClusterRole.run("merge", options, name: name) { configuration, link, isStopping in
      var configuration = configuration
      configuration.unit.store.path = store ?? configuration.unit.store.path
      try ClusterRole.merge(configuration, link, isStopping)
    }
  }
}
