import Cluster
import Foundation
import TestSupport
import Testing

/// What every `ClusterLog` has to keep: the one over NATS, and the one in memory that the stages are tested with.
@Suite(.serialized) struct ClusterLogTests {
  enum Kind: CaseIterable, Sendable {
    case memory, nats

    static var here: [Kind] { NATSServer.isInstalled ? allCases : [.memory] }
  }

  /// A server, and clients of it.
  struct Bench {
    private let memory: MemoryServer?
    let server: NATSServer?

    init(_ kind: Kind) throws {
      memory = kind == .memory ? MemoryServer() : nil
      server = kind == .nats ? try NATSServer() : nil
      if let server { try server.setUp() }
    }

    func client() throws -> any ClusterLog {
      if let memory { return MemoryLog(on: memory) }
      return try server?.client() ?? MemoryLog()
    }
  }

  private func entry(_ subject: String, _ id: String, _ text: String) -> LogEntry {
    LogEntry(subject: subject, id: id, payload: Array(text.utf8))
  }

  @Test("stores in order, de-duplicates by id", arguments: Kind.here)
  func store(_ kind: Kind) throws {
    let bench = try Bench(kind)
    let log = try bench.client()
    #expect(try log.state(of: .records).messages == 0)
    #expect(try log.store([]) == nil)
    let entries = (1...20).map { entry("renkei.records.a.\($0 % 3)", "a.\($0)", "text \($0)") }
    #expect(try log.store(entries) == nil)
    #expect(try log.store(Array(entries[5...])) == nil)
    let state = try log.state(of: .records)
    #expect(state.messages == 20 && state.firstSequence == 1 && state.lastSequence == 20)
    let last = try log.last(of: "renkei.records.a.2", in: .records)
    #expect(last?.payload == Array("text 20".utf8) && last?.subject == "renkei.records.a.2")
    #expect(try log.last(of: "renkei.records.b.2", in: .records) == nil)
    #expect(throws: ClusterError.self) { try log.store([entry("renkei.other", "x", "")]) }
  }

