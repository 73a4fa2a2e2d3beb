internal import CNATS
internal import Foundation
internal import Wire

/// Requests and their answers on the connection that there is at the moment.
///
/// Plain requests to JetStream's documented API, rather than libnats' helpers: those keep state about consumers and
/// pending acknowledgements that has to be put right whenever a server dies, wait as long as they like, and do not say
/// which of several messages was not answered. A request has no state: what is not answered is asked again.
final class NATSExchange {
  struct Request {
    var subject: String
    var payload: [UInt8] = []
    var headers: [(name: String, value: String)] = []
  }

  /// No call takes longer.
  static let secondsMax = 5.0
  /// What was not answered within that time is asked once more: the leader may be another one now.
  static let againSeconds = 1.5
  /// After "no leader".
  static let pauseSeconds = 0.1

  let mailbox = NATSMailbox()
  private var token: UInt64 = 0
  private var awaited: Set<UInt64> = []
  private var answers: [UInt64: NATSReply] = [:]

  init(_ settings: NATSSettings) { NATSConnector.start(settings, mailbox) }

  deinit { mailbox.stop() }

  /// The connection that is open now.
  ///
  /// - Throws: why there is none.
  func connection() throws(ClusterError) -> NATSConnection {
    if let connection = mailbox.connection, connection.isOpen { return connection }
    throw mailbox.failure ?? .unreachable("not connected yet")
  }

  /// Waits for a connection, or for the reason why there is none.
  func connect(withinSeconds seconds: Double) throws(ClusterError) {
    let end = Clock.seconds() + seconds
    while true {
      do {
        _ = try connection()
        return
      } catch {
        if case .unreachable = error {} else { throw error }
        guard Clock.seconds() < end else { throw error }
      }
      mailbox.wait(seconds: 0.05, unlike: nil)
    }
  }

  // MARK: - Pieces

