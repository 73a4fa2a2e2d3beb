import Foundation
import GRDB
import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct StoreFullTests {
  private func packets(_ path: String) throws -> UInt64 {
    try MapStore.read(path: path).links.reduce(0) { $0 + $1.packets }
  }

  /// Commits until there is no room; then makes room and commits the rest.
  private func fill(_ store: UnitStore, makeRoom: () throws -> Void) throws {
    var unit = SyntheticUnit(linksPerMinute: 400, changesPerEpoch: 400)
    var refused: UnitCommit?
    for _ in 0..<4000 where refused == nil {
      let next = unit.next(for: store)
      do {
        try store.commit(next)
      } catch let error as StoreError {
        #expect(error.isFull, "\(error)")
        refused = next
      }
    }
    let commit = try #require(refused, "it was never full")
    let last = unit.epoch - 1
    // Nothing of it is there, and it stays so however often it is tried.
    for _ in 0..<3 {
      #expect(try packets(store.path) == unit.expected(0..<last).mapped)
      #expect(throws: StoreError.self) { try store.commit(commit) }
    }
    // Counting goes on meanwhile: two epochs more are in what is committed at last.
    try makeRoom()
    try store.commit(commit)
    for _ in 0..<2 { try unit.commit(to: store) }
    #expect(try packets(store.path) == unit.expected(0..<(last + 3)).mapped)
    #expect(try StoreCheck.problems(path: store.path) == [])
  }

  @Test("a limit on the size of files is an error like a full disk, and no half epoch stays")
  func fileLimit() throws {
    let folder = try TemporaryDirectory()
    let path = folder.path("map.db")
    let writer = (Command.renkei as NSString).deletingLastPathComponent + "/StoreWriter"
    // In units of 512 or 1024 octets, as the shell likes.
    let result = try Command.run("/bin/sh", ["-c", "ulimit -f 400; exec \(writer) \(path) 100000"])
    #expect(result.status == 3, "\(result.errors)")
    var unit = SyntheticUnit(linksPerMinute: 20, changesPerEpoch: 10)
    let store = try UnitStore(path: path)
    #expect(store.setAside == nil)
    try unit.resume(from: store)
    #expect(unit.epoch > 0)
    #expect(try packets(path) == unit.expected(0..<unit.epoch).mapped)
    try unit.commit(to: store)
    #expect(try packets(path) == unit.expected(0..<unit.epoch).mapped)
  }

  @Test("a store that may not grow refuses a commit as full, and takes it when there is room")
  func pages() throws {
    let folder = try TemporaryDirectory()
    let store = try UnitStore(path: folder.path("map.db"))
    func limit(_ pages: Int) throws {
      try store.access("write") {
        _ = try Int.fetchOne($0, sql: "PRAGMA max_page_count = \(pages)")
      }
    }
    try limit(200)
    try fill(store) { try limit(100_000) }
  }

  /// The larger one is full when the WAL is to go into the file.
  @Test(
    "a full disk: nothing half is written, and it goes on when there is room",
    arguments: ["3m", "24m"])
  func disk(size: String) throws {
    let folder = try TemporaryDirectory()
    let place = folder.path("disk")
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    let mount = try Command.run(
      "/bin/mount", ["-t", "tmpfs", "-o", "size=\(size)", "tmpfs", place])
    guard mount.status == 0 else {
      print("skipped: no tmpfs can be mounted here (root only): \(mount.errors)")
      return
    }
    defer { _ = try? Command.run("/bin/umount", ["-l", place]) }
    let ballast = place + "/ballast"
    try Data(count: 1_000_000).write(to: URL(fileURLWithPath: ballast))
    let store = try UnitStore(path: place + "/map.db")
    try fill(store) {
      try FileManager.default.removeItem(atPath: ballast)
    }
    store.close()
    let again = try UnitStore(path: place + "/map.db")
    #expect(again.setAside == nil)
  }
}
