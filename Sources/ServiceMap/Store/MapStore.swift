internal import Foundation
internal import GRDB
internal import GRDBSQLite
public import Wire

/// The map on disk: one SQLite file. The merger alone writes it; reporters open it read-only.
///
/// | table | rows |
/// |---|---|
/// | `meta` | `schema`, `capture` (JSON of `CaptureReport`) |
/// | `watermark` | how far each stream had been consumed when the rest was committed |
/// | `address` | every address that has a part in a link, as text |
/// | `link` | `Link`, one row each; ticks are 4,096 ns since 1970 |
///
/// No role is stored but what a handshake said: roles are judged when the store is read, from all of
/// it and from what the operator says (`RoleJudge`).
///
/// All of an epoch is committed in one transaction: links and watermarks, or neither.
public enum MapStore {
  /// The schema's name and version.
  public static let schema = "renkei.store/2"

  // Without NOT NULL in `link`: asking takes SQLite a seventh of its time, and who reads a store checks
  // it anyway.
  private static let tables = """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE watermark (tracker INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);
    CREATE TABLE address (id INTEGER PRIMARY KEY, address TEXT NOT NULL);
    CREATE TABLE link (
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
      handshake_ticks_min INTEGER);
    """

  /// Writes a whole map into a new file, in one transaction.
  ///
  /// The file is meant to be renamed to its place once it is complete, so it has no journal: what a
  /// crash leaves behind is a temporary file that nobody opens.
  ///
  /// - Throws: `StoreError` with SQLite's reason.
  /// - Complexity: O(links), about 1 µs each.
  public static func create(
    path: String, _ content: Content, watermarks: [UInt64]
  ) throws {
    do {
      var configuration = Configuration()
      // Asking for both addresses of each link takes as long as writing it.
      configuration.foreignKeysEnabled = false
      configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = OFF") }
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.writeWithoutTransaction { database in
        try database.execute(sql: "PRAGMA journal_mode = OFF")
        try database.inTransaction {
          try database.execute(sql: tables)
          try database.execute(
            sql: "INSERT INTO meta VALUES ('schema', ?), ('capture', ?)",
            arguments: [
              schema, String(decoding: try JSONEncoder().encode(content.capture), as: UTF8.self),
            ])
          for (tracker, sequence) in watermarks.enumerated() {
            try database.execute(
              sql: "INSERT INTO watermark VALUES (?, ?)", arguments: [tracker, Int64(sequence)])
          }
          try insert(content.addresses, into: database)
          try insert(content.links, into: database)
          return .commit
        }
      }
      try queue.close()
    } catch let error as DatabaseError {
      let hint =
        error.resultCode == .SQLITE_FULL
        ? "; make room there, or name another place with -o map.db or TMPDIR" : ""
      throw StoreError(
        path: path, action: "write", reason: (error.message ?? "\(error.resultCode)") + hint)
    }
  }

  private static func insert(_ addresses: [IPAddress], into database: Database) throws {
    try insert(addresses.count, columns: 2, into: "address", of: database) { bulk, first, place in
      bulk.bind(first, Int64(place))
      bulk.bind(first + 1, addresses[place].description)
    }
  }

  private static func insert(_ links: [Link], into database: Database) throws {
    try insert(links.count, columns: 27, into: "link", of: database) { bulk, first, place in
      let one = links[place]
      bulk.bind(first, Int64(one.a))
      bulk.bind(first + 1, Int64(one.b))
      bulk.bind(first + 2, Int64(one.protocolNumber))
      bulk.bind(first + 3, Int64(one.aPort))
      bulk.bind(first + 4, Int64(one.bPort))
      bulk.bind(first + 5, Int64(one.aPorts))
      bulk.bind(first + 6, Int64(one.bPorts))
      bulk.bind(first + 7, Int64(one.addresses))
      bulk.bind(first + 8, Int64(one.hasHandshake ? 1 : 0))
      bulk.bind(first + 9, Int64(one.events.rawValue))
      bulk.bind(first + 10, one.sessions)
      bulk.bind(first + 11, one.firstFromB)
      bulk.bind(first + 12, one.twoWay)
      bulk.bind(first + 13, one.refused)
      bulk.bind(first + 14, one.unanswered)
      bulk.bind(first + 15, one.halfOpen)
      bulk.bind(first + 16, one.unasked)
      bulk.bind(first + 17, one.unheard)
      bulk.bind(first + 18, one.packetsAB)
      bulk.bind(first + 19, one.packetsBA)
      bulk.bind(first + 20, one.bytesAB)
      bulk.bind(first + 21, one.bytesBA)
      bulk.bind(first + 22, one.firstTick)
      bulk.bind(first + 23, one.lastTick)
      bulk.bind(first + 24, one.handshakes)
      bulk.bind(first + 25, one.handshakeTicksSum)
      bulk.bind(first + 26, one.handshakeTicksMin)
    }
  }

