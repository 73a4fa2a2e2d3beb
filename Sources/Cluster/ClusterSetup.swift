internal import Foundation
internal import Wire

/// How large a cluster is.
public struct ClusterLimits: Equatable, Sendable {
  /// Virtual shards; can't be changed later.
  public var shards = 16
  /// Servers that keep each message: 1 or 3.
  public var replicas = 3
  /// Bytes of records and of epochs that the servers keep for the stages behind, on each of their disks.
  public var recordsBytesMax: UInt64 = 20 << 30
  public var epochsBytesMax: UInt64 = 4 << 30

  public init() {}
}

/// Makes what a cluster needs in JetStream: two streams, two buckets and the layout; or says how they differ.
public struct ClusterSetup {
  /// What `run` found or did with one thing.
  public enum Outcome: Equatable, Sendable {
    case made
    case asItShouldBe
    /// It differs: what from what, in JetStream's words. It was not changed.
    case differs([String])
    case updated([String])
  }

  public struct Step: Equatable, Sendable {
    /// "stream RENKEI_RECORDS", "bucket renkei-status", "layout".
    public var what: String
    public var outcome: Outcome
  }

  /// A batch and an epoch's part have less than 1 MB as a rule. Servers must take that much (`max_payload`).
  static let messageBytesMax: Int64 = 4 << 20
  /// Within it a message that is stored again is known by its id. A stage that was killed repeats its last messages as soon
  /// as it is up again; where that takes longer, numbers of batches and compare-and-swap do the same.
  static let duplicateSeconds: Int64 = 120
  /// A process that is gone for that long is no longer shown.
  static let statusSeconds: Int64 = 3600
  /// A cluster of servers that has just come up has no leader yet.
  static let readySecondsMax = 15.0

  let limits: ClusterLimits
  let link: NATSLink

  public init(_ limits: ClusterLimits, on link: NATSLink) {
    self.limits = limits
    self.link = link
  }

  /// - Parameter update: changes what differs, where JetStream can.
  /// - Throws: `ClusterError`.
  public func run(update: Bool) throws(ClusterError) -> [Step] {
    var steps: [Step] = []
    for stream in ClusterStream.allCases {
      let wanted = configuration(of: stream)
      steps.append(
        Step(what: "stream \(stream.rawValue)", outcome: try provide(wanted, update: update)))
    }
    for bucket in ClusterBucket.allCases {
      let wanted = configuration(of: bucket)
      steps.append(
        Step(what: "bucket \(bucket.rawValue)", outcome: try provide(wanted, update: update)))
    }
    steps.append(Step(what: "layout", outcome: try provideLayout()))
    return steps
  }

  // MARK: - What is wanted

  func configuration(of stream: ClusterStream) -> StreamConfiguration {
    var wanted = base(stream.rawValue, [stream.subjects])
    let bytes = stream == .records ? limits.recordsBytesMax : limits.epochsBytesMax
    wanted.maxBytes = Int64(clamping: bytes)
    wanted.maxMsgSize = ClusterSetup.messageBytesMax
    return wanted
  }

  func configuration(of bucket: ClusterBucket) -> StreamConfiguration {
    var wanted = base("KV_\(bucket.rawValue)", ["$KV.\(bucket.rawValue).>"])
    wanted.maxMsgsPerSubject = 1
    wanted.maxBytes = 64 << 20
    wanted.maxMsgSize = 1 << 20
    wanted.maxAge = bucket == .status ? ClusterSetup.statusSeconds * 1_000_000_000 : 0
    wanted.allowRollupHdrs = true
    wanted.denyDelete = true
    return wanted
  }

  private func base(_ name: String, _ subjects: [String]) -> StreamConfiguration {
    var wanted = StreamConfiguration(name: name)
    wanted.subjects = subjects
    wanted.retention = "limits"
    wanted.storage = "file"
    // What is full refuses, so that the collectors' spools take over; to drop the oldest would lose records.
    wanted.discard = "new"
    wanted.numReplicas = limits.replicas
    wanted.duplicateWindow = ClusterSetup.duplicateSeconds * 1_000_000_000
    wanted.denyDelete = false
    wanted.denyPurge = false
    wanted.allowRollupHdrs = false
    // Readers ask for their messages one by one, and any replica answers.
    wanted.allowDirect = true
    return wanted
  }

  // MARK: - Making it

  private func provide(_ wanted: StreamConfiguration, update: Bool) throws(ClusterError) -> Outcome
  {
    guard let found = try patiently({ () throws(ClusterError) in try current(wanted.name) }) else {
      try patiently { () throws(ClusterError) in try send("CREATE", wanted) }
      // Stored is stored only when there is a leader.
      _ = try patiently { () throws(ClusterError) in try current(wanted.name) }
      return .made
    }
    let differences = wanted.differences(from: found)
    if differences.isEmpty { return .asItShouldBe }
    guard update else { return .differs(differences) }
    try patiently { () throws(ClusterError) in try send("UPDATE", wanted) }
    return .updated(differences)
  }

