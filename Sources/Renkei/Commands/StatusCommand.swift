internal import ArgumentParser
internal import Glibc
internal import Reporter
internal import Wire

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show how the running unit is.",
    usage: "renkei status [-c FILE | --directory DIR] [--format text|json] [--lang en|ja]",
    discussion: """
      Shows what `renkei run` does: its processes, rates, how full their rings are, what was dropped where \
      and why, and when the map was last committed.

      Examples:
        renkei status
        renkei status --format json | jq .accounting

      Exit status: 0 the unit runs, 3 it doesn't or hangs, 1 an error, 2 wrong usage.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json
  }

  /// That of an init script's `status` for a program that does not run (LSB 5.0, 22.2).
  static let exitStatusNotRunning: Int32 = 3

  @OptionGroup var configuration: ConfigurationOptions

  @Option(help: ArgumentHelp("The unit's directory, instead of that in the configuration."))
  var directory: String?

  @Option(help: "text (default) or json.")
  var format: Format = .text

  @Option(help: "Language of the text: en or ja. Default: from LANG.")
  var lang: ReportLanguage?

  func validate() throws {
    if directory != nil, configuration.path != nil {
      throw ValidationError("-c or --directory, not both")
    }
  }

  func run() throws {
    let directory = try self.directory ?? configuration.loadOrDefault().run.directory
    let language = lang ?? .ofEnvironment
    let status: UnitStatus
    do {
      status = try UnitStatus.read(from: directory)
    } catch {
      guard case .missing = error else { throw RunError("\(error)") }
      try write(
        text: StatusText.missing(error, language: language),
        answer: StatusAnswer(isRunning: false, reason: "\(error)", status: nil))
      throw ExitCode(StatusCommand.exitStatusNotRunning)
    }
    let now = Clock.wallSeconds()
    let condition = UnitCondition(of: status, now: now)
    try write(
      text: StatusText(
        status, condition: condition, now: now, language: language, version: RenkeiCommand.version
      ).text,
      answer: StatusAnswer(
        isRunning: condition == .running, reason: status.illness(condition), status: status))
    if condition != .running { throw ExitCode(StatusCommand.exitStatusNotRunning) }
  }

  private func write(text: String, answer: StatusAnswer) throws {
    let output = format == .json ? try answer.json() : text
    try AtomicOutput.write(to: "-") { $0.write(output) }
  }
}
