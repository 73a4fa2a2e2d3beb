internal import Collector
internal import Glibc
internal import Wire

/// The supervisor (制御部) of an audit: starts every stage as a child and waits for them. The reporter is
/// one of them: it makes what was asked for while the merger writes the store.
///
/// A stage that fails or is killed ends the run: the others are ended too, nothing is written, and
/// one line says which stage it was.
struct AuditRun {
  var files: [String]
  var filter: String
  var decapsulates: Bool
  var deduplicates: Bool
  var trackers: Int
  /// Where the store is written; it becomes the user's file only when all is done. nil where none is
  /// wanted.
  var storePath: String?
  var showsProgress: Bool
  /// Options of `renkei report`, which makes all reports; nil where only the store is wanted.
  var reportOptions: [String]?

  /// 64 KiB a slot is about 3,400 records; 64 slots are 4 MiB, a second-level cache.
  private static let slotBytes = 65536
  private static let slotCount = 64

  /// - Throws: `RunError`; `Interrupted` after SIGINT or SIGTERM.
  func run() throws {
    let status = try StatusBoard(processes: trackers + 3)
    let collected = try AuditRun.ring("renkei-collected")
    // A single tracker owns everything: it reads what the collector writes.
    let splits = trackers > 1
    let shards = try RingSet(count: splits ? trackers : 0, name: "renkei-shard")
    let inputs = splits ? shards.descriptors : [collected.descriptor]
    let epochs = try RingSet(count: trackers, name: "renkei-epoch")
    let finished = try AuditRun.ring("renkei-finished")
    let supervision = Supervision()

    let collector = 0
    let splitter = 1
    let merger = 2
    let capture = files[0] + (files.count > 1 ? " and \(files.count - 1) more" : "")
    func stage(_ name: String, _ process: Int) -> [String] {
      [
        "stage", name, "--capture=\(capture)", "--status-fd", "\(status.descriptor)", "--process",
        "\(process)", "--parent", "\(getpid())",
      ]
    }
    // In the order in which they have something to do.
    try supervision.start(
      "collector",
      stage("collect", collector) + ["--output-fd", "\(collected.descriptor)"]
        + (decapsulates ? [] : ["--no-decapsulate"])
        + (deduplicates ? [] : ["--no-deduplicate"]) + files.map { "--read=\($0)" }
        + (filter.isEmpty ? [] : ["--", filter]),
      [status.descriptor, collected.descriptor], keepsStandardInput: files.contains("-"))
    if splits {
      try supervision.start(
        "splitter",
        stage("split", splitter) + ["--input-fd", "\(collected.descriptor)"]
          + shards.options("--output-fd"),
        [status.descriptor, collected.descriptor] + shards.descriptors)
    }
    for index in 0..<trackers {
      try supervision.start(
        "tracker \(index + 1)",
        stage("track", 3 + index) + [
          "--number", "\(index + 1)", "--input-fd", "\(inputs[index])", "--output-fd",
          "\(epochs.descriptors[index])",
        ],
        [status.descriptor, inputs[index], epochs.descriptors[index]])
    }
    try supervision.start(
      "merger",
      stage("merge", merger) + (storePath.map { ["--store=\($0)"] } ?? [])
        + (reportOptions == nil ? [] : ["--output-fd", "\(finished.descriptor)"])
        + epochs.options("--input-fd"),
      [status.descriptor, finished.descriptor] + epochs.descriptors)
    if let reportOptions {
      try supervision.start(
        "reporter", ["report", "--input-fd", "\(finished.descriptor)"] + reportOptions,
        [finished.descriptor])
    }

    let bar = ProgressBar()
    if showsProgress { bar.start(status, collector: collector) }
    let failure = supervision.waitForAll()
    if showsProgress { bar.finish() }
    if let failure { throw failure }
  }

  fileprivate static func ring(_ name: String) throws -> Ring {
    try Ring(name: name, slotCount: slotCount, slotBytes: slotBytes)
  }
}

/// The rings between one stage and the trackers.
private struct RingSet: ~Copyable {
  private let rings: UnsafeMutablePointer<Ring>
  let descriptors: [Int32]

  init(count: Int, name: String) throws {
    var made = 0
    let rings = UnsafeMutablePointer<Ring>.allocate(capacity: count)
    do {
      while made < count {
        (rings + made).initialize(to: try AuditRun.ring("\(name)-\(made + 1)"))
        made += 1
      }
    } catch {
      rings.deinitialize(count: made)
      rings.deallocate()
      throw error
    }
    self.rings = rings
    descriptors = (0..<count).map { rings[$0].descriptor }
  }

  deinit {
    rings.deinitialize(count: descriptors.count)
    rings.deallocate()
  }

  func options(_ name: String) -> [String] {
    descriptors.flatMap { [name, "\($0)"] }
  }
}
