import Cluster
import Foundation
import Reporter
import TestSupport
import Testing

@testable import Renkei

/// How a cluster is, on the report service's page.
@Suite struct ClusterHealthTests {
  private func status(_ role: ProcessStatus.Role, _ name: String, at seconds: Double)
    -> ProcessStatus
  {
    var status = ProcessStatus(
      role: role, name: name, host: "box", pid: 7, version: "test", incarnation: 1,
      atSeconds: seconds)
    switch role {
    case .collector:
      status.collector = .init()
      status.collector?.captured = 1000
      status.collector?.accounting = ["droppedBySpool": 3, "droppedByRing": 4]
      status.collector?.spoolBytes = 2_000_000
      status.collector?.spoolBytesMax = 4_000_000_000
    case .tracker:
      status.tracker = .init()
      status.tracker?.shards = [.init(shard: 1), .init(shard: 0)]
      status.refused = ["brokenChecksum": 2]
    case .merger:
      status.merger = .init()
      status.merger?.captured = 1000
      status.merger?.mapped = 900
      status.merger?.inPipeline = 93
      status.merger?.accounting = ["mapped": 900, "droppedBySpool": 3, "droppedByRing": 4]
    }
    return status
  }

  private func put(_ status: ProcessStatus, _ log: MemoryLog) throws {
    try log.put(
      [UInt8](try JSONEncoder().encode(status)), for: "\(status.role.rawValue).\(status.name)",
      in: .status)
  }

  @Test("processes, drops, spool, lag, refusals, and who is dead; in both languages")
  func tables() throws {
    let log = MemoryLog()
    let watch = ClusterWatch()
    var observer = ClusterObserver()
    #expect(watch.health(.en).tables.isEmpty && watch.health(.en).problems.isEmpty)
    for second in 0..<8 {
      for role in ProcessStatus.Role.allCases where role != .merger || second < 3 {
        try put(status(role, "one", at: Double(second)), log)
      }
      watch.look(at: StatusBucket(log), &observer, now: Double(second))
      if second == 3 { #expect(watch.health(.en).problems.count == 1) }
    }
    let health = watch.health(.en)
    #expect(health.tables.map(\.name) == ["collectors", "trackers", "mergers", "refused"])
    #expect(health.tables[0].rows[0][5] == "7")
    #expect(health.tables[0].rows[0][6] == "2.00 MB of 4.00 GB")
    #expect(health.tables[1].rows[0][3] == "0, 1")
    #expect(health.tables[2].rows[0][2] == "dead")
    #expect(health.problems.contains { $0.contains("merger one") && $0.contains("dead") })
    #expect(health.problems.contains { $0.contains("brokenChecksum") })
    #expect(health.summary.hasPrefix("2 of 3"))
    for language in [ReportLanguage.en, .ja] {
      let health = watch.health(language)
      let titles = health.tables.flatMap { [$0.title] + $0.columns.map(\.title) }
      // A key that the table lacks shows itself.
      #expect(!(titles + health.problems + [health.summary]).contains { $0.contains("health.") })
      #expect(!titles.contains { $0.contains(".") })
    }
  }

  @Test("what can't be read is said, and old figures are not shown")
  func unreachable() throws {
    let log = MemoryLog()
    let watch = ClusterWatch()
    var observer = ClusterObserver()
    for second in 0..<6 {
      for role in ProcessStatus.Role.allCases {
        try put(status(role, "one", at: Double(second)), log)
      }
      watch.look(at: StatusBucket(log), &observer, now: Double(second))
    }
    #expect(watch.health(.en).tables.map(\.name).contains("packets"))
    log.isCutOff = true
    watch.look(at: StatusBucket(log), &observer, now: 7)
    #expect(watch.health(.en).tables.isEmpty && watch.health(.en).problems.count == 1)
    // Only the bucket of status is asked for.
    let other = MemoryLog()
    #expect(try StatusBucket(other).get("layout", in: .cluster) == nil)
    #expect(other.calls == 0)
    #expect(throws: ClusterError.self) {
      try StatusBucket(other).put([], for: "collector.one", in: .status)
    }
  }
}