  /// Sends a request.
  ///
  /// - Returns: its token, for `take`.
  func send(_ request: Request, on connection: NATSConnection) throws(ClusterError) -> UInt64 {
    token += 1
    var made: OpaquePointer?
    let status = request.payload.withUnsafeBytes { bytes in
      natsMsg_Create(
        &made, request.subject, "\(connection.inbox).\(token)",
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
    }
    guard status == NATS_OK, let message = made else {
      throw .unreachable(NATSFailure.text(of: status))
    }
    defer { natsMsg_Destroy(message) }
    for header in request.headers {
      guard natsMsgHeader_Set(message, header.name, header.value) == NATS_OK else {
        throw .unreachable("no memory")
      }
    }
    let sent = natsConnection_PublishMsg(connection.pointer, message)
    guard sent == NATS_OK else {
      if sent == NATS_MAX_PAYLOAD {
        throw .misconfigured(
          "a message of \(request.payload.count) bytes is larger than the servers take (max_payload)"
        )
      }
      throw .unreachable(NATSFailure.text(of: sent))
    }
    awaited.insert(token)
    return token
  }

  /// The answer, if it has come.
  func take(_ token: UInt64) -> NATSReply? {
    for reply in mailbox.take() where awaited.contains(reply.token) {
      answers[reply.token] = reply
    }
    guard let reply = answers.removeValue(forKey: token) else { return nil }
    awaited.remove(token)
    return reply
  }

  /// It is not waited for any longer.
  func forget(_ token: UInt64) {
    awaited.remove(token)
    answers[token] = nil
  }

  /// Throws where the servers have not permitted something on a subject since.
  func checkPermission(_ subject: String, since count: UInt64) throws(ClusterError) {
    if mailbox.violations(on: subject) != count {
      throw .refused("no permission for \(subject)")
    }
  }

  // MARK: - Requests

  /// Asks until there is an answer.
  ///
  /// - Parameter isAnswer: says of a reply whether it is one; others are asked for again after a pause.
  func ask<Answer>(
    _ request: Request, _ isAnswer: (NATSReply) throws(ClusterError) -> Answer?
  ) throws(ClusterError) -> Answer {
    try askAll([request]) { (_, reply) throws(ClusterError) in try isAnswer(reply) }[0]
  }

  /// Asks all of them at once, each until there is an answer.
  func askAll<Answer>(
    _ requests: [Request], _ isAnswer: (Int, NATSReply) throws(ClusterError) -> Answer?
  ) throws(ClusterError) -> [Answer] {
    var answers = [Answer?](repeating: nil, count: requests.count)
    let missing = try askEach(
      requests.indices.map { [$0] }, request: { requests[$0] },
      isAnswer: { (place, reply) throws(ClusterError) in
        answers[place] = try isAnswer(place, reply)
        return answers[place] != nil
      })
    if let why = missing { throw .unreachable(why) }
    return answers.compactMap { $0 }
  }

  /// Asks in several lines: within one, a request is sent when the one before it has been answered.
  ///
  /// - Parameters:
  ///   - lines: what is asked in each, as numbers for `request`.
  ///   - isAnswer: whether the reply is one; if not, the same is asked again after a pause.
  /// - Returns: nil where everything was answered; else what kept it from that.
  func askEach(
    _ lines: [[Int]], withinSeconds seconds: Double = NATSExchange.secondsMax,
    request: (Int) -> Request,
    isAnswer: (Int, NATSReply) throws(ClusterError) -> Bool
  ) throws(ClusterError) -> String? {
    let end = Clock.seconds() + seconds
    let connection = try connection()
    var lines = lines.map { Line($0[...]) }
    defer { for line in lines { line.token.map(forget) } }
    while true {
      let now = Clock.seconds()
      for place in lines.indices {
        while true {
          guard let number = lines[place].rest.first else { break }
          if let token = lines[place].token {
            try checkPermission(lines[place].subject, since: lines[place].violations)
            if let reply = take(token) {
              lines[place].token = nil
              if try isAnswer(number, reply) {
                lines[place].rest.removeFirst()
                continue
              }
              lines[place].sendAt = now + NATSExchange.pauseSeconds
            } else if now - lines[place].sentAt > NATSExchange.againSeconds {
              forget(token)
              lines[place].token = nil
            }
          }
          guard lines[place].token == nil, now >= lines[place].sendAt else { break }
          let next = request(number)
          lines[place].subject = next.subject
          lines[place].violations = mailbox.violations(on: next.subject)
          lines[place].sentAt = now
          do {
            lines[place].token = try send(next, on: connection)
          } catch .unreachable(let why) {
            return why
          } catch {
            throw error
          }
          break
        }
      }
      if lines.allSatisfy(\.rest.isEmpty) { return nil }
      guard now < end else { return "no answer within \(seconds) s" }
      guard mailbox.connection === connection, connection.isOpen else {
        return mailbox.lastDisconnect ?? "the connection was lost"
      }
      mailbox.wait(seconds: 0.05, unlike: connection)
    }
  }

  private struct Line {
    var rest: ArraySlice<Int>
    var token: UInt64?
    var subject = ""
    var violations: UInt64 = 0
    var sentAt = 0.0
    var sendAt = 0.0

    init(_ rest: ArraySlice<Int>) { self.rest = rest }
  }

  // MARK: - The API

  /// A request to JetStream's API.
  ///
  /// - Parameter absent: code of the error that means that there is nothing.
  /// - Returns: the answer's JSON; nil where there is nothing.
  func api(_ what: String, _ parameters: [String: Any] = [:], absent: Int? = nil)
    throws(ClusterError) -> Data?
  {
    var request = Request(subject: "$JS.API.\(what)")
    if !parameters.isEmpty {
      request.payload = [UInt8](
        (try? JSONSerialization.data(withJSONObject: parameters, options: .sortedKeys)) ?? Data())
    }
    let answer = try ask(request) { (reply) throws(ClusterError) in
      try NATSExchange.result(of: reply, absent: absent)
    }
    return answer.json
  }

  struct Result { var json: Data? }

  /// - Returns: nil where it must be asked again.
  static func result(of reply: NATSReply, absent: Int?) throws(ClusterError) -> Result? {
    guard !reply.isNoResponders else { return nil }
    let json = Data(reply.payload)
    if let error = (try? JSONDecoder.jetStream.decode(NATSAnswer.Outcome.self, from: json))?.error {
      if let absent, error.errCode == absent { return Result(json: nil) }
      if let meaning = error.meaning { throw meaning }
      return nil
    }
    return Result(json: json)
  }

  static func decode<Answer: Decodable>(_ type: Answer.Type, _ json: Data) throws(ClusterError)
    -> Answer
  {
    do {
      return try JSONDecoder.jetStream.decode(type, from: json)
    } catch {
      throw .misconfigured("JetStream's answer can't be understood: \(error)")
    }
  }
}
