internal import Foundation
internal import GRDB
internal import Wire

/// Reads maps out of one state of a store.
struct StoreReader {
  let path: String
  private let database: Database
  private let segments: [StoredSegment]
  private let runs: [CaptureReport]

  /// Opens the store, read-only, and reads: `body` sees one state of it, whatever is committed meanwhile.
  static func read<T>(path: String, _ body: (Database) throws -> T) throws -> T {
    guard FileManager.default.fileExists(atPath: path) else {
      throw StoreError(path: path, action: "read", reason: "no such file")
    }
    do {
      var configuration = Configuration()
      configuration.readonly = true
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      return try queue.read { database in try body(database) }
    } catch let error as DatabaseError {
      throw StoreError(path: path, action: "read", error)
    } catch let error as DecodingError {
      throw StoreError(
        path: path, action: "read", reason: "its capture report is damaged: \(error)")
    }
  }

  init(_ database: Database, path: String) throws {
    self.path = path
    self.database = database
    let found = try String.fetchOne(database, sql: "SELECT value FROM meta WHERE key = 'schema'")
    guard found == StoreSchema.name else {
      throw StoreError(
        path: path, action: "read",
        reason: "its schema is \(found ?? "missing"), this renkei reads \(StoreSchema.name)")
    }
    segments = try StoredSegment.all(database).filter(\.state.isVisible)
    runs = try String.fetchAll(database, sql: "SELECT capture FROM run ORDER BY rowid").map {
      try JSONDecoder().decode(CaptureReport.self, from: Data($0.utf8))
    }
  }

  func content(_ range: TimeRange?) throws -> MapStore.Content {
    fatalError()
  }
}
