internal import GRDB
internal import GRDBSQLite
internal import Glibc

/// The store could not be written or read.
public struct StoreError: Error, CustomStringConvertible {
  public let path: String
  public let action: String
  public let reason: String
  /// There was no room for what was to be written: nothing of it is there, and it may be tried again.
  public let isFull: Bool
  /// The store is sound, but has nothing of the time that was asked for.
  public let isOutOfTime: Bool

  init(
    path: String, action: String, reason: String, isFull: Bool = false, isOutOfTime: Bool = false
  ) {
    self.path = path
    self.action = action
    self.reason = reason
    self.isFull = isFull
    self.isOutOfTime = isOutOfTime
  }

  /// - Parameter database: the connection, where it still is.
  init(path: String, action: String, _ error: DatabaseError, _ database: Database? = nil) {
    let isFull =
      switch error.extendedResultCode {
      case .SQLITE_FULL, .SQLITE_IOERR_SHMSIZE: true
      // A full disk is SQLITE_FULL; a quota or a limit on the size of files is not.
      case .SQLITE_IOERR_WRITE:
        database.map { StoreError.lastWrite($0, failedWith: [EDQUOT, EFBIG]) } ?? false
      default: false
      }
    self.init(
      path: path, action: action, reason: error.message ?? "\(error.resultCode)", isFull: isFull)
  }

  /// Whether the last error of the file or of its WAL was one of these. sqlite3_system_errno(3) does not
  /// know what fails at the end of a transaction.
  private static func lastWrite(_ database: Database, failedWith numbers: [Int32]) -> Bool {
    [SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER].contains { which in
      var file: UnsafeMutablePointer<sqlite3_file>?
      guard sqlite3_file_control(database.sqliteConnection, "main", which, &file) == SQLITE_OK,
        let file, let methods = file.pointee.pMethods
      else { return false }
      var number: Int32 = 0
      let result = methods.pointee.xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number)
      return result == SQLITE_OK && numbers.contains(number)
    }
  }

  public var description: String {
    // In TMPDIR is what nobody wants to keep.
    let hint = isFull ? "; make room there, or name another place (-o map.db, TMPDIR)" : ""
    return "\(path): could not \(action) the map store: \(reason)\(hint)"
  }
}
