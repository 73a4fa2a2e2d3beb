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
/// | `address` | every address that has a part in a relation, as text |
/// | `relation` | `Relation`, one row each; ticks are 4,096 ns since 1970 |
///
/// All of an epoch is committed in one transaction: relations and watermarks, or neither.
public enum MapStore {
  /// The schema's name and version.
  public static let schema = "renkei.store/1"

  private static let tables = """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE watermark (tracker INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);
    CREATE TABLE address (id INTEGER PRIMARY KEY, address TEXT NOT NULL);
    CREATE TABLE relation (
      server INTEGER NOT NULL REFERENCES address, client INTEGER NOT NULL REFERENCES address,
      protocol INTEGER NOT NULL, port INTEGER NOT NULL, client_port INTEGER NOT NULL,
      kind INTEGER NOT NULL, basis INTEGER NOT NULL, confidence REAL NOT NULL,
      sessions INTEGER NOT NULL, refused INTEGER NOT NULL, unanswered INTEGER NOT NULL,
      packets_to_server INTEGER NOT NULL, packets_to_client INTEGER NOT NULL,
      bytes_to_server INTEGER NOT NULL, bytes_to_client INTEGER NOT NULL,
      first_tick INTEGER NOT NULL, last_tick INTEGER NOT NULL,
      handshakes INTEGER NOT NULL, handshake_ticks_sum INTEGER NOT NULL,
      handshake_ticks_min INTEGER NOT NULL);
    """

  /// Writes a whole map into a new file, in one transaction.
  ///
  /// The file is meant to be renamed to its place once it is complete, so it has no journal: what a
  /// crash leaves behind is a temporary file that nobody opens.
  ///
  /// - Throws: `StoreError` with SQLite's reason.
  /// - Complexity: O(relations), about 1 µs each.
  public static func create(
    path: String, capture: CaptureReport, addresses: [IPAddress], relations: [Relation],
    watermarks: [UInt64]
  ) throws {
    do {
      var configuration = Configuration()
      configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = OFF") }
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.writeWithoutTransaction { database in
        try database.execute(sql: "PRAGMA journal_mode = OFF")
        try database.inTransaction {
          try database.execute(sql: tables)
          try database.execute(
            sql: "INSERT INTO meta VALUES ('schema', ?), ('capture', ?)",
            arguments: [schema, String(decoding: try JSONEncoder().encode(capture), as: UTF8.self)])
          for (tracker, sequence) in watermarks.enumerated() {
            try database.execute(
              sql: "INSERT INTO watermark VALUES (?, ?)", arguments: [tracker, Int64(sequence)])
          }
          try insert(addresses, into: database)
          try insert(relations, into: database)
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
    let bulk = try BulkStatement(database, "INSERT INTO address VALUES (?, ?)")
    for (id, address) in addresses.enumerated() {
      bulk.bind(1, Int64(id))
      bulk.bind(2, address.description)
      try bulk.run()
    }
  }

  private static func insert(_ relations: [Relation], into database: Database) throws {
    let places = Array(repeating: "?", count: 20).joined(separator: ", ")
    let bulk = try BulkStatement(database, "INSERT INTO relation VALUES (\(places))")
    for one in relations {
      bulk.bind(1, Int64(one.server))
      bulk.bind(2, Int64(one.client))
      bulk.bind(3, Int64(one.protocolNumber))
      bulk.bind(4, Int64(one.port))
      bulk.bind(5, Int64(one.clientPort))
      bulk.bind(6, Int64(one.kind.rawValue))
      bulk.bind(7, Int64(one.basis.rawValue))
      bulk.bind(8, one.confidence)
      bulk.bind(9, one.sessions)
      bulk.bind(10, one.refused)
      bulk.bind(11, one.unanswered)
      bulk.bind(12, one.packetsToServer)
      bulk.bind(13, one.packetsToClient)
      bulk.bind(14, one.bytesToServer)
      bulk.bind(15, one.bytesToClient)
      bulk.bind(16, one.firstTick)
      bulk.bind(17, one.lastTick)
      bulk.bind(18, one.handshakes)
      bulk.bind(19, one.handshakeTicksSum)
      bulk.bind(20, one.handshakeTicksMin)
      try bulk.run()
    }
  }

  /// Reads a whole map.
  ///
  /// The file may be anybody's: what it holds is checked, so that no report can trap on it.
  ///
  /// - Parameter name: names for the addresses, as `ServiceMap.init` takes them.
  /// - Throws: `StoreError` where the file is missing, no store, of another version, or damaged.
  public static func load(
    path: String, networkBits: ServiceMap.NetworkBits = .init(),
    name: (IPAddress) -> String? = { _ in nil }
  ) throws -> ServiceMap {
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
        return ServiceMap(
          capture: capture, addresses: addresses,
          relations: try relations(database, numbers, path), networkBits: networkBits, name: name)
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
  ) throws -> ([IPAddress], [Int64: Int]) {
    var addresses: [IPAddress] = []
    var numbers: [Int64: Int] = [:]
    let bulk = try BulkStatement(database, "SELECT id, address FROM address ORDER BY id")
    while try bulk.step() {
      guard let address = IPAddress(bulk.text(1)) else {
        throw StoreError(path: path, action: "read", reason: "no address: \(bulk.text(1))")
      }
      numbers[bulk.integer(0)] = addresses.count
      addresses.append(address)
    }
    return (addresses, numbers)
  }

  private static func relations(
    _ database: Database, _ numbers: [Int64: Int], _ path: String
  ) throws -> [Relation] {
    var relations: [Relation] = []
    let bulk = try BulkStatement(database, "SELECT * FROM relation")
    while try bulk.step() {
      guard let server = numbers[bulk.integer(0)], let client = numbers[bulk.integer(1)],
        let protocolNumber = UInt8(exactly: bulk.integer(2)),
        let port = UInt16(exactly: bulk.integer(3)),
        let clientPort = UInt16(exactly: bulk.integer(4)),
        let kind = UInt8(exactly: bulk.integer(5)).flatMap(RelationKind.init),
        let basis = UInt8(exactly: bulk.integer(6)).flatMap(Basis.init),
        0...1 ~= bulk.real(7)
      else { throw StoreError(path: path, action: "read", reason: "a relation is damaged") }
      var one = Relation(
        server: server, client: client, protocolNumber: protocolNumber, port: port,
        clientPort: clientPort, kind: kind, basis: basis, confidence: bulk.real(7))
      one.sessions = bulk.counter(8)
      one.refused = bulk.counter(9)
      one.unanswered = bulk.counter(10)
      one.packetsToServer = bulk.counter(11)
      one.packetsToClient = bulk.counter(12)
      one.bytesToServer = bulk.counter(13)
      one.bytesToClient = bulk.counter(14)
      one.firstTick = bulk.tick(15)
      one.lastTick = bulk.tick(16)
      one.handshakes = bulk.counter(17)
      one.handshakeTicksSum = bulk.counter(18)
      one.handshakeTicksMin = bulk.tick(19)
      guard bulk.isPlausible else {
        throw StoreError(path: path, action: "read", reason: "a relation's counters are damaged")
      }
      relations.append(one)
    }
    return relations
  }
}

/// The store could not be written or read.
public struct StoreError: Error, CustomStringConvertible {
  public let path: String
  public let action: String
  public let reason: String

  public var description: String { "\(path): could not \(action) the map store: \(reason)" }
}
