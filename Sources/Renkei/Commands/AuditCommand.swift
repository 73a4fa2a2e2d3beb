internal import ArgumentParser
internal import Collector
internal import Foundation
internal import Glibc

struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Read captures and report who provides what to whom.",
    usage: "renkei audit -r FILE [-r FILE …] [-o OUT …] [--format FORMAT] [options] ['filter']",
    discussion: """
      Reads pcap and pcapng, also compressed with gzip, zstd or lz4. Several files are read as one \
      capture, in the order of their first packets. A filter in the words of pcap-filter(7) limits \
      what is read, and means the same on VLAN-tagged frames.

      Without -o and --format the report is an HTML page in this directory, named after the first \
      file. A summary goes to standard error.

      Exit status: 0 done, 1 an error (one line on standard error), 2 wrong usage.
      """)

  @Option(
    name: [.customShort("r"), .customLong("read")], parsing: .singleValue,
    help: ArgumentHelp(
      "Read packets from FILE; \"-\" is standard input. May be given several times.",
      valueName: "file"))
  var files: [String] = []

  @OptionGroup var report: ReportOptions

  @Flag(help: "Map tunnels (GRE, VXLAN, Geneve, GTP-U, IP in IP, …) as such, not what is in them.")
  var noDecapsulate = false

  @Flag(
    help: "Count every copy of a packet, as a mirror port of both directions delivers them.")
  var noDeduplicate = false

  @Option(help: ArgumentHelp("Tracker processes. Default: half the cores.", valueName: "n"))
  var trackers: Int?

  @Flag(name: .shortAndLong, help: "No summary and no progress on standard error.")
  var quiet = false

  @Argument(help: ArgumentHelp("A packet filter, see pcap-filter(7).", valueName: "filter"))
  var filter: [String] = []

  func validate() throws {
    guard !files.isEmpty else {
      throw ValidationError("nothing to read: name a capture with -r FILE")
    }
    guard files.filter({ $0 == "-" }).count <= 1 else {
      throw ValidationError("-r -: standard input can be read once")
    }
    guard (1...64).contains(trackers ?? 1) else { throw ValidationError("--trackers: 1 to 64") }
    _ = try plan()
  }

  /// Whether two names lead to the same regular file.
  private func isSame(_ one: String, _ other: String) -> Bool {
    var a = stat()
    var b = stat()
    return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_mode & S_IFMT == S_IFREG
      && a.st_dev == b.st_dev && a.st_ino == b.st_ino
  }

  private func plan() throws -> OutputPlan {
    try OutputPlan(
      outputs: report.outputs, format: report.format,
      defaultName: OutputPlan.defaultName(for: files[0]))
  }

  func run() throws {
    let plan = try plan()
    try plan.check(inputs: files + report.names)
    // A name for the same thing; children have a standard input of their own.
    let files = files.map { $0 == "/dev/stdin" ? "-" : $0 }
    for (index, file) in files.enumerated()
    where files[..<index].contains(where: { isSame($0, file) }) {
      throw RunError("\(file): is named twice; its packets would count twice")
    }
    let filter = filter.joined(separator: " ")
    try CaptureFilter.check(filter)
    let captures = try CaptureFiles.inspect(files)
    _ = try report.hostNames()
    let folder = try WorkFolder(for: plan.store)
    defer { folder.remove() }
    var words = report.words(outputs: plan.reports) + ["--parent", "\(getpid())"]
    if !quiet { words.append("--summary") }
    let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    do {
      try AuditRun(
        files: captures.paths, filter: filter,
        decapsulates: !noDecapsulate, deduplicates: !noDeduplicate,
        trackers: trackers ?? min(64, max(1, cores / 2)),
        storePath: folder.store, showsProgress: !quiet, reportOptions: words
      ).run()
    } catch let interrupted as Interrupted {
      throw ExitCode(128 + interrupted.signal)
    } catch let failed as StageFailed where failed.alreadySaid {
      throw ExitCode(1)
    }
    try folder.keep()
    if !quiet {
      for path in plan.reports.map(\.path) + (plan.store.map { [$0] } ?? []) where path != "-" {
        Terminal.standardError("\(path)\n")
      }
    }
  }
}

/// Where the store is while it is being made: beside its place where the user keeps it, so that a
/// rename puts it there; else in a folder of its own that is removed.
struct WorkFolder {
  /// The path to write the store to.
  let store: String
  private let kept: String?
  private let folder: String?

  init(for kept: String?) throws {
    // A link stays, and what it leads to is replaced.
    self.kept = kept.map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().path }
    if let kept = self.kept {
      let directory = (kept as NSString).deletingLastPathComponent
      store = (directory as NSString).appendingPathComponent(".renkei-\(getpid()).db.tmp")
      folder = nil
    } else {
      let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
      var template = Array("\(base)/renkei-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else {
        throw RunError(
          "\(base): cannot make a folder for the map: \(String(cString: strerror(errno))); "
            + "set TMPDIR to one with room")
      }
      let path = String(
        decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
      folder = path
      store = path + "/map.db"
    }
  }

  /// Puts the store to its place, where one was asked for.
  func keep() throws {
    guard let kept else { return }
    guard rename(store, kept) == 0 else {
      throw RunError("\(kept): cannot be put in place: \(String(cString: strerror(errno)))")
    }
  }

  /// Removes what is left.
  func remove() {
    unlink(store)
    if let folder { rmdir(folder) }
  }
}
