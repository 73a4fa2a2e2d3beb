internal import Foundation
internal import GRDB
internal import Wire

/// Reads maps out of one state of a store.
struct StoreReader {
  let path: String
  private let database: Database
  /// The store's version.
  let schema: String
  /// The columns of its links, as `LinkRow` reads them.
  private let linkNames: String
  /// Those that can be seen, by begin.
  let segments: [StoredSegment]
  let runs: [(id: UInt64, capture: CaptureReport)]

  /// Opens the store, read-only, and reads: `body` sees one state of it, whatever is committed meanwhile.
  static func read<T>(path: String, _ body: (Database) throws -> T) throws -> T {
    guard FileManager.default.fileExists(atPath: path) else {
      throw StoreError(path: path, action: "read", reason: "no such file")
    }
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw StoreError(path: path, action: "read", reason: "no permission")
    }
    do {
      do {
        return try opened(path).read(body)
      } catch let error as DatabaseError
        where [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode)
      {
        // The WAL needs a -shm file beside, and there none can be made.
        let copy = try UnwritableStore(path: path)
        defer { copy.remove() }
        return try opened(copy.path).read(body)
      }
    } catch let error as DatabaseError {
      throw StoreError(path: path, action: "read", error)
    } catch let error as DecodingError {
      throw StoreError(
        path: path, action: "read", reason: "its capture report is damaged: \(error)")
    }
  }

  private static func opened(_ path: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.readonly = true
    // Recovery of the WAL takes a moment, and one reader does it for all.
    configuration.busyMode = .timeout(10)
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  init(_ database: Database, path: String) throws {
    self.path = path
    self.database = database
    let found = try String.fetchOne(database, sql: "SELECT value FROM meta WHERE key = 'schema'")
    guard let found, found == StoreSchema.name || found == StoreSchema.version3 else {
      throw StoreError(
        path: path, action: "read",
        reason: "its schema is \(found ?? "missing"), this renkei reads \(StoreSchema.name)")
    }
    schema = found
    linkNames = found == StoreSchema.name ? LinkRow.names : LinkRow.namesOfVersion3
    segments = try StoredSegment.all(database).filter(\.state.isVisible)
    runs = try Row.fetchAll(database, sql: "SELECT id, capture FROM run").map { row in
      guard let id = Int64.fromDatabaseValue(row["id"]),
        let text = String.fromDatabaseValue(row["capture"])
      else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a run is damaged") }
      let capture = try JSONDecoder().decode(CaptureReport.self, from: Data(text.utf8))
      return (UInt64(bitPattern: id), capture)
    }.sorted { ($0.1.startNs ?? 0, $0.0) < ($1.1.startNs ?? 0, $1.0) }
  }

  /// The segments of a time, by begin; nil: all.
  ///
  /// - Throws: where there are segments, but none of that time.
  func chosen(_ range: TimeRange?) throws -> [StoredSegment] {
    let chosen = segments.filter { isIn(range, $0) }
    if chosen.isEmpty, range != nil, !segments.isEmpty { throw nothing() }
    return chosen
  }

  /// Whether the segment is the one of a store that an audit wrote, and can be read as it was written.
  func isAudit(_ chosen: [StoredSegment]) -> Bool {
    chosen.count == 1 && chosen[0].id == StoredSegment.ofAudit && runs.count == 1
  }

  /// Adds the links of a segment to a sum.
  ///
  /// - Parameters:
  ///   - place: of the segment in the sum.
  ///   - handle: of the address with an id.
  func add(
    _ segment: StoredSegment, at place: Int, to total: inout SegmentTotal,
    handle: (Int) throws -> UInt32?
  ) throws {
    total.totals.add(segment.totals)
    total.packets &+= try read(segment, sum: &total.counted) { link in
      guard let a = try handle(link.a), let b = try handle(link.b) else { return false }
      var one = link
      (one.a, one.b) = (Int(a), Int(b))
      total.sum.add(one)
      total.series?.add(one, segment: place)
      return true
    }
  }

  /// The map of segments that were added up. It reads nothing more, so no transaction need be open.
  func content(
    of chosen: [StoredSegment], _ total: consuming SegmentTotal, _ table: AddressTable
  ) throws -> MapStore.Content {
    try check(total.packets, total.totals.mapped)
    var links = total.sum.settled()
    var numbers = WordIndex()
    for place in links.indices {
      links[place].a = numbers.number(of: UInt64(links[place].a))
      links[place].b = numbers.number(of: UInt64(links[place].b))
    }
    return MapStore.Content(
      capture: capture(of: chosen, total.totals),
      addresses: numbers.keys.map { table.address(of: UInt32($0)) }, links: links,
      coverage: coverage(of: chosen),
      series: total.series?.series { table.address(of: $0) })
  }

  /// The times of segments, for their series.
  func times(of chosen: [StoredSegment]) -> [Range<Int>] {
    chosen.map { $0.begin..<max($0.begin + 1, end(of: $0)) }
  }

  /// Learns all addresses.
  func learnAddresses(_ handles: inout AddressHandles) throws -> HandlesById {
    var ids = HandlesById()
    try forEachAddress { id, address in
      ids.append(id, try handles.handle(of: address, path: path))
    }
    return ids
  }

  /// What finds addresses one by one, where only a few are needed.
  func addressLookup() throws -> (Int) throws -> IPAddress? {
    let bulk = try BulkStatement(database, "SELECT address FROM address WHERE id = ?")
    return { id in
      bulk.bind(1, Int64(id))
      defer { bulk.reset() }
      return try bulk.step() ? IPAddress(bulk.text(0)) : nil
    }
  }

  /// The one segment of a store that an audit wrote, as it was written.
  func audit(
    _ segment: StoredSegment, _ capture: CaptureReport
  ) throws -> MapStore.Content {
    guard capture.accounting == segment.totals.accounting else {
      throw damaged("its packet counters contradict each other")
    }
    var addresses: [IPAddress] = []
    var numbers = AddressNumbers()
    try forEachAddress { id, address in
      numbers.append(id)
      addresses.append(address)
    }
    var links: [Link] = []
    // A hint that the file may lie about.
    let count = try Int.fetchOne(database, sql: "SELECT max(id) FROM link") ?? 0
    links.reserveCapacity(min(max(0, count), 1 << 22))
    var counted: UInt64 = 0
    let packets = try read(segment, sum: &counted) { link in
      guard let a = numbers[Int64(link.a)], let b = numbers[Int64(link.b)] else { return false }
      links.append(link)
      (links[links.count - 1].a, links[links.count - 1].b) = (a, b)
      return true
    }
    try check(packets, segment.totals.mapped)
    return MapStore.Content(capture: capture, addresses: addresses, links: links)
  }

  /// A file cut within its last page reads as zeros there.
  private func check(_ packets: UInt64, _ mapped: UInt64) throws {
    guard packets == mapped else {
      throw damaged(
        "it is damaged or cut off: \(Int64(bitPattern: packets)) packets of \(mapped) are there")
    }
  }

  private func damaged(_ reason: String) -> StoreError {
    StoreError(path: path, action: "read", reason: reason)
  }

  func forEachAddress(_ body: (Int64, IPAddress) throws -> Void) throws {
    let bulk = try BulkStatement(database, "SELECT id, address FROM address ORDER BY id")
    while try bulk.step() {
      guard let address = IPAddress(bulk.text(1)) else {
        throw damaged("no address: \(bulk.text(1))")
      }
      try body(bulk.integer(0), address)
    }
  }

  /// Reads the links of a segment, their hosts as stored ids; answers the sum of their packets.
  ///
  /// - Parameters:
  ///   - sum: of all counters read so far, so that those of all segments together stay plausible.
  ///   - body: false where the link's hosts are not known.
  private func read(
    _ segment: StoredSegment, sum: inout UInt64, _ body: (Link) throws -> Bool
  ) throws -> UInt64 {
    let rows = StoreSchema.rows(of: segment.id)
    let bulk = try BulkStatement(
      database, "SELECT \(linkNames) FROM link WHERE id BETWEEN ? AND ?")
    bulk.bind(1, rows.lowerBound)
    bulk.bind(2, rows.upperBound)
    // Only a period can subtract what another one added.
    var counters = BulkCounters(bulk, isSigned: segment.resolution > 0, sum: sum)
    var packets: UInt64 = 0
    while try bulk.step() {
      guard let link = LinkRow.read(&counters), try body(link) else {
        throw damaged(
          counters.isPlausible ? "a link is damaged" : "a link's counters are damaged")
      }
      packets &+= link.packets
    }
    sum = counters.sum
    return packets
  }

  /// All links of a segment with their ids, as they are stored; whether their packets are complete is checked.
  func forEachLink(of segment: StoredSegment, _ body: (Int64, Link) throws -> Void) throws {
    let rows = StoreSchema.rows(of: segment.id)
    let bulk = try BulkStatement(
      database, "SELECT \(linkNames) FROM link WHERE id BETWEEN ? AND ? ORDER BY id")
    bulk.bind(1, rows.lowerBound)
    bulk.bind(2, rows.upperBound)
    var counters = BulkCounters(bulk, isSigned: segment.resolution > 0)
    var packets: UInt64 = 0
    while try bulk.step() {
      guard let link = LinkRow.read(&counters) else { throw damaged("a link is damaged") }
      packets &+= link.packets
      try body(bulk.integer(0), link)
    }
    try check(packets, segment.totals.mapped)
  }

  /// Checks what the sums of a segment say of its links; answers what is wrong.
  ///
  /// - Parameter counted: of all segments looked at so far, so that those of all together stay plausible.
  func problem(of segment: StoredSegment, counted: inout UInt64) -> String? {
    do {
      var ids: Set<Int> = []
      let packets = try read(segment, sum: &counted) { link in
        ids.insert(link.a)
        ids.insert(link.b)
        return true
      }
      try check(packets, segment.totals.mapped)
      for id in ids {
        guard
          try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM address WHERE id = ?)", arguments: [id])
            == true
        else { return "address \(id) is missing" }
      }
      return nil
    } catch let error as StoreError {
      return error.reason
    } catch {
      return "\(error)"
    }
  }

  // MARK: - Times

  private func isIn(_ range: TimeRange?, _ segment: StoredSegment) -> Bool {
    guard let range else { return true }
    if segment.resolution > 0 { return range.overlaps(segment.begin, segment.end) }
    let (start, end) = auditSeconds
    return range.overlaps(start, end + 1)
  }

  /// Of the first packet and the last of the capture whose map is one segment.
  private var auditSeconds: (start: Int, end: Int) {
    let run = runs.first { $0.id == UInt64(bitPattern: StoredRun.ofAudit) }?.capture
    return (Int((run?.startNs ?? 0) / 1_000_000_000), Int((run?.endNs ?? 0) / 1_000_000_000))
  }

  private func end(of segment: StoredSegment) -> Int {
    segment.resolution > 0 ? segment.end : auditSeconds.end + 1
  }

  /// What there is, by length of segment.
  var spans: [StoreInfo.Span] {
    StoreInfo.Span.all(segments.map { ($0.resolution, $0.begin, end(of: $0)) })
  }

  private func coverage(of chosen: [StoredSegment]) -> MapStore.Coverage? {
    guard let first = chosen.first, let last = chosen.map({ end(of: $0) }).max() else {
      return nil
    }
    let resolutions = chosen.map(\.resolution)
    return MapStore.Coverage(
      beginSeconds: first.begin, endSeconds: last, segments: chosen.count,
      resolutions: (resolutions.min() ?? 0)...(resolutions.max() ?? 0))
  }

  /// What the runs said that have a part in the segments, as one: times cut to theirs, counters theirs.
  /// The packets of a file are those of its whole run.
  private func capture(of chosen: [StoredSegment], _ totals: SegmentTotals) -> CaptureReport {
    var capture = CaptureReport()
    capture.accounting = totals.accounting
    capture.frameBytes = totals.frameBytes
    capture.lengthSaturated = totals.lengthSaturated
    capture.sessionsExportedEarly = totals.sessionsExportedEarly
    guard let coverage = coverage(of: chosen) else {
      capture.filter = runs.last?.capture.filter ?? ""
      return capture
    }
    let (begin, end) = (nanoseconds(coverage.beginSeconds), nanoseconds(coverage.endSeconds))
    var filters: [String] = []
    for (_, run) in runs {
      guard let start = run.startNs, let last = run.endNs, start < end, begin <= last else {
        continue
      }
      capture.startNs = min(capture.startNs ?? .max, max(start, begin))
      capture.endNs = max(capture.endNs ?? 0, min(last, end - 1))
      if !filters.contains(run.filter) { filters.append(run.filter) }
      for file in run.files {
        guard let known = capture.files.firstIndex(where: { $0.name == file.name }) else {
          capture.files.append(file)
          continue
        }
        capture.files[known].packets &+= file.packets
        guard let warning = file.warning, warning != capture.files[known].warning else { continue }
        capture.files[known].warning =
          (capture.files[known].warning.map { "\($0); " } ?? "") + warning
      }
    }
    capture.filter = filters.filter { !$0.isEmpty }.joined(separator: " | ")
    return capture
  }

  private func nanoseconds(_ seconds: Int) -> UInt64 {
    let (product, overflow) = UInt64(max(0, seconds))
      .multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : product
  }

  private func nothing() -> StoreError {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd HH:mm:ss"
    func text(_ seconds: Int) -> String {
      formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
    }
    let stored = spans.map {
      "\($0.name) from \(text($0.beginSeconds)) to \(text($0.endSeconds))"
    }
    return StoreError(
      path: path, action: "read",
      reason: "nothing is stored for that time; there are " + stored.joined(separator: ", "),
      isOutOfTime: true)
  }
}

