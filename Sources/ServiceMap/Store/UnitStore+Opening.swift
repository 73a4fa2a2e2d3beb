internal import Foundation
internal import GRDB
internal import GRDBSQLite
internal import Glibc

extension UnitStore {
  /// What the head of a file is searched for when SQLite can't read it.
  private static let headBytes = 1 << 16
  /// What the WAL file is cut to after that, if a long reader let it grow.
  private static let walBytesMax = 64 << 20

  static func opened(
    _ path: String, _ lock: StoreLock
  ) throws -> (queue: DatabaseQueue, setAside: String?) {
    guard try isSound(path) else {
      let place = try setAside(path)
      try lock.moveToNewFile()
      return (try connected(path), place)
    }
    return (try connected(path), nil)
  }

  /// Whether there is a store that can be used, or nothing yet; false where it is damaged.
  ///
  /// - Parameter isReadonly: first without writing anything, as it may be anybody's file.
  private static func isSound(_ path: String, isReadonly: Bool = true) throws -> Bool {
    let handle = FileHandle(forReadingAtPath: path)
    let head = try handle?.read(upToCount: headBytes) ?? Data()
    try handle?.close()
    guard !head.isEmpty else { return true }
    // Its version is on one of the first pages, and text is stored as it is.
    let isOurs = head.range(of: Data(StoreSchema.family.utf8)) != nil
    do {
      var configuration = Configuration()
      configuration.readonly = isReadonly
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      defer { try? queue.close() }
      return try queue.read { database in
        let found = try StoreSchema.found(in: database)
        // Begun, and then the power went: nothing is in it yet.
        if found == nil,
          try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
        {
          return true
        }
        guard let found, found.hasPrefix(StoreSchema.family) else {
          throw StoreError(path: path, action: "open", reason: "it is no renkei store")
        }
        guard [StoreSchema.name, StoreSchema.version3, StoreSchema.version2].contains(found) else {
          throw StoreError(
            path: path, action: "open",
            reason: "its schema is \(found), this renkei writes \(StoreSchema.name)")
        }
        return try String.fetchAll(database, sql: "PRAGMA quick_check(1)") == ["ok"]
      }
    } catch let error as DatabaseError {
      switch error.resultCode {
      case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR:
        guard isOurs else {
          throw StoreError(path: path, action: "open", reason: "it is no renkei store")
        }
        return false
      // A writer was killed before there was a WAL: its first transaction has to be rolled back.
      case .SQLITE_READONLY where isReadonly: return try isSound(path, isReadonly: false)
      default: throw StoreError(path: path, action: "open", error)
      }
    }
  }

  /// Renames the file and its WAL; answers where it went.
  private static func setAside(_ path: String) throws -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.dateFormat = "yyyyMMdd'T'HHmmss'Z'"
    let name = "\(path).damaged-\(formatter.string(from: Date()))"
    var place = name
    var count = 1
    while Glibc.access(place, F_OK) == 0 {
      count += 1
      place = "\(name)-\(count)"
    }
    for ending in ["-wal", "-shm", ""] where Glibc.access(path + ending, F_OK) == 0 {
      guard rename(path + ending, place + ending) == 0 else {
        throw StoreError(
          path: path, action: "set aside", reason: String(cString: strerror(errno)))
      }
    }
    return place
  }

  private static func connected(_ path: String) throws -> DatabaseQueue {
    do {
      var configuration = Configuration()
      // Asking for both addresses of each link takes as long as writing it.
      configuration.foreignKeysEnabled = false
      configuration.busyMode = .timeout(10)
      configuration.prepareDatabase { database in
        // Has an effect on a new file only: pages that are free then go back to the file system.
        try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
        try database.execute(sql: "PRAGMA journal_mode = WAL")
        try database.execute(sql: "PRAGMA synchronous = NORMAL")
        // `WALPages` does it: SQLite's own makes an error of a commit that worked.
        try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
        try database.execute(sql: "PRAGMA journal_size_limit = \(walBytesMax)")
      }
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.writeWithoutTransaction { database in
        try database.inTransaction(.immediate) {
          if let found = try StoreSchema.found(in: database) {
            try StoreSchema.migrate(database, from: found)
          } else {
            try database.execute(sql: StoreSchema.tables)
            try database.execute(
              sql: "INSERT INTO meta VALUES ('schema', ?)", arguments: [StoreSchema.name])
          }
          return .commit
        }
        // What the store is must not be in the WAL alone, which a power cut may shorten.
        try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
      }
      return queue
    } catch let error as DatabaseError {
      throw StoreError(path: path, action: "open", error)
    }
  }
}

/// Keeps a second writer away: flock(2) on the file, which SQLite's own locks (fcntl) don't meet.
final class StoreLock {
  private let path: String
  private var descriptor: Int32

  init(path: String) throws {
    self.path = path
    descriptor = try StoreLock.locked(path)
  }

  deinit { release() }

  /// After the file that was locked got another name: locks the one that is to be there.
  func moveToNewFile() throws {
    let new = try StoreLock.locked(path)
    release()
    descriptor = new
  }

  /// To be called when SQLite has closed the file: closing any descriptor of it ends SQLite's locks.
  func release() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  private static func locked(_ path: String) throws -> Int32 {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else {
      var reason = String(cString: strerror(errno))
      if errno == EACCES || errno == EPERM {
        let user = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(geteuid())"
        reason =
          "the user \(user) may not write it or its directory; chown it, or name another place"
      }
      throw StoreError(path: path, action: "open", reason: reason)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      Glibc.close(descriptor)
      throw StoreError(path: path, action: "open", reason: "another process is writing it")
    }
    return descriptor
  }
}

/// Moves what is in the WAL into the file, now and then.
///
/// Apart from the commit: where the file has no room to grow, the commit is in the WAL all the same, and
/// the moving is tried again after the next.
final class WALPages {
  /// Pages past which it is done, 16 MB.
  private static let max: Int32 = 4096
  /// Pages in the WAL after the last commit, as SQLite tells (sqlite3_wal_hook).
  private let count = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

  init(_ database: Database) {
    count.initialize(to: 0)
    sqlite3_wal_hook(
      database.sqliteConnection,
      { context, _, _, pages in
        context?.assumingMemoryBound(to: Int32.self).pointee = pages
        return SQLITE_OK
      }, count)
  }

  deinit { count.deallocate() }

  func moveIfMany(_ database: Database) {
    guard count.pointee >= WALPages.max else { return }
    // Whatever it answers, nothing is lost. It waits for nobody; pages that a reader needs stay.
    sqlite3_wal_checkpoint_v2(
      database.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
  }
}
