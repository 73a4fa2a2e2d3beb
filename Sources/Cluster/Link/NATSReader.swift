internal import Foundation
internal import Wire

/// Reads a subject by asking for the next message from a sequence number on ("direct get", which any replica answers).
///
/// Not with a consumer: a consumer is state on a server, which dies with it, has to be noticed to be gone, made again by
/// a leader of the whole cluster and aligned with what has been read. Asking for the next message needs a stream and
/// nothing else, can neither repeat nor leave out, and 64 readers cost the servers nothing. Its price is one way to the
/// server and back a message, which the next one makes while this one is being worked at: some thousands a second.
final class NATSReader: LogReader {
  /// How long an answer is waited for: at first, and at most. It doubles while none comes: servers that are too busy to
  /// answer would otherwise be asked the same ever more often.
  private static let answerSeconds = (2.0, 16.0)
  /// Between questions at the end of the stream: from the first to the second.
  private static let idleSeconds = (0.01, 0.1)
  /// An "end" that was heard of longer ago says nothing any more.
  private static let endSecondsMax = 2.0

  private let exchange: NATSExchange
  private let subject: String
  private let stream: ClusterStream
  private let api: String

  private var next: UInt64
  private var token: UInt64?
  private var connection: NATSConnection?
  private var askedAt = 0.0
  private var patience = NATSReader.answerSeconds.0
  private var askAt = 0.0
  private var idle = NATSReader.idleSeconds.0
  private var violations: UInt64 = 0
  private var endHeardAt: Double?

  private let first: UInt64
  private var polled: UInt64 = 0
  private var stateToken: UInt64?
  private var stateAskedAt = 0.0
  private var lastSequence: UInt64 = 0

  init(_ exchange: NATSExchange, subject: String, stream: ClusterStream, from sequence: UInt64) {
    self.exchange = exchange
    self.subject = subject
    self.stream = stream
    api = "$JS.API.DIRECT.GET.\(stream.rawValue)"
    next = max(1, sequence)
    first = next
  }

  deinit {
    token.map(exchange.forget)
    stateToken.map(exchange.forget)
  }

  func poll() throws(ClusterError) -> LogMessage? {
    let now = Clock.seconds()
    var message: LogMessage?
    if let token {
      if let reply = exchange.take(token) {
        self.token = nil
        message = received(reply, now)
      } else {
        try exchange.checkPermission(api, since: violations)
        let isLost = exchange.mailbox.connection !== connection
        if isLost || now - askedAt > patience {
          exchange.forget(token)
          patience =
            isLost ? NATSReader.answerSeconds.0 : min(2 * patience, NATSReader.answerSeconds.1)
          self.token = nil
        }
      }
    }
    askState(now)
    if token == nil, now >= askAt { try ask(now) }
    return message
  }

  private func ask(_ now: Double) throws(ClusterError) {
    do {
      let connection = try exchange.connection()
      violations = exchange.mailbox.violations(on: api)
      askedAt = now
      // Numbers and names of our own: nothing that would have to be escaped.
      token = try exchange.send(
        .init(
          subject: api, payload: [UInt8](#"{"seq":\#(next),"next_by_subj":"\#(subject)"}"#.utf8)),
        on: connection)
      self.connection = connection
    } catch .unreachable {
      connection = nil
    } catch {
      throw error
    }
  }

  private func received(_ reply: NATSReply, _ now: Double) -> LogMessage? {
    patience = NATSReader.answerSeconds.0
    switch reply.status {
    case 0 where reply.sequence >= next:
      next = reply.sequence + 1
      polled += 1
      idle = NATSReader.idleSeconds.0
      endHeardAt = nil
      askAt = now
      return LogMessage(
        subject: reply.subject, sequence: reply.sequence, payload: reply.payload)
    case 404:
      endHeardAt = now
      askAt = now + idle
      idle = min(idle * 1.5, NATSReader.idleSeconds.1)
    default:
      // No leader, no replica that answers.
      endHeardAt = nil
      askAt = now + NATSExchange.pauseSeconds
    }
    return nil
  }

  var isAtEnd: Bool {
    guard let endHeardAt else { return false }
    return Clock.seconds() - endHeardAt < NATSReader.endSecondsMax
  }

  // MARK: - What is left

  /// Of one subject of several it is estimated: what lies behind the last message, times the share that this subject's
  /// had so far. An exact number would need a consumer.
  var pending: UInt64 {
    guard !isAtEnd, lastSequence >= next else { return 0 }
    let behind = Double(lastSequence - next + 1)
    guard polled > 0 else { return UInt64(behind) }
    return max(1, UInt64(behind * Double(polled) / Double(next - first)))
  }

  private func askState(_ now: Double) {
    if let token = stateToken, let reply = exchange.take(token) {
      stateToken = nil
      if let answer = try? JSONDecoder.jetStream.decode(
        NATSAnswer.Stream.self, from: Data(reply.payload))
      {
        lastSequence = answer.state.lastSeq
      }
    }
    guard endHeardAt == nil, now - stateAskedAt > 1 else { return }
    stateAskedAt = now
    stateToken.map(exchange.forget)
    stateToken = nil
    if let connection = exchange.mailbox.connection, connection.isOpen {
      stateToken = try? exchange.send(
        .init(subject: "$JS.API.STREAM.INFO.\(stream.rawValue)"), on: connection)
    }
  }
}
