internal import Foundation
internal import Wire

/// How a cluster is: its streams, its processes, and everything that is wrong with it.
public struct ClusterCondition: Codable, Equatable, Sendable {
  /// Something that is wrong. `kind` is for programs and for the texts, the rest is filled in.
  public struct Problem: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
      case unreachable, noLayout, noLeader, replicaLost, nearlyFull, dead, noProcess, says
      case noOwner, unbalanced, refused, spooling, notPermitted, missing
    }

    public var kind: Kind
    /// Stream, "tracker core-1", reason.
    public var what: String
    public var detail: String

    public init(_ kind: Kind, _ what: String, _ detail: String = "") {
      self.kind = kind
      self.what = what
      self.detail = detail
    }
  }

  public struct Member: Codable, Equatable, Sendable {
    public var status: ProcessStatus
    /// Its entry has changed within the last seconds.
    public var isAlive: Bool
    /// It ended as it should.
    public var isEnded: Bool
    /// How far behind the newest packet of all collectors it is; of a tracker its shard that is farthest behind. A
    /// collector's is by the clock of its own box. nil where it has had no packet.
    public var lagSeconds: Double?

    public init(status: ProcessStatus, isAlive: Bool, isEnded: Bool, lagSeconds: Double?) {
      self.status = status
      self.isAlive = isAlive
      self.isEnded = isEnded
      self.lagSeconds = lagSeconds
    }
  }

  public var shards: Int?
  public var streams: [ClusterInspection.Stream] = []
  public var members: [Member] = []
  public var shardsWithoutOwner: [Int] = []
  /// Messages refused, by name of the reason, then by process ("tracker core-1").
  public var refused: [String: [String: UInt64]] = [:]
  public var problems: [Problem] = []

  public init() {}

  public var isWell: Bool { problems.isEmpty }

  public func members(_ role: ProcessStatus.Role) -> [Member] {
    members.filter { $0.status.role == role }
  }

  /// Where a stream has that share of its bytes, it is said.
  static let fullShare = 0.9
  /// That of its spool.
  static let spoolShare = 0.5

  // MARK: - Judging

  /// Everything that is wrong, from what the condition has.
  public mutating func judge() {
    problems = []
    if shards == nil { problems.append(Problem(.noLayout, "layout")) }
    for stream in streams { judge(stream) }
    for role in ProcessStatus.Role.allCases
    where !members(role).contains(where: { $0.isAlive || $0.isEnded }) {
      problems.append(Problem(.noProcess, role.rawValue))
    }
    for member in members { judge(member) }
    if !shardsWithoutOwner.isEmpty {
      let list = shardsWithoutOwner.map { "\($0)" }.joined(separator: ", ")
      problems.append(Problem(.noOwner, list))
    }
    // What comes again after a crash is meant to be refused.
    for (reason, counts) in refused.sorted(by: { $0.key < $1.key }) where reason != "replayed" {
      for (who, count) in counts.sorted(by: { $0.key < $1.key }) where count > 0 {
        problems.append(Problem(.refused, "\(who): \(reason)", "\(count)"))
      }
    }
  }

  private mutating func judge(_ stream: ClusterInspection.Stream) {
    if stream.leader == nil { problems.append(Problem(.noLeader, stream.name)) }
    for replica in stream.replicasLost {
      problems.append(Problem(.replicaLost, stream.name, replica))
    }
    if stream.bytesMax > 0,
      Double(stream.bytes) > Double(stream.bytesMax) * ClusterCondition.fullShare
    {
      problems.append(
        Problem(.nearlyFull, stream.name, "\(stream.bytes * 100 / stream.bytesMax)"))
    }
  }

  private mutating func judge(_ member: Member) {
    let status = member.status
    let who = status.label
    if !member.isAlive, !member.isEnded { problems.append(Problem(.dead, who, status.host)) }
    if let problem = status.problem { problems.append(Problem(.says, who, problem)) }
    if let collector = status.collector, collector.spoolBytesMax > 0,
      Double(collector.spoolBytes) > Double(collector.spoolBytesMax)
        * ClusterCondition.spoolShare
    {
      let share = collector.spoolBytes * 100 / collector.spoolBytesMax
      problems.append(Problem(.spooling, who, "\(share)"))
    }
    if let merger = status.merger {
      if !merger.isBalanced {
        problems.append(Problem(.unbalanced, who, "\(merger.unaccounted)"))
      }
      for (point, records) in merger.missing.sorted(by: { $0.key < $1.key }) where records > 0 {
        problems.append(Problem(.missing, point, "\(records)"))
      }
    }
  }
}

extension ProcessStatus {
  /// "tracker core-1".
  public var label: String { "\(role.rawValue) \(name)" }
}

extension ProcessStatus.Merger {
  /// Packets that are not in the map and have a reason.
  public var reasons: [String: UInt64] {
    accounting.filter { $0.key != PacketOutcome.mapped.name }
  }

  /// captured − mapped − on the way − Σ reasons: 0.
  public var unaccounted: Int64 {
    let found = reasons.values.reduce(mapped &+ inPipeline, &+)
    return Int64(bitPattern: captured &- found)
  }

  /// captured = mapped + on the way + Σ reasons.
  public var isBalanced: Bool { unaccounted == 0 }
}
