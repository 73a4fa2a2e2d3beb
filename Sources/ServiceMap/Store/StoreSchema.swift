internal import Foundation
internal import GRDB
internal import Wire

/// The tables of a store, and how older ones become them.
enum StoreSchema {
  static let name = "renkei.store/4"
  /// Can be read as it is, and is migrated by who writes it.
  static let version3 = "renkei.store/3"
  /// Is migrated by who writes it.
  static let version2 = "renkei.store/2"
  /// What the name of every version begins with.
  static let family = "renkei.store/"

  // Without NOT NULL in `link`: asking takes SQLite a seventh of its time, and who reads a store checks
  // it anyway.
  static let tables = """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE run (id INTEGER PRIMARY KEY, capture TEXT NOT NULL, progress BLOB);
    CREATE TABLE segment (
      id INTEGER PRIMARY KEY, state INTEGER NOT NULL,
      resolution INTEGER NOT NULL, begin INTEGER NOT NULL,
      totals TEXT NOT NULL);
    CREATE TABLE address (id INTEGER PRIMARY KEY, address TEXT NOT NULL);
    CREATE TABLE link (
      id INTEGER PRIMARY KEY,
      \(linkColumns));
    """

  private static let linkColumns = """
    a INTEGER REFERENCES address, b INTEGER REFERENCES address,
      protocol INTEGER, a_port INTEGER, b_port INTEGER,
      a_ports INTEGER, b_ports INTEGER,
      addresses INTEGER,
      has_handshake INTEGER, events INTEGER,
      sessions INTEGER, first_from_b INTEGER, two_way INTEGER,
      refused INTEGER, unanswered INTEGER, half_open INTEGER,
      unasked INTEGER, unheard INTEGER,
      packets_ab INTEGER, packets_ba INTEGER,
      bytes_ab INTEGER, bytes_ba INTEGER,
      first_tick INTEGER, last_tick INTEGER,
      handshakes INTEGER, handshake_ticks_sum INTEGER,
      handshake_ticks_min INTEGER,
      seen_elsewhere INTEGER DEFAULT 0
    """

  /// How many links a segment may have: their rowids are the segment's id above the link's number.
  static let numberBits = 24
  static let linksMax = 1 << numberBits

  /// The rowids of a segment's links.
  static func rows(of segment: Int64) -> ClosedRange<Int64> {
    (segment << numberBits)...(segment << numberBits | Int64(linksMax - 1))
  }

  /// The text of the `schema` key; nil where there is none, or no such table.
  static func found(in database: Database) throws -> String? {
    guard try database.tableExists("meta") else { return nil }
    return try String.fetchOne(database, sql: "SELECT value FROM meta WHERE key = 'schema'")
  }

  /// Makes an older store one of this version, inside the caller's transaction.
  ///
  /// - Parameter found: its version.
  static func migrate(_ database: Database, from found: String) throws {
    switch found {
    case version2: try migrateVersion2(database)
    case version3:
      // The rows stay as they are: a column that is missing at their end reads as its default.
      try database.execute(sql: "ALTER TABLE link ADD COLUMN seen_elsewhere INTEGER DEFAULT 0")
      try database.execute(
        sql: "UPDATE meta SET value = ? WHERE key = 'schema'", arguments: [name])
    default: break
    }
  }

  /// - Complexity: O(links); the file grows by a copy of them, which the next segments use.
  private static func migrateVersion2(_ database: Database) throws {
    let json =
      try String.fetchOne(database, sql: "SELECT value FROM meta WHERE key = 'capture'") ?? "{}"
    let capture = try JSONDecoder().decode(CaptureReport.self, from: Data(json.utf8))
    try database.execute(sql: "ALTER TABLE link RENAME TO link_before")
    try database.execute(sql: "ALTER TABLE address RENAME TO address_before")
    try database.execute(sql: "ALTER TABLE meta RENAME TO meta_before")
    try database.execute(sql: tables)
    try database.execute(sql: "INSERT INTO address SELECT id, address FROM address_before")
    try database.execute(sql: "INSERT INTO link SELECT rowid - 1, *, 0 FROM link_before")
    try database.execute(
      sql: "INSERT INTO run VALUES (?, ?, NULL)", arguments: [StoredRun.ofAudit, json])
    try database.execute(
      sql: "INSERT INTO segment VALUES (?, ?, 0, ?, ?)",
      arguments: [
        StoredSegment.ofAudit, SegmentState.closed.rawValue,
        Int64((capture.startNs ?? 0) / 1_000_000_000), try SegmentTotals(of: capture).text(),
      ])
    for table in ["link_before", "address_before", "meta_before", "watermark"] {
      try database.execute(sql: "DROP TABLE IF EXISTS \(table)")
    }
    try database.execute(sql: "INSERT INTO meta VALUES ('schema', ?)", arguments: [name])
  }
}

