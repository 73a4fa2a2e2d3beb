internal import ArgumentParser
internal import CLinux
internal import Reporter
internal import ServiceMap
internal import Wire

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Make a report from a map: one that was kept, or that a unit is writing.",
    usage: """
      renkei report --store MAP.DB [-o OUT …] [--format FORMAT] [options]
      renkei report --store MAP.DB --listen [ADDRESS:]PORT [options]
      """,
    discussion: """
      Examples:
        renkei report --store map.db -o report.html
        renkei report --store map.db --format json | jq '.hosts[].provides'
        renkei report --store map.db --roles roles.txt -o corrected.html
        renkei report --store map.db --from yesterday --to today -o yesterday.html
        renkei report --store map.db --at 14:05 --format text -o -
        renkei report --store map.db --listen 9478          pages at http://127.0.0.1:9478/
        renkei report --store map.db --listen 9478 --cluster reporter.yaml
      """)

  @Option(help: ArgumentHelp("The map store.", valueName: "map.db"))
  var store: String?

  @OptionGroup var time: TimeOptions

  @OptionGroup var options: ReportOptions

  @OptionGroup(title: "Serving") var serving: ServeOptions

  @Option(
    help: ArgumentHelp(
      "With --listen, of a merger's map: show on the page of health how the processes of the cluster are. FILE says "
        + "how to reach it; its user need read the status only.", valueName: "file"))
  var cluster: String?

  /// From `audit`: what to write, already worked out, as format:path.
  @Option(parsing: .singleValue, help: .hidden) var write: [String] = []
  /// From `audit`: print the summary on standard error.
  @Flag(help: .hidden) var summary = false
  @Option(help: .hidden) var parent: Int32?
  /// From `audit`: the ring from the merger, instead of a store.
  @Option(help: .hidden) var inputFd: Int32?

  func validate() throws {
    guard store != nil || inputFd != nil else {
      throw ValidationError("Missing expected argument '--store <map.db>'")
    }
    if cluster != nil, try serving.configuration() == nil {
      throw ValidationError("--cluster goes with --listen")
    }
  }

  func run() throws {
    if let parent {
      renkei_set_process_name("renkei-report")
      renkei_die_with_parent(parent)
    }
    if let service = try serving.configuration() { return try serve(service) }
    var reports = write.compactMap { word -> OutputPlan.Report? in
      let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
      guard parts.count == 2, let format = ReportFormat(rawValue: parts[0]) else { return nil }
      return OutputPlan.Report(format: format, path: parts[1])
    }
    if let store, parent == nil {
      let plan = try OutputPlan(
        outputs: options.outputs, format: options.format,
        defaultName: OutputPlan.defaultName(for: store))
      guard plan.store == nil else {
        throw ValidationError("-o: the store is kept by `audit`; copy the file to have another")
      }
      try plan.check(inputs: [store] + (options.map.rolesOption.roles.map { [$0] } ?? []))
      reports = plan.reports
    }
    let directory = try options.map.directory()
    guard let inputFd else {
      let range = try time.range()
      let content = try MapStore.read(path: store ?? "", range: range)
      if let note = TimeOptions.note(content.coverage, asked: range) {
        Terminal.standardError("renkei: \(note)\n")
      }
      return try write(reports, of: try options.map.map(of: content, directory), directory)
    }
    var reader = RingReader(try Ring(inherited: inputFd))
    let map = try options.map.map(of: try MapHandover.receive(from: &reader), directory)
    // Nothing is shown of a run of which something else fails.
    try write(reports, of: map, directory) { MapHandover.awaitEnd(of: &reader) }
  }

  /// Serves the map's pages until it is ended.
  private func serve(_ service: ServiceConfiguration) throws {
    guard let store else { throw ValidationError("--listen: of a map that is in --store") }
    guard options.outputs.isEmpty, options.format == nil, !time.isGiven else {
      throw ValidationError(
        "--listen serves pages of all times; -o, --format, --at, --from and --to write one")
    }
    // A map that can't be read is no news for later.
    _ = try StoreInfo.read(path: store)
    let configuration = try cluster.map { try ClusterConfiguration.load(path: $0) }
    let source = MapSource(try options.map.source(of: store))
    Task.detached { await source.follow() }
    guard let configuration else {
      return try ServiceRunner.run(
        service, pages: try ReportSite(source: source, version: RenkeiCommand.version))
    }
    let watch = ClusterWatch()
    watch.begin { try configuration.connected() }
    // As of a unit's map, a day is what most want to see.
    let site = try ReportSite(
      source: source, usual: .last(seconds: 86_400), version: RenkeiCommand.version,
      health: { watch.health($0) })
    try ServiceRunner.run(service, pages: site)
  }

  private func write(
    _ reports: [OutputPlan.Report], of map: ServiceMap, _ directory: HostDirectory,
    whenReady: () -> Void = {}
  ) throws {
    let reporter = MapReport(
      map: map, serviceNames: try options.map.services(), directory: directory,
      language: options.language, version: RenkeiCommand.version)
    for report in reports {
      try reporter.write(report.format, to: report.path, whenReady: whenReady)
    }
    whenReady()
    if summary {
      Terminal.clearLine()
      Terminal.standardError(reporter.summaryText())
    }
  }
}