  /// Rows that one statement inserts: SQLite does as much work to begin a statement as for a row.
  private static let rowsPerStatement = 32

  /// Inserts `count` rows; `bind` binds the columns of a row from a given one on.
  private static func insert(
    _ count: Int, columns: Int, into table: String, of database: Database,
    bind: (BulkStatement, Int32, Int) -> Void
  ) throws {
    func statement(rows: Int) throws -> BulkStatement {
      let places = Array(repeating: "?", count: columns).joined(separator: ", ")
      let values = Array(repeating: "(\(places))", count: rows).joined(separator: ", ")
      return try BulkStatement(database, "INSERT INTO \(table) VALUES \(values)")
    }
    let many = try statement(rows: rowsPerStatement)
    let one = try statement(rows: 1)
    var place = 0
    while place < count {
      let rows = count - place >= rowsPerStatement ? rowsPerStatement : 1
      let bulk = rows > 1 ? many : one
      for row in 0..<rows { bind(bulk, Int32(row * columns + 1), place + row) }
      try bulk.run()
      place += rows
    }
  }

  /// Reads a whole map and judges its roles.
  ///
  /// - Parameter name: names for the addresses, as `ServiceMap.init` takes them.
  /// - Throws: as `read`.
  public static func load(
    path: String, overrides: RoleOverrides = RoleOverrides(),
    networkBits: ServiceMap.NetworkBits = .init(),
    name: (IPAddress) -> String? = { _ in nil }
  ) throws -> ServiceMap {
    try read(path: path).map(overrides: overrides, networkBits: networkBits, name: name)
  }

  /// Reads all that a store holds.
  ///
  /// The file may be anybody's: what it holds is checked, so that no report can trap on it.
  ///
  /// - Throws: `StoreError` where the file is missing, no store, of another version, or damaged.
  public static func read(path: String) throws -> Content {
    guard FileManager.default.fileExists(atPath: path) else {
      throw StoreError(path: path, action: "read", reason: "no such file")
    }
    do {
      var configuration = Configuration()
      configuration.readonly = true
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      return try queue.read { database in
        let found = try String.fetchOne(
          database, sql: "SELECT value FROM meta WHERE key = 'schema'")
        guard found == schema else {
          throw StoreError(
            path: path, action: "read",
            reason: "its schema is \(found ?? "missing"), this renkei reads \(schema)")
        }
        let json =
          try String.fetchOne(database, sql: "SELECT value FROM meta WHERE key = 'capture'") ?? ""
        let capture = try JSONDecoder().decode(CaptureReport.self, from: Data(json.utf8))
        // They are added up in every report, and to them what the relations hold.
        guard capture.accounting.values.allSatisfy({ $0 >> 56 == 0 }) else {
          throw StoreError(path: path, action: "read", reason: "its packet counters are damaged")
        }
        let (addresses, numbers) = try addresses(database, path)
        let links = try links(database, numbers, path)
        // A file cut within its last page reads as zeros there.
        let packets = links.reduce(0) { $0 + $1.packets }
        guard packets == capture.accounting[PacketOutcome.mapped.name] ?? 0 else {
          throw StoreError(
            path: path, action: "read",
            reason: "it is damaged or cut off: \(packets) packets of "
              + "\(capture.accounting[PacketOutcome.mapped.name] ?? 0) are there")
        }
        return Content(capture: capture, addresses: addresses, links: links)
      }
    } catch let error as DatabaseError {
      throw StoreError(path: path, action: "read", reason: error.message ?? "\(error.resultCode)")
    } catch let error as DecodingError {
      throw StoreError(
        path: path, action: "read", reason: "its capture report is damaged: \(error)")
    }
  }

