internal import Foundation
internal import GRDB
internal import Wire

/// What maintenance remembers between its slices. Nothing of it is needed after a crash: what was
/// being made is found by its state and deleted.
struct Upkeep {
  var compaction: Compaction?
  /// Periods whose links are too many for one segment: what they were seen in stays.
  var givenUp: Set<Compaction.Period> = []
  var sweep: AddressSweep?
  /// When addresses were last looked through, how many ids there were then, and whether links were deleted
  /// since.
  var sweptAt = 0
  var sweptCount = 0
  var hasDeleted = true
  /// Commits so far, and of the open minutes the last one that wrote them.
  var commits = 0
  private var writtenBy: [Int64: Int] = [:]
  var lastRun: UInt64?

  /// A commit wrote the segment: a compaction that has read it begins again.
  mutating func wasWritten(_ segment: StoredSegment) {
    writtenBy[segment.id] = commits
    if compaction?.sources.contains(where: { $0.id == segment.id }) == true { compaction = nil }
  }

  func commitsSinceWritten(_ segment: Int64) -> Int {
    writtenBy[segment].map { commits - $0 } ?? .max
  }

  mutating func isGone(_ segment: Int64) { writtenBy[segment] = nil }

  /// A link is being written: its addresses are in use.
  mutating func marks(_ link: Link) {
    guard sweep != nil else { return }
    sweep?.mark(link.a)
    sweep?.mark(link.b)
  }
}

extension UnitStore {
  /// Rows read, written or deleted in one step: a few milliseconds.
  static let stepRows = 4096
  /// A minute is gone on with for so long after its end, and for so many commits.
  private static let openSeconds = 600
  private static let openCommits = 60
  private static let sweepSeconds = 86_400
  /// Sooner where addresses have become so many more than the last time left: a flood brings new ones.
  private static let sweepSecondsMin = 600
  private static let sweepGrowth = 1_000_000

  /// A slice of maintenance: minutes become hours, hours days, what is too old or too much is deleted,
  /// and so are addresses that no link has any more.
  ///
  /// Each step is a transaction of a few milliseconds. Readers see what is being made when it is
  /// complete, and in the same moment no longer what it was made of. After a crash half-made segments
  /// are deleted and made again.
  ///
  /// - Parameters:
  ///   - nowSeconds: since 1970, of the clock that packets are stamped with.
  ///   - budgetSeconds: no step is begun after that. One step can be longer: the joining of a segment's
  ///     links, about 0.1 µs each.
  /// - Returns: whether more is to be done now.
  /// - Throws: `StoreError`; where it `isFull`, it may be called again later.
  public func maintain(
    _ retention: Retention, nowSeconds: UInt64, budgetSeconds: Double
  ) throws -> Bool {
    let begin = ContinuousClock.now
    let budget = Duration.seconds(budgetSeconds)
    let now = Int(clamping: nowSeconds)
    return try access("maintain") { database in
      while try step(retention, now, database) {
        if ContinuousClock.now - begin >= budget { return true }
      }
      return false
    }
  }

  /// Does the most urgent thing; false where there is nothing to do.
  private func step(_ retention: Retention, _ now: Int, _ database: Database) throws -> Bool {
    if let dead = segments.values.first(where: { isDead($0) }) {
      try delete(from: dead, database)
      return true
    }
    if let old = tooMuch(retention, now, try bytesInUse(database)) {
      if upkeep.compaction?.sources.contains(where: { $0.id == old.id }) == true {
        upkeep.compaction = nil
      }
      try change([old], to: .dead, database)
      return true
    }
    if let compaction = upkeep.compaction {
      try go(on: compaction, database)
      return true
    }
    if let plan = nextPlan(retention, now) {
      upkeep.compaction = Compaction(plan)
      return true
    }
    if try forgetRuns(database) { return true }
    if let sweep = upkeep.sweep {
      try go(on: sweep, database)
      return true
    }
    let isGrown =
      now - upkeep.sweptAt >= UnitStore.sweepSecondsMin
      && addresses.addresses.count > 2 * upkeep.sweptCount + UnitStore.sweepGrowth
    if upkeep.hasDeleted, isGrown || now - upkeep.sweptAt >= UnitStore.sweepSeconds {
      upkeep.sweep = AddressSweep(count: addresses.addresses.count)
      upkeep.sweptAt = now
      upkeep.hasDeleted = false
      return true
    }
    return try giveBackPages(database)
  }

