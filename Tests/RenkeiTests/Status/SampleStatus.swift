@testable import Renkei

extension UnitStatus {
  /// A busy unit, of which everything that can be there is.
  static var sample: UnitStatus {
    UnitStatus(
      pid: 4711, startedAtSeconds: 1_700_000_000, writtenAtSeconds: 1_700_086_400.5,
      state: .capturing, configurationPath: "/etc/renkei/renkei.yaml",
      processes: [
        Process(
          role: "collector eth0", pid: 4712, items: 1_000_000, itemsPerSecond: 1234.5,
          memoryBytes: 50_000_000, cpuSeconds: 12.5),
        Process(
          role: "tracker 1", pid: 4713, restarts: 2, lastEnd: "killed by signal 9", items: 999_000,
          itemsPerSecond: 1230, inputRingFill: 0.25, lagSeconds: 0.012,
          memoryBytes: 400_000_000, cpuSeconds: 99),
        Process(role: "merger", state: .restarting, restarts: 1),
      ],
      interfaces: [
        Interface(
          name: "eth0", captured: 1_000_250, capturedBytes: 800_000_000, packetsPerSecond: 1234.5,
          bytesPerSecond: 987_654, droppedByKernel: 200, droppedByRing: 50, downs: 1)
      ],
      accounting: Accounting(
        captured: 1_000_250, mapped: 990_000, inPipeline: 9000,
        reasons: ["filtered": 1000, "droppedByKernel": 200, "droppedByRing": 50]),
      sessions: Sessions(open: 81_234, exportedEarly: 12, max: 4_000_000), links: 4321,
      store: Store(
        path: "/var/lib/renkei/map.db", bytes: 812_345_678, lastCommitAtSeconds: 1_700_086_400,
        commits: 86_400, problem: "disk full", setAside: "/var/lib/renkei/map.db.damaged"),
      clock: Clock(steps: 1, lastStepSeconds: -3.25, lastStepAtSeconds: 1_700_000_100),
      warnings: ["eth0 was down for 12 s"])
  }
}
