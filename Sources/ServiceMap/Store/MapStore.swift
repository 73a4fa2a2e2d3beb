internal import Foundation
internal import GRDB
internal import Wire

/// The map on disk: one SQLite file. One writer at a time, an audit (`create`) or a unit (`UnitStore`);
/// reporters open it read-only.
///
/// | table | rows |
/// |---|---|
/// | `meta` | `schema` |
/// | `run` | for each run of an audit or unit: `capture` (JSON of `CaptureReport`), and how far each stream had been consumed when the rest was committed |
/// | `segment` | for each period: begin, length, and what became of its packets |
/// | `address` | every address that has a part in a link, as text |
/// | `link` | `Link`, one row each, its id the segment's above a number; ticks are 4,096 ns since 1970 |
///
/// The map of a time is the sum of the segments in it (`SegmentSum`). An audit writes one segment, for
/// all of its capture.
///
/// No role is stored but what a handshake said: roles are judged when the store is read, from all of
/// it and from what the operator says (`RoleJudge`).
///
/// All of an epoch is committed in one transaction: links and watermarks, or neither.
public enum MapStore {
  /// The schema's name and version.
  public static var schema: String { StoreSchema.name }

  /// Writes a whole map into a new file, in one transaction.
  ///
  /// The file is meant to be renamed to its place once it is complete, so it has no journal: what a
  /// crash leaves behind is a temporary file that nobody opens.
  ///
  /// - Throws: `StoreError` with SQLite's reason.
  /// - Complexity: O(links), about 1 µs each.
  public static func create(
    path: String, _ content: Content, watermarks: [UInt64]
  ) throws {
    guard content.links.count <= StoreSchema.linksMax else {
      throw StoreError(
        path: path, action: "write",
        reason: "\(content.links.count) links are more than a segment has room for")
    }
    do {
      var configuration = Configuration()
      // Asking for both addresses of each link takes as long as writing it.
      configuration.foreignKeysEnabled = false
      configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = OFF") }
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.writeWithoutTransaction { database in
        try database.execute(sql: "PRAGMA journal_mode = OFF")
        try database.inTransaction {
          try write(content, watermarks: watermarks, into: database)
          return .commit
        }
      }
      try queue.close()
    } catch let error as DatabaseError {
      throw StoreError(path: path, action: "write", error)
    }
  }

  private static func write(
    _ content: Content, watermarks: [UInt64], into database: Database
  ) throws {
    try database.execute(sql: StoreSchema.tables)
    try database.execute(
      sql: "INSERT INTO meta VALUES ('schema', ?)", arguments: [StoreSchema.name])
    let progress = watermarks.withUnsafeBytes { Data($0) }
    try database.execute(
      sql: "INSERT INTO run VALUES (?, ?, ?)",
      arguments: [
        StoredRun.ofAudit,
        String(decoding: try JSONEncoder().encode(content.capture), as: UTF8.self), progress,
      ])
    try database.execute(
      sql: "INSERT INTO segment VALUES (?, ?, 0, ?, ?)",
      arguments: [
        StoredSegment.ofAudit, SegmentState.closed.rawValue,
        Int64((content.capture.startNs ?? 0) / 1_000_000_000),
        try SegmentTotals(of: content.capture).text(),
      ])
    let addresses = try RowWriter(database, "INSERT INTO address", columns: 2)
    try addresses.write(content.addresses.count) { bulk, parameter, place in
      bulk.bind(parameter, Int64(place))
      bulk.bind(parameter + 1, content.addresses[place].description)
    }
    let links = try RowWriter(database, "INSERT INTO link", columns: LinkRow.columns)
    try links.write(content.links.count) { bulk, parameter, place in
      LinkRow.bind(content.links[place], id: Int64(place), to: bulk, from: parameter)
    }
  }
}
