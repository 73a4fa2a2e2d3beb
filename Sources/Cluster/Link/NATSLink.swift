internal import Foundation
internal import Wire

/// A `ClusterLog` over NATS JetStream.
///
/// The connection is made, and made again, in the background. While there is none, every call throws at once: why is in
/// the error, `.refused` where the servers do not take us. Trying goes on in that case too, as certificates and
/// passwords can be renewed.
public final class NATSLink: ClusterLog {
  let exchange: NATSExchange

  /// `store(_:)` returns after that time, whatever is stored by then. A collector that has a spool waits less long.
  public var storeSecondsMax = NATSExchange.secondsMax

  /// Begins to connect; does not wait.
  public init(_ settings: NATSSettings) { exchange = NATSExchange(settings) }

  /// Waits for the connection.
  ///
  /// - Throws: `ClusterError.refused` where credentials or certificates are not taken, in plain words;
  ///   `.unreachable` where there is none in that time.
  public func connect(withinSeconds seconds: Double = 5) throws(ClusterError) {
    try exchange.connect(withinSeconds: seconds)
  }

  public var isConnected: Bool { exchange.mailbox.connection?.isOpen ?? false }

  /// How often the connection was lost or, for another reason than before, could not be made; and why the last time.
  public var disconnects: UInt64 { exchange.mailbox.disconnects }
  public var lastDisconnect: String? { exchange.mailbox.lastDisconnect }

  /// What the servers did not permit, in their words, and how often.
  public var violations: [String: UInt64] { exchange.mailbox.violations }

  // MARK: - Storing

  /// Of a subject the next message is sent when the one before it is known to be stored; messages of different subjects
  /// travel in parallel. All in flight at once would be faster, but when a stream's leader dies in their midst, those
  /// behind a lost one are stored before it, and who reads them takes it for lost.
  public func store(_ entries: [LogEntry]) throws(ClusterError) -> [Int]? {
    var places: [String: Int] = [:]
    var lines: [[Int]] = []
    for (number, entry) in entries.enumerated() {
      _ = try NATSLink.stream(of: entry.subject)
      if let line = places[entry.subject] {
        lines[line].append(number)
      } else {
        places[entry.subject] = lines.count
        lines.append([number])
      }
    }
    var stored = [Bool](repeating: false, count: entries.count)
    do {
      let why = try exchange.askEach(
        lines, withinSeconds: storeSecondsMax, request: { NATSLink.request(entries[$0]) },
        isAnswer: { (number, reply) throws(ClusterError) in
          stored[number] = try NATSLink.sequence(of: reply) != nil
          return stored[number]
        })
      if why == nil { return nil }
    } catch .unreachable {
    } catch {
      throw error
    }
    let missing = stored.indices.filter { !stored[$0] }
    return missing.isEmpty ? nil : missing
  }

  public func store(_ entry: LogEntry, after: UInt64) throws(ClusterError) -> UInt64 {
    let stream = try NATSLink.stream(of: entry.subject)
    let sequence: UInt64
    do {
      sequence = try exchange.ask(NATSLink.request(entry, after: after)) {
        (reply) throws(ClusterError) in try NATSLink.sequence(of: reply)
      }
    } catch .superseded {
      // The last one may be our own: stored, but the answer was lost, and the window of de-duplication is over.
      guard let last = try lastMessage(of: entry.subject, in: stream.rawValue),
        last.headers["nats-msg-id"] == entry.id
      else { throw .superseded }
      sequence = last.message.sequence
    }
    try checkFirst(sequence, of: entry.subject, behind: after, in: stream.rawValue)
    return sequence
  }

  /// Makes sure that a message is the first one behind another.
  ///
  /// A leader with replicas compares what it is told to expect with what is applied, not with what is on its way
  /// (nats-server 2.9): of two that expect the same within some milliseconds it may store both. The second one must know.
  ///
  /// - Throws: `ClusterError.superseded` where another one came first.
  private func checkFirst(
    _ sequence: UInt64, of subject: String, behind after: UInt64, in stream: String
  ) throws(ClusterError) {
    let answer = try exchange.api(
      "STREAM.MSG.GET.\(stream)", ["seq": after + 1, "next_by_subj": subject],
      absent: NATSErrorCode.messageNotFound)
    guard let answer, let first = try NATSLink.message(answer).map({ $0.message.sequence }),
      first <= sequence
    else { throw .unreachable("the stream's leader has not applied a message yet") }
    if first < sequence { throw .superseded }
  }

