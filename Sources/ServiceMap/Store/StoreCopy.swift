internal import Foundation
internal import GRDB
internal import Glibc

/// Makes another store out of one, beside its place, and puts it there once it is complete and on the disk.
enum StoreCopy {
  /// - Parameters:
  ///   - action: what errors call it.
  ///   - body: writes what it reads of one state of the source into an empty database.
  /// - Throws: `StoreError`; the target is as it was then.
  static func write(
    path: String, to target: String, action: String, configuration: Configuration = Configuration(),
    _ body: (_ source: Database, _ copy: Database) throws -> Void
  ) throws {
    func failed(_ reason: String) -> StoreError {
      StoreError(path: target, action: action, reason: reason)
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
      do {
        let copy = try DatabaseQueue(path: hidden, configuration: configuration)
        try copy.writeWithoutTransaction { try body(database, $0) }
        try copy.close()
      } catch let error as DatabaseError {
        throw StoreError(path: target, action: action, error)
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
