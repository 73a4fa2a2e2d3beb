public import Cluster
internal import Foundation
internal import Glibc
internal import ServiceMap
internal import Wire

/// データ統合部 of a cluster: takes what all trackers report into a store of its own. Any number may run, each
/// with the whole map; what all of them have in their stores is deleted from the streams.
public enum ClusterMergerService {
  /// Messages that are taken between two looks at the clock.
  private static let messagesAtOnce = 32
  private static let rest: ClosedRange<UInt32> = 1_000...50_000

  /// Runs until it is told to stop, then commits. May be killed at any moment: another one on the same store then
  /// goes on, and nothing is lost or counted twice.
  ///
  /// While NATS can't be reached it waits. While the store is full it goes on in memory, and nothing is deleted from
  /// the streams.
  ///
  /// - Throws: `StoreError`, but where the store is full; `MergerError`; `ClusterError` where credentials or the
  ///   cluster do not allow it.
  public static func run(
    _ settings: ClusterMergerSettings, log: any ClusterLog, isStopping: () -> Bool
  ) throws {
    let store = try UnitStore(path: settings.store)
    let merging = try ClusterMerging(settings, store: store)
    defer { store.close() }
    var upkeep = ClusterMergerUpkeep(settings, log, setAside: store.setAside)
    var reader: (any LogReader)?
    var committedAt = 0.0
    var maintainedAt = 0.0
    var pause = rest.lowerBound
    while !isStopping() {
      var isAny = false
      do {
        if reader == nil, try upkeep.greet(merging) {
          reader = try log.reader(
            of: ClusterSubject.epochs, in: .epochs, from: merging.nextSequence)
        }
        for _ in 0..<messagesAtOnce {
          guard let message = try reader?.poll() else { break }
          try merging.take(message)
          isAny = true
        }
      } catch ClusterError.unreachable(let why) {
        upkeep.unreachable = why
      }
      let now = Clock.seconds()
      if now >= committedAt + settings.commitSeconds, merging.hasNews {
        if try merging.commit() { upkeep.committedAtSeconds = Clock.wallSeconds() }
        committedAt = Clock.seconds()
      }
      try upkeep.isDue(at: now, merging, pending: reader?.pending ?? 0)
      if !merging.periods.isStoreFull, now > maintainedAt + 1 {
        let isMore = try merging.periods.maintain(
          settings.retention, nowSeconds: Clock.wallNs() / 1_000_000_000, budgetSeconds: 0.03)
        maintainedAt = isMore ? 0 : now
      }
      pause = isAny ? rest.lowerBound : min(pause * 2, rest.upperBound)
      if !isAny { usleep(pause) }
    }
    // What is not in the store now is in the streams.
    if merging.hasNews, try merging.commit() { upkeep.committedAtSeconds = Clock.wallSeconds() }
    try upkeep.end(merging)
  }

  /// Takes a merger that will not come back from those for whom the streams are kept.
  ///
  /// - Returns: false where there is none of that name.
  /// - Throws: `ClusterError`.
  public static func forget(merger name: String, log: any ClusterLog) throws(ClusterError) -> Bool {
    let key = ClusterWatermark.key(of: name)
    guard try log.get(key, in: .cluster) != nil else { return false }
    try log.delete(key, in: .cluster)
    try log.delete("merger.\(name)", in: .status)
    return true
  }
}

/// What a merger tells its cluster about once a second, and what it deletes.
private struct ClusterMergerUpkeep {
  private let settings: ClusterMergerSettings
  private let log: any ClusterLog
  private var process: ProcessStatus
  private let setAside: String?
  private var doneAt = 0.0
  private var isGreeted = false
  private var greetedAt: Double?
  /// Up to where the streams were deleted already.
  private var forgotten = ClusterWatermark()
  private var said: ClusterWatermark?
  /// Why NATS could not be reached the last time.
  var unreachable: String?
  var committedAtSeconds: Double?

  init(_ settings: ClusterMergerSettings, _ log: any ClusterLog, setAside: String?) {
    self.settings = settings
    self.log = log
    self.setAside = setAside
    process = ProcessStatus(
      role: .merger, name: settings.name, host: settings.host, pid: getpid(),
      version: settings.version, incarnation: Clock.wallNs(), atSeconds: Clock.wallSeconds())
  }

