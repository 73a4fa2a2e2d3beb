/// The configuration of a stream; the names are those of JetStream's API, in camel case.
struct StreamConfiguration: Codable, Equatable {
  var name: String
  var subjects: [String]?
  var retention: String?
  var maxConsumers: Int?
  var maxMsgsPerSubject: Int64?
  var maxBytes: Int64?
  /// Nanoseconds.
  var maxAge: Int64?
  var maxMsgSize: Int64?
  var storage: String?
  var discard: String?
  var numReplicas: Int?
  /// Nanoseconds.
  var duplicateWindow: Int64?
  var denyDelete: Bool?
  var denyPurge: Bool?
  var allowRollupHdrs: Bool?
  var allowDirect: Bool?
}

/// Who keeps a stream.
struct StreamGroup: Codable, Equatable {
  struct Replica: Codable, Equatable {
    var name: String
    var current: Bool?
    var offline: Bool?
    /// Operations that it is behind.
    var lag: UInt64?
  }

  var leader: String?
  var replicas: [Replica]?
}
