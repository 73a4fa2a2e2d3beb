internal import Cluster
internal import Foundation
internal import Reporter
internal import Synchronization
internal import Wire

/// Looks each second at how the processes of a cluster are, on a thread of its own. Needs to read nothing but the bucket of
/// status.
final class ClusterWatch: Sendable {
  private static let pauseSeconds = 1.0

  private struct Seen {
    var condition: ClusterCondition?
    /// Why there is none, or no newer one.
    var problem: String?
  }
  private let seen = Mutex(Seen())

  /// Begins to look, for as long as the process lives.
  ///
  /// - Parameter open: makes the connection; on the thread that looks, again and again while it throws.
  func begin(_ open: @escaping @Sendable () throws -> any ClusterLog) {
    Thread.detachNewThread { [self] in
      var log: (any ClusterLog)?
      var observer = ClusterObserver()
      while true {
        do {
          let link = try log ?? open()
          log = link
          look(at: StatusBucket(link), &observer)
        } catch {
          seen.withLock { $0.problem = "\(error)" }
        }
        Thread.sleep(forTimeInterval: ClusterWatch.pauseSeconds)
      }
    }
  }

  /// One look.
  func look(
    at log: StatusBucket, _ observer: inout ClusterObserver, now: Double = Clock.seconds()
  ) {
    do {
      var condition = try observer.look(at: log, streams: [], now: now)
      // Of those it does not ask.
      condition.problems.removeAll { $0.kind == .noLayout }
      // Nobody is dead who has not been watched for long enough.
      guard observer.isSettled(now: now) else { return }
      seen.withLock { $0 = Seen(condition: condition) }
    } catch {
      seen.withLock { $0.problem = "\(error)" }
    }
  }

  /// For the pages of the map.
  func health(_ language: ReportLanguage) -> SiteHealth {
    let seen = seen.withLock { $0 }
    // What it was is no news where nobody can say how it is.
    guard let condition = seen.condition, seen.problem == nil else {
      return ClusterHealth.nothing(seen.problem, language: language)
    }
    return ClusterHealth(condition, language: language).health
  }
}

/// What a reporter may see of a cluster: the bucket of status, and nothing else is asked for.
final class StatusBucket: ClusterLog {
  private let log: any ClusterLog

  init(_ log: any ClusterLog) { self.log = log }

  var isConnected: Bool { log.isConnected }

  func get(_ key: String, in bucket: ClusterBucket) throws(ClusterError) -> BucketValue? {
    bucket == .status ? try log.get(key, in: bucket) : nil
  }

  func all(_ prefix: String, in bucket: ClusterBucket) throws(ClusterError)
    -> [String: BucketValue]
  {
    bucket == .status ? try log.all(prefix, in: bucket) : [:]
  }

  private static let refusal = ClusterError.refused("a reporter reads the bucket of status only")

  func store(_ entries: [LogEntry]) throws(ClusterError) -> [Int]? { throw StatusBucket.refusal }

  func store(_ entry: LogEntry, after: UInt64) throws(ClusterError) -> UInt64 {
    throw StatusBucket.refusal
  }

  func last(of subject: String, in stream: ClusterStream) throws(ClusterError) -> LogMessage? {
    throw StatusBucket.refusal
  }

  func reader(of subject: String, in stream: ClusterStream, from sequence: UInt64)
    throws(ClusterError) -> any LogReader
  { throw StatusBucket.refusal }

  func forget(_ stream: ClusterStream, upTo sequence: UInt64) throws(ClusterError) {
    throw StatusBucket.refusal
  }

  func state(of stream: ClusterStream) throws(ClusterError) -> StreamState {
    throw StatusBucket.refusal
  }

  func put(_ value: [UInt8], for key: String, in bucket: ClusterBucket) throws(ClusterError) {
    throw StatusBucket.refusal
  }

  func update(
    _ value: [UInt8], for key: String, in bucket: ClusterBucket, revision: UInt64
  ) throws(ClusterError) { throw StatusBucket.refusal }

  func delete(_ key: String, in bucket: ClusterBucket) throws(ClusterError) {
    throw StatusBucket.refusal
  }
}
