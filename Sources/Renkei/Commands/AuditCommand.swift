internal import ArgumentParser
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

  @OptionGroup var capture: CaptureOptions

  @OptionGroup var report: ReportOptions

  @Flag(name: .shortAndLong, help: "No summary and no progress on standard error.")
  var quiet = false

  func validate() throws {
    guard !capture.files.isEmpty else {
      throw ValidationError("nothing to read: name a capture with -r FILE")
    }
    _ = try plan()
  }

  private func plan() throws -> OutputPlan {
    try OutputPlan(
      outputs: report.outputs, format: report.format,
      defaultName: OutputPlan.defaultName(for: capture.files[0]))
  }

  func run() throws {
    let plan = try plan()
    try plan.check(
      inputs: capture.files + report.names + (report.rolesOption.roles.map { [$0] } ?? []))
    try report.rolesOption.check()
    _ = try report.hostNames()
    let folder = try plan.store.map { try WorkFolder(for: $0) }
    defer { folder?.remove() }
    var words = report.words(outputs: plan.reports) + ["--parent", "\(getpid())"]
    if !quiet { words.append("--summary") }
    try capture.audit(storePath: folder?.store, showsProgress: !quiet, reportOptions: words)
      .runOrExit()
    try folder?.keep()
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
