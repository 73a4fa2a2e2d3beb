internal import Foundation

/// What JetStream says of the streams, for `renkei cluster status`.
public enum ClusterInspection {
  public struct Stream: Codable, Equatable, Sendable {
    /// "RENKEI_RECORDS", "KV_renkei-status".
    public var name: String
    public var messages: UInt64
    public var bytes: UInt64
    /// 0: no limit.
    public var bytesMax: UInt64
    public var firstSequence: UInt64
    public var lastSequence: UInt64
    /// Servers that should keep it.
    public var replicas: Int
    /// The server that answers for it; nil where there is none now.
    public var leader: String?
    /// Replicas that are up to date, the leader among them.
    public var replicasCurrent: Int
    /// Operations that the one farthest behind has to catch up.
    public var behind: UInt64
    /// Of those that are not up to date or do not answer.
    public var replicasLost: [String]

    public init(
      name: String, messages: UInt64, bytes: UInt64, bytesMax: UInt64, firstSequence: UInt64,
      lastSequence: UInt64, replicas: Int, leader: String?, replicasCurrent: Int, behind: UInt64,
      replicasLost: [String]
    ) {
      self.name = name
      self.messages = messages
      self.bytes = bytes
      self.bytesMax = bytesMax
      self.firstSequence = firstSequence
      self.lastSequence = lastSequence
      self.replicas = replicas
      self.leader = leader
      self.replicasCurrent = replicasCurrent
      self.behind = behind
      self.replicasLost = replicasLost
    }
  }

  /// The streams, then the buckets.
  ///
  /// - Throws: `ClusterError`.
  public static func streams(of link: NATSLink) throws(ClusterError) -> [Stream] {
    var streams: [Stream] = []
    let names =
      ClusterStream.allCases.map(\.rawValue) + ClusterBucket.allCases.map { "KV_\($0.rawValue)" }
    for name in names { streams.append(stream(name, try link.information(of: name))) }
    return streams
  }

  private static func stream(_ name: String, _ found: NATSAnswer.Stream) -> Stream {
    let others = found.cluster?.replicas ?? []
    let lost = others.filter { $0.offline == true || $0.current == false }
    // A server by itself has no group and leads.
    let leader = found.cluster == nil ? "-" : found.cluster?.leader
    return Stream(
      name: name, messages: found.state.messages, bytes: found.state.bytes,
      bytesMax: UInt64(max(0, found.config.maxBytes ?? 0)),
      firstSequence: found.state.firstSeq, lastSequence: found.state.lastSeq,
      replicas: found.config.numReplicas ?? 1, leader: leader?.isEmpty == true ? nil : leader,
      replicasCurrent: others.count - lost.count + (leader?.isEmpty == false ? 1 : 0),
      behind: others.map { $0.lag ?? 0 }.max() ?? 0, replicasLost: lost.map(\.name))
  }
}
