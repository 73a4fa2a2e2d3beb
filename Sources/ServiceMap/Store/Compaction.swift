internal import GRDB
internal import Wire

/// Segments on their way to one.
final class Compaction {
  /// What a segment is of.
  struct Period: Hashable {
    var resolution: Int
    var begin: Int

    /// The order in which they are made.
    var rank: (Int, Int) { (-resolution, begin) }
  }

  struct Plan {
    var period: Period
    /// By id.
    var sources: [StoredSegment]
  }

  let period: Period
  let sources: [StoredSegment]
  private(set) var totals = SegmentTotals()
  /// The links of the new segment, once all sources are read; their hosts are store ids.
  private(set) var result: [Link]?
  /// The new segment, once it is begun, and how many links are in it.
  var target: StoredSegment?
  var written = 0
  private var rowsRead = 0

  private var sum = SegmentSum(joinedMax: 1 << 17)
  private var book = AddressBook(capacity: Int(AddressHandle.count))
  private var table = AddressTable()
  private var source = 0
  private var nextRow: Int64?

  init(_ plan: Plan) {
    period = plan.period
    sources = plan.sources
    for source in sources { totals.add(source.totals) }
  }

  /// Adds up some more rows; false where all are read.
  func read(_ count: Int, _ database: Database, _ addresses: borrowing AddressIds) throws -> Bool {
    guard source < sources.count else { return false }
    let rows = StoreSchema.rows(of: sources[source].id)
    let bulk = try BulkStatement(
      database,
      "SELECT \(LinkRow.names) FROM link WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?")
    bulk.bind(1, nextRow ?? rows.lowerBound)
    bulk.bind(2, rows.upperBound)
    bulk.bind(3, Int64(count))
    var counters = BulkCounters(bulk, isSigned: true)
    var found = 0
    while try bulk.step() {
      guard var link = LinkRow.read(&counters), addresses.addresses.indices.contains(link.a),
        addresses.addresses.indices.contains(link.b)
      else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a link is damaged") }
      link.a = try handle(of: addresses.addresses[link.a])
      link.b = try handle(of: addresses.addresses[link.b])
      sum.add(link)
      nextRow = bulk.integer(0) + 1
      found += 1
    }
    rowsRead += found
    if found < count {
      source += 1
      nextRow = nil
    }
    return true
  }

  private func handle(of address: IPAddress) throws -> Int {
    if address.isIPv4 && !AddressHandle.isHandle(address.v4) { return Int(address.v4) }
    guard let (handle, isNew) = book.intern(address) else {
      throw DatabaseError(resultCode: .SQLITE_FULL, message: "too many addresses")
    }
    if isNew { table.learn(handle: handle, address: address) }
    return Int(handle)
  }

  /// Joins what was read.
  ///
  /// - Complexity: O(links); the one step that can't be cut.
  func join(id: (IPAddress) -> Int) {
    var links = sum.parts()
    for place in links.indices {
      links[place].a = id(table.address(of: UInt32(truncatingIfNeeded: links[place].a)))
      links[place].b = id(table.address(of: UInt32(truncatingIfNeeded: links[place].b)))
    }
    result = links
  }

  /// Whether the result saves something: else a lone minute is closed as it is.
  var isWorthwhile: Bool {
    sources.count > 1 || sources[0].resolution < period.resolution
      || result.map { $0.count * 5 < rowsRead * 4 } ?? true
  }

  var isTooLarge: Bool { result.map { $0.count > StoreSchema.linksMax } ?? false }

  /// The next links to write; nil where all are.
  func nextRows(_ count: Int) -> Range<Int>? {
    guard let result, written < result.count else { return nil }
    return written..<min(result.count, written + count)
  }
}

/// Finds addresses that no link has any more.
struct AddressSweep {
  /// By id.
  private var isUsed: [Bool]
  private var nextRow: Int64 = 0
  private var nextId = 0

  init(count: Int) { isUsed = [Bool](repeating: false, count: count) }

  mutating func mark(_ id: Int) {
    if id < isUsed.count { isUsed[id] = true }
  }

  /// Looks at some more links; false where all were seen.
  mutating func look(_ count: Int, _ database: Database) throws -> Bool {
    let bulk = try BulkStatement(
      database, "SELECT id, a, b FROM link WHERE id >= ? ORDER BY id LIMIT ?")
    bulk.bind(1, nextRow)
    bulk.bind(2, Int64(count))
    var found = false
    while try bulk.step() {
      found = true
      nextRow = bulk.integer(0) + 1
      mark(Int(clamping: bulk.integer(1)))
      mark(Int(clamping: bulk.integer(2)))
    }
    return found
  }

  /// Some of those that are in the table and not in use; empty where there are no more.
  mutating func unused(_ count: Int, isStored: [Bool]) -> [Int] {
    var found: [Int] = []
    while nextId < isUsed.count && found.count < count {
      if !isUsed[nextId] && isStored[nextId] { found.append(nextId) }
      nextId += 1
    }
    return found
  }
}
