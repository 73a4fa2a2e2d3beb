internal import CNATS
internal import Foundation

/// An answer to one of our requests.
struct NATSReply: Sendable {
  /// Which request it answers.
  var token: UInt64
  /// Of its header: 404, 503 and so on; 0 where it has none.
  var status: Int
  /// Of a message that was got directly: its own subject and place in the stream.
  var subject: String
  var sequence: UInt64
  var payload: [UInt8]

  /// Nobody listens on the request's subject: no such stream, or one without a leader.
  var isNoResponders: Bool { status == 503 && payload.isEmpty }
}

/// A connection, and the subscription for the answers to what is asked on it.
///
/// Destroyed with its last reference, which neither libnats' threads nor its callbacks ever hold.
final class NATSConnection: @unchecked Sendable {
  // @unchecked Sendable because libnats locks its objects itself, and the pointers never change.
  let pointer: OpaquePointer
  private let subscription: OpaquePointer
  /// Answers come on `<inbox>.<token>`.
  let inbox: String

  init(_ pointer: OpaquePointer, subscription: OpaquePointer, inbox: String) {
    self.pointer = pointer
    self.subscription = subscription
    self.inbox = inbox
  }

  deinit {
    natsSubscription_Destroy(subscription)
    natsConnection_Destroy(pointer)
  }

  var isOpen: Bool { natsConnection_Status(pointer) == NATS_CONN_STATUS_CONNECTED }
}

/// What libnats' threads, the connector and the thread that uses the link share.
///
/// libnats' own waiting subscriptions are of no use for requests in parallel: of a request that nobody answers they say
/// so, but not of which one. So its threads put every answer in here.
final class NATSMailbox: @unchecked Sendable {
  // @unchecked Sendable because everything below is read and written with `condition` locked.
  private let condition = NSCondition()
  private var arrived: [NATSReply] = []
  private var current: NATSConnection?
  private var lastFailure: ClusterError?
  private var disconnectCount: UInt64 = 0
  private var lastDisconnectText: String?
  private var violationCounts: [String: UInt64] = [:]
  private var violated: [String: UInt64] = [:]
  private var stopped = false
  private var wasConnected = false

  private func locked<Result>(_ body: () -> Result) -> Result {
    condition.lock()
    defer { condition.unlock() }
    return body()
  }

  // MARK: - For the link

  var connection: NATSConnection? { locked { current } }
  /// Why there is no connection, as far as that is known.
  var failure: ClusterError? { locked { current == nil ? lastFailure : nil } }
  var disconnects: UInt64 { locked { disconnectCount } }
  var lastDisconnect: String? { locked { lastDisconnectText } }
  /// What the servers did not permit, in their words, and how often.
  var violations: [String: UInt64] { locked { violationCounts } }
  /// How often they did not permit it on a subject.
  func violations(on subject: String) -> UInt64 { locked { violated[subject] ?? 0 } }

  /// What has come since.
  func take() -> [NATSReply] {
    locked {
      defer { arrived.removeAll(keepingCapacity: true) }
      return arrived
    }
  }

  /// Waits until something has come or the connection is another one, `seconds` at most.
  func wait(seconds: Double, unlike known: NATSConnection?) {
    locked {
      guard arrived.isEmpty, current === known, !stopped else { return }
      _ = condition.wait(until: Date(timeIntervalSinceNow: seconds))
    }
  }

  // MARK: - For the connector

  var isStopped: Bool { locked { stopped } }

  func stop() {
    locked {
      stopped = true
      condition.broadcast()
    }
  }

  /// Waits, but not when the link is to stop.
  func pause(seconds: Double) {
    locked {
      let end = Date(timeIntervalSinceNow: seconds)
      while !stopped, condition.wait(until: end) {}
    }
  }

  /// Waits until the connection's state may have changed.
  func watch(seconds: Double) {
    locked { if !stopped { _ = condition.wait(until: Date(timeIntervalSinceNow: seconds)) } }
  }

