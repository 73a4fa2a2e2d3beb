import Cluster
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Splitter

@Suite struct SpoolTests {
  private func entry(_ number: Int, bytes: Int = 200) -> LogEntry {
    LogEntry(
      subject: "renkei.records.p.\(number % 3)", id: "p.1.\(number)",
      payload: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: bytes))
  }

  private func number(_ entry: LogEntry) -> Int { Int(entry.id.dropFirst(4)) ?? -1 }

  /// Everything that is left, in its order; some of it is sent only in part at first.
  private func drain(_ spool: Spool, using generator: inout SeededGenerator) -> [Int] {
    var got: [Int] = []
    while true {
      let portion = spool.next(bytesMax: 2000)
      if portion.entries.isEmpty { return got }
      #expect(Set(portion.entries.map(\.subject)).count == portion.entries.count)
      for entry in portion.entries {
        #expect(entry.payload.allSatisfy { $0 == UInt8(truncatingIfNeeded: number(entry)) })
      }
      let count = Int.random(in: 0...portion.entries.count, using: &generator)
      got += portion.entries[..<count].map(number)
      spool.sent(count, of: portion)
    }
  }

  private func files(_ path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
      .filter { $0.hasSuffix(".spool") }.sorted()
  }

  @Test("what was appended comes out in its order, over segments and lives")
  func order() throws {
    var generator = TestSeed.generator(for: "spool")
    let folder = try TemporaryDirectory()
    let path = folder.path("spool")
    var spool: Spool? = try Spool(path: path, bytesMax: 1 << 20)
    var (appended, got, filesMost) = (0, [Int](), 0)
    for round in 0..<60 {
      let count = Int.random(in: 1...40, using: &generator)
      let entries = (appended..<appended + count).map { entry($0, bytes: 700) }
      #expect(try spool!.append(entries, isForced: false, now: Double(round)))
      spool!.sync(now: Double(round))
      appended += count
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        let portion = spool!.next(bytesMax: 5000)
        got += portion.entries.map(number)
        spool!.sent(portion.entries.count, of: portion)
      }
      filesMost = max(filesMost, files(path).count)
      if round % 7 == 0 {
        // Killed, and started again.
        spool = nil
        spool = try Spool(path: path, bytesMax: 1 << 20)
      }
    }
    #expect(filesMost > 1)
    got += drain(spool!, using: &generator)
    #expect(got == Array(0..<appended))
    #expect(spool!.isEmpty && spool!.bytes == 0 && files(path).isEmpty && spool!.damaged == 0)
  }

  @Test("what is too much is refused as a whole; what must be kept is not")
  func full() throws {
    let folder = try TemporaryDirectory()
    let spool = try Spool(path: folder.path("spool"), bytesMax: 10_000)
    #expect(try spool.append((0..<8).map { entry($0, bytes: 1000) }, isForced: false, now: 0))
    let before = spool.bytes
    #expect(try !spool.append((8..<12).map { entry($0, bytes: 1000) }, isForced: false, now: 0))
    #expect(spool.bytes == before)
    #expect(try spool.append((8..<12).map { entry($0, bytes: 1000) }, isForced: true, now: 0))
    var generator = TestSeed.generator(for: "spool full")
    #expect(drain(spool, using: &generator) == Array(0..<12))
  }

  @Test("a full disk is a full spool, and nothing half is left on it")
  func fullDisk() throws {
    let folder = try TemporaryDirectory()
    guard let disk = try SmallDisk(folder.path("disk"), megabytes: 1) else { return }
    let spool = try Spool(path: disk.path + "/spool", bytesMax: 100 << 20)
    var taken = 0
    while try spool.append(
      (taken..<taken + 10).map { entry($0, bytes: 5000) }, isForced: false, now: 0)
    {
      taken += 10
      #expect(taken < 10_000)
    }
    #expect(taken > 100)
    #expect(try !spool.append([entry(taken, bytes: 500_000)], isForced: true, now: 0))
    var generator = TestSeed.generator(for: "full disk")
    #expect(drain(spool, using: &generator) == Array(0..<taken))
    #expect(try spool.append([entry(0)], isForced: false, now: 0))
  }

  @Test("a step that is taken again finds the spool as it was", arguments: [false, true])
  func rewinds(isNewProcess: Bool) throws {
    var generator = TestSeed.generator(for: "rewind")
    let folder = try TemporaryDirectory()
    let path = folder.path("spool")
    var spool: Spool? = try Spool(path: path, bytesMax: 1 << 20)
    #expect(try spool!.append((0..<20).map { entry($0) }, isForced: false, now: 0))
    for round in 0..<5 {
      let mark = spool!.mark
      let first = 20 + 300 * round
      let entries = (first..<first + 300).map { entry($0, bytes: 900) }
      for _ in 0..<3 {
        #expect(try spool!.append(entries, isForced: false, now: 0) == (round < 3))
        if isNewProcess {
          spool = nil
          spool = try Spool(path: path, bytesMax: 1 << 20)
        }
        spool!.rewind(to: mark)
      }
      let fits = try spool!.append(entries, isForced: false, now: 0)
      #expect(fits == (round < 3))
    }
    #expect(drain(spool!, using: &generator) == Array(0..<920))
    // From the beginning again, with a mark from before.
    let mark = spool!.mark
    for _ in 0..<3 {
      #expect(try spool!.append([entry(1), entry(2)], isForced: false, now: 0))
      spool = nil
      spool = try Spool(path: path, bytesMax: 1 << 20)
      spool!.rewind(to: mark)
    }
    #expect(spool!.isEmpty)
  }

  @Test("an entry that was being written when the machine stopped is cut off")
  func torn() throws {
    var generator = TestSeed.generator(for: "torn")
    for _ in 0..<40 {
      let folder = try TemporaryDirectory()
      let path = folder.path("spool")
      do {
        let spool = try Spool(path: path, bytesMax: 1 << 20)
        #expect(try spool.append((0..<10).map { entry($0) }, isForced: false, now: 0))
      }
      let file = path + "/" + (try #require(files(path).first))
      var bytes = try TemporaryDirectory.read(file)
      let size = bytes.count / 10
      let cut = Int.random(in: 1..<size, using: &generator)
      bytes.removeLast(cut)
      if Bool.random(using: &generator) {
        bytes = bytes.dropLast(size - cut) + [0, 0, 0, 0, 0, 0, 0, 0, 0]
      }
      try Data(bytes).write(to: URL(fileURLWithPath: file))
      let spool = try Spool(path: path, bytesMax: 1 << 20)
      #expect(try spool.append([entry(10)], isForced: false, now: 0))
      #expect(drain(spool, using: &generator) == Array(0..<9) + [10])
      #expect(spool.damaged == 0 && spool.isEmpty)
    }
  }

  @Test("whatever is in its files, nothing comes out that was not put in, and the next segments do")
  func damaged() throws {
    var generator = TestSeed.generator(for: "damaged spool")
    var found: UInt64 = 0
    for _ in 0..<60 {
      let folder = try TemporaryDirectory()
      let path = folder.path("spool")
      var count = 0
      // Each life begins a segment.
      for _ in 0..<3 {
        let spool = try Spool(path: path, bytesMax: 1 << 20)
        #expect(
          try spool.append((count..<count + 20).map { entry($0) }, isForced: false, now: 0))
        count += 20
      }
      let file = path + "/" + files(path)[1]
      var bytes = try TemporaryDirectory.read(file)
      for _ in 0..<Int.random(in: 1...20, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        bytes[place] = .random(in: 0...255, using: &generator)
      }
      try Data(bytes).write(to: URL(fileURLWithPath: file))
      if Bool.random(using: &generator) {
        let words = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try Data(words).write(to: URL(fileURLWithPath: path + "/sent"))
      }
      let spool = try Spool(path: path, bytesMax: 1 << 20)
      let got = drain(spool, using: &generator)
      #expect(got == got.sorted() && Set(got).count == got.count)
      #expect(got.prefix(20) == ArraySlice(0..<20) && got.suffix(20) == ArraySlice(40..<60))
      #expect(spool.isEmpty && spool.damaged <= 1)
      if spool.damaged == 1 { #expect(spool.lastDamage?.contains(".spool at byte") == true) }
      found += spool.damaged
    }
    #expect(found > 30)
  }

  @Test("two processes can't use one spool")
  func locked() throws {
    let folder = try TemporaryDirectory()
    let spool = try Spool(path: folder.path("spool"), bytesMax: 1000)
    #expect(throws: SpoolError.self) {
      try Spool(path: folder.path("spool"), bytesMax: 1000)
    }
    #expect(spool.isEmpty)
    #expect(throws: SpoolError.self) { try Spool(path: folder.path("no/spool"), bytesMax: 1) }
  }
}
