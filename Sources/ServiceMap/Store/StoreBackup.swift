internal import Foundation
internal import GRDB
internal import Glibc

/// Copies a store while it is being written.
public enum StoreBackup {
  /// Writes one state of the store at `path` into a file of its own: with SQLite's online backup into a
  /// hidden file beside the target, which is renamed once it is complete and on the disk.
  ///
  /// - Throws: `StoreError`; the target is as it was then.
  /// - Complexity: O(bytes); the writer goes on meanwhile, and its WAL grows.
  public static func write(path: String, to target: String) throws {
    func failed(_ reason: String) -> StoreError {
      StoreError(path: target, action: "back up", reason: reason)
    }
    let real = URL(fileURLWithPath: target).resolvingSymlinksInPath()
    var (source, existing) = (stat(), stat())
    if stat(real.path, &existing) == 0 {
      guard existing.st_mode & S_IFMT == S_IFREG else { throw failed("it is no regular file") }
      guard
        stat(path, &source) != 0 || source.st_ino != existing.st_ino
          || source.st_dev != existing.st_dev
      else { throw failed("that is the store itself") }
      // What is in its WAL would be added to the copy.
      for ending in ["-wal", "-journal"] where access(real.path + ending, F_OK) == 0 {
        throw failed("it is in use: there is \(real.path + ending)")
      }
    }
    let hidden = real.deletingLastPathComponent()
      .appendingPathComponent(".\(real.lastPathComponent.prefix(100)).\(getpid()).tmp").path
    unlink(hidden)
    defer { for ending in ["", "-journal", "-wal", "-shm"] { unlink(hidden + ending) } }
    try StoreReader.read(path: path) { database in
      _ = try StoreReader(database, path: path)
      do {
        let copy = try DatabaseQueue(path: hidden)
        try copy.writeWithoutTransaction { target in
          try database.backup(to: target)
          // One plain file, whatever the source has beside it.
          try target.execute(sql: "PRAGMA journal_mode = DELETE")
        }
        try copy.close()
      } catch let error as DatabaseError {
        throw StoreError(path: target, action: "back up", error)
      }
    }
    let descriptor = open(hidden, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0, fsync(descriptor) == 0 else {
      throw failed(String(cString: strerror(errno)))
    }
    close(descriptor)
    guard rename(hidden, real.path) == 0 else { throw failed(String(cString: strerror(errno))) }
  }
}
