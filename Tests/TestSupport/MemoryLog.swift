public import Cluster
internal import Synchronization

/// What several `MemoryLog`s share: streams and buckets in memory, with the sequence numbers, the de-duplication and the
/// compare-and-swap of JetStream.
public final class MemoryServer: Sendable {
  private let state = Mutex(State())

  public init() {}

  /// Whether calls are answered; for one client alone there is `MemoryLog.isCutOff`.
  public var isReachable: Bool {
    get { state.withLock { $0.isReachable } }
    set { state.withLock { $0.isReachable = newValue } }
  }

  /// Bytes that a stream may hold; more is `.full`. nil: no limit.
  public func setBytesMax(_ bytes: UInt64?, of stream: ClusterStream) {
    state.withLock { $0.streams[stream, default: Stream()].bytesMax = bytes }
  }

  /// As if the window of de-duplication were over.
  public func forgetIDs() {
    state.withLock { state in
      for stream in state.streams.keys { state.streams[stream]?.ids = [:] }
    }
  }

  /// Everything that lies in a stream, for tests.
  public func messages(of stream: ClusterStream) -> [LogMessage] {
    state.withLock { $0.streams[stream]?.messages ?? [] }
  }

  fileprivate func run<Result: Sendable>(
    _ body: (inout State) throws(ClusterError) -> Result
  ) throws(ClusterError) -> Result {
    try state.withLock { (state) throws(ClusterError) -> Result in
      guard state.isReachable else { throw .unreachable("no server (test)") }
      return try body(&state)
    }
  }

  fileprivate struct State {
    var isReachable = true
    var streams: [ClusterStream: Stream] = [:]
    var buckets: [ClusterBucket: Bucket] = [:]
  }

  fileprivate struct Bucket {
    var revision: UInt64 = 0
    var values: [String: BucketValue] = [:]

    mutating func set(_ value: [UInt8], for key: String) {
      revision += 1
      values[key] = BucketValue(value: value, revision: revision)
    }
  }