  private func current(_ name: String) throws(ClusterError) -> StreamConfiguration? {
    guard
      let json = try link.exchange.api(
        "STREAM.INFO.\(name)", absent: NATSErrorCode.streamNotFound)
    else { return nil }
    return try NATSExchange.decode(NATSAnswer.Stream.self, json).config
  }

  private func send(_ verb: String, _ wanted: StreamConfiguration) throws(ClusterError) {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    let json = (try? encoder.encode(wanted)) ?? Data()
    _ = try link.exchange.ask(
      .init(subject: "$JS.API.STREAM.\(verb).\(wanted.name)", payload: [UInt8](json))
    ) { (reply) throws(ClusterError) in try NATSExchange.result(of: reply, absent: nil) }
  }

  /// Tries again while there is no leader.
  private func patiently<Result>(_ body: () throws(ClusterError) -> Result) throws(ClusterError)
    -> Result
  {
    let end = Clock.seconds() + ClusterSetup.readySecondsMax
    while true {
      do {
        return try body()
      } catch .unreachable(let why) {
        guard Clock.seconds() < end else { throw .unreachable(why) }
        link.exchange.mailbox.pause(seconds: 0.2)
      } catch {
        throw error
      }
    }
  }

  private func provideLayout() throws(ClusterError) -> Outcome {
    let wanted = ClusterLayout(createdNs: Clock.wallNs(), shards: limits.shards)
    while true {
      if let found = try patiently({ () throws(ClusterError) in
        try link.get(ClusterLayout.key, in: .cluster)
      }) {
        guard let layout = try? JSONDecoder().decode(ClusterLayout.self, from: Data(found.value))
        else { return .differs(["it can't be read"]) }
        var differences: [String] = []
        if layout.version != wanted.version {
          differences.append("version \(layout.version), not \(wanted.version)")
        }
        // Sessions would be in other shards than their past: no update can do that.
        if layout.shards != wanted.shards {
          differences.append("\(layout.shards) shards, not \(wanted.shards)")
        }
        return differences.isEmpty ? .asItShouldBe : .differs(differences)
      }
      do {
        let value = (try? JSONEncoder().encode(wanted)) ?? Data()
        try patiently { () throws(ClusterError) in
          try link.update([UInt8](value), for: ClusterLayout.key, in: .cluster, revision: 0)
        }
        return .made
      } catch .superseded {
        continue
      } catch {
        throw error
      }
    }
  }
}

extension ClusterLayout {
  /// In the bucket `cluster`.
  public static let key = "layout"

  /// What `renkei cluster init` wrote.
  ///
  /// - Throws: `ClusterError.misconfigured` where it did not, or another version did.
  public static func read(from log: some ClusterLog) throws(ClusterError) -> ClusterLayout {
    guard let found = try log.get(key, in: .cluster) else {
      throw .misconfigured("there is no layout; `renkei cluster init` makes it")
    }
    guard let layout = try? JSONDecoder().decode(ClusterLayout.self, from: Data(found.value)),
      layout.version == ClusterLayout(createdNs: 0, shards: 1).version
    else { throw .misconfigured("its layout is of another version of renkei") }
    return layout
  }
}

extension StreamConfiguration {
  /// What is otherwise than it should be: "max_bytes 1, not 2".
  func differences(from found: StreamConfiguration) -> [String] {
    func compared<Value: Equatable>(_ name: String, _ wanted: Value?, _ found: Value?) -> String? {
      // JetStream leaves out what is 0 or false.
      let (wanted, found) = ("\(wanted.map { "\($0)" } ?? "0")", "\(found.map { "\($0)" } ?? "0")")
      let nothing = ["0", "false", "-1"]
      if wanted == found || nothing.contains(wanted) && nothing.contains(found) { return nil }
      return "\(name) \(found), not \(wanted)"
    }
    return [
      compared("subjects", subjects, found.subjects),
      compared("retention", retention, found.retention),
      compared("storage", storage, found.storage),
      compared("discard", discard, found.discard),
      compared("max_bytes", maxBytes, found.maxBytes),
      compared("max_age", maxAge, found.maxAge),
      compared("max_msg_size", maxMsgSize, found.maxMsgSize),
      compared("max_msgs_per_subject", maxMsgsPerSubject, found.maxMsgsPerSubject),
      compared("num_replicas", numReplicas, found.numReplicas),
      compared("duplicate_window", duplicateWindow, found.duplicateWindow),
      compared("deny_purge", denyPurge, found.denyPurge),
      compared("deny_delete", denyDelete, found.denyDelete),
      compared("allow_direct", allowDirect, found.allowDirect),
    ].compactMap { $0 }
  }
}
