internal import ArgumentParser
internal import Foundation
internal import Glibc

struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Read captures, or an interface, and report who provides what to whom.",
    usage: """
      renkei audit -r FILE [-r FILE …] [-o OUT …] [--format FORMAT] [options] ['filter']
      renkei audit -i INTERFACE [--for TIME] [-o OUT …] [options] ['filter']
      """,
    discussion: """
      Reads pcap and pcapng, also compressed with gzip, zstd or lz4. Several files are read as one \
      capture, in the order of their first packets. A filter in the words of pcap-filter(7) limits \
      what is read, and means the same on VLAN-tagged frames.

      With -i it captures from an interface until the time is over, enough packets are there, or \
      Ctrl-C; then it takes in what is on its way and reports. Ctrl-C once more gives up.

      Without -o and --format the report is an HTML page in this directory, named after the first \
      file or interface. A summary goes to standard error.

      Examples:
        renkei audit -r trace.pcap
        sudo renkei audit -i eth0 --for 10m -o report.html 'not port 22'

      Exit status: 0 done, 1 an error (one line on standard error), 2 wrong usage.
      """)

  @OptionGroup var capture: CaptureOptions

  @OptionGroup var live: LiveOptions

  @OptionGroup var report: ReportOptions

  @Flag(name: .shortAndLong, help: "No summary and no progress on standard error.")
  var quiet = false

  func validate() throws {
    guard capture.files.isEmpty != live.interfaces.isEmpty else {
      throw ValidationError(
        capture.files.isEmpty
          ? "nothing to read: name a capture with -r FILE, or an interface with -i INTERFACE"
          : "-r reads files and -i captures: one of them at a time")
    }
    if live.interfaces.isEmpty && live.isLimited {
      throw ValidationError("--for and --count end a capture from an interface (-i)")
    }
    _ = try plan()
  }

  private func plan() throws -> OutputPlan {
    try OutputPlan(
      outputs: report.outputs, format: report.format,
      defaultName: live.interfaces.first.map { "\($0).html" }
        ?? OutputPlan.defaultName(for: capture.files[0]))
  }

  func run() throws {
    let plan = try plan()
    try plan.check(
      inputs: capture.files + report.map.names + report.map.serviceNames
        + (report.map.rolesOption.roles.map { [$0] } ?? []))
    try report.map.rolesOption.check()
    // The reporter says what is wrong with their lines.
    _ = try report.map.directory(isQuiet: true)
    _ = try report.map.services(isQuiet: true)
    var words = report.words(outputs: plan.reports) + ["--parent", "\(getpid())"]
    if !quiet { words.append("--summary") }
    if live.interfaces.isEmpty {
      let folder = try plan.store.map { try WorkFolder(for: $0) }
      defer { folder?.remove() }
      try capture.audit(storePath: folder?.store, showsProgress: !quiet, reportOptions: words)
        .runOrExit()
      try folder?.keep()
    } else {
      let audit = LiveAudit(
        configuration: try live.configuration(capture), limitSeconds: try live.limitSeconds(),
        packetsMax: live.count, showsProgress: !quiet)
      try audit.run(keptStore: plan.store, reportOptions: words)
    }
    if !quiet {
      for path in plan.reports.map(\.path) + (plan.store.map { [$0] } ?? []) where path != "-" {
        Terminal.standardError("\(path)\n")
      }
    }
  }
}

/// Where the store is while it is being made: beside its place where the user keeps it, so that a
/// rename puts it there; else, and where other users make it, in a folder of its own that is removed.
struct WorkFolder {
  /// The path to write the store to.
  let store: String
  private let kept: String?
  private let folder: String?

  /// - Parameter owner: who makes the store, where that is another user.
  init(for kept: String?, owner: (uid: uid_t, gid: gid_t)? = nil, isApart: Bool = false) throws {
    // A link stays, and what it leads to is replaced.
    self.kept = kept.map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().path }
    if let kept = self.kept, !isApart {
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
      if let owner { chown(path, owner.uid, owner.gid) }
      folder = path
      store = path + "/map.db"
    }
  }

  /// Puts the store to its place, where one was asked for.
  func keep() throws {
    guard let kept else { return }
    var source = store
    if folder != nil {
      // It may be on another file system, where it can't be renamed from.
      let directory = (kept as NSString).deletingLastPathComponent
      source = (directory as NSString).appendingPathComponent(".renkei-\(getpid()).db.tmp")
      do {
        try FileManager.default.copyItem(atPath: store, toPath: source)
      } catch {
        unlink(source)
        throw RunError("\(kept): cannot be written: \((error as NSError).localizedDescription)")
      }
      chown(source, getuid(), getgid())
    }
    guard rename(source, kept) == 0 else {
      throw RunError("\(kept): cannot be put in place: \(String(cString: strerror(errno)))")
    }
  }

  /// Removes what is left.
  func remove() {
    for ending in ["", "-wal", "-shm", "-journal", ".lock"] { unlink(store + ending) }
    if let folder { rmdir(folder) }
  }
}
