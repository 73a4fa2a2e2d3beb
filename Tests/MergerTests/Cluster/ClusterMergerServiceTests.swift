import Cluster
import Foundation
import ServiceMap
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Merger

/// Mergers as processes have them: what they tell their cluster, and what they delete.
@Suite struct ClusterMergerServiceTests {
  private static let layout = ClusterLayout(createdNs: 1_700_000_000_000_000_000, shards: 2)
  private let begin = Tick.of(nanoseconds: 1_700_000_040_000_000_000)
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func path(_ name: String) -> String { folder.path("\(name).db") }

  /// A merger on a thread of its own.
  private final class Process: Sendable {
    private let isStopping = Mutex(false)
    private let error = Mutex<String?>(nil)
    private let hasEnded = DispatchSemaphore(value: 0)

    init(_ name: String, store: String, server: MemoryServer) {
      var settings = ClusterMergerSettings(
        name: name, layout: ClusterMergerServiceTests.layout, store: store)
      (settings.commitSeconds, settings.statusSeconds, settings.greetingSeconds) = (0.03, 0.03, 0.1)
      Thread.detachNewThread { [self, settings] in
        do {
          // The file's lock may be in a process that another test starts, for a moment.
          usleep(50_000)
          try ClusterMergerService.run(settings, log: MemoryLog(on: server)) {
            isStopping.withLock { $0 }
          }
        } catch {
          self.error.withLock { $0 = "\(error)" }
        }
        hasEnded.signal()
      }
    }

    /// - Returns: why it ended before; nil where it did not.
    func stop() -> String? {
      isStopping.withLock { $0 = true }
      hasEnded.wait()
      return error.withLock { $0 }
    }
  }

  /// Waits until something holds; false where it does not within 20 s.
  private func wait(_ body: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<1000 {
      if try body() { return true }
      usleep(20_000)
    }
    return try body()
  }

  private func store(_ reports: [EpochReport], _ log: MemoryLog) throws {
    for report in reports {
      let id = "\(report.shard).\(report.kind).\(report.epoch).\(report.part)"
      let entry = LogEntry(
        subject: ClusterSubject.epochs(shard: Int(report.shard)), id: id, payload: report.encoded())
      #expect(try log.store([entry]) == nil)
    }
  }

  private func watermark(_ name: String, _ log: MemoryLog) throws -> ClusterWatermark? {
    try log.get("watermark.\(name)", in: .cluster).flatMap { ClusterWatermark($0.value) }
  }

  @Test("what all mergers have is deleted, and nothing while one of them is away")
  func standby() throws {
    var generator = TestSeed.generator(for: "cluster merger service")
    let server = MemoryServer()
    let log = MemoryLog(on: server)
    var point = ClusterPoint(name: "core-1", run: 1_700_000_001_000_000_000)
    var shards = (0..<2).map { ClusterShard($0, of: 2, points: ["core-1"]) }
    func round(isLast: Bool = false) throws {
      for place in shards.indices {
        for _ in 0..<50 {
          shards[place].begin(run: point.run, of: 0)
          shards[place].packet(by: [0], tick: begin, using: &generator)
          point.sent += 1
        }
        for number in 0..<50 {
          let payload = [UInt8](repeating: UInt8(number), count: 10)
          #expect(
            try log.store([
              LogEntry(
                subject: ClusterSubject.records(point: "core-1", shard: place), id: "",
                payload: payload)
            ]) == nil)
        }
      }
      for place in shards.indices {
        try store(shards[place].seal([point], isLast: isLast), log)
        if !isLast { try store(shards[place].snapshot([point]), log) }
      }
    }
    /// A packet is a message in this test.
    func records() -> UInt64 { shards.map(\.recordsSequence).min() ?? 0 }

