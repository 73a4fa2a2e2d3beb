import Foundation
import GRDB
import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct StoreCrashTests {
  /// As `StoreWriter` has it.
  private static let unit = SyntheticUnit(linksPerMinute: 20, changesPerEpoch: 10)

  /// Opens what a crash left behind, and checks that it is the state after some commit: which one is
  /// what it says itself.
  private func check(_ path: String, _ note: String) throws -> Int {
    let store = try UnitStore(path: path)
    defer { store.close() }
    #expect(store.setAside == nil, "\(note)")
    var unit = StoreCrashTests.unit
    try unit.resume(from: store)
    let expected = unit.expected(0..<unit.epoch)
    let content = try MapStore.read(path: path)
    #expect(content.links.reduce(0) { $0 + $1.packets } == expected.mapped, "\(note)")
    #expect(content.capture.accounting["mapped"] ?? 0 == expected.mapped, "\(note)")
    #expect(content.capture.accounting["filtered"] ?? 0 == expected.filtered, "\(note)")
    #expect(content.capture.frameBytes == 114 * expected.mapped, "\(note)")
    if unit.epoch % 4 == 0 { #expect(try StoreCheck.problems(path: path) == [], "\(note)") }
    return unit.epoch
  }

  @Test("a writer that is killed at any moment leaves a whole epoch, and the next one goes on")
  func killed() throws {
    let folder = try TemporaryDirectory()
    let path = folder.path("map.db")
    let writer =
      (Command.renkei as NSString).deletingLastPathComponent + "/StoreWriter"
    var generator = TestSeed.generator(for: "StoreCrashTests.killed")
    var epoch = 0
    for round in 0..<40 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: writer)
      process.arguments = [path, "\(epoch + 100_000)"]
      try process.run()
      usleep(.random(in: 10_000...200_000, using: &generator))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let reached = try check(path, "round \(round)")
      #expect(reached >= epoch)
      epoch = reached
    }
    #expect(epoch > 100)
    print(
      "killed 40 times, \(epoch) epochs; \(try StoreInfo.read(path: path).segments.map(\.name))")
  }

  /// A store in the middle of its life: file and WAL as they are on the disk after each step.
  private func forEachStep(_ body: (_ path: String, _ epoch: Int, _ step: Int) throws -> Void)
    throws
  {
    let folder = try TemporaryDirectory()
    let store = try UnitStore(path: folder.path("map.db"))
    var unit = StoreCrashTests.unit
    let retention = Retention(minutesSeconds: 600, hoursSeconds: 3600)
    for step in 0..<150 {
      for _ in 0..<6 { try unit.commit(to: store) }
      _ = try store.maintain(
        retention, nowSeconds: SyntheticUnit.seconds(of: unit.epoch), budgetSeconds: 0)
      try body(store.path, unit.epoch, step)
    }
  }

  @Test("a WAL that is cut or spoilt anywhere loses the last commits, each wholly")
  func powerCut() throws {
    var generator = TestSeed.generator(for: "StoreCrashTests.powerCut")
    let folder = try TemporaryDirectory()
    var losses = 0
    try forEachStep { path, epoch, step in
      let file = try Data(contentsOf: URL(fileURLWithPath: path))
      var wal = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
      let size = Int.random(in: 0...wal.count, using: &generator)
      if step % 3 == 0 {
        // Blocks that never reached the disk, and rubbish behind.
        let end = min(wal.count, size + 4096)
        for place in size..<end { wal[place] = UInt8.random(in: 0...255, using: &generator) }
      } else {
        wal = wal.prefix(size)
      }
      let copy = folder.path("\(step).db")
      try file.write(to: URL(fileURLWithPath: copy))
      try wal.write(to: URL(fileURLWithPath: copy + "-wal"))
      let reached = try check(copy, "step \(step), WAL cut at \(size)")
      #expect(reached <= epoch)
      if reached < epoch { losses += 1 }
      for ending in ["", "-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: copy + ending)
      }
    }
    #expect(losses > 10)
  }

  @Test("a power cut while the WAL goes into the file loses nothing")
  func checkpoint() throws {
    var generator = TestSeed.generator(for: "StoreCrashTests.checkpoint")
    let folder = try TemporaryDirectory()
    try forEachStep { path, epoch, step in
      guard step % 5 == 4 else { return }
      let url = URL(fileURLWithPath: path)
      let before = try Data(contentsOf: url)
      let wal = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
      let other = try DatabaseQueue(path: path)
      try other.writeWithoutTransaction {
        try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
      }
      let after = try Data(contentsOf: url)
      // Of the pages that are being written each is there or not, in any order.
      var torn = Data(capacity: after.count)
      for start in stride(from: 0, to: after.count, by: 4096) {
        let isOld = start + 4096 <= before.count && Bool.random(using: &generator)
        torn.append((isOld ? before : after)[start..<(start + 4096)])
      }
      let copy = folder.path("\(step).db")
      try torn.write(to: URL(fileURLWithPath: copy))
      try wal.write(to: URL(fileURLWithPath: copy + "-wal"))
      #expect(try check(copy, "step \(step)") == epoch)
    }
  }

  @Test("half-made segments are gone after the next opening")
  func halfMade() throws {
    let folder = try TemporaryDirectory()
    let path = folder.path("map.db")
    var store: UnitStore? = try UnitStore(path: path)
    var unit = SyntheticUnit()
    for _ in 0..<1000 { try unit.commit(to: try #require(store)) }
    let retention = Retention(minutesSeconds: 600)
    let now = SyntheticUnit.seconds(of: 1000) + 7200
    var isBuilding = false
    while !isBuilding, try store?.maintain(retention, nowSeconds: now, budgetSeconds: 0) == true {
      isBuilding = store?.segments.values.contains { $0.state == .building } == true
    }
    #expect(isBuilding)
    store?.close()
    store = try UnitStore(path: path)
    #expect(try StoreInfo.read(path: path).hiddenSegments > 0)
    while try store?.maintain(retention, nowSeconds: now, budgetSeconds: 1) == true {}
    #expect(try StoreInfo.read(path: path).hiddenSegments == 0)
    #expect(try packets(path) == unit.expected(0..<1000).mapped)
  }

  private func packets(_ path: String) throws -> UInt64 {
    try MapStore.read(path: path).links.reduce(0) { $0 + $1.packets }
  }
}
