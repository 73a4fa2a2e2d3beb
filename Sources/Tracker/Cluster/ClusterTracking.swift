internal import Cluster
internal import Foundation
internal import Glibc
internal import Wire

/// A tracker of a cluster between two looks at its shards.
///
/// One thread: takes its shards one after the other, and about once a second tells how it is, looks who else lives, and
/// takes part in dividing the shards.
final class ClusterTracking {
  private let settings: ClusterTrackerSettings
  private let log: any ClusterLog
  private var addresses: SharedAddresses
  private var membership: Membership
  private let me: Assignment.Owner
  private let startedAtSeconds: Double
  private var assignment = Assignment()
  private var owned: [Int: OwnedShard] = [:]
  /// Shards that can't be taken over now, why, and when to try again.
  private var broken: [Int: (problem: String, untilSeconds: Double)] = [:]
  private var nextBeatSeconds = -Double.infinity
  /// Nothing is asked of servers that just did not answer.
  private var pauseUntilSeconds = -Double.infinity
  private var lastIncarnation: UInt64
  private var problem: String?
  private var tracker = ProcessStatus.Tracker()
  /// Of shards that were given up.
  private var packetsBefore: UInt64 = 0

  private static let beatSeconds = 1.0
  private static let pauseSeconds = 0.25
  /// Shards move between those who are alive only when nobody came or went for so long.
  private static let stableSeconds = 2.0
  private static let retrySeconds = 5.0

  /// - Parameter incarnation: nanoseconds since 1970; of two lives of a name the later one has the greater.
  /// - Throws: `SharedMemoryError`.
  init(
    _ settings: ClusterTrackerSettings, log: any ClusterLog,
    incarnation: UInt64 = Clock.wallNs()
  ) throws {
    self.settings = settings
    self.log = log
    addresses = try ClusterTracking.book(settings)
    membership = Membership(takeoverSeconds: settings.takeoverSeconds)
    me = Assignment.Owner(name: settings.name, incarnation: incarnation)
    lastIncarnation = incarnation
    startedAtSeconds = Clock.wallSeconds()
  }

  /// A book that has room for the addresses of all sessions that there can be, twice over; only what is used takes
  /// memory.
  private static func book(
    _ settings: ClusterTrackerSettings
  ) throws(SharedMemoryError) -> SharedAddresses {
    let sessions =
      settings.shards
      * ShardTracking.rowsMax(sessionsMax: settings.tracker.sessionsMax, shards: settings.shards)
    return try SharedAddresses(
      capacity: settings.addressesExactly
        ?? min(max(settings.addressesMax, 4 * sessions), Int(AddressHandle.count)))
  }

  /// The shards that it works on.
  var shards: Set<Int> { Set(owned.keys) }

  /// One turn of all shards, and what is due.
  ///
  /// - Parameter nowSeconds: of a clock that only goes forward.
  /// - Returns: whether there was anything to do.
  /// - Throws: `ClusterError` that does not become better by waiting; `SharedMemoryError`.
  func turn(nowSeconds: Double) throws -> Bool {
    guard nowSeconds >= pauseUntilSeconds else { return false }
    guard log.isConnected else {
      problem = "NATS can't be reached"
      membership.noteOutage()
      pauseUntilSeconds = nowSeconds + ClusterTracking.pauseSeconds
      return false
    }
    do {
      if nowSeconds >= nextBeatSeconds {
        nextBeatSeconds = nowSeconds + ClusterTracking.beatSeconds
        try beat(nowSeconds)
      }
      problem = nil
      return try turnShards(nowSeconds)
    } catch {
      try waitOrThrow(error, nowSeconds)
      return false
    }
  }

  /// Reports what was taken, and makes room for others. Takes a bounded number of attempts; what can't be stored is
  /// the next owner's.
  func stop(nowSeconds: Double) {
    flush(owned.keys.sorted(), nowSeconds)
    owned = [:]
    guard log.isConnected else { return }
    // SAFETY for `try?`: who can't say so is dead some seconds later.
    try? log.delete(Membership.keyPrefix + settings.name, in: .status)
  }

  /// Stores what these shards know, as far as this tracker still may and the servers answer; the rest is the next
  /// owner's.
  private func flush(_ numbers: [Int], _ nowSeconds: Double) {
    for number in numbers {
      guard log.isConnected else { return }
      do {
        try owned[number]?.flush(nowSeconds: nowSeconds)
      } catch .link(.superseded) {
        tracker.superseded += 1
      } catch {
        // It would wait as long for each of the others.
        return
      }
    }
  }

  private func waitOrThrow(_ error: ClusterError, _ nowSeconds: Double) throws(ClusterError) {
    switch error {
    case .unreachable, .full:
      problem = error.description
      membership.noteOutage()
      pauseUntilSeconds = nowSeconds + ClusterTracking.pauseSeconds
    case .superseded:
      // Somebody changed a value at the same time; what it is now is read the next time.
      break
    case .refused, .misconfigured: throw error
    }
  }

  // MARK: - Shards

  private func turnShards(_ nowSeconds: Double) throws(ClusterError) -> Bool {
    var isAny = false
    for number in owned.keys.sorted() {
      guard let shard = owned[number] else { continue }
      do {
        if try shard.turn(nowSeconds: nowSeconds) { isAny = true }
      } catch {
        switch error {
        case .link(.superseded):
          // Another owner was faster. What this one took and did not store has not happened; if the assignment
          // still says that the shard is its own, it takes it up again from the stream.
          tracker.superseded += 1
          drop(number)
          nextBeatSeconds = nowSeconds
        case .link(let error): throw error
        case .recovery(let error):
          drop(number)
          broken[number] = (
            "shard \(number) can't be taken over: \(error)",
            nowSeconds + ClusterTracking.retrySeconds
          )
        case .addressesFull:
          try renewAddresses(nowSeconds)
          return true
        }
      }
      if let seconds = shard.takeoverSeconds, counted.insert(ObjectIdentifier(shard)).inserted {
        tracker.takeovers += 1
        tracker.lastTakeoverSeconds = seconds
      }
    }
    for (number, wait) in broken where nowSeconds >= wait.untilSeconds {
      broken[number] = nil
      if assignment.owners[number] == me {
        take(number, freeSinceSeconds: nowSeconds, nowSeconds)
      }
    }
    return isAny
  }