  /// Says that there is a merger for which the streams have to be kept, before it reads them.
  ///
  /// - Returns: whether reading may begin.
  mutating func greet(_ merging: ClusterMerging) throws(ClusterError) -> Bool {
    if isGreeted { return true }
    let now = Clock.seconds()
    if let greetedAt {
      isGreeted = now >= greetedAt + settings.greetingSeconds
      return isGreeted
    }
    let key = ClusterWatermark.key(of: settings.name)
    if try log.get(key, in: .cluster) == nil {
      try say(merging.watermark)
      greetedAt = now
      return false
    }
    isGreeted = true
    return true
  }

  private mutating func say(_ watermark: ClusterWatermark) throws(ClusterError) {
    guard said != watermark, let bytes = try? watermark.encoded() else { return }
    try log.put(bytes, for: ClusterWatermark.key(of: settings.name), in: .cluster)
    said = watermark
  }

  /// Does what is to be done each second, if one is over.
  ///
  /// - Throws: `ClusterError`, but where NATS can't be reached or takes nothing.
  mutating func isDue(
    at now: Double, _ merging: ClusterMerging, pending: UInt64
  ) throws(ClusterError) {
    guard now >= doneAt + settings.statusSeconds else { return }
    doneAt = now
    do {
      if isGreeted {
        // Always, as somebody may have deleted it.
        said = nil
        try say(merging.watermark)
        try forget()
      }
      try log.put(status(merging, pending: pending), for: key, in: .status)
      unreachable = nil
    } catch .unreachable(let why) {
      unreachable = why
    } catch .full(let why) {
      unreachable = why
    }
  }

  private var key: String { "merger.\(settings.name)" }

  /// Deletes what all mergers have in their stores.
  private mutating func forget() throws(ClusterError) {
    var all: ClusterWatermark?
    for (_, value) in try log.all(ClusterWatermark.prefix, in: .cluster) {
      // One that can't be understood may be of a merger that still needs everything.
      guard let one = ClusterWatermark(value.value) else { return }
      all = ClusterWatermark(
        records: min(all?.records ?? .max, one.records),
        epochs: min(all?.epochs ?? .max, one.epochs))
    }
    guard let all else { return }
    if all.records > forgotten.records {
      try log.forget(.records, upTo: all.records)
      forgotten.records = all.records
    }
    if all.epochs > forgotten.epochs {
      try log.forget(.epochs, upTo: all.epochs)
      forgotten.epochs = all.epochs
    }
  }

  private mutating func status(_ merging: ClusterMerging, pending: UInt64) -> [UInt8] {
    process.writtenAtSeconds = Clock.wallSeconds()
    process.problem =
      merging.periods.storeProblem?.description ?? merging.contradiction ?? unreachable
      ?? setAside.map { "the store was damaged, and a new one begun; it is \($0)" }
    process.items = merging.items
    process.newestTick = merging.newestTick
    process.refused = merging.refused
    process.merger = merging.status(pending: pending)
    process.merger?.lastCommitAtSeconds = committedAtSeconds
    (process.memoryBytes, process.cpuSeconds) = ClusterMergerUpkeep.usage
    return (try? JSONEncoder().encode(process)).map { [UInt8]($0) } ?? []
  }

  /// Of this process: resident memory, and processor time.
  private static var usage: (memoryBytes: UInt64, cpuSeconds: Double) {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let cpu =
      Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?
      .split(separator: " ").dropFirst().first.flatMap { UInt64($0) }
    return ((pages ?? 0) * UInt64(sysconf(Int32(_SC_PAGESIZE))), cpu)
  }

  /// Says how far the store has come. The watermark stays: what comes from now on is kept until this merger is back.
  mutating func end(_ merging: ClusterMerging) throws(ClusterError) {
    do {
      guard isGreeted else { return }
      try say(merging.watermark)
      try log.delete(key, in: .status)
    } catch .unreachable {
      // The one that was said last holds.
    } catch .full {
    }
  }
}