  @Test("compares and swaps", arguments: Kind.here)
  func swap(_ kind: Kind) throws {
    let bench = try Bench(kind)
    let (one, other) = (try bench.client(), try bench.client())
    let first = try one.store(entry("renkei.epochs.1", "x.1", "1"), after: 0)
    #expect(try one.store(entry("renkei.epochs.2", "y.1", "1"), after: 0) == first + 1)
    #expect(throws: ClusterError.superseded) {
      try other.store(entry("renkei.epochs.1", "z.1", "1"), after: 0)
    }
    let second = try other.store(entry("renkei.epochs.1", "z.2", "2"), after: first)
    #expect(second == first + 2)
    #expect(throws: ClusterError.superseded) {
      try one.store(entry("renkei.epochs.1", "x.2", "2"), after: first)
    }
    // The same one again: the answer had been lost.
    #expect(try other.store(entry("renkei.epochs.1", "z.2", "2"), after: first) == second)
    #expect(try one.last(of: "renkei.epochs.1", in: .epochs)?.sequence == second)
    // When everything of a subject is forgotten, there is no last one.
    try one.forget(.epochs, upTo: second)
    #expect(try one.last(of: "renkei.epochs.1", in: .epochs) == nil)
    #expect(try one.store(entry("renkei.epochs.1", "x.3", "3"), after: 0) == second + 1)
  }

  @Test("reads a subject, with wildcards, from anywhere, while others write", arguments: Kind.here)
  func read(_ kind: Kind) throws {
    let bench = try Bench(kind)
    let (writer, log) = (try bench.client(), try bench.client())
    let entries = (1...30).map {
      entry("renkei.records.\($0 % 2 == 0 ? "a" : "b").\($0 % 3)", "\($0)", "\($0)")
    }
    #expect(try writer.store(entries) == nil)
    let stored = try texts(log, "renkei.records.*.*", from: 1)
    #expect(Set(stored) == Set((1...30).map { "\($0)" }) && stored.count == 30)
    let third = (1...30).filter { $0 % 3 == 0 }.map { "\($0)" }
    #expect(Set(try texts(log, "renkei.records.*.0", from: 1)) == Set(third))
    #expect(try texts(log, "renkei.records.*.*", from: 11).count == 20)
    #expect(try texts(log, "renkei.records.c.*", from: 1).isEmpty)

    let reader = try log.reader(of: "renkei.records.a.1", in: .records, from: 1)
    #expect(try reader.all() == (1...30).filter { $0 % 6 == 4 }.map { "\($0)" })
    #expect(reader.isAtEnd && reader.pending == 0)
    #expect(try writer.store([entry("renkei.records.a.1", "new", "new")]) == nil)
    #expect(try reader.next() == "new")
    // What is forgotten is left out.
    let from = try log.state(of: .records).lastSequence
    try writer.forget(.records, upTo: from - 1)
    #expect(try texts(log, "renkei.records.*.*", from: 1) == ["new"])
    try writer.forget(.records, upTo: from + 100)
    let state = try log.state(of: .records)
    #expect(state.messages == 0 && state.firstSequence == from + 1 && state.lastSequence == from)
    #expect(try writer.store([entry("renkei.records.a.1", "newer", "newer")]) == nil)
    #expect(try reader.next() == "newer")
  }

  @Test("sixty-four readers at once", arguments: Kind.here)
  func readers(_ kind: Kind) throws {
    let bench = try Bench(kind)
    let log = try bench.client()
    let readers = try (0..<64).map {
      try log.reader(of: "renkei.records.*.\($0)", in: .records, from: 1)
    }
    let entries = (0..<640).map { entry("renkei.records.p.\($0 % 64)", "\($0)", "\($0)") }
    #expect(try log.store(entries) == nil)
    for (shard, reader) in readers.enumerated() {
      #expect(
        try reader.some(10) == stride(from: shard, to: 640, by: 64).map { "\($0)" })
    }
  }

  @Test("large messages", arguments: Kind.here)
  func large(_ kind: Kind) throws {
    let bench = try Bench(kind)
    let log = try bench.client()
    let payload = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let sequence = try log.store(
      LogEntry(subject: "renkei.epochs.0", id: "large", payload: payload), after: 0)
    #expect(try log.last(of: "renkei.epochs.0", in: .epochs)?.payload == payload)
    let reader = try log.reader(of: ClusterSubject.epochs, in: .epochs, from: sequence)
    #expect(try reader.message()?.payload == payload)
  }

  @Test("buckets have values with revisions", arguments: Kind.here)
  func buckets(_ kind: Kind) throws {
    let bench = try Bench(kind)
    let (log, other) = (try bench.client(), try bench.client())
    #expect(try log.get("assignment", in: .cluster) == nil)
    try log.update([1], for: "assignment", in: .cluster, revision: 0)
    #expect(throws: ClusterError.superseded) {
      try other.update([2], for: "assignment", in: .cluster, revision: 0)
    }
    let read = try #require(try other.get("assignment", in: .cluster))
    #expect(read.value == [1])
    try other.update([2], for: "assignment", in: .cluster, revision: read.revision)
    #expect(throws: ClusterError.superseded) {
      try log.update([3], for: "assignment", in: .cluster, revision: read.revision)
    }
    #expect(try log.get("assignment", in: .cluster)?.value == [2])

    for name in ["tracker.a", "tracker.b", "collector.c"] {
      try log.put(Array(name.utf8), for: name, in: .status)
      try log.put(Array("\(name)!".utf8), for: name, in: .status)
    }
    let trackers = try other.all("tracker.", in: .status)
    #expect(trackers.keys.sorted() == ["tracker.a", "tracker.b"])
    #expect(trackers["tracker.b"]?.value == Array("tracker.b!".utf8))
    #expect(try other.all("", in: .status).count == 3)
    #expect(try other.all("merger.", in: .status).isEmpty)
    try log.delete("tracker.a", in: .status)
    #expect(try other.get("tracker.a", in: .status) == nil)
    #expect(try other.all("", in: .status).keys.sorted() == ["collector.c", "tracker.b"])
    // What was deleted can be made again.
    try other.update([9], for: "tracker.a", in: .status, revision: 0)
    #expect(try log.get("tracker.a", in: .status)?.value == [9])
  }

  private func texts(_ log: any ClusterLog, _ subject: String, from: UInt64) throws -> [String] {
    try log.reader(of: subject, in: .records, from: from).all()
  }
}

extension LogReader {
  /// Everything up to the end, at most 10 s.
  func all() throws -> [String] { try some(.max) }

  func next() throws -> String? {
    try message().map { String(decoding: $0.payload, as: UTF8.self) }
  }

  func message() throws -> LogMessage? {
    let end = Date(timeIntervalSinceNow: 10)
    while Date() < end {
      if let message = try poll() { return message }
      usleep(1000)
    }
    return nil
  }

  func some(_ count: Int, limitSeconds: Double = 10) throws -> [String] {
    var texts: [String] = []
    let end = Date(timeIntervalSinceNow: limitSeconds)
    while texts.count < count, Date() < end {
      if let message = try poll() {
        texts.append(String(decoding: message.payload, as: UTF8.self))
      } else if count == .max, isAtEnd {
        break
      } else {
        usleep(500)
      }
    }
    return texts
  }
}

extension NATSServer {
  func client(_ change: (inout NATSSettings) -> Void = { _ in }) throws -> NATSLink {
    var settings = NATSSettings(servers: [url], name: "test")
    change(&settings)
    let link = NATSLink(settings)
    try link.connect(withinSeconds: 10)
    return link
  }

  /// Streams and buckets, small.
  func setUp(replicas: Int = 1) throws {
    var limits = ClusterLimits()
    limits.replicas = replicas
    limits.recordsBytesMax = 100 << 20
    limits.epochsBytesMax = 100 << 20
    _ = try ClusterSetup(limits, on: try client()).run(update: false)
  }
}
