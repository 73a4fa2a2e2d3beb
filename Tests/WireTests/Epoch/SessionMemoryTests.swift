import Glibc
import TestSupport
import Testing

@testable import Wire

@Suite struct SessionMemoryTests {
  /// Changes rows as a tracker does: each is put on record first.
  private struct Writer {
    let memory: SessionMemory
    private(set) var rows: UnsafeMutablePointer<SessionRow>
    private(set) var count: Int

    /// Takes the place of whoever wrote before.
    init(_ memory: SessionMemory) {
      self.memory = memory
      (rows, count) = memory.recover()
    }

    var all: [SessionRow] { (0..<count).map { rows[$0] } }

    mutating func begin(port: UInt16) {
      SessionMemory.save(SessionRow(), number: count + 1, to: memory.log)
      var row = SessionRow()
      row.aPort = port
      row.packetsAB = 1
      row.state = SessionRow.whole | SessionRow.changed
      rows[count] = row
      count += 1
    }

    func putOnRecord(_ place: Int) {
      guard rows[place].state & SessionRow.changed == 0 else { return }
      SessionMemory.save(rows[place], number: place + 1, to: memory.log)
      rows[place].state |= SessionRow.changed
    }

    func change(_ place: Int) {
      putOnRecord(place)
      rows[place].packetsAB += 1
      rows[place].bytesAB += 100
    }

    func seal(_ packets: UInt64 = 0) {
      var seal = SessionMemory.Seal()
      seal.packets = packets
      memory.seal(seal, rowCount: count)
    }

    mutating func compact(isKept: (SessionRow) -> Bool) {
      (rows, count) = memory.compact(isKept: isKept)
    }
  }

  @Test("what happened since the last seal is undone exactly, wherever the tracker was killed")
  func rollback() throws {
    var generator = TestSeed.generator(for: "session memory")
    let memory = try SessionMemory(name: "test-sessions", rowsMax: 100)
    var writer = Writer(memory)
    var sealed: [SessionRow] = []
    var kills = 0
    for _ in 0..<3000 {
      switch Int.random(in: 0..<100, using: &generator) {
      case 0..<10 where writer.count < 90: writer.begin(port: .random(in: 1...9, using: &generator))
      case 0..<90 where writer.count > 0:
        writer.change(.random(in: 0..<writer.count, using: &generator))
      case 90..<94:
        // Killed between the two halves of a change, or while its successor was putting rows back.
        if writer.count > 0 {
          writer.putOnRecord(.random(in: 0..<writer.count, using: &generator))
        }
        if Bool.random(using: &generator), writer.count < 90 {
          SessionMemory.save(SessionRow(), number: writer.count + 1, to: memory.log)
        }
        let left = SharedBytes.read(memory.descriptor)
        writer = Writer(memory)
        #expect(writer.all == sealed)
        let recovered = SharedBytes.read(memory.descriptor)
        // The entries' count goes last; each row put back may be there or not.
        var torn = SharedBytes.mixed(left, recovered, using: &generator)
        torn.replaceSubrange(192..<208, with: left[192..<208])
        SharedBytes.write(torn, to: memory.descriptor)
        writer = Writer(memory)
        #expect(writer.all == sealed)
        #expect(memory.changed == 0)
        kills += 1
      default:
        writer.seal()
        sealed = writer.all
        #expect(sealed.allSatisfy { $0.state & SessionRow.changed == 0 })
        memory.acknowledge(memory.sealed)
      }
    }
    #expect(kills > 50 && sealed.count > 50)
  }

  @Test("an epoch that is being sealed is sealed with one store, and before it not at all")
  func tornSeal() throws {
    var generator = TestSeed.generator(for: "torn seal")
    let memory = try SessionMemory(name: "test-sessions", rowsMax: 64)
    var writer = Writer(memory)
    for epoch in 1..<60 as Range<UInt64> {
      let last = writer.all
      for _ in 0..<20 {
        if writer.count < 60, Int.random(in: 0..<4, using: &generator) == 0 {
          writer.begin(port: UInt16(writer.count))
        } else if writer.count > 0 {
          writer.change(.random(in: 0..<writer.count, using: &generator))
        }
      }
      let before = SharedBytes.read(memory.descriptor)
      writer.seal(epoch * 20)
      let after = SharedBytes.read(memory.descriptor)
      // Any of its stores may have been made, but the last.
      var torn = SharedBytes.mixed(before, after, using: &generator)
      torn.replaceSubrange(64..<72, with: before[64..<72])
      SharedBytes.write(torn, to: memory.descriptor)
      #expect(memory.sealed == epoch - 1)
      #expect(Writer(memory).all == last)
      // And all of them.
      SharedBytes.write(after, to: memory.descriptor)
      writer = Writer(memory)
      #expect(memory.sealed == epoch)
      #expect(memory.seal(of: epoch).packets == epoch * 20)
      #expect(memory.seal(of: epoch).epoch == epoch)
      // The entries lead from what was to what is.
      var told = last
      for entry in memory.entries(of: epoch) {
        let place = Int(entry.number) - 1
        if place < last.count {
          #expect(entry.before == last[place])
          told[place] = entry.after
        } else {
          #expect(entry.before == SessionRow())
          #expect(place == told.count)
          told.append(entry.after)
        }
      }
      #expect(told == writer.all)
      memory.acknowledge(epoch)
    }
  }

