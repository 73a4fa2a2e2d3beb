internal import ArgumentParser

/// Runs stages by themselves and prints one line of JSON for each run.
///
/// Beside the benchmarks of the library, for what these can't do: two processes, inputs of gigabytes,
/// one run under callgrind, a stream from a pipe.
@main
struct StagesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "renkei-stages", abstract: "Runs renkei's stages by themselves.",
    subcommands: [RunCommand.self, RingCommand.self, RingReadCommand.self, DaysCommand.self])
}
