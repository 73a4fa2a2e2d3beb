internal import GRDB
internal import Glibc

/// The store could not be written or read.
public struct StoreError: Error, CustomStringConvertible {
  public let path: String
  public let action: String
  public let reason: String
  /// There was no room for what was to be written: nothing of it is there, and it may be tried again.
  public let isFull: Bool

  init(path: String, action: String, reason: String, isFull: Bool = false) {
    self.path = path
    self.action = action
    self.reason = reason
    self.isFull = isFull
  }

  /// - Parameter errorNumber: what the system said, where SQLite hides it.
  init(path: String, action: String, _ error: DatabaseError, errorNumber: Int32 = 0) {
    let noRoom = [ENOSPC, EDQUOT, EFBIG].contains(errorNumber)
    self.init(
      path: path, action: action, reason: error.message ?? "\(error.resultCode)",
      isFull: error.resultCode == .SQLITE_FULL || error.resultCode == .SQLITE_IOERR && noRoom)
  }

  public var description: String { "\(path): could not \(action) the map store: \(reason)" }
}
