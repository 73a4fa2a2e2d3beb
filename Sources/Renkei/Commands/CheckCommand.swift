internal import ArgumentParser
internal import Reporter

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check a configuration.",
    usage: "renkei check [-c FILE] [--print]",
    discussion: """
      Says what is wrong in the configuration, all of it, by line; then what on this machine does not fit \
      (an interface that is not there, a directory that may not be written), as warnings.

      Examples:
        renkei check
        renkei check -c renkei.yaml --print        every key with its value
        renkei check -c /etc/renkei/cluster.yaml   a box of a cluster

      Exit status: 0 right, with or without warnings; 1 wrong; 2 wrong usage.
      """)

  @OptionGroup var configuration: ConfigurationOptions

  @Flag(name: .customLong("print"), help: "Print the configuration with all its defaults, as YAML.")
  var prints = false

  func run() throws {
    let path = configuration.path ?? UnitConfiguration.defaultPath
    let unit: UnitConfiguration
    do {
      unit = try configuration.load()
    } catch let error as ConfigurationError {
      for problem in error.problems {
        Terminal.standardError(Terminal.oneLine("\(path): \(problem)") + "\n")
      }
      throw ExitCode(1)
    }
    let fit = MachineCheck(unit)
    for problem in fit.problems {
      Terminal.standardError(Terminal.oneLine("\(path): \(problem)") + "\n")
    }
    guard fit.problems.isEmpty else { throw ExitCode(1) }
    for warning in fit.warnings {
      Terminal.standardError(Terminal.oneLine("\(path): warning: \(warning)") + "\n")
    }
    let cluster = try? ClusterConfiguration.load(path: path)
    let output =
      prints
      ? (cluster?.clusterYAML ?? "") + unit.yaml
      : Terminal.oneLine("\(path): ok: \(unit.summary)") + "\n"
    try AtomicOutput.write(to: "-") { $0.write(output) }
  }
}