  private static func addresses(
    _ database: Database, _ path: String
  ) throws -> ([IPAddress], AddressNumbers) {
    var addresses: [IPAddress] = []
    var numbers = AddressNumbers()
    let bulk = try BulkStatement(database, "SELECT id, address FROM address ORDER BY id")
    while try bulk.step() {
      guard let address = IPAddress(bulk.text(1)) else {
        throw StoreError(path: path, action: "read", reason: "no address: \(bulk.text(1))")
      }
      numbers.append(bulk.integer(0))
      addresses.append(address)
    }
    return (addresses, numbers)
  }

  private static func links(
    _ database: Database, _ numbers: AddressNumbers, _ path: String
  ) throws -> [Link] {
    var links: [Link] = []
    // A hint that the file may lie about.
    let count = try Int.fetchOne(database, sql: "SELECT max(rowid) FROM link") ?? 0
    links.reserveCapacity(min(max(0, count), 1 << 22))
    let bulk = try BulkStatement(database, "SELECT * FROM link")
    var counters = BulkCounters(bulk)
    while try bulk.step() {
      guard let a = numbers[bulk.integer(0)], let b = numbers[bulk.integer(1)],
        let protocolNumber = UInt8(exactly: bulk.integer(2)),
        let aPort = UInt16(exactly: bulk.integer(3)),
        let bPort = UInt16(exactly: bulk.integer(4)),
        let aPorts = UInt32(exactly: bulk.integer(5)),
        let bPorts = UInt32(exactly: bulk.integer(6)),
        let addressCount = UInt32(exactly: bulk.integer(7)),
        let events = UInt16(exactly: bulk.integer(9))
      else { throw StoreError(path: path, action: "read", reason: "a link is damaged") }
      var one = Link(
        a: a, b: b, protocolNumber: protocolNumber, aPort: aPort, bPort: bPort,
        hasHandshake: bulk.integer(8) != 0, events: SessionEvents(rawValue: events))
      one.aPorts = aPorts
      one.bPorts = bPorts
      one.addresses = addressCount
      one.sessions = counters.counter(10)
      one.firstFromB = counters.counter(11)
      one.twoWay = counters.counter(12)
      one.refused = counters.counter(13)
      one.unanswered = counters.counter(14)
      one.halfOpen = counters.counter(15)
      one.unasked = counters.counter(16)
      one.unheard = counters.counter(17)
      one.packetsAB = counters.counter(18)
      one.packetsBA = counters.counter(19)
      one.bytesAB = counters.counter(20)
      one.bytesBA = counters.counter(21)
      one.firstTick = counters.tick(22)
      one.lastTick = counters.tick(23)
      one.handshakes = counters.counter(24)
      one.handshakeTicksSum = counters.counter(25)
      one.handshakeTicksMin = counters.tick(26)
      guard counters.isPlausible else {
        throw StoreError(path: path, action: "read", reason: "a link's counters are damaged")
      }
      links.append(one)
    }
    return links
  }
}

/// The numbers of addresses by their ids in the store.
private struct AddressNumbers {
  /// How many addresses have their number as id, as the merger gives them: they need no table.
  private var dense = 0
  /// All others.
  private var others: [Int64: Int] = [:]

  /// Gives the next number to `id`.
  mutating func append(_ id: Int64) {
    if others.isEmpty && id == Int64(dense) {
      dense += 1
    } else {
      others[id] = dense + others.count
    }
  }

  subscript(id: Int64) -> Int? {
    id >= 0 && id < Int64(dense) ? Int(id) : others.isEmpty ? nil : others[id]
  }
}

/// The store could not be written or read.
public struct StoreError: Error, CustomStringConvertible {
  public let path: String
  public let action: String
  public let reason: String

  public var description: String { "\(path): could not \(action) the map store: \(reason)" }
}
