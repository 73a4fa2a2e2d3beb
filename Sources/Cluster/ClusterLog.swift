/// A message of a stream, as it is stored.
public struct LogMessage: Sendable {
  public var subject: String
  /// Its place in the stream, from 1.
  public var sequence: UInt64
  public var payload: [UInt8]

  public init(subject: String, sequence: UInt64, payload: [UInt8]) {
    self.subject = subject
    self.sequence = sequence
    self.payload = payload
  }
}

/// A message that is to be stored.
public struct LogEntry: Sendable {
  public var subject: String
  /// Names the message: another one with the same name within the window of de-duplication is not stored again
  /// (header Nats-Msg-Id).
  public var id: String
  public var payload: [UInt8]

  public init(subject: String, id: String, payload: [UInt8]) {
    self.subject = subject
    self.id = id
    self.payload = payload
  }
}

/// What the stages of a cluster ask of JetStream, one call a batch or an epoch, never a packet. The pure cores know
/// nothing else of it, so that tests can take its place (`TestSupport.MemoryLog`).
///
/// Used by one thread. Every call waits no longer than some seconds and then throws
/// `ClusterError.unreachable`; a connection that was lost comes back by itself.
public protocol ClusterLog: AnyObject {
  /// Whether there is a connection at the moment.
  var isConnected: Bool { get }

  /// Stores all messages, in their order, and waits until a majority of the replicas has them.
  ///
  /// - Returns: nil when all are stored; else the places in `entries` of those of which that is not known, and
  ///   which may be given again: by their ids they are stored once.
  /// - Throws: `ClusterError` where that will not become better by itself (permission, no such stream).
  func store(_ entries: [LogEntry]) throws(ClusterError) -> [Int]?

  /// Stores one message, if the last one of its subject is the one with that sequence number.
  ///
  /// - Parameter after: sequence of the subject's last message; 0 where there must be none.
  /// - Returns: its sequence.
  /// - Throws: `ClusterError.superseded` where another one is the last, `.unreachable` where it isn't known
  ///   whether it was stored.
  func store(_ entry: LogEntry, after: UInt64) throws(ClusterError) -> UInt64

  /// The last message of a subject; nil where there is none.
  func last(of subject: String, in stream: ClusterStream) throws(ClusterError) -> LogMessage?

  /// Reads the messages of `subject` (which may have wildcards) from a sequence number on, in their order.
  func reader(of subject: String, in stream: ClusterStream, from sequence: UInt64)
    throws(ClusterError) -> any LogReader

  /// Deletes all messages of a stream up to a sequence number, inclusive.
  func forget(_ stream: ClusterStream, upTo sequence: UInt64) throws(ClusterError)

  /// The first and the last sequence number of a stream, and what it holds.
  func state(of stream: ClusterStream) throws(ClusterError) -> StreamState

  // MARK: - Buckets

  func get(_ key: String, in bucket: ClusterBucket) throws(ClusterError) -> BucketValue?
  /// Sets a value, whatever it was.
  func put(_ value: [UInt8], for key: String, in bucket: ClusterBucket) throws(ClusterError)
  /// Sets a value, if it has not changed since it was read.
  ///
  /// - Parameter revision: of the value read; 0 where there was none.
  /// - Throws: `ClusterError.superseded` where it has.
  func update(_ value: [UInt8], for key: String, in bucket: ClusterBucket, revision: UInt64)
    throws(ClusterError)
  /// All keys that begin with `prefix`, and their values.
  func all(_ prefix: String, in bucket: ClusterBucket) throws(ClusterError) -> [String: BucketValue]
  func delete(_ key: String, in bucket: ClusterBucket) throws(ClusterError)
}

/// Reads a subject from where it began. Goes on by itself when a server dies: no message twice, none left out that
/// is still there.
public protocol LogReader: AnyObject {
  /// The next message; nil where there is none at the moment. Does not wait.
  ///
  /// - Throws: `ClusterError` where reading can't go on.
  func poll() throws(ClusterError) -> LogMessage?
  /// Messages of the subject that lie in the stream behind the last one that was polled, as the server last said.
  var pending: UInt64 { get }
  /// Whether the messages that lie in the stream have all been polled, as far as the servers could be asked lately.
  var isAtEnd: Bool { get }
}

public struct StreamState: Sendable, Equatable {
  public var firstSequence: UInt64
  public var lastSequence: UInt64
  public var messages: UInt64
  public var bytes: UInt64

  public init(firstSequence: UInt64, lastSequence: UInt64, messages: UInt64, bytes: UInt64) {
    self.firstSequence = firstSequence
    self.lastSequence = lastSequence
    self.messages = messages
    self.bytes = bytes
  }
}

public struct BucketValue: Sendable, Equatable {
  public var value: [UInt8]
  /// Grows with every change in the bucket; for `update`.
  public var revision: UInt64

  public init(value: [UInt8], revision: UInt64) {
    self.value = value
    self.revision = revision
  }
}

/// What keeps a stage from its cluster.
public enum ClusterError: Error, Equatable, CustomStringConvertible {
  /// No server answers now; it may later.
  case unreachable(String)
  /// Somebody else was faster: the last message, or the value, is another one.
  case superseded
  /// The stream is full and takes nothing more; it may later.
  case full(String)
  /// Credentials, certificate or permissions do not allow it.
  case refused(String)
  /// The cluster is not as it must be: no such stream, another version, a setting.
  case misconfigured(String)

  public var description: String {
    switch self {
    case .unreachable(let why): "NATS can't be reached: \(why)"
    case .superseded: "another process was faster"
    case .full(let why): "NATS takes nothing more: \(why)"
    case .refused(let why): "NATS refuses: \(why)"
    case .misconfigured(let why): "the cluster is not set up for this: \(why)"
    }
  }
}
