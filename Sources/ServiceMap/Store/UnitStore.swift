internal import Foundation
internal import GRDB
public import Wire

/// The store of a unit that runs, opened by its one writer and used from one thread; reporters read it
/// at the same time (`MapStore.read`).
///
/// Journal: WAL, so that readers and the writer don't wait for each other. `synchronous=NORMAL`: the
/// kill of a process loses nothing that was committed; a power cut may lose the last commits, each
/// wholly, and never more than the machine's memory loses with it (docs/decisions/0010-segments.md).
public final class UnitStore {
  public let path: String
  /// Where a damaged file went, for the status; nil where the file was sound.
  public let setAside: String?

  let queue: DatabaseQueue
  private let lock: StoreLock
  var addresses = AddressIds()
  /// All rows of `segment`, by id.
  var segments: [Int64: StoredSegment] = [:]
  /// The ids of the minutes that may be gone on with, by begin.
  var openMinutes: [Int: Int64] = [:]
  var nextSegment: Int64 = 1
  /// By run, what its segments have counted.
  var captures: [UInt64: CaptureReport] = [:]
  var upkeep = Upkeep()
  private var preparedWriters: Writers?
  private var wal: WALPages?
  private var isClosed = false

  /// Opens or creates a store.
  ///
  /// A store of the version before is migrated. All pages are checked (quick_check); a damaged file is
  /// renamed to `<path>.damaged-YYYYMMDDTHHMMSSZ`, with its -wal and -shm, and a new one begun.
  ///
  /// - Throws: `StoreError` where there is a file that is no renkei store, or one of a newer version,
  ///   which stays untouched; where another process writes it; where it can't be written.
  /// - Complexity: O(bytes of the file).
  public init(path: String) throws {
    self.path = path
    lock = try StoreLock(path: path)
    let opened = try UnitStore.opened(path, lock)
    queue = opened.queue
    setAside = opened.setAside
    // A file that grows past RLIMIT_FSIZE is then an error (EFBIG), not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    try access("read") { database in
      wal = WALPages(database)
      try learn(database)
    }
  }

  deinit { close() }

  /// Ends the use of the store: what the WAL holds goes into the file.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    preparedWriters = nil
    upkeep = Upkeep()
    // One file that any reader can open, and leaves alone. Where somebody reads it now, it stays as it is.
    try? queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
    // What is in the WAL stays there and is found at the next opening.
    try? queue.close()
    lock.release()
  }

  /// Store id of an address; a new one is remembered, and written with the first commit that uses it.
  ///
  /// - Complexity: O(1) amortised.
  public func id(of address: IPAddress) -> Int { addresses.id(of: address) }

  /// The address that has `id`.
  public func address(of id: Int) -> IPAddress { addresses.addresses[id] }

  /// What the last commit of this run said; nil where there was none.
  public func progress(ofRun run: UInt64) throws -> [UInt8]? {
    try access("read") { database in
      let row = try Row.fetchOne(
        database, sql: "SELECT progress FROM run WHERE id = ?",
        arguments: [Int64(bitPattern: run)])
      return row.flatMap { Data.fromDatabaseValue($0["progress"]) }.map { [UInt8]($0) }
    }
  }

  /// A minute's segment as committed so far, to go on with: links in the order of their numbers, their
  /// hosts as store ids.
  ///
  /// - Returns: nil where there is none, or where it is compacted already: the next commit then begins
  ///   a new one, which is added to the other. That happens to a minute that is over for ten minutes and
  ///   was in none of the last 60 commits: who goes on with such a one asks again.
  public func segment(beginSeconds: UInt64) throws -> (accounting: Accounting, links: [Link])? {
    guard let segment = openMinutes[Int(beginSeconds)].flatMap({ segments[$0] }) else { return nil }
    return try access("read") { database in
      var links: [Link] = []
      let rows = StoreSchema.rows(of: segment.id)
      let bulk = try BulkStatement(
        database, "SELECT \(LinkRow.names) FROM link WHERE id BETWEEN ? AND ? ORDER BY id")
      bulk.bind(1, rows.lowerBound)
      bulk.bind(2, rows.upperBound)
      var counters = BulkCounters(bulk, isSigned: true)
      while try bulk.step() {
        guard bulk.integer(0) == rows.lowerBound + Int64(links.count),
          let link = LinkRow.read(&counters)
        else { throw StoreError(path: path, action: "read", reason: "a link is damaged") }
        links.append(link)
      }
      return (segment.totals.counts, links)
    }
  }

  /// Writes all of `commit` in one transaction.
  ///
  /// - Throws: `StoreError`; nothing has changed then. Where it `isFull`, the same commit may be tried
  ///   again later.
  /// - Complexity: O(links), 1 to 2 µs each.
  public func commit(_ commit: UnitCommit) throws {
    var begun: [StoredSegment] = []
    var stored: [Int] = []
    do {
      try access("write") { database in
        let writers = try writers(database)
        try database.inTransaction(.immediate) {
          for (place, change) in commit.segments.enumerated() {
            begun.append(
              try write(
                change, of: commit, isLast: place == commit.segments.count - 1, writers,
                next: nextSegment + Int64(begun.count)))
            stored += try writeAddresses(of: change, writers)
          }
          writers.run.bind(1, Int64(bitPattern: commit.run))
          // What no segment has counted yet is new for the next one, after a crash as well.
          let capture =
            commit.segments.isEmpty ? captures[commit.run] ?? commit.capture : commit.capture
          writers.run.bind(
            2, String(decoding: try JSONEncoder().encode(capture), as: UTF8.self))
          writers.run.bind(3, commit.progress)
          try writers.run.run()
          return .commit
        }
      }
    } catch {
      forget(stored)
      throw error
    }
    // Without a segment, the next one is to count what is new.
    if !commit.segments.isEmpty { captures[commit.run] = commit.capture }
    upkeep.commits += 1
    upkeep.lastRun = commit.run
    for segment in begun {
      openMinutes[segment.begin] = segment.id
      segments[segment.id] = segment
      nextSegment = max(nextSegment, segment.id + 1)
      upkeep.wasWritten(segment)
    }
  }

  private func write(
    _ change: SegmentChange, of commit: UnitCommit, isLast: Bool, _ writers: Writers, next: Int64
  ) throws -> StoredSegment {
    let begin = Int(change.beginSeconds)
    var segment =
      openMinutes[begin].flatMap { segments[$0] }
      ?? StoredSegment(
        id: next, state: .open, resolution: SegmentChange.seconds, begin: begin,
        totals: SegmentTotals())
    segment.totals.set(change.accounting)
    if isLast { segment.totals.addWhatIsNew(in: commit.capture, since: captures[commit.run]) }
    try writers.write(segment)
    let first = StoreSchema.rows(of: segment.id).lowerBound
    for one in change.links where !(0..<StoreSchema.linksMax).contains(one.number) {
      throw StoreError(
        path: path, action: "write", reason: "no room for link \(one.number) of a segment")
    }
    if let linkCount = change.linkCount {
      writers.links(of: segment.id, from: linkCount)
      try writers.linksBehind.run()
      upkeep.hasDeleted = true
    }
    try writers.links.write(change.links.count) { bulk, parameter, place in
      let one = change.links[place]
      LinkRow.bind(one.link, id: first + Int64(one.number), to: bulk, from: parameter)
    }
    return segment
  }

  /// Writes those addresses of the links that are not in the table; answers which.
  ///
  /// They count as stored from here on: if the transaction fails, the caller takes that back.
  private func writeAddresses(of change: SegmentChange, _ writers: Writers) throws -> [Int] {
    try writeAddresses(of: change.links.lazy.map(\.link), writers)
  }

  func writeAddresses(of links: some Sequence<Link>, _ writers: Writers) throws -> [Int] {
    var new: [Int] = []
    for link in links {
      upkeep.marks(link)
      for id in [link.a, link.b] where !addresses.isStored[id] {
        addresses.setStored(id, true)
        new.append(id)
      }
    }
    do {
      try writers.addresses.write(new.count) { bulk, parameter, place in
        bulk.bind(parameter, Int64(new[place]))
        bulk.bind(parameter + 1, addresses.addresses[new[place]].description)
      }
    } catch {
      forget(new)
      throw error
    }
    return new
  }

  /// The transaction that wrote these addresses failed.
  func forget(_ stored: [Int]) {
    for id in stored { addresses.setStored(id, false) }
  }

  /// Learns what is there: addresses, minutes to go on with, what was left half-made.
  private func learn(_ database: Database) throws {
    let bulk = try BulkStatement(database, "SELECT id, address FROM address ORDER BY id")
    while try bulk.step() {
      guard let address = IPAddress(bulk.text(1)), let id = UInt32(exactly: bulk.integer(0)) else {
        throw StoreError(path: path, action: "read", reason: "no address: \(bulk.text(1))")
      }
      addresses.learn(address, id: Int(id))
    }
    for row in try Row.fetchAll(database, sql: "SELECT id, capture FROM run") {
      guard let id = Int64.fromDatabaseValue(row["id"]),
        let text = String.fromDatabaseValue(row["capture"])
      else { continue }
      captures[UInt64(bitPattern: id)] = try? JSONDecoder().decode(
        CaptureReport.self, from: Data(text.utf8))
    }
    for segment in try StoredSegment.all(database) {
      nextSegment = max(nextSegment, segment.id + 1)
      segments[segment.id] = segment
      if segment.state == .open { openMinutes[segment.begin] = segment.id }
    }
  }

  func writers(_ database: Database) throws -> Writers {
    if let preparedWriters { return preparedWriters }
    let writers = try Writers(database)
    preparedWriters = writers
    return writers
  }

  /// Does `body` with the connection, and gives its errors the store's name.
  func access<T>(_ action: String, _ body: (Database) throws -> T) throws -> T {
    try queue.writeWithoutTransaction { database in
      do {
        let result = try body(database)
        wal?.moveIfMany(database)
        return result
      } catch let error as DatabaseError {
        throw StoreError(path: path, action: action, error, database)
      }
    }
  }
}