  private static func stream(of subject: String) throws(ClusterError) -> ClusterStream {
    for stream in ClusterStream.allCases
    where subject.hasPrefix(stream.subjects.prefix { $0 != "*" }) {
      return stream
    }
    throw .misconfigured("no stream takes \(subject)")
  }

  private static func request(_ entry: LogEntry, after: UInt64? = nil) -> NATSExchange.Request {
    var request = NATSExchange.Request(subject: entry.subject, payload: entry.payload)
    if !entry.id.isEmpty { request.headers.append(("Nats-Msg-Id", entry.id)) }
    if let after {
      request.headers.append(("Nats-Expected-Last-Subject-Sequence", "\(after)"))
    }
    return request
  }

  /// - Returns: nil where it must be sent again.
  private static func sequence(of reply: NATSReply) throws(ClusterError) -> UInt64? {
    guard let json = try NATSExchange.result(of: reply, absent: nil)?.json else { return nil }
    return try NATSExchange.decode(NATSAnswer.Stored.self, json).seq
  }

  // MARK: - Reading

  public func last(of subject: String, in stream: ClusterStream) throws(ClusterError)
    -> LogMessage?
  {
    try lastMessage(of: subject, in: stream.rawValue)?.message
  }

  /// Asks the leader, not any replica: who compares and swaps has to know the last one.
  private func lastMessage(of subject: String, in stream: String) throws(ClusterError)
    -> (message: LogMessage, headers: [String: String])?
  {
    guard
      let json = try exchange.api(
        "STREAM.MSG.GET.\(stream)", ["last_by_subj": subject],
        absent: NATSErrorCode.messageNotFound)
    else { return nil }
    return try NATSLink.message(json)
  }

