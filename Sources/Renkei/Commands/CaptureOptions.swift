internal import ArgumentParser
internal import Collector
internal import Glibc

/// What is read, and how: common to the commands that read captures.
struct CaptureOptions: ParsableArguments {
  @Option(
    name: [.customShort("r"), .customLong("read")], parsing: .singleValue,
    help: ArgumentHelp(
      "Read packets from FILE; \"-\" is standard input. May be given several times.",
      valueName: "file"))
  var files: [String] = []

  @Flag(help: "Map tunnels (GRE, VXLAN, Geneve, GTP-U, IP in IP, …) as such, not what is in them.")
  var noDecapsulate = false

  @Flag(
    help: "Count every copy of a packet, as a mirror port of both directions delivers them.")
  var noDeduplicate = false

  @Option(help: ArgumentHelp("Tracker processes. Default: half the cores.", valueName: "n"))
  var trackers: Int?

  @Argument(help: ArgumentHelp("A packet filter, see pcap-filter(7).", valueName: "filter"))
  var filter: [String] = []

  func validate() throws {
    guard files.filter({ $0 == "-" }).count <= 1 else {
      throw ValidationError("-r -: standard input can be read once")
    }
    guard (1...64).contains(trackers ?? 1) else { throw ValidationError("--trackers: 1 to 64") }
  }

  /// The run that makes a store of the captures, which have been looked at.
  ///
  /// - Parameters:
  ///   - storePath: where the store is written; nil where none is wanted.
  ///   - reportOptions: for `renkei report`; nil where no report is wanted.
  /// - Throws: `RunError` and the like, before anything is started.
  func audit(storePath: String?, showsProgress: Bool, reportOptions: [String]?) throws -> AuditRun {
    // A name for the same thing; children have a standard input of their own.
    let files = files.map { $0 == "/dev/stdin" ? "-" : $0 }
    for (index, file) in files.enumerated()
    where files[..<index].contains(where: { isSame($0, file) }) {
      throw RunError("\(file): is named twice; its packets would count twice")
    }
    let filter = filter.joined(separator: " ")
    try CaptureFilter.check(filter)
    let captures = try CaptureFiles.inspect(files)
    let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    return AuditRun(
      files: captures.paths, filter: filter, decapsulates: !noDecapsulate,
      deduplicates: !noDeduplicate, trackers: trackers ?? min(64, max(1, cores / 2)),
      storePath: storePath,
      showsProgress: showsProgress, reportOptions: reportOptions)
  }

  /// Whether two names lead to the same regular file.
  private func isSame(_ one: String, _ other: String) -> Bool {
    var a = stat()
    var b = stat()
    return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_mode & S_IFMT == S_IFREG
      && a.st_dev == b.st_dev && a.st_ino == b.st_ino
  }
}

extension AuditRun {
  /// Runs, and ends the program as the command line promises where that fails.
  func runOrExit() throws { try LiveAudit.exiting { try run() } }
}

extension LiveAudit {
  /// Does `body`, and ends the program as the command line promises where that fails.
  static func exiting(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let interrupted as Interrupted {
      throw ExitCode(128 + interrupted.signal)
    } catch let failed as StageFailed where failed.alreadySaid {
      throw ExitCode(1)
    }
  }
}
