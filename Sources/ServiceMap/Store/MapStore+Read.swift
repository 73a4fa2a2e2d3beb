internal import Foundation
internal import GRDB
public import Wire

extension MapStore {
  /// Reads a map and judges its roles.
  ///
  /// - Parameters:
  ///   - range: the time that is asked for; nil for all that is stored.
  ///   - name: names for the addresses, as `ServiceMap.init` takes them.
  /// - Throws: as `read`.
  public static func load(
    path: String, range: TimeRange? = nil, overrides: RoleOverrides = RoleOverrides(),
    networkBits: ServiceMap.NetworkBits = .init(),
    name: (IPAddress) -> String? = { _ in nil }
  ) throws -> ServiceMap {
    try read(path: path, range: range)
      .map(overrides: overrides, networkBits: networkBits, name: name)
  }

  /// Reads what a store holds, or the part of it that lies in or overlaps a time: a segment can't be
  /// cut, so more may be covered than was asked for (`Content.coverage`).
  ///
  /// The file may be anybody's: what it holds is checked, so that no report can trap on it.
  ///
  /// - Throws: `StoreError` where the file is missing, no store, of another version, or damaged, and
  ///   where nothing is stored for the time.
  public static func read(path: String, range: TimeRange? = nil) throws -> Content {
    try StoreReader.read(path: path) { database in
      let reader = try StoreReader(database, path: path)
      return try reader.content(range)
    }
  }
}