/// What becomes of a segment. Readers see `open` and `closed` ones only.
enum SegmentState: Int64 {
  /// Being made by compaction.
  case building = 0
  /// A minute that may be gone on with.
  case open = 1
  case closed = 2
  /// Its links are in another segment, or too old; they are being deleted.
  case dead = 3

  var isVisible: Bool { self == .open || self == .closed }
}

/// The run of a store that an audit wrote.
enum StoredRun {
  static let ofAudit: Int64 = 0
}

/// A row of `segment`.
struct StoredSegment: Equatable, Sendable {
  /// The segment of a store that an audit wrote: its links' rowids are their numbers, and short.
  static let ofAudit: Int64 = 0

  var id: Int64
  var state: SegmentState
  /// Seconds that it covers; 0 for a whole capture.
  var resolution: Int
  /// Seconds since 1970.
  var begin: Int
  var totals: SegmentTotals

  var end: Int { begin + resolution }

  /// All rows of the table, by begin.
  static func all(_ database: Database) throws -> [StoredSegment] {
    try Row.fetchAll(database, sql: "SELECT * FROM segment ORDER BY begin, id").map { row in
      // `Row` subscripts trap on what has another type; a damaged file may say anything.
      guard let id = Int64.fromDatabaseValue(row["id"]),
        let state = Int64.fromDatabaseValue(row["state"]).flatMap(SegmentState.init(rawValue:)),
        let resolution = Int.fromDatabaseValue(row["resolution"]),
        let begin = Int.fromDatabaseValue(row["begin"]),
        (0...timeMax >> StoreSchema.numberBits).contains(Int(id)),
        (0...86_400).contains(resolution), (0...timeMax).contains(begin),
        let text = String.fromDatabaseValue(row["totals"]), let totals = SegmentTotals(text)
      else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a segment is damaged") }
      return StoredSegment(
        id: id, state: state, resolution: resolution, begin: begin, totals: totals)
    }
  }

  /// What no time in seconds reaches, so that sums of times fit.
  private static let timeMax = 1 << 60
}

/// What a segment keeps beside its links: JSON by name, so that a new counter needs no new column.
struct SegmentTotals: Codable, Equatable, Sendable {
  /// By `PacketOutcome.name`.
  var accounting: [String: UInt64] = [:]
  /// As in `CaptureReport`, of the time of the segment.
  var frameBytes: UInt64 = 0
  var lengthSaturated: UInt64 = 0
  var sessionsExportedEarly: UInt64 = 0

  init() {}

  init(of capture: CaptureReport) {
    accounting = capture.accounting
    frameBytes = capture.frameBytes
    lengthSaturated = capture.lengthSaturated
    sessionsExportedEarly = capture.sessionsExportedEarly
  }

  /// Nil where it is damaged, or so large that a sum of several may not fit.
  init?(_ text: String) {
    guard let found = try? JSONDecoder().decode(SegmentTotals.self, from: Data(text.utf8)),
      found.counters.allSatisfy({ $0 >> 56 == 0 })
    else { return nil }
    self = found
  }

  func text() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  private var counters: [UInt64] {
    accounting.values + [frameBytes, lengthSaturated, sessionsExportedEarly]
  }

  var mapped: UInt64 { accounting[PacketOutcome.mapped.name] ?? 0 }

  mutating func set(_ counts: Accounting) {
    accounting = [:]
    for outcome in PacketOutcome.allCases where counts[outcome] > 0 {
      accounting[outcome.name] = counts[outcome]
    }
  }

  var counts: Accounting {
    var counts = Accounting()
    for outcome in PacketOutcome.allCases { counts[outcome] = accounting[outcome.name] ?? 0 }
    return counts
  }

  mutating func add(_ other: SegmentTotals) {
    accounting.merge(other.accounting) { $0 &+ $1 }
    frameBytes &+= other.frameBytes
    lengthSaturated &+= other.lengthSaturated
    sessionsExportedEarly &+= other.sessionsExportedEarly
  }

  /// What `capture` says more than `before`, which is of the same run, counts here.
  mutating func addWhatIsNew(in capture: CaptureReport, since before: CaptureReport?) {
    func new(_ counter: KeyPath<CaptureReport, UInt64>) -> UInt64 {
      let known = before?[keyPath: counter] ?? 0
      return capture[keyPath: counter] - min(known, capture[keyPath: counter])
    }
    frameBytes &+= new(\.frameBytes)
    lengthSaturated &+= new(\.lengthSaturated)
    sessionsExportedEarly &+= new(\.sessionsExportedEarly)
  }
}
