internal import GRDB

/// Looks for damage in a store.
public enum StoreCheck {
  /// What is wrong; empty where nothing is: SQLite's integrity_check, and of each segment whether its
  /// links add up to the packets that were mapped in it and their addresses are known.
  ///
  /// - Throws: `StoreError` where it can't be opened at all.
  /// - Complexity: O(bytes), reading only.
  public static func problems(path: String) throws -> [String] {
    try StoreReader.read(path: path) { database in
      var problems = try String.fetchAll(database, sql: "PRAGMA integrity_check(20)")
        .filter { $0 != "ok" }
      let reader = try StoreReader(database, path: path)
      var counted: UInt64 = 0
      for segment in reader.segments {
        if let problem = reader.problem(of: segment, counted: &counted) {
          problems.append("segment \(segment.id), begin \(segment.begin): \(problem)")
        }
      }
      return problems
    }
  }
}