/// Segments on their way to a map.
struct SegmentTotal {
  var sum = SegmentSum()
  var series: SeriesBuilder?
  var totals = SegmentTotals()
  /// The sum of their links' packets.
  var packets: UInt64 = 0
  /// Of all counters.
  var counted: UInt64 = 0
}

/// The 32 bits that stand for addresses, as they do in the merger.
struct AddressHandles: ~Copyable {
  private var book = AddressBook(capacity: Int(AddressHandle.count))
  private(set) var table = AddressTable()

  /// - Throws: `StoreError` where there are too many.
  mutating func handle(of address: IPAddress, path: String) throws -> UInt32 {
    if address.isIPv4 && !AddressHandle.isHandle(address.v4) { return address.v4 }
    guard let (handle, isNew) = book.intern(address) else {
      throw StoreError(path: path, action: "read", reason: "too many addresses")
    }
    if isNew { table.learn(handle: handle, address: address) }
    return handle
  }
}

/// The handles of addresses by their ids in the store.
struct HandlesById {
  private var numbers = AddressNumbers()
  private var handles: [UInt32] = []

  mutating func append(_ id: Int64, _ handle: UInt32) {
    numbers.append(id)
    handles.append(handle)
  }

  subscript(id: Int) -> UInt32? { numbers[Int64(id)].map { handles[$0] } }
}

/// The numbers of addresses by their ids in the store.
private struct AddressNumbers {
  /// By id, where ids are not much more than addresses, as a writer gives them; −1: none.
  private var table: [Int32] = []
  /// All others.
  private var others: [Int64: Int32] = [:]
  private var count: Int32 = 0

  /// Gives the next number to `id`.
  mutating func append(_ id: Int64) {
    if id >= 0 && id < Int64(count) * 4 + 65_536 {
      while table.count <= id { table.append(-1) }
      table[Int(id)] = count
    } else {
      others[id] = count
    }
    count += 1
  }

  subscript(id: Int64) -> Int? {
    if id >= 0 && id < Int64(table.count) {
      return table[Int(id)] < 0 ? nil : Int(table[Int(id)])
    }
    return others.isEmpty ? nil : others[id].map { Int($0) }
  }
}