  @Test("the table is the old one or the compacted one, whenever compaction was cut short")
  func tornCompaction() throws {
    var generator = TestSeed.generator(for: "torn compaction")
    let memory = try SessionMemory(name: "test-sessions", rowsMax: 256)
    var writer = Writer(memory)
    for epoch in 1..<40 as Range<UInt64> {
      while writer.count < 200 { writer.begin(port: .random(in: 0...99, using: &generator)) }
      writer.seal()
      memory.acknowledge(epoch)
      let full = writer.all
      let limit = UInt16.random(in: 0...99, using: &generator)
      let before = SharedBytes.read(memory.descriptor)
      writer.compact { $0.aPort < limit }
      let after = SharedBytes.read(memory.descriptor)
      let kept = full.filter { $0.aPort < limit }
      #expect(writer.all == kept)
      // The word that decides lies in the epoch's seal; before it changes, the old table is whole.
      let word = (epoch & 1 == 0 ? 256 : 384) + 16
      let table = Int(before[word + 7] >> 7)
      let tableBytes = (256 * SessionRow.bytes + 4095) & ~4095
      let old = 4096 + table * tableBytes..<4096 + (table + 1) * tableBytes
      let new = 4096 + (table ^ 1) * tableBytes..<4096 + ((table ^ 1) + 1) * tableBytes
      var torn = SharedBytes.mixed(before, after, using: &generator)
      torn.replaceSubrange(old, with: before[old])
      torn.replaceSubrange(word..<word + 8, with: before[word..<word + 8])
      SharedBytes.write(torn, to: memory.descriptor)
      #expect(Writer(memory).all == full)
      // Afterwards the new one is, and of the old one any page may be gone.
      torn = SharedBytes.mixed(before, after, using: &generator)
      torn.replaceSubrange(new, with: after[new])
      torn.replaceSubrange(word..<word + 8, with: after[word..<word + 8])
      SharedBytes.write(torn, to: memory.descriptor)
      writer = Writer(memory)
      #expect(writer.all == kept)
    }
  }

  @Test("the merger may read an epoch for as long as it has not acknowledged it")
  func twoLogs() throws {
    let memory = try SessionMemory(name: "test-sessions", rowsMax: 64)
    // The merger has a mapping of its own.
    let merger = try SessionMemory(inherited: dup(memory.descriptor))
    var writer = Writer(memory)
    for epoch in 1..<6 as Range<UInt64> {
      for _ in 0..<5 { writer.begin(port: UInt16(writer.count)) }
      writer.seal(epoch)
      let told = Array(merger.entries(of: epoch))
      #expect(told.count == (epoch == 1 ? 5 : 10 + 5 * Int(epoch - 2)))
      // The next epoch goes on meanwhile, and its tracker is killed as well.
      for place in 0..<writer.count { writer.change(place) }
      writer = Writer(memory)
      for place in 0..<writer.count { writer.change(place) }
      #expect(merger.sealed == epoch && merger.acknowledged == epoch - 1)
      #expect(
        zip(told, merger.entries(of: epoch)).allSatisfy {
          $0.number == $1.number && $0.before == $1.before && $0.after == $1.after
        })
      #expect(merger.seal(of: epoch).packets == epoch)
      #expect(merger.seal(of: epoch - 1).packets == epoch - 1)
      merger.acknowledge(epoch)
      #expect(memory.acknowledged == epoch)
    }
  }

  @Test("refuses memory that is none")
  func foreign() throws {
    let ring = try makeRing()
    defer { close(ring) }
    #expect(throws: RingError.self) { try SessionMemory(inherited: dup(ring)) }
    let memory = try SessionMemory(name: "test-sessions", rowsMax: 64)
    SharedBytes.set(memory.descriptor, at: 8, to: 65_000)
    #expect(throws: RingError.self) { try SessionMemory(inherited: dup(memory.descriptor)) }
    SharedBytes.set(memory.descriptor, at: 8, to: .max)
    #expect(throws: RingError.self) { try SessionMemory(inherited: dup(memory.descriptor)) }
  }
}
