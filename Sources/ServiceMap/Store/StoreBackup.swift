internal import GRDB

/// Copies a store while it is being written.
public enum StoreBackup {
  /// Writes one state of the store at `path` into a file of its own, with SQLite's online backup.
  ///
  /// - Throws: `StoreError`; the target is as it was then.
  /// - Complexity: O(bytes); the writer goes on meanwhile, and its WAL grows.
  public static func write(path: String, to target: String) throws {
    try StoreCopy.write(path: path, to: target, action: "back up") { source, copy in
      _ = try StoreReader(source, path: path)
      try source.backup(to: copy)
      // One plain file, whatever the source has beside it.
      try copy.execute(sql: "PRAGMA journal_mode = DELETE")
    }
  }
}
