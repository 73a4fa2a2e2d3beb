import Cluster
import Foundation
import ServiceMap
import TestSupport
import Testing
import Wire

@testable import Merger

/// A cluster's merger that is killed at any moment, and its store.
@Suite struct ClusterMergingTests {
  private static let layout = ClusterLayout(createdNs: 1_700_000_000_000_000_000, shards: 4)
  private let begin = Tick.of(nanoseconds: 1_700_000_040_000_000_000)
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func settings(_ name: String) -> ClusterMergerSettings {
    var settings = ClusterMergerSettings(
      name: name, layout: Self.layout, store: folder.path("\(name).db"))
    settings.addressesMax = 64
    return settings
  }

  /// Opens a store that was closed just now. A process that another test starts has its lock for a moment.
  private func opened(_ path: String) throws -> UnitStore {
    for _ in 0..<100 {
      if let store = try? UnitStore(path: path) { return store }
      usleep(20_000)
    }
    return try UnitStore(path: path)
  }

  /// A merger, and what it reads from.
  private final class Run {
    let store: UnitStore
    let merging: ClusterMerging
    let reader: any LogReader

    init(_ settings: ClusterMergerSettings, _ store: UnitStore, _ log: MemoryLog) throws {
      self.store = store
      merging = try ClusterMerging(settings, store: store)
      reader = try log.reader(
        of: ClusterSubject.epochs, in: .epochs, from: merging.nextSequence)
    }

    func take(_ count: Int = .max) throws {
      var taken = 0
      while taken < count, let message = try reader.poll() {
        try merging.take(message)
        taken += 1
      }
    }
  }

  private func run(_ name: String, _ log: MemoryLog) throws -> Run {
    try Run(settings(name), try opened(settings(name).store), log)
  }

  private func store(_ reports: some Collection<EpochReport>, _ log: MemoryLog) throws {
    for report in reports {
      let entry = LogEntry(
        subject: ClusterSubject.epochs(shard: Int(report.shard)),
        id: "\(report.shard).\(report.kind).\(report.epoch).\(report.part).\(report.incarnation)",
        payload: report.encoded())
      #expect(try log.store([entry]) == nil)
    }
  }

  /// Two capture points, four shards; some seconds of traffic and what the trackers say of it.
  private struct Cluster {
    var points = [
      ClusterPoint(name: "core-1", run: 1_700_000_001_000_000_000),
      ClusterPoint(name: "core-2", run: 1_700_000_002_000_000_000),
    ]
    var shards = (0..<4).map { ClusterShard($0, of: 4, points: ["core-1", "core-2"]) }
    var missing: UInt64 = 0

    mutating func packets(
      _ count: Int, tick: UInt64, using generator: inout SeededGenerator
    ) {
      for _ in 0..<count {
        let shard = Int.random(in: 0..<4, using: &generator)
        let seen = [[0], [1], [0, 1], [0, 1]].randomElement(using: &generator) ?? [0]
        for place in points.indices { shards[shard].begin(run: points[place].run, of: place) }
        shards[shard].packet(by: seen, tick: tick, using: &generator)
        for point in seen { points[point].sent += 1 }
        points[0].filtered += Int.random(in: 0..<3, using: &generator) == 0 ? 1 : 0
      }
    }

    mutating func miss(_ count: UInt64, point: Int, shard: Int) {
      shards[shard].begin(run: points[point].run, of: point)
      shards[shard].miss(count, of: point)
      points[point].sent += count
      missing += count
    }

    var reports: [CaptureReport] { points.flatMap { $0.past + [$0.report] } }
    var captured: UInt64 { reports.reduce(0) { $0 + $1.accounting.values.reduce(0, +) } }
    var filtered: UInt64 { reports.reduce(0) { $0 + ($1.accounting["filtered"] ?? 0) } }
  }