  /// Those whose first epoch has been counted.
  private var counted: Set<ObjectIdentifier> = []

  private func take(_ number: Int, freeSinceSeconds: Double, _ nowSeconds: Double) {
    // Never the same twice, also where the clock stands still.
    lastIncarnation = max(lastIncarnation + 1, Clock.wallNs())
    owned[number] = OwnedShard(
      number, settings, addresses: addresses, log: log, incarnation: lastIncarnation,
      freeSinceSeconds: freeSinceSeconds, nowSeconds: nowSeconds)
  }

  private func drop(_ number: Int) {
    guard let shard = owned.removeValue(forKey: number) else { return }
    packetsBefore += shard.packets
    for (name, count) in shard.refusedHere { refusedBefore[name, default: 0] += count }
    counted.remove(ObjectIdentifier(shard))
  }

  private var refusedBefore: [String: UInt64] = [:]

  /// The book only grows; when it is full, all shards are taken up again with a new one, which has the addresses of
  /// the sessions that there are.
  private func renewAddresses(_ nowSeconds: Double) throws(ClusterError) {
    let all = owned.keys.sorted()
    flush(all, nowSeconds)
    for number in all { drop(number) }
    do {
      addresses = try ClusterTracking.book(settings)
    } catch {
      throw .misconfigured("no memory for addresses: \(error)")
    }
    for (number, owner) in assignment.owners where owner == me {
      take(number, freeSinceSeconds: nowSeconds, nowSeconds)
    }
  }

  // MARK: - The beat

  private func beat(_ nowSeconds: Double) throws(ClusterError) {
    try log.put(status(), for: Membership.keyPrefix + settings.name, in: .status)
    let entries = try log.all(Membership.keyPrefix, in: .status)
    membership.observe(entries, nowSeconds: nowSeconds)
    let stored = try log.get(Assignment.key, in: .cluster)
    let before =
      stored.flatMap { try? JSONDecoder().decode(Assignment.self, from: Data($0.value)) }
      ?? Assignment()
    let isStable =
      membership.stableSeconds(nowSeconds: nowSeconds) >= ClusterTracking.stableSeconds
    let after = before.balanced(
      shards: settings.shards, keeping: membership.keeping(nowSeconds: nowSeconds).union([me]),
      receiving: membership.receiving(nowSeconds: nowSeconds).union([me]), isLevelled: isStable)
    if after != before {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      guard let value = try? encoder.encode(after) else { return }
      do {
        try log.update(
          [UInt8](value), for: Assignment.key, in: .cluster, revision: stored?.revision ?? 0)
      } catch .superseded {
        // Another tracker has done it, perhaps otherwise: what counts is what is there at the next beat.
        return
      }
    }
    adopt(after, insteadOf: before, nowSeconds)
  }

  private func adopt(
    _ new: Assignment, insteadOf before: Assignment, _ nowSeconds: Double
  ) {
    let old = assignment
    assignment = new
    let mine = new.shards(of: me)
    let lost = owned.keys.sorted().filter { !mine.contains($0) }
    flush(lost, nowSeconds)
    for number in lost { drop(number) }
    for number in broken.keys where !mine.contains(number) { broken[number] = nil }
    for number in mine.sorted() where owned[number] == nil && broken[number] == nil {
      let last = before.owners[number] == me ? old.owners[number] : before.owners[number]
      let since = last.flatMap { membership.lastSeenSeconds(of: $0) } ?? nowSeconds
      take(number, freeSinceSeconds: since, nowSeconds)
    }
  }

  private func status() -> [UInt8] {
    var status = ProcessStatus(
      role: .tracker, name: settings.name, host: settings.host, pid: getpid(),
      version: settings.version, incarnation: me.incarnation, atSeconds: startedAtSeconds)
    status.writtenAtSeconds = Clock.wallSeconds()
    status.problem = problem ?? broken.min { $0.key < $1.key }?.value.problem
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    status.cpuSeconds =
      Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    status.memoryBytes = ClusterTracking.residentBytes
    status.refused = refusedBefore
    status.items = packetsBefore
    tracker.shards = []
    tracker.sessionsExportedEarly = 0
    for (_, shard) in owned.sorted(by: { $0.key < $1.key }) {
      status.newestTick = max(status.newestTick, shard.newestTick)
      status.items += shard.packets
      status.refused.merge(shard.refusedHere) { $0 + $1 }
      tracker.sessionsExportedEarly += shard.exportedEarly
      tracker.shards.append(shard.status)
    }
    status.tracker = tracker
    // SAFETY for `try?`: numbers and strings always encode, and an empty entry is one that nobody can read.
    return (try? JSONEncoder().encode(status)).map { [UInt8]($0) } ?? []
  }

  /// Resident memory of this process: the second word of /proc/self/statm, in pages (proc(5)).
  private static var residentBytes: UInt64 {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
      return 0
    }
    let words = text.split(separator: " ")
    return words.count > 1 ? (UInt64(words[1]) ?? 0) * UInt64(sysconf(Int32(_SC_PAGESIZE))) : 0
  }
}
