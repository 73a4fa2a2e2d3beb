import Glibc

/// `renkei-generate`: reads the command line, runs the generator, says what came of it.
@main
enum GeneratorCommand {
  /// Exit status 0; 64 for a wrong command line, 74 for a file that cannot be written.
  static func main() {
    do throws(GeneratorError) {
      let options = try Options(Array(CommandLine.arguments.dropFirst()))
      if options.wantsHelp {
        print(Options.help)
        return
      }
      try run(options)
    } catch {
      say("renkei-generate: \(error.message)\n")
      exit(error.exitStatus)
    }
  }

  /// One run.
  private static func run(_ options: Options) throws(GeneratorError) {
    let begin = seconds()
    var generator = Generator(options: options)
    var file = try CaptureFile(path: options.outputPath)
    try generator.run(into: &file)
    let end = seconds()
    if let path = options.truthPath { try generator.truth.write(to: path) }
    say(generator.summary.line(wallSeconds: end - begin))
  }

  /// Seconds on a clock that only goes forward.
  private static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Writes a line to standard error, which stays free for it when the capture goes to standard
  /// output.
  private static func say(_ line: String) {
    // SAFETY: the array's octets are initialised and outlive the call. A failure has nowhere to go.
    _ = Array(line.utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
