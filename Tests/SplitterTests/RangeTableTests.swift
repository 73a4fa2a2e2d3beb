import TestSupport
import Testing

@testable import Splitter

@Suite struct RangeTableTests {
  @Test("gives every key an owner, and the owners about equal shares", arguments: [1, 2, 3, 7, 64])
  func balance(trackers: Int) {
    var generator = SeededGenerator(seed: 7)
    let sample = (0..<20_000).map { _ in generator.next() as UInt64 }
    let table = RangeTable(sample: sample, trackers: trackers)
    var counts = [Int](repeating: 0, count: trackers)
    for _ in 0..<100_000 { counts[table.owner(of: generator.next())] += 1 }
    let fair = 100_000 / trackers
    #expect(counts.allSatisfy { $0 > fair * 7 / 10 && $0 < fair * 13 / 10 }, "\(counts)")
  }

  @Test("owners are those of the ranges: equal keys, one owner; order kept within a range")
  func ranges() {
    var generator = SeededGenerator(seed: 8)
    let sample = (0..<1000).map { _ in generator.next() as UInt64 }.sorted()
    let table = RangeTable(sample: sample, trackers: 4)
    // A linear search over the cuts must agree with the branchless one: changes of owner happen
    // only at sampled keys.
    for index in 1..<sample.count where sample[index] > sample[index - 1] + 1 {
      #expect(table.owner(of: sample[index] - 1) == table.owner(of: sample[index - 1]))
    }
  }

  @Test("a sample of one key, or none, still gives every key an owner")
  func degenerate() {
    for sample in [[], [42], [UInt64](repeating: 42, count: 100), [0, .max]] {
      let table = RangeTable(sample: sample, trackers: 4)
      for key in [0, 41, 42, 43, UInt64.max] { #expect((0..<4).contains(table.owner(of: key))) }
    }
  }

  @Test("a hot host is cut by its peers")
  func hotHost() {
    var generator = SeededGenerator(seed: 9)
    let hot: UInt32 = 0x0A00_0001
    let keys = (0..<10_000).map { _ in
      RangeTable.key(hot, UInt32(truncatingIfNeeded: generator.next() as UInt64))
    }
    let table = RangeTable(sample: keys, trackers: 4)
    var counts = [Int](repeating: 0, count: 4)
    for key in keys { counts[table.owner(of: key)] += 1 }
    #expect(counts.allSatisfy { $0 > 1500 }, "\(counts)")
  }

  @Test("the pair's key does not depend on the direction")
  func symmetric() {
    #expect(RangeTable.key(1, 2) == RangeTable.key(2, 1))
  }
}