/// The statements of a commit, prepared once.
struct Writers {
  let links: RowWriter
  let addresses: RowWriter
  let run: BulkStatement
  private let segment: BulkStatement
  /// Deletes the links of a segment from a number on.
  let linksBehind: BulkStatement

  init(_ database: Database) throws {
    links = try RowWriter(database, "INSERT OR REPLACE INTO link", columns: LinkRow.columns)
    addresses = try RowWriter(database, "INSERT OR REPLACE INTO address", columns: 2)
    run = try BulkStatement(database, "INSERT OR REPLACE INTO run VALUES (?, ?, ?)")
    segment = try BulkStatement(database, "INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?)")
    linksBehind = try BulkStatement(database, "DELETE FROM link WHERE id BETWEEN ? AND ?")
  }

  func links(of segment: Int64, from number: Int) {
    let rows = StoreSchema.rows(of: segment)
    linksBehind.bind(1, rows.lowerBound + Int64(number))
    linksBehind.bind(2, rows.upperBound)
  }

  func write(_ one: StoredSegment) throws {
    segment.bind(1, one.id)
    segment.bind(2, one.state.rawValue)
    segment.bind(3, Int64(one.resolution))
    segment.bind(4, Int64(one.begin))
    segment.bind(5, try one.totals.text())
    try segment.run()
  }
}
