internal import ArgumentParser
internal import Collector
internal import Foundation
internal import Glibc
internal import Reporter
internal import Wire

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Capture day and night, and keep the map in a store.",
    usage: "renkei run [-c FILE] [-i INTERFACE …] [--store MAP.DB] ['filter']",
    discussion: """
      Runs in the foreground, as a service manager wants it, until SIGTERM or Ctrl-C; then it takes in \
      what is on its way and commits it. SIGHUP reads the configuration again. A process of the \
      pipeline that dies is started again, and goes on where it stopped.

      Examples:
        sudo renkei run -i eth0 --store map.db
        renkei run -c /etc/renkei/renkei.yaml
        renkei status
        renkei report --store map.db --from -1h -o lasthour.html

      Exit status: 0 ended by a signal, all committed; 1 an error; 2 wrong usage.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Option(
    name: [.customShort("i"), .customLong("interface")], parsing: .singleValue,
    help: ArgumentHelp(
      "Capture from INTERFACE instead of those of the configuration. May be given several times.",
      valueName: "interface"))
  var interfaces: [String] = []

  @Option(help: ArgumentHelp("The store, instead of the configuration's.", valueName: "map.db"))
  var store: String?

  @Option(
    help: ArgumentHelp(
      "Where status.json is written, instead of the configuration's place.", valueName: "dir"))
  var directory: String?

  @Argument(help: ArgumentHelp("A packet filter, see pcap-filter(7).", valueName: "filter"))
  var filter: [String] = []

  /// - Throws: `ConfigurationError`, `ValidationError`, `CollectorError`, `ServiceError`.
  private func effective() throws -> UnitConfiguration {
    var configuration = try options.loadOrDefault()
    if !interfaces.isEmpty {
      configuration.interfaces = interfaces.map { UnitConfiguration.Interface(name: $0) }
    }
    configuration.store.path = store ?? configuration.store.path
    configuration.run.directory = directory ?? configuration.run.directory
    if !filter.isEmpty { configuration.filter = filter.joined(separator: " ") }
    guard !configuration.interfaces.isEmpty else {
      throw ValidationError(
        "nothing to capture from: name an interface with -i, or under `interfaces` in "
          + (options.path ?? UnitConfiguration.defaultPath))
    }
    try CaptureFilter.check(configuration.filter)
    // Now and with its reason, rather than by a process that ends again and again.
    if let service = configuration.report.service() { try ReportService.check(service) }
    return configuration
  }

  /// Whether nobody has said whom the processes are to run as.
  private var isUserByDefault: Bool {
    options.path == nil && access(UnitConfiguration.defaultPath, F_OK) != 0
  }

  func run() throws { try LiveAudit.exiting { try capture() } }

  private func capture() throws {
    let configuration = try effective()
    let user = try UnitUser.of(configuration, isByDefault: isUserByDefault)
    try UnitDirectory.prepare(configuration, user: user)
    let notify = SdNotify(environment: ProcessInfo.processInfo.environment, pid: getpid())
    SdNotify.hideFromChildren()
    let plan = try UnitPlan(configuration, run: Clock.wallNs(), user: user)
    try UnitForeground(
      configuration: configuration, configurationPath: options.path, plan: plan,
      differences: { try effective().differences(from: configuration) }
    ).run(notify)
  }
}
