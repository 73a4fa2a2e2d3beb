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
  /// - Parameter withSeries: whether traffic over time is collected as well (`Content.series`).
  /// - Throws: `StoreError` where the file is missing, no store, of another version, or damaged, and
  ///   where nothing is stored for the time.
  public static func read(
    path: String, range: TimeRange? = nil, withSeries: Bool = false
  ) throws -> Content {
    var handles = AddressHandles()
    let found = try StoreReader.read(path: path) { database in
      let reader = try StoreReader(database, path: path)
      let chosen = try reader.chosen(range)
      if reader.isAudit(chosen) {
        return Found.audit(try reader.audit(chosen[0], reader.runs[0].capture))
      }
      let ids = try reader.learnAddresses(&handles)
      var total = SegmentTotal()
      if withSeries { total.series = SeriesBuilder(reader.times(of: chosen)) }
      for (place, segment) in chosen.enumerated() {
        try reader.add(segment, at: place, to: &total) { ids[$0] }
      }
      return Found.sum(reader, chosen, total)
    }
    // No transaction is open any more: what takes long need not hold up the writer's WAL.
    switch found {
    case .audit(let content): return content
    case .sum(let reader, let chosen, let total):
      return try reader.content(of: chosen, total, handles.table)
    }
  }

  /// What was read in a transaction.
  private enum Found {
    case audit(Content)
    case sum(StoreReader, [StoredSegment], SegmentTotal)
  }
}