  // MARK: - Segments

  /// A half-made segment that nobody is making is one too.
  private func isDead(_ segment: StoredSegment) -> Bool {
    segment.state == .dead
      || segment.state == .building && segment.id != upkeep.compaction?.target?.id
  }

  private func delete(from segment: StoredSegment, _ database: Database) throws {
    let rows = StoreSchema.rows(of: segment.id)
    let first = try Int64.fetchOne(
      database, sql: "SELECT min(id) FROM link WHERE id BETWEEN ? AND ?",
      arguments: [rows.lowerBound, rows.upperBound])
    try database.inTransaction(.immediate) {
      if let first {
        try database.execute(
          sql: "DELETE FROM link WHERE id BETWEEN ? AND ?",
          arguments: [first, min(rows.upperBound, first + Int64(UnitStore.stepRows - 1))])
      } else {
        try database.execute(sql: "DELETE FROM segment WHERE id = ?", arguments: [segment.id])
      }
      return .commit
    }
    if first == nil {
      segments[segment.id] = nil
      upkeep.isGone(segment.id)
      upkeep.hasDeleted = true
    }
  }

  /// Changes states in one transaction, together with what `body` does.
  private func change(
    _ changed: [StoredSegment], to state: SegmentState, _ database: Database,
    with body: () throws -> Void = {}
  ) throws {
    try database.inTransaction(.immediate) {
      for segment in changed {
        try database.execute(
          sql: "UPDATE segment SET state = ? WHERE id = ?",
          arguments: [state.rawValue, segment.id])
      }
      try body()
      return .commit
    }
    for segment in changed {
      segments[segment.id]?.state = state
      if openMinutes[segment.begin] == segment.id { openMinutes[segment.begin] = nil }
    }
  }

  /// The oldest segment, if it is too old or there are too many bytes. What is being written stays.
  private func tooMuch(
    _ retention: Retention, _ now: Int, _ bytes: Int
  ) -> StoredSegment? {
    let oldest = segments.values.filter { $0.state.isVisible && !isBusy($0) }
      .min { ($0.begin, $0.id) < ($1.begin, $1.id) }
    guard let oldest else { return nil }
    let isTooOld = oldest.end <= now - retention.daysSeconds
    return isTooOld || bytes > retention.bytesMax ?? .max ? oldest : nil
  }

  /// Whether commits may still go on with it.
  private func isBusy(_ segment: StoredSegment) -> Bool {
    segment.state == .open
      && upkeep.commitsSinceWritten(segment.id) < UnitStore.openCommits
  }

  private func bytesInUse(_ database: Database) throws -> Int {
    let (pages, free) = try pages(database)
    let size = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
    return (pages - free) * size
  }

  private func pages(_ database: Database) throws -> (all: Int, free: Int) {
    (
      try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0,
      try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
    )
  }

  // MARK: - Compaction

  private func nextPlan(_ retention: Retention, _ now: Int) -> Compaction.Plan? {
    let ages = [
      (60, UnitStore.openSeconds), (3600, retention.minutesSeconds),
      (86_400, retention.hoursSeconds),
    ]
    var groups: [Compaction.Period: [StoredSegment]] = [:]
    for segment in segments.values where segment.state.isVisible && segment.resolution > 0 {
      for (resolution, age) in ages where segment.resolution <= resolution {
        let begin = segment.begin - segment.begin % resolution
        guard begin + resolution + age <= now else { continue }
        groups[Compaction.Period(resolution: resolution, begin: begin), default: []]
          .append(segment)
      }
    }
    let due = groups.filter { period, members in
      let isDone =
        members.count == 1 && members[0].state == .closed
        && members[0].resolution == period.resolution
      return !isDone && !upkeep.givenUp.contains(period) && !members.contains(where: isBusy)
    }
    // The longest periods first: what becomes a day need not become an hour before.
    guard let (period, sources) = due.min(by: { $0.key.rank < $1.key.rank }) else { return nil }
    return Compaction.Plan(period: period, sources: sources.sorted { $0.id < $1.id })
  }

