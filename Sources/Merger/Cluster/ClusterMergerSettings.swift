public import Cluster
internal import Foundation
public import ServiceMap

/// What a cluster's merger is asked to do.
public struct ClusterMergerSettings: Sendable {
  /// Of the merger, as in `ClusterSubject.isName`; no two may have the same.
  public var name: String
  public var layout: ClusterLayout
  /// Path of the store, which is this merger's alone.
  public var store: String
  /// Links that a period may have before those are joined that may be.
  public var linksMax = 1 << 20
  /// IPv6 addresses of the minutes that are worked on at once.
  public var addressesMax = 1 << 22
  public var retention = Retention()
  /// How often is committed, while there is anything, and how often watermarks and status are written.
  public var commitSeconds = 1.0
  public var statusSeconds = 1.0
  /// How long a merger that the cluster does not know yet waits after it has said that it is there, so that others
  /// delete nothing any more that it has not seen.
  public var greetingSeconds = 1.5
  /// For the status.
  public var host = ""
  public var version = ""

  public init(name: String, layout: ClusterLayout, store: String) {
    self.name = name
    self.layout = layout
    self.store = store
  }
}

/// How far a merger's store has come: what lies before it in the streams need not be kept for this merger. JSON under
/// `watermark.<merger>` in the bucket `renkei-cluster`.
public struct ClusterWatermark: Codable, Equatable, Sendable {
  /// Sequence in the stream of records up to which everything is in the store.
  public var records: UInt64
  /// Sequence in the stream of epochs before the oldest of the shards' last snapshots.
  public var epochs: UInt64

  public init(records: UInt64 = 0, epochs: UInt64 = 0) {
    self.records = records
    self.epochs = epochs
  }

  /// What the names of all watermarks begin with.
  public static let prefix = "watermark."

  public static func key(of merger: String) -> String { prefix + merger }

  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return [UInt8](try encoder.encode(self))
  }

  init?(_ bytes: [UInt8]) {
    guard let found = try? JSONDecoder().decode(ClusterWatermark.self, from: Data(bytes)) else {
      return nil
    }
    self = found
  }
}
