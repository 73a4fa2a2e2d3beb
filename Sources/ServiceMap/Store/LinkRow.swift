internal import GRDB
internal import Wire

/// A link as a row of the table `link`.
enum LinkRow {
  static let columns = 29
  static let names = namesBefore + ", seen_elsewhere"
  /// For stores of version 3, whose links have no such column.
  static let namesOfVersion3 = namesBefore + ", 0"
  private static let namesBefore =
    "id, a, b, protocol, a_port, b_port, a_ports, b_ports, addresses, "
    + "has_handshake, events, sessions, first_from_b, two_way, refused, unanswered, half_open, "
    + "unasked, unheard, packets_ab, packets_ba, bytes_ab, bytes_ba, first_tick, last_tick, "
    + "handshakes, handshake_ticks_sum, handshake_ticks_min"

  /// Binds the row's columns from the parameter `first` on.
  static func bind(_ one: Link, id: Int64, to bulk: BulkStatement, from first: Int32) {
    bulk.bind(first, id)
    bulk.bind(first + 1, Int64(one.a))
    bulk.bind(first + 2, Int64(one.b))
    bulk.bind(first + 3, Int64(one.protocolNumber))
    bulk.bind(first + 4, Int64(one.aPort))
    bulk.bind(first + 5, Int64(one.bPort))
    bulk.bind(first + 6, Int64(one.aPorts))
    bulk.bind(first + 7, Int64(one.bPorts))
    bulk.bind(first + 8, Int64(one.addresses))
    bulk.bind(first + 9, Int64(one.hasHandshake ? 1 : 0))
    bulk.bind(first + 10, Int64(one.events.rawValue))
    bulk.bind(first + 11, one.sessions)
    bulk.bind(first + 12, one.firstFromB)
    bulk.bind(first + 13, one.twoWay)
    bulk.bind(first + 14, one.refused)
    bulk.bind(first + 15, one.unanswered)
    bulk.bind(first + 16, one.halfOpen)
    bulk.bind(first + 17, one.unasked)
    bulk.bind(first + 18, one.unheard)
    bulk.bind(first + 19, one.packetsAB)
    bulk.bind(first + 20, one.packetsBA)
    bulk.bind(first + 21, one.bytesAB)
    bulk.bind(first + 22, one.bytesBA)
    bulk.bind(first + 23, one.firstTick)
    bulk.bind(first + 24, one.lastTick)
    bulk.bind(first + 25, one.handshakes)
    bulk.bind(first + 26, one.handshakeTicksSum)
    bulk.bind(first + 27, one.handshakeTicksMin)
    bulk.bind(first + 28, one.elsewhere)
  }

  /// The link of the statement's row, which has the columns `names`; its hosts are the ids that are
  /// stored. Nil where it is damaged.
  static func read(_ counters: inout BulkCounters) -> Link? {
    let bulk = counters.statement
    guard let a = UInt32(exactly: bulk.integer(1)), let b = UInt32(exactly: bulk.integer(2)),
      let protocolNumber = UInt8(exactly: bulk.integer(3)),
      let aPort = UInt16(exactly: bulk.integer(4)),
      let bPort = UInt16(exactly: bulk.integer(5)),
      let aPorts = UInt32(exactly: bulk.integer(6)),
      let bPorts = UInt32(exactly: bulk.integer(7)),
      let addresses = UInt32(exactly: bulk.integer(8)),
      let events = UInt16(exactly: bulk.integer(10))
    else { return nil }
    var one = Link(
      a: Int(a), b: Int(b), protocolNumber: protocolNumber, aPort: aPort, bPort: bPort,
      hasHandshake: bulk.integer(9) != 0, events: SessionEvents(rawValue: events))
    one.aPorts = aPorts
    one.bPorts = bPorts
    one.addresses = addresses
    one.sessions = counters.counter(11)
    one.firstFromB = counters.counter(12)
    one.twoWay = counters.counter(13)
    one.refused = counters.counter(14)
    one.unanswered = counters.counter(15)
    one.halfOpen = counters.counter(16)
    one.unasked = counters.counter(17)
    one.unheard = counters.counter(18)
    one.packetsAB = counters.counter(19)
    one.packetsBA = counters.counter(20)
    one.bytesAB = counters.counter(21)
    one.bytesBA = counters.counter(22)
    one.firstTick = counters.tick(23)
    one.lastTick = counters.tick(24)
    one.handshakes = counters.counter(25)
    one.handshakeTicksSum = counters.counter(26)
    one.handshakeTicksMin = counters.tick(27)
    one.elsewhere = counters.counter(28)
    return counters.isPlausible ? one : nil
  }
}

/// The statements that write rows of one table, kept for the next ones.
///
/// One statement takes 32 rows: SQLite does as much work to begin a statement as for a row.
struct RowWriter {
  private static let rowsPerStatement = 32
  private let columns: Int
  private let many: BulkStatement
  private let one: BulkStatement

  /// - Parameter verb: `INSERT INTO link`, `INSERT OR REPLACE INTO link`.
  init(_ database: Database, _ verb: String, columns: Int) throws {
    func statement(rows: Int) throws -> BulkStatement {
      let places = Array(repeating: "?", count: columns).joined(separator: ", ")
      let values = Array(repeating: "(\(places))", count: rows).joined(separator: ", ")
      return try BulkStatement(database, "\(verb) VALUES \(values)")
    }
    self.columns = columns
    many = try statement(rows: RowWriter.rowsPerStatement)
    one = try statement(rows: 1)
  }

  /// Writes `count` rows; `bind` binds the columns of a row from a given parameter on.
  func write(_ count: Int, bind: (BulkStatement, Int32, Int) -> Void) throws {
    var place = 0
    while place < count {
      let rows =
        count - place >= RowWriter.rowsPerStatement ? RowWriter.rowsPerStatement : 1
      let bulk = rows > 1 ? many : one
      for row in 0..<rows { bind(bulk, Int32(row * columns + 1), place + row) }
      try bulk.run()
      place += rows
    }
  }
}