  private func go(on compaction: Compaction, _ database: Database) throws {
    do {
      if try compaction.read(UnitStore.stepRows, database, addresses) { return }
      if compaction.result == nil {
        compaction.join { addresses.id(of: $0) }
        guard compaction.isWorthwhile else {
          upkeep.compaction = nil
          try change(compaction.sources, to: .closed, database)
          return
        }
        if compaction.isTooLarge {
          upkeep.compaction = nil
          upkeep.givenUp.insert(compaction.period)
        }
        return
      }
      let target = try begin(compaction, database)
      if let rows = compaction.nextRows(UnitStore.stepRows) {
        try write(rows, of: compaction, into: target, database)
        return
      }
      try finish(compaction, target, database)
    } catch {
      // What it has read may have gone wrong half-way; it begins again.
      upkeep.compaction = nil
      throw error
    }
  }

  /// The segment that is being made.
  private func begin(_ compaction: Compaction, _ database: Database) throws -> StoredSegment {
    if let target = compaction.target { return target }
    let target = StoredSegment(
      id: nextSegment, state: .building, resolution: compaction.period.resolution,
      begin: compaction.period.begin, totals: compaction.totals)
    try database.inTransaction(.immediate) {
      try writers(database).write(target)
      return .commit
    }
    nextSegment += 1
    segments[target.id] = target
    compaction.target = target
    return target
  }

  private func write(
    _ rows: Range<Int>, of compaction: Compaction, into target: StoredSegment,
    _ database: Database
  ) throws {
    guard let links = compaction.result else { return }
    let writers = try writers(database)
    let first = StoreSchema.rows(of: target.id).lowerBound
    var stored: [Int] = []
    do {
      try database.inTransaction(.immediate) {
        stored = try writeAddresses(of: links[rows], writers)
        try writers.links.write(rows.count) { bulk, parameter, place in
          let number = rows.lowerBound + place
          LinkRow.bind(links[number], id: first + Int64(number), to: bulk, from: parameter)
        }
        return .commit
      }
    } catch {
      forget(stored)
      throw error
    }
    compaction.written = rows.upperBound
  }

  /// In one transaction the new segment can be seen, and its sources no longer.
  private func finish(
    _ compaction: Compaction, _ target: StoredSegment, _ database: Database
  ) throws {
    try change(compaction.sources, to: .dead, database) {
      try database.execute(
        sql: "UPDATE segment SET state = ? WHERE id = ?",
        arguments: [SegmentState.closed.rawValue, target.id])
    }
    segments[target.id]?.state = .closed
    upkeep.compaction = nil
  }

  // MARK: - What is left over

  /// Deletes runs of which nothing is left, but for the one that goes on.
  private func forgetRuns(_ database: Database) throws -> Bool {
    guard upkeep.hasDeleted, upkeep.sweep == nil,
      let oldest = segments.values.filter(\.state.isVisible).map(\.begin).min()
    else { return false }
    let gone = captures.filter { run, capture in
      run != upkeep.lastRun
        && Int((capture.endNs ?? 0) / 1_000_000_000) < oldest - SegmentChange.seconds
    }
    // Without commits it is not known which run goes on.
    guard upkeep.lastRun != nil, !gone.isEmpty else { return false }
    try database.inTransaction(.immediate) {
      for run in gone.keys {
        try database.execute(
          sql: "DELETE FROM run WHERE id = ?", arguments: [Int64(bitPattern: run)])
      }
      return .commit
    }
    for run in gone.keys { captures[run] = nil }
    return true
  }

  private func go(on sweep: AddressSweep, _ database: Database) throws {
    if try upkeep.sweep?.look(UnitStore.stepRows, database) == true { return }
    guard
      let unused = upkeep.sweep?.unused(UnitStore.stepRows, isStored: addresses.isStored),
      !unused.isEmpty
    else {
      upkeep.sweep = nil
      addresses.forgetUnstored()
      upkeep.sweptCount = addresses.addresses.count
      return
    }
    try database.inTransaction(.immediate) {
      let bulk = try BulkStatement(database, "DELETE FROM address WHERE id = ?")
      for id in unused {
        bulk.bind(1, Int64(id))
        try bulk.run()
      }
      return .commit
    }
    forget(unused)
  }

  /// Gives free pages back to the file system, once they are many.
  private func giveBackPages(_ database: Database) throws -> Bool {
    let (pages, free) = try pages(database)
    guard free > 1024, free * 4 > pages,
      try Int.fetchOne(database, sql: "PRAGMA auto_vacuum") == 2
    else { return false }
    _ = try Row.fetchAll(database, sql: "PRAGMA incremental_vacuum(512)")
    return true
  }
}