    var first = Process("first", store: path("first"), server: server)
    let second = Process("second", store: path("second"), server: server)
    #expect(try wait { try watermark("second", log) != nil && watermark("first", log) != nil })
    try round()
    #expect(
      try wait { try log.state(of: .records).firstSequence == records() + 1 })
    let epochs = log.server.messages(of: .epochs)
    #expect(try EpochReport(decoding: #require(epochs.first).payload).kind == .snapshot)
    #expect(try watermark("first", log) == watermark("second", log))

    // One is away: the other goes on, and nothing is deleted.
    #expect(first.stop() == nil)
    #expect(try log.get("merger.first", in: .status) == nil)
    let kept = try #require(try watermark("first", log))
    for _ in 0..<3 { try round() }
    #expect(try wait { try watermark("second", log)?.records == records() })
    usleep(200_000)
    #expect(try log.state(of: .records).firstSequence == kept.records + 1)
    #expect(try log.state(of: .epochs).firstSequence == kept.epochs + 1)

    // It is back, and has all of it.
    first = Process("first", store: path("first"), server: server)
    #expect(try wait { try log.state(of: .records).firstSequence == records() + 1 })
    try round(isLast: true)
    try store(shards[0].seal([point], isLast: true), log)
    #expect(
      try wait {
        try log.all("merger.", in: .status).values.filter {
          let status = try JSONDecoder().decode(ProcessStatus.self, from: Data($0.value))
          return status.merger?.mapped == point.sent && status.problem == nil
            && status.merger?.captured == point.sent && status.merger?.inPipeline == 0
        }.count == 2
      })
    #expect(first.stop() == nil && second.stop() == nil)
    let (one, other) = (
      try MapStore.read(path: path("first")), try MapStore.read(path: path("second"))
    )
    #expect(ClusterSums(one).differences(from: ClusterSums(shards)) == [])
    #expect(ClusterSums(one) == ClusterSums(other) && one.capture == other.capture)
    #expect(one.capture.accounting["mapped"] == point.sent)
  }

  @Test(
    "a merger that will not come back can be taken out, and the streams are kept for the others alone"
  )
  func forgotten() throws {
    let server = MemoryServer()
    let log = MemoryLog(on: server)
    try log.put(
      ClusterWatermark(records: 3, epochs: 1).encoded(), for: "watermark.gone", in: .cluster)
    #expect(try ClusterMergerService.forget(merger: "gone", log: log))
    #expect(try !ClusterMergerService.forget(merger: "gone", log: log))
    #expect(try watermark("gone", log) == nil)
  }

  @Test("while NATS can't be reached a merger waits, and then goes on")
  func unreachable() throws {
    var generator = TestSeed.generator(for: "cluster merger service, unreachable")
    let server = MemoryServer()
    let log = MemoryLog(on: server)
    server.isReachable = false
    var point = ClusterPoint(name: "core-1", run: 1_700_000_001_000_000_000)
    var shards = (0..<2).map { ClusterShard($0, of: 2, points: ["core-1"]) }
    let process = Process("only", store: path("only"), server: server)
    usleep(200_000)
    server.isReachable = true
    for number in 0..<5 {
      for place in shards.indices {
        shards[place].begin(run: point.run, of: 0)
        shards[place].packet(by: [0], tick: begin, using: &generator)
        point.sent += 1
        try store(shards[place].seal([point]), log)
      }
      if number == 2 {
        usleep(100_000)
        server.isReachable = false
        usleep(100_000)
        server.isReachable = true
      }
    }
    try store(shards[0].seal([point]), log)
    #expect(
      try wait {
        try log.get("merger.only", in: .status).flatMap {
          try JSONDecoder().decode(ProcessStatus.self, from: Data($0.value)).merger?.mapped
        } == point.sent
      })
    #expect(process.stop() == nil)
    let content = try MapStore.read(path: path("only"))
    #expect(ClusterSums(content).differences(from: ClusterSums(shards)) == [])
  }

  @Test("while the store is full nothing is deleted, and all is there when there is room")
  func full() throws {
    guard let disk = try SmallDisk(folder.path("disk"), megabytes: 4) else { return }
    var generator = TestSeed.generator(for: "cluster merger service, full")
    let server = MemoryServer()
    let log = MemoryLog(on: server)
    var point = ClusterPoint(name: "core-1", run: 1_700_000_001_000_000_000)
    var shards = (0..<2).map { ClusterShard($0, of: 2, points: ["core-1"]) }
    func status() throws -> ProcessStatus? {
      try log.get("merger.only", in: .status).map {
        try JSONDecoder().decode(ProcessStatus.self, from: Data($0.value))
      }
    }
    func round() throws {
      for place in shards.indices {
        for _ in 0..<500 {
          shards[place].begin(run: point.run, of: 0)
          shards[place].packet(by: [0], tick: begin, using: &generator)
          point.sent += 1
        }
        try store(shards[place].seal([point], entriesMax: 4096), log)
        try store(shards[place].snapshot([point], entriesMax: 4096), log)
      }
      try store(shards[0].seal([point]), log)
      #expect(try wait { try status()?.items == point.sent })
    }
    let process = Process("only", store: disk.path + "/map.db", server: server)
    try round()
    #expect(try wait { try watermark("only", log)?.records ?? 0 > 0 })
    try disk.fill()
    for _ in 0..<20 where try status()?.problem == nil { try round() }
    #expect(try wait { try status()?.problem != nil })
    let before = try watermark("only", log)
    let first = try log.state(of: .epochs).firstSequence
    for _ in 0..<2 { try round() }
    #expect(try watermark("only", log) == before)
    #expect(try log.state(of: .epochs).firstSequence == first)
    try disk.makeRoom()
    #expect(try wait { try status()?.problem == nil })
    #expect(process.stop() == nil)
    let content = try MapStore.read(path: disk.path + "/map.db")
    #expect(ClusterSums(content).differences(from: ClusterSums(shards)) == [])
    #expect(content.capture.accounting["mapped"] == point.sent)
  }
}
