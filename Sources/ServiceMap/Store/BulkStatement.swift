internal import Foundation
internal import GRDB
internal import GRDBSQLite
internal import Wire

/// A prepared statement whose columns are bound and read one by one, without a box for each value:
/// GRDB's own way costs about a microsecond a column, and a map has millions.
///
/// Used only inside a GRDB access, which serialises the connection.
final class BulkStatement {
  private let handle: OpaquePointer
  private let connection: OpaquePointer

  init(_ database: Database, _ sql: String) throws {
    guard let connection = database.sqliteConnection else {
      throw DatabaseError(resultCode: .SQLITE_MISUSE)
    }
    var handle: OpaquePointer?
    guard sqlite3_prepare_v2(connection, sql, -1, &handle, nil) == SQLITE_OK, let handle else {
      throw BulkStatement.error(connection)
    }
    self.handle = handle
    self.connection = connection
  }

  deinit { sqlite3_finalize(handle) }

  func bind(_ column: Int32, _ value: Int64) { sqlite3_bind_int64(handle, column, value) }

  /// SQLite's integers are signed; the bits are kept.
  func bind(_ column: Int32, _ value: UInt64) { bind(column, Int64(bitPattern: value)) }

  func bind(_ column: Int32, _ value: Double) { sqlite3_bind_double(handle, column, value) }

  func bind(_ column: Int32, _ text: String) {
    // SQLITE_TRANSIENT is a macro that Swift can't import: SQLite is to copy the text.
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    sqlite3_bind_text(handle, column, text, -1, transient)
  }

  /// Bytes, or NULL.
  func bind(_ column: Int32, _ bytes: [UInt8]?) {
    guard let bytes else {
      sqlite3_bind_null(handle, column)
      return
    }
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    // An empty array may have no address, which would be NULL.
    guard !bytes.isEmpty else {
      sqlite3_bind_zeroblob(handle, column, 0)
      return
    }
    _ = bytes.withUnsafeBytes {
      sqlite3_bind_blob(handle, column, $0.baseAddress, Int32($0.count), transient)
    }
  }

  /// Runs the statement once, for writing. It can be run again, whether that worked or not.
  func run() throws {
    let result = sqlite3_step(handle)
    // Before the reset, which may say something else.
    let error = result == SQLITE_DONE ? nil : BulkStatement.error(connection)
    sqlite3_reset(handle)
    if let error { throw error }
  }

  /// Makes the statement, which was read to any row, ready to be run again.
  func reset() { sqlite3_reset(handle) }

  /// Goes to the next row; false after the last.
  func step() throws -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw BulkStatement.error(connection)
    }
  }

  func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  func real(_ column: Int32) -> Double { sqlite3_column_double(handle, column) }
  func text(_ column: Int32) -> String {
    sqlite3_column_text(handle, column).map { String(cString: $0) } ?? ""
  }

  private static func error(_ connection: OpaquePointer) -> DatabaseError {
    DatabaseError(
      resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
      message: String(cString: sqlite3_errmsg(connection)))
  }
}

/// The counters and times of the rows of a statement. A value beside it, since each access to a
/// variable of an object is checked for exclusivity when it is made.
struct BulkCounters {
  let statement: BulkStatement
  /// Whether all counters read so far add up to less than 2⁶², so that no sum of some of them, or
  /// of each of them twice, leaves 64 bits; and whether all times are such. A damaged file may say
  /// anything.
  private(set) var isPlausible = true
  private(set) var sum: UInt64
  /// Whether counters may be negative, as those of a part of a sum may: then it is their magnitudes
  /// that are added up.
  private let isSigned: Bool

  /// - Parameter sum: that of what was read before by other statements, to which this one's is added.
  init(_ statement: BulkStatement, isSigned: Bool = false, sum: UInt64 = 0) {
    self.statement = statement
    self.sum = sum
    self.isSigned = isSigned
  }

  /// A number that is added to others.
  mutating func counter(_ column: Int32) -> UInt64 {
    let value = unsigned(column)
    let magnitude = isSigned ? Int64(bitPattern: value).magnitude : value
    let (sum, overflow) = sum.addingReportingOverflow(magnitude)
    self.sum = sum
    if overflow || sum >> 62 != 0 { isPlausible = false }
    return value
  }

  /// A time in ticks; `.max` is a minimum of nothing.
  mutating func tick(_ column: Int32) -> UInt64 {
    let value = unsigned(column)
    if value > BulkCounters.tickMax && value != .max { isPlausible = false }
    return value
  }

  private static let tickMax = Tick.of(nanoseconds: .max)

  private func unsigned(_ column: Int32) -> UInt64 {
    UInt64(bitPattern: statement.integer(column))
  }
}