  private func check(_ path: String, _ cluster: Cluster) throws {
    let content = try MapStore.read(path: path)
    #expect(ClusterSums(content).differences(from: ClusterSums(cluster.shards)) == [])
    let accounting = content.capture.accounting
    let mapped = content.links.reduce(0) { $0 &+ $1.packets }
    let elsewhere = content.links.reduce(0) { $0 &+ $1.elsewhere }
    #expect(elsewhere > 0)
    #expect(accounting["mapped"] == mapped)
    #expect(accounting["seenElsewhere"] == elsewhere)
    #expect(accounting["filtered"] == cluster.filtered)
    #expect(accounting["lostInTransit", default: 0] == cluster.missing)
    #expect(accounting.values.reduce(0, +) == cluster.captured)
    #expect(content.capture.frameBytes == cluster.reports.reduce(0) { $0 + $1.frameBytes })
    #expect(
      content.capture.files.map(\.name).sorted() == ["core-1:eth0", "core-2:eth0"])
    #expect(try StoreCheck.problems(path: path) == [])
  }

  @Test(
    "killed at any moment, with owners of shards that change: each packet once, in both of two stores"
  )
  func killed() throws {
    var generator = TestSeed.generator(for: "cluster merging")
    let log = MemoryLog()
    var cluster = Cluster()
    var (first, second) = (try run("first", log), try run("second", log))
    var kills = 0
    for step in 0..<150 {
      let tick = begin + UInt64(step) * 400_000
      cluster.packets(.random(in: 0...60, using: &generator), tick: tick, using: &generator)
      if Int.random(in: 0..<20, using: &generator) == 0 {
        cluster.miss(
          .random(in: 1...9, using: &generator), point: .random(in: 0...1, using: &generator),
          shard: .random(in: 0..<4, using: &generator))
      }
      // A collector begins anew; the shards hear of it with its first batches.
      if step == 70 { cluster.points[1].restart() }
      for place in cluster.shards.indices where Int.random(in: 0..<3, using: &generator) > 0 {
        if Int.random(in: 0..<8, using: &generator) == 0 {
          // An owner that had stored some parts when it was superseded.
          var dead = cluster.shards[place]
          try store(dead.seal(cluster.points, entriesMax: 5).dropLast(), log)
          cluster.shards[place].incarnation += 1
        }
        try store(cluster.shards[place].seal(cluster.points), log)
        if Int.random(in: 0..<6, using: &generator) == 0 {
          try store(cluster.shards[place].snapshot(cluster.points), log)
        }
      }
      if Int.random(in: 0..<3, using: &generator) > 0 {
        try first.take(.random(in: 0...40, using: &generator))
      }
      if Bool.random(using: &generator) { #expect(try first.merging.commit()) }
      if Int.random(in: 0..<6, using: &generator) == 0 {
        first.store.close()
        first = try run("first", log)
        kills += 1
      }
      if step % 40 == 39 {
        try second.take()
        #expect(try second.merging.commit())
      }
    }
    for place in cluster.shards.indices {
      for point in cluster.points.indices {
        cluster.shards[place].begin(run: cluster.points[point].run, of: point)
      }
      try store(cluster.shards[place].seal(cluster.points, isLast: true), log)
    }
    // The last report of all collectors.
    try store(cluster.shards[0].seal(cluster.points, isLast: true), log)
    #expect(kills > 5)
    for run in [first, second] {
      try run.take()
      #expect(try run.merging.commit())
      #expect(!run.merging.hasNews)
      #expect(run.merging.isEnded && run.merging.progress.inPipeline == 0)
      #expect(run.merging.contradiction == nil)
      #expect(run.merging.refused == [:])
      run.store.close()
    }
    try check(settings("first").store, cluster)
    try check(settings("second").store, cluster)
    let (one, other) = try (
      MapStore.read(path: settings("first").store), MapStore.read(path: settings("second").store)
    )
    #expect(ClusterSums(one) == ClusterSums(other))
    #expect(one.capture == other.capture)
  }

  @Test("a merger that was killed goes on before the oldest report that is not complete")
  func incomplete() throws {
    var generator = TestSeed.generator(for: "cluster merging, incomplete")
    let log = MemoryLog()
    var cluster = Cluster()
    for step in 0..<4 {
      cluster.packets(400, tick: begin + UInt64(step), using: &generator)
    }
    let long = cluster.shards[1].seal(cluster.points, entriesMax: 10)
    try #require(long.count > 2)
    try store(long.prefix(2), log)
    for place in [0, 2, 3] { try store(cluster.shards[place].seal(cluster.points), log) }
    var one = try run("one", log)
    try one.take()
    #expect(try one.merging.commit())
    #expect(one.merging.progress.sequence == 0)
    #expect(one.merging.progress.shards.map(\.epoch) == [1, nil, 1, 1])
    #expect(one.merging.watermark == ClusterWatermark())
    one.store.close()
    one = try run("one", log)
    try store(long.dropFirst(2), log)
    try one.take()
    #expect(try one.merging.commit())
    #expect(one.merging.progress.shards.map(\.epoch) == [1, 1, 1, 1])
    #expect(one.merging.watermark.records > 0 && one.merging.watermark.epochs == 0)
    #expect(one.merging.contradiction == nil)
    let last = cluster.shards[0].snapshot(cluster.points)
    try store(last, log)
    for place in 1..<4 { try store(cluster.shards[place].snapshot(cluster.points), log) }
    try one.take()
    // Only what is committed counts.
    #expect(one.merging.watermark.epochs == 0)
    #expect(try one.merging.commit())
    let first = try #require(
      log.server.messages(of: .epochs).first {
        (try? EpochReport(decoding: $0.payload).kind) == .snapshot
      })
    #expect(one.merging.watermark.epochs == first.sequence - 1)
    one.store.close()
    try store(cluster.shards[0].seal(cluster.points, isLast: true), log)
    one = try run("one", log)
    try one.take()
    #expect(try one.merging.commit())
    one.store.close()
    try check(settings("one").store, cluster)
  }

  @Test("epochs that were deleted before the store had them are an error that says what to do")
  func missed() throws {
    var generator = TestSeed.generator(for: "cluster merging, missed")
    let log = MemoryLog()
    var cluster = Cluster()
    var one = try run("one", log)
    func round() throws {
      cluster.packets(100, tick: begin, using: &generator)
      for place in cluster.shards.indices {
        try store(cluster.shards[place].seal(cluster.points), log)
      }
    }
    try round()
    try one.take()
    #expect(try one.merging.commit())
    one.store.close()
    try round()
    for place in cluster.shards.indices {
      try store(cluster.shards[place].snapshot(cluster.points), log)
    }
    let snapshots = try #require(
      log.server.messages(of: .epochs).first {
        (try? EpochReport(decoding: $0.payload).kind) == .snapshot
      })
    try log.forget(.epochs, upTo: snapshots.sequence - 1)
    try round()
    one = try run("one", log)
    #expect {
      try one.take()
    } throws: {
      "\($0)".contains("renkei store backup")
    }
    one.store.close()
    // A new store begins with what there is.
    let before = ClusterSums(cluster.shards)
    let other = try run("other", log)
    try other.take()
    try round()
    try other.take()
    #expect(try other.merging.commit())
    #expect(other.merging.contradiction == nil)
    #expect(other.merging.progress.shards.map(\.epoch) == [4, 4, 4, 4])
    other.store.close()
    let content = try MapStore.read(path: settings("other").store)
    let accounting = content.capture.accounting
    #expect(before != ClusterSums(cluster.shards))
    let taken = other.merging.progress.shards.flatMap(\.points.values)
      .reduce(0) { $0 + $1.packets - $1.packetsBase }
    #expect(taken > 0)
    #expect(accounting["mapped", default: 0] + accounting["seenElsewhere", default: 0] == taken)
    #expect(accounting["filtered", default: 0] < cluster.filtered)
    #expect(content.links.reduce(0) { $0 &+ $1.packets } == accounting["mapped"])
  }

  @Test("what a dead run sent and nobody got is lost in transit, once all shards are past it")
  func lostAtEnd() throws {
    var generator = TestSeed.generator(for: "cluster merging, lost at the end")
    let log = MemoryLog()
    var cluster = Cluster()
    cluster.packets(200, tick: begin, using: &generator)
    for place in cluster.shards.indices {
      try store(cluster.shards[place].seal(cluster.points), log)
    }
    // Sent, and in no batch that came.
    cluster.points[0].sent += 17
    try store(cluster.shards[0].seal(cluster.points), log)
    let one = try run("one", log)
    try one.take()
    #expect(one.merging.progress.inPipeline == 17)
    cluster.points[0].restart()
    for place in cluster.shards.indices {
      #expect(one.merging.progress.accounting[.lostInTransit] == 0)
      cluster.shards[place].begin(run: cluster.points[0].run, of: 0)
      try store(cluster.shards[place].seal(cluster.points), log)
      try one.take()
    }
    cluster.missing = 17
    #expect(one.merging.progress.inPipeline == 0)
    #expect(try one.merging.commit())
    one.store.close()
    try check(settings("one").store, cluster)
  }

  @Test("messages that are none are counted, and change nothing")
  func refused() throws {
    var generator = TestSeed.generator(for: "cluster merging, refused")
    let log = MemoryLog()
    var cluster = Cluster()
    cluster.packets(100, tick: begin, using: &generator)
    let reports = cluster.shards[2].seal(cluster.points)
    func put(_ payload: [UInt8], _ shard: Int) throws {
      let entry = LogEntry(subject: ClusterSubject.epochs(shard: shard), id: "", payload: payload)
      #expect(try log.store([entry]) == nil)
    }
    try put([], 2)
    try put([UInt8](repeating: 0, count: 300), 2)
    try put(reports[0].encoded(), 1)
    var foreign = reports[0]
    foreign.shardCount = 8
    try put(foreign.encoded(), 2)
    try store(reports, log)
    let one = try run("one", log)
    try one.take()
    #expect(one.merging.refused.values.reduce(0, +) == 4)
    #expect(one.merging.refused["otherShard"] == 2)
    #expect(one.merging.progress.shards.map(\.epoch) == [nil, nil, 1, nil])
    #expect(one.merging.contradiction == nil)
    one.store.close()
  }
}
