import Cluster
import Foundation
import TestSupport
import Testing
import Wire

@Suite struct ClusterObserverTests {
  private let log = MemoryLog()

  private func put(
    _ role: ProcessStatus.Role, _ name: String, _ change: (inout ProcessStatus) -> Void = { _ in }
  ) throws {
    var status = ProcessStatus(
      role: role, name: name, host: "box", pid: 1, version: "1", incarnation: 1, atSeconds: 1000)
    change(&status)
    try log.put([UInt8](try JSONEncoder().encode(status)), for: "\(role).\(name)", in: .status)
  }

  private func putAll(at seconds: UInt64, trackers: [String: [Int]]) throws {
    try put(.collector, "a") {
      $0.newestTick = Tick.of(nanoseconds: seconds * 1_000_000_000)
      $0.writtenAtSeconds = Double(seconds) + 1
    }
    for (name, shards) in trackers {
      try put(.tracker, name) {
        $0.tracker = .init()
        $0.tracker?.shards = shards.map { shard in
          var one = ProcessStatus.Tracker.Shard(shard: shard)
          one.newestTick = Tick.of(nanoseconds: (seconds - 3) * 1_000_000_000)
          return one
        }
      }
    }
    try put(.merger, "m") {
      $0.merger = .init()
      $0.merger?.captured = 10
      $0.merger?.mapped = 6
      $0.merger?.inPipeline = 1
      $0.merger?.accounting = ["mapped": 8, "notIP": 3]
    }
  }

  private func kinds(_ condition: ClusterCondition) -> [ClusterCondition.Problem.Kind] {
    condition.problems.map(\.kind)
  }

  @Test("who writes lives, who stops is dead, whatever the clocks say") func liveness() throws {
    let layout = ClusterLayout(createdNs: 1, shards: 4)
    try log.put([UInt8](try JSONEncoder().encode(layout)), for: ClusterLayout.key, in: .cluster)
    var observer = ClusterObserver()
    try putAll(at: 5000, trackers: ["t1": [0, 1], "t2": [2, 3]])
    _ = try observer.look(at: log, streams: [], now: 100)
    #expect(!observer.isSettled(now: 100))
    try putAll(at: 5001, trackers: ["t1": [0, 1], "t2": [2, 3]])
    var condition = try observer.look(at: log, streams: [], now: 101)
    #expect(observer.isSettled(now: 101))
    #expect(condition.isWell && condition.shards == 4 && condition.shardsWithoutOwner.isEmpty)
    #expect(
      condition.members.map(\.status.label) == [
        "collector a", "tracker t1", "tracker t2", "merger m",
      ])
    #expect(condition.members[0].lagSeconds.map { abs($0 - 1) < 0.01 } == true)
    #expect(condition.members[1].lagSeconds.map { abs($0 - 3) < 0.01 } == true)

    // One of the trackers writes no more.
    for second in 2...6 {
      try putAll(at: 5000 + UInt64(second), trackers: ["t1": [0, 1]])
      condition = try observer.look(at: log, streams: [], now: 100 + Double(second))
    }
    #expect(kinds(condition) == [.dead, .noOwner])
    #expect(condition.problems[0].what == "tracker t2" && condition.shardsWithoutOwner == [2, 3])
    // It comes again.
    try putAll(at: 5007, trackers: ["t1": [0, 1], "t2": [2, 3]])
    #expect(try observer.look(at: log, streams: [], now: 107).isWell)
  }

  @Test("everything that is wrong has a name") func problems() throws {
    var observer = ClusterObserver()
    let none = try observer.look(at: log, streams: [], now: 1)
    #expect(kinds(none) == [.noLayout, .noProcess, .noProcess, .noProcess])
    try put(.collector, "a") {
      $0.problem = "no room"
      $0.collector = .init()
      $0.collector?.spoolBytes = 60
      $0.collector?.spoolBytesMax = 100
      $0.collector?.isEnded = true
    }
    try put(.merger, "m") {
      $0.refused = ["brokenChecksum": 2, "replayed": 9]
      $0.merger = .init()
      $0.merger?.captured = 10
      $0.merger?.mapped = 6
      $0.merger?.accounting = ["mapped": 10, "notIP": 3]
      $0.merger?.missing = ["b": 7]
    }
    let stream = ClusterInspection.Stream(
      name: "RENKEI_RECORDS", messages: 1, bytes: 95, bytesMax: 100, firstSequence: 1,
      lastSequence: 1, replicas: 3, leader: nil, replicasCurrent: 1, behind: 4,
      replicasLost: ["n2"])
    let condition = try observer.look(at: log, streams: [stream], now: 2)
    #expect(
      kinds(condition) == [
        .noLayout, .noLeader, .replicaLost, .nearlyFull, .noProcess, .noProcess, .says, .spooling,
        .dead, .unbalanced, .missing, .refused,
      ])
    #expect(condition.refused["replayed"] == ["merger m": 9])
    #expect(condition.problems.contains(.init(.unbalanced, "merger m", "1")))
  }
}