  private static func message(_ json: Data) throws(ClusterError)
    -> (message: LogMessage, headers: [String: String])?
  {
    guard let found = try NATSExchange.decode(NATSAnswer.Message.self, json).message else {
      return nil
    }
    var headers: [String: String] = [:]
    for line in String(decoding: found.hdrs ?? Data(), as: UTF8.self).split(separator: "\r\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] =
        line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    return (
      LogMessage(
        subject: found.subject, sequence: found.seq, payload: [UInt8](found.data ?? Data())),
      headers
    )
  }

  public func reader(of subject: String, in stream: ClusterStream, from sequence: UInt64)
    throws(ClusterError) -> any LogReader
  {
    // A stream that is not there would never answer the reader.
    _ = try state(of: stream)
    return NATSReader(exchange, subject: subject, stream: stream, from: sequence)
  }

  // MARK: - Streams

  public func forget(_ stream: ClusterStream, upTo sequence: UInt64) throws(ClusterError) {
    // Purged beyond its end, a stream would give its next messages later numbers than they would have had.
    let last = try state(of: stream).lastSequence
    guard min(sequence, last) > 0 else { return }
    _ = try exchange.api(
      "STREAM.PURGE.\(stream.rawValue)", ["seq": min(sequence, last) + 1])
  }

  public func state(of stream: ClusterStream) throws(ClusterError) -> StreamState {
    let state = try information(of: stream.rawValue).state
    return StreamState(
      firstSequence: state.firstSeq, lastSequence: state.lastSeq, messages: state.messages,
      bytes: state.bytes)
  }

  func information(of stream: String, subjects: String? = nil) throws(ClusterError)
    -> NATSAnswer.Stream
  {
    let json = try exchange.api(
      "STREAM.INFO.\(stream)", subjects.map { ["subjects_filter": $0] } ?? [:])
    return try NATSExchange.decode(NATSAnswer.Stream.self, json ?? Data())
  }

  // MARK: - Buckets

  private static func subject(_ key: String, _ bucket: ClusterBucket) -> String {
    "$KV.\(bucket.rawValue).\(key)"
  }

  /// A bucket is a stream with one message a key; a deleted key's has a header that says so.
  private func entry(_ key: String, in bucket: ClusterBucket) throws(ClusterError)
    -> (value: BucketValue, isDeleted: Bool)?
  {
    try lastMessage(of: NATSLink.subject(key, bucket), in: "KV_\(bucket.rawValue)").map {
      NATSLink.value($0)
    }
  }

  private static func value(_ found: (message: LogMessage, headers: [String: String])) -> (
    value: BucketValue, isDeleted: Bool
  ) {
    (
      BucketValue(value: found.message.payload, revision: found.message.sequence),
      found.headers["kv-operation"] != nil
    )
  }

  public func get(_ key: String, in bucket: ClusterBucket) throws(ClusterError) -> BucketValue? {
    guard let entry = try entry(key, in: bucket), !entry.isDeleted else { return nil }
    return entry.value
  }

  public func put(_ value: [UInt8], for key: String, in bucket: ClusterBucket)
    throws(ClusterError)
  {
    let entry = LogEntry(subject: NATSLink.subject(key, bucket), id: "", payload: value)
    _ = try exchange.ask(NATSLink.request(entry)) { (reply) throws(ClusterError) in
      try NATSLink.sequence(of: reply)
    }
  }

  public func update(
    _ value: [UInt8], for key: String, in bucket: ClusterBucket, revision: UInt64
  ) throws(ClusterError) {
    // With an id, so that asking again because of a lost answer does not come out as somebody else's change.
    let change = LogEntry(
      subject: NATSLink.subject(key, bucket), id: UUID().uuidString, payload: value)
    func swap(after: UInt64) throws(ClusterError) {
      _ = try exchange.ask(NATSLink.request(change, after: after)) {
        (reply) throws(ClusterError) in try NATSLink.sequence(of: reply)
      }
    }
    do {
      try swap(after: revision)
    } catch .superseded {
      let found = try lastMessage(of: change.subject, in: "KV_\(bucket.rawValue)")
      if let found, found.headers["nats-msg-id"] == change.id { return }
      // A key that was deleted has a last message nevertheless.
      guard revision == 0, let found, NATSLink.value(found).isDeleted else { throw .superseded }
      try swap(after: found.message.sequence)
    }
  }

  public func all(_ prefix: String, in bucket: ClusterBucket) throws(ClusterError)
    -> [String: BucketValue]
  {
    let start = NATSLink.subject("", bucket)
    let subjects = try information(of: "KV_\(bucket.rawValue)", subjects: start + ">").state
      .subjects?.keys.filter { $0.hasPrefix(start + prefix) }
    let requests = (subjects ?? []).map { subject in
      let parameters = ["last_by_subj": subject]
      return NATSExchange.Request(
        subject: "$JS.API.STREAM.MSG.GET.KV_\(bucket.rawValue)",
        payload: [UInt8]((try? JSONEncoder().encode(parameters)) ?? Data()))
    }
    guard !requests.isEmpty else { return [:] }
    let answers = try exchange.askAll(requests) { (_, reply) throws(ClusterError) in
      try NATSExchange.result(of: reply, absent: NATSErrorCode.messageNotFound)
    }
    var values: [String: BucketValue] = [:]
    for answer in answers {
      guard let json = answer.json, let found = try NATSLink.message(json) else { continue }
      let (value, isDeleted) = NATSLink.value(found)
      if !isDeleted { values[String(found.message.subject.dropFirst(start.count))] = value }
    }
    return values
  }

  public func delete(_ key: String, in bucket: ClusterBucket) throws(ClusterError) {
    // As the buckets of other clients do it: a mark. To take the message away would need permission to purge, which
    // cannot be given for one's own keys alone.
    var request = NATSExchange.Request(subject: NATSLink.subject(key, bucket))
    request.headers.append(("KV-Operation", "DEL"))
    _ = try exchange.ask(request) { (reply) throws(ClusterError) in
      try NATSLink.sequence(of: reply)
    }
  }
}
