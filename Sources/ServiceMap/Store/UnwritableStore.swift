internal import Foundation
internal import GRDB

/// A copy of a store in a place where nothing can be written, made to be read.
///
/// A store that has a WAL can be opened only where its -shm file is or can be made
/// (https://www.sqlite.org/wal.html#read_only_databases). Where there is none, nobody is writing, and
/// the file and what is left of the WAL can be copied.
struct UnwritableStore {
  let path: String
  private let folder: URL

  /// - Throws: `StoreError` that says what to do where it can't be read that way.
  init(path original: String) throws {
    let real = URL(fileURLWithPath: original).resolvingSymlinksInPath().path
    let files = FileManager.default
    func refuse(_ reason: String) -> StoreError {
      StoreError(path: original, action: "read", reason: reason)
    }
    let shared = real + "-shm"
    if files.fileExists(atPath: shared) {
      let file = files.isReadableFile(atPath: shared) ? real + "-wal" : shared
      throw refuse(
        "\(file) can't be read; a map that is being written needs permission for its -wal and -shm "
          + "files too (or read a copy: renkei store backup)")
    }
    folder = files.temporaryDirectory.appendingPathComponent("renkei-\(UUID().uuidString)")
    path = folder.appendingPathComponent("map.db").path
    do {
      try files.createDirectory(
        at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
      try files.copyItem(atPath: real, toPath: path)
      if files.fileExists(atPath: real + "-wal") {
        try files.copyItem(atPath: real + "-wal", toPath: path + "-wal")
      }
      // They may be read-only there.
      for file in try files.contentsOfDirectory(atPath: folder.path) {
        try files.setAttributes(
          [.posixPermissions: 0o600], ofItemAtPath: folder.appendingPathComponent(file).path)
      }
    } catch {
      try? files.removeItem(at: folder)
      throw refuse(
        "its directory can't be written, and a copy in \(files.temporaryDirectory.path) failed: "
          + (error as NSError).localizedDescription)
    }
    guard !files.fileExists(atPath: shared) else {
      remove()
      throw refuse("a unit has just begun to write it; try again")
    }
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }
}