  func connected(_ connection: NATSConnection) {
    locked {
      current = connection
      wasConnected = true
      lastFailure = nil
      condition.broadcast()
    }
  }

  func disconnected(_ why: String) {
    // Its last reference may go here, and its destruction call back: not with the lock.
    var old: NATSConnection?
    locked {
      old = current
      current = nil
      lastFailure = .unreachable(why)
      disconnectCount += 1
      lastDisconnectText = why
      condition.broadcast()
    }
    withExtendedLifetime(old) {}
  }

  func failed(_ failure: ClusterError) {
    locked {
      // An attempt every half second would make a number without meaning: counted is what is new.
      let why = failure.description
      if lastDisconnectText != why || lastFailure == nil {
        disconnectCount += 1
        lastDisconnectText = why
      }
      lastFailure = failure
      // Who was let in once is most likely let in again: a server that dies in a handshake looks as if it refused. And
      // where a certificate has expired meanwhile, the next attempt reads the new one.
      if wasConnected, case .refused(let why) = failure { lastFailure = .unreachable(why) }
      condition.broadcast()
    }
  }

  // MARK: - For libnats' threads

  func wake() { locked { condition.broadcast() } }

  func put(_ reply: NATSReply) {
    locked {
      arrived.append(reply)
      condition.broadcast()
    }
  }

  /// `Permissions Violation for Publish to "renkei.epochs.1"`.
  func violation(_ text: String) {
    let words = text.split(separator: "\"", omittingEmptySubsequences: false)
    locked {
      if violationCounts.count < 100 || violationCounts[text] != nil {
        violationCounts[text, default: 0] += 1
      }
      if words.count > 1, violated.count < 1000 { violated[String(words[1]), default: 0] += 1 }
      condition.broadcast()
    }
  }
}

/// The functions that libnats calls, on its threads; each one's closure is a `NATSMailbox`.
enum NATSCallbacks {
  private static func mailbox(_ closure: UnsafeMutableRawPointer?) -> NATSMailbox? {
    // SAFETY: the connector retains the mailbox for ever before it hands it to libnats.
    closure.map { Unmanaged<NATSMailbox>.fromOpaque($0).takeUnretainedValue() }
  }

  static let message:
    @convention(c) (
      OpaquePointer?, OpaquePointer?, OpaquePointer?, UnsafeMutableRawPointer?
    ) -> Void = { _, _, message, closure in
      guard let message else { return }
      defer { natsMsg_Destroy(message) }
      guard let mailbox = mailbox(closure), let subject = natsMsg_GetSubject(message),
        let token = String(cString: subject).split(separator: ".").last.flatMap({ UInt64($0) })
      else { return }
      var payload: [UInt8] = []
      let count = natsMsg_GetDataLength(message)
      if count > 0, let data = natsMsg_GetData(message) {
        // SAFETY: the message has that many bytes and lives until the end of this function.
        payload = [UInt8](UnsafeRawBufferPointer(start: data, count: Int(count)))
      }
      func header(_ name: String) -> String? {
        var value: UnsafePointer<CChar>?
        guard natsMsgHeader_Get(message, name, &value) == NATS_OK, let value else { return nil }
        return String(cString: value)
      }
      mailbox.put(
        NATSReply(
          token: token, status: header("Status").flatMap { Int($0) } ?? 0,
          subject: header("Nats-Subject") ?? "",
          sequence: header("Nats-Sequence").flatMap { UInt64($0) } ?? 0, payload: payload))
    }

  static let error:
    @convention(c) (
      OpaquePointer?, OpaquePointer?, natsStatus, UnsafeMutableRawPointer?
    ) -> Void = { connection, _, status, closure in
      guard status == NATS_NOT_PERMITTED, let mailbox = mailbox(closure) else { return }
      var text: UnsafePointer<CChar>?
      _ = natsConnection_GetLastError(connection, &text)
      mailbox.violation(text.map { String(cString: $0) } ?? "Permissions Violation")
    }

  static let closed: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Void = {
    _, closure in mailbox(closure)?.wake()
  }
}
