import Foundation
import TestSupport
import Testing

@testable import Renkei

@Suite struct StatusFileTests {
  @Test("what is written is read, and replaces what was there")
  func roundTrip() throws {
    let folder = try TemporaryDirectory()
    try UnitStatus().write(to: folder.path)
    #expect(try UnitStatus.read(from: folder.path) == UnitStatus())
    try UnitStatus.sample.write(to: folder.path)
    #expect(try UnitStatus.read(from: folder.path) == .sample)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["status.json"])
  }

  @Test("a rate that is no number is kept, and doesn't cost the rest")
  func notANumber() throws {
    let folder = try TemporaryDirectory()
    var status = UnitStatus.sample
    status.processes[0].itemsPerSecond = .infinity
    try status.write(to: folder.path)
    #expect(try UnitStatus.read(from: folder.path) == status)
    status.processes[0].itemsPerSecond = .nan
    try status.write(to: folder.path)
    #expect(try UnitStatus.read(from: folder.path).processes[0].itemsPerSecond.isNaN)
  }

  @Test("a reader beside the writer never finds half a status")
  func atomic() async throws {
    let folder = try TemporaryDirectory()
    let path = folder.path
    var large = UnitStatus.sample
    large.warnings = (0..<2000).map { "warning \($0)" }
    let statuses = [UnitStatus.sample, large]
    try statuses[0].write(to: path)
    let writer = Task.detached {
      for round in 0..<200 { try statuses[round % 2].write(to: path) }
    }
    for _ in 0..<200 {
      let read = try UnitStatus.read(from: path)
      #expect(statuses.contains(read))
    }
    try await writer.value
  }

  @Test("where there is none, is half of one, or is that of another version")
  func unreadable() throws {
    let folder = try TemporaryDirectory()
    let path = folder.path("status.json")
    #expect(throws: StatusFileError.missing(path: path)) { try UnitStatus.read(from: folder.path) }
    _ = try folder.write("{".utf8, to: "status.json")
    #expect(throws: StatusFileError.unreadable(path: path, reason: "not a status")) {
      try UnitStatus.read(from: folder.path)
    }
    _ = try folder.write(#"{"version": 99}"#.utf8, to: "status.json")
    #expect {
      try UnitStatus.read(from: folder.path)
    } throws: {
      "\($0)".contains("version 99")
    }
    #expect {
      try UnitStatus.sample.write(to: folder.path("no"))
    } throws: {
      "\($0)".contains("cannot write")
    }
  }

  @Test("a status that is refused by the disk leaves the last one")
  func keepsLast() throws {
    let folder = try TemporaryDirectory()
    try UnitStatus.sample.write(to: folder.path)
    // A directory where the new file would be: open(2) fails for root as well.
    try FileManager.default.createDirectory(
      atPath: folder.path(".status.json.new"), withIntermediateDirectories: false)
    #expect(throws: RunError.self) { try UnitStatus().write(to: folder.path) }
    #expect(try UnitStatus.read(from: folder.path) == .sample)
  }

  @Test("the accounting balances or does not")
  func balance() {
    var accounting = UnitStatus.sample.accounting
    #expect(accounting.isBalanced)
    accounting.inPipeline += 1
    #expect(!accounting.isBalanced)
    #expect(UnitStatus.Accounting().isBalanced)
  }
}

@Suite struct UnitConditionTests {
  private let status = UnitStatus.sample

  private func condition(
    _ status: UnitStatus, after seconds: Double, isAlive: Bool = true
  ) -> UnitCondition {
    UnitCondition(of: status, now: status.writtenAtSeconds + seconds) { pid in
      isAlive && pid == status.pid
    }
  }

  @Test("running, hanging, dead, ended")
  func conditions() {
    #expect(condition(status, after: 1) == .running)
    #expect(condition(status, after: 5) == .running)
    #expect(condition(status, after: 5.5) == .stale(seconds: 5.5))
    #expect(condition(status, after: -60) == .stale(seconds: 60))
    #expect(condition(status, after: 1, isAlive: false) == .dead)
    var ended = status
    ended.state = .ended
    #expect(condition(ended, after: 1e6, isAlive: false) == .ended)
  }

  @Test("there are this process and the first, and no process 0 and -1")
  func alive() {
    #expect(UnitCondition.isAlive(getpid()))
    #expect(UnitCondition.isAlive(1))
    #expect(!UnitCondition.isAlive(0))
    #expect(!UnitCondition.isAlive(-1))
    #expect(!UnitCondition.isAlive(Int32.max))
  }

  @Test("why a unit is not well")
  func illness() {
    #expect(status.illness(.running) == nil)
    #expect(status.illness(.stale(seconds: 7.9)) == "no status for 7 s")
    #expect(status.illness(.dead)?.contains("4711") == true)
    #expect(status.illness(.ended) == "the unit ended")
    var failed = status
    failed.processes[1].state = .failed
    failed.processes[2].state = .failed
    #expect(failed.illness(.running) == "failed: tracker 1, merger")
  }
}
