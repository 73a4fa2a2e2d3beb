import TestSupport
import Testing

@testable import ServiceMap

@Suite struct WordIndexTests {
  @Test("numbers keys as they first appear, one by one or in batches", arguments: [1, 7, 64])
  func numbers(batch: Int) {
    var generator = TestSeed.generator(for: "WordIndexTests.numbers")
    var known: [UInt64: Int] = [:]
    var index = WordIndex()
    for _ in 0..<400 {
      let keys = (0..<batch).map { _ in
        UInt64.random(in: 0..<900, using: &generator) &* 0x1_0000_0001
      }
      var numbers = [UInt32](repeating: 0, count: batch)
      if batch == 1 {
        numbers = keys.map { UInt32(index.number(of: $0)) }
      } else {
        keys.withUnsafeBufferPointer { keys in
          numbers.withUnsafeMutableBufferPointer { index.number(keys, into: $0) }
        }
      }
      for (key, number) in zip(keys, numbers) {
        if known[key] == nil { known[key] = known.count }
        #expect(known[key] == Int(number))
      }
    }
    #expect(index.count == known.count)
    for (key, number) in known { #expect(index.find(key) == number && index.keys[number] == key) }
    #expect(index.find(1) == nil)
  }

  @Test("a filter never forgets a key that came again, and takes few others for one")
  func filter() {
    var generator = TestSeed.generator(for: "WordIndexTests.filter")
    var filter = RepeatFilter(keys: 10_000)
    let twice = (0..<2000).map { _ in UInt64.random(in: 0..<(.max), using: &generator) }
    let once = (0..<6000).map { _ in UInt64.random(in: 0..<(.max), using: &generator) }
    for key in twice + once + twice { filter.insert(key) }
    #expect(twice.allSatisfy(filter.mayRepeat))
    #expect(once.count(where: filter.mayRepeat) < once.count / 4)
  }
}

@Suite struct RelationKeyTests {
  @Test("sorts as the map lists, equal keys in their order", arguments: [0, 1, 500, 20_000])
  func sorts(count: Int) {
    var generator = TestSeed.generator(for: "RelationKeyTests.sorts")
    let hosts = UInt32(300)
    var numbers = (0..<UInt32(count)).map { number in
      KeyedNumber(
        key: RelationKey(
          group: .random(in: 0...6, using: &generator),
          server: .random(in: 0..<hosts, using: &generator),
          protocolNumber: [6, 17].randomElement(using: &generator) ?? 6,
          port: .random(in: 0...3, using: &generator) &* 20_000,
          client: .random(in: 0..<hosts, using: &generator),
          clientPort: .random(in: 0...1, using: &generator),
          hostBits: RelationKey.hostBits(count: Int(hosts))), number: number)
    }
    let expected = numbers.sorted { one, other in
      (one.key.high, one.key.low, one.number) < (other.key.high, other.key.low, other.number)
    }
    KeyedNumber.sort(&numbers)
    #expect(numbers.map(\.number) == expected.map(\.number))
  }
}