  fileprivate struct Stream {
    /// In the order of their sequence numbers.
    var messages: [LogMessage] = []
    var last: UInt64 = 0
    var bytes: UInt64 = 0
    var bytesMax: UInt64?
    var ids: [String: UInt64] = [:]
    var lastOfSubject: [String: UInt64] = [:]

    /// - Returns: the message's sequence; that of the first one where the id is known.
    mutating func store(_ entry: LogEntry) throws(ClusterError) -> UInt64 {
      if !entry.id.isEmpty, let known = ids[entry.id] { return known }
      if let bytesMax, bytes + UInt64(entry.payload.count) > bytesMax {
        throw .full("maximum bytes exceeded (test)")
      }
      last += 1
      bytes += UInt64(entry.payload.count)
      messages.append(LogMessage(subject: entry.subject, sequence: last, payload: entry.payload))
      if !entry.id.isEmpty { ids[entry.id] = last }
      lastOfSubject[entry.subject] = last
      return last
    }

    mutating func forget(upTo sequence: UInt64) {
      let count = place(of: sequence + 1)
      bytes -= messages[..<count].reduce(0) { $0 + UInt64($1.payload.count) }
      messages.removeFirst(count)
      // As in JetStream: where nothing of a subject is left, its last sequence is 0 again.
      for (subject, last) in lastOfSubject where last <= sequence {
        lastOfSubject[subject] = nil
      }
    }

    /// Place of the first message with that sequence or a greater one.
    func place(of sequence: UInt64) -> Int {
      var (low, high) = (0, messages.count)
      while low < high {
        let middle = (low + high) / 2
        if messages[middle].sequence < sequence { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }
}

/// A `ClusterLog` in memory, with faults to inject. Each process or thread of a test has one of its own, on the same
/// server.
public final class MemoryLog: ClusterLog, Sendable {
  public let server: MemoryServer
  private let faults = Mutex(Faults())

  private struct Faults {
    var calls = 0
    var failing: Range<Int> = 0..<0
    var isCutOff = false
    var refusal: String?
    var answersToLose = 0
    var requestsToLose = 0
    var placesToStore: Int?
  }

  public init(on server: MemoryServer = MemoryServer()) { self.server = server }

  // MARK: - Faults

  /// No call of this client is answered, until it is set back.
  public var isCutOff: Bool {
    get { faults.withLock { $0.isCutOff } }
    set { faults.withLock { $0.isCutOff = newValue } }
  }

  /// Calls so far, those that failed too; polls don't count.
  public var calls: Int { faults.withLock { $0.calls } }

  /// Calls with these numbers (the first one is 0) throw `.unreachable` and do nothing.
  public func fail(calls: Range<Int>) { faults.withLock { $0.failing = calls } }

  /// Every call throws `.refused` with this reason; nil: none does.
  public var refusal: String? {
    get { faults.withLock { $0.refusal } }
    set { faults.withLock { $0.refusal = newValue } }
  }

  /// The next stores do their work, but say that it isn't known: `store(_:)` returns all places, `store(_:after:)`
  /// throws `.unreachable`.
  public func loseAnswers(_ count: Int) { faults.withLock { $0.answersToLose = count } }

  /// The next stores do nothing, and say that it isn't known.
  public func loseRequests(_ count: Int) { faults.withLock { $0.requestsToLose = count } }

  /// The next `store(_:)` stores the first messages alone, and returns the places of the others.
  public func storeOnly(first count: Int) { faults.withLock { $0.placesToStore = count } }

  private enum StoreFault { case none, loseAnswer, loseRequest }

  private func begin() throws(ClusterError) {
    try faults.withLock { (faults) throws(ClusterError) in
      let call = faults.calls
      faults.calls += 1
      if let refusal = faults.refusal { throw .refused(refusal) }
      if faults.isCutOff || faults.failing.contains(call) {
        throw .unreachable("cut off (test)")
      }
    }
  }

  private func storeFault() -> StoreFault {
    faults.withLock { faults in
      if faults.requestsToLose > 0 {
        faults.requestsToLose -= 1
        return .loseRequest
      }
      if faults.answersToLose > 0 {
        faults.answersToLose -= 1
        return .loseAnswer
      }
      return .none
    }
  }

  // MARK: - ClusterLog

  public var isConnected: Bool { !isCutOff && server.isReachable }

  public func store(_ entries: [LogEntry]) throws(ClusterError) -> [Int]? {
    do {
      try begin()
      let fault = storeFault()
      let everything = Array(entries.indices)
      if fault == .loseRequest { return everything }
      let first = faults.withLock { faults in
        defer { faults.placesToStore = nil }
        return min(faults.placesToStore ?? entries.count, entries.count)
      }
      try server.run { (state) throws(ClusterError) in
        for entry in entries[..<first] {
          let stream = try stream(of: entry.subject)
          _ = try state.streams[stream, default: .init()].store(entry)
        }
      }
      if fault == .loseAnswer { return everything }
      return first == entries.count ? nil : Array(first..<entries.count)
    } catch .unreachable {
      return entries.isEmpty ? nil : Array(entries.indices)
    } catch {
      throw error
    }
  }

  public func store(_ entry: LogEntry, after: UInt64) throws(ClusterError) -> UInt64 {
    try begin()
    let fault = storeFault()
    if fault == .loseRequest { throw .unreachable("no answer (test)") }
    let stream = try stream(of: entry.subject)
    let sequence = try server.run { (state) throws(ClusterError) in
      let known = state.streams[stream]?.ids[entry.id] != nil
      guard known || state.streams[stream]?.lastOfSubject[entry.subject] ?? 0 == after else {
        throw .superseded
      }
      return try state.streams[stream, default: .init()].store(entry)
    }
    if fault == .loseAnswer { throw .unreachable("no answer (test)") }
    return sequence
  }

  public func last(of subject: String, in stream: ClusterStream) throws(ClusterError)
    -> LogMessage?
  {
    try begin()
    return try server.run { (state) throws(ClusterError) in
      guard let held = state.streams[stream], let last = held.lastOfSubject[subject] else {
        return nil
      }
      return held.messages[held.place(of: last)]
    }
  }

  public func reader(of subject: String, in stream: ClusterStream, from sequence: UInt64)
    throws(ClusterError) -> any LogReader
  {
    try begin()
    return MemoryReader(self, subject: subject, stream: stream, next: sequence)
  }

  public func forget(_ stream: ClusterStream, upTo sequence: UInt64) throws(ClusterError) {
    try begin()
    try server.run { (state) throws(ClusterError) in
      state.streams[stream]?.forget(upTo: sequence)
    }
  }

  public func state(of stream: ClusterStream) throws(ClusterError) -> StreamState {
    try begin()
    return try server.run { (state) throws(ClusterError) in
      let held = state.streams[stream] ?? .init()
      return StreamState(
        firstSequence: held.messages.first?.sequence ?? (held.last == 0 ? 0 : held.last + 1),
        lastSequence: held.last, messages: UInt64(held.messages.count), bytes: held.bytes)
    }
  }

  private func stream(of subject: String) throws(ClusterError) -> ClusterStream {
    for stream in ClusterStream.allCases
    where MemoryLog.matches(subject, pattern: stream.subjects) {
      return stream
    }
    throw .misconfigured("no stream takes \(subject)")
  }

  // MARK: - Buckets

  public func get(_ key: String, in bucket: ClusterBucket) throws(ClusterError) -> BucketValue? {
    try begin()
    return try server.run { (state) throws(ClusterError) in state.buckets[bucket]?.values[key] }
  }

  public func put(_ value: [UInt8], for key: String, in bucket: ClusterBucket)
    throws(ClusterError)
  {
    try begin()
    try server.run { (state) throws(ClusterError) in
      state.buckets[bucket, default: .init()].set(value, for: key)
    }
  }

  public func update(
    _ value: [UInt8], for key: String, in bucket: ClusterBucket, revision: UInt64
  ) throws(ClusterError) {
    try begin()
    try server.run { (state) throws(ClusterError) in
      guard state.buckets[bucket]?.values[key]?.revision ?? 0 == revision else {
        throw .superseded
      }
      state.buckets[bucket, default: .init()].set(value, for: key)
    }
  }

  public func all(_ prefix: String, in bucket: ClusterBucket) throws(ClusterError)
    -> [String: BucketValue]
  {
    try begin()
    return try server.run { (state) throws(ClusterError) in
      (state.buckets[bucket]?.values ?? [:]).filter { $0.key.hasPrefix(prefix) }
    }
  }

  public func delete(_ key: String, in bucket: ClusterBucket) throws(ClusterError) {
    try begin()
    try server.run { (state) throws(ClusterError) in
      state.buckets[bucket, default: .init()].revision += 1
      state.buckets[bucket]?.values[key] = nil
    }
  }

  // MARK: - Reading

  /// Whether a subject is one of those that a pattern means: `*` is any one word.
  static func matches(_ subject: String, pattern: String) -> Bool {
    let words = subject.split(separator: ".", omittingEmptySubsequences: false)
    let wanted = pattern.split(separator: ".", omittingEmptySubsequences: false)
    return words.count == wanted.count
      && zip(words, wanted).allSatisfy { $1 == "*" || $0 == $1 }
  }

  fileprivate func found(_ subject: String, in stream: ClusterStream, from sequence: UInt64)
    throws(ClusterError) -> (next: LogMessage?, pending: UInt64)
  {
    if let refusal { throw .refused(refusal) }
    guard !isCutOff else { throw .unreachable("cut off (test)") }
    return try server.run { (state) throws(ClusterError) in
      guard let held = state.streams[stream] else { return (nil, 0) }
      var next: LogMessage?
      var pending: UInt64 = 0
      for message in held.messages[held.place(of: sequence)...]
      where MemoryLog.matches(message.subject, pattern: subject) {
        if next == nil { next = message } else { pending += 1 }
      }
      return (next, pending)
    }
  }
}

/// Reads a `MemoryServer`. While it can't be reached there is nothing to read.
private final class MemoryReader: LogReader {
  private let log: MemoryLog
  private let subject: String
  private let stream: ClusterStream
  private var next: UInt64

  init(_ log: MemoryLog, subject: String, stream: ClusterStream, next: UInt64) {
    self.log = log
    self.subject = subject
    self.stream = stream
    self.next = max(1, next)
  }

  func poll() throws(ClusterError) -> LogMessage? {
    do {
      let message = try log.found(subject, in: stream, from: next).next
      if let message { next = message.sequence + 1 }
      return message
    } catch .unreachable {
      return nil
    } catch {
      throw error
    }
  }

  var pending: UInt64 {
    guard let found = try? log.found(subject, in: stream, from: next) else { return 0 }
    return found.pending + (found.next == nil ? 0 : 1)
  }

  var isAtEnd: Bool {
    guard let found = try? log.found(subject, in: stream, from: next) else { return false }
    return found.next == nil
  }
}
