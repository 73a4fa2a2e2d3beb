import TestSupport
import Testing

@testable import Wire

@Suite struct PrefixCodeTests {
  private func table(_ lengths: [UInt8]) throws -> PrefixTable {
    let result = lengths.withUnsafeBytes { bytes in
      Result { () throws(WireError) in try PrefixTable(lengths: bytes) }
    }
    return try result.get()
  }

  private func roundTrip(_ counts: [UInt32], _ symbols: [Int]) throws {
    var code = PrefixCode()
    code.fit(counts)
    #expect(code.lengths.count == counts.count)
    #expect(code.lengths.allSatisfy { $0 <= PrefixCode.longest })
    #expect(zip(code.lengths, counts).allSatisfy { ($0 > 0) == ($1 > 0) })
    let target = UnsafeMutableRawBufferPointer.allocate(
      byteCount: 2 * symbols.count + 16, alignment: 8)
    defer { target.deallocate() }
    var writer = BitWriter(try #require(target.baseAddress))
    for symbol in symbols {
      writer.put(UInt64(code.words[symbol].bits), Int(code.words[symbol].length))
    }
    var reader = BitReader(UnsafeRawBufferPointer(rebasing: target[..<writer.byteCount]))
    let table = try table(code.lengths)
    for symbol in symbols { #expect(table.next(&reader) == symbol) }
    #expect(reader.isAtEnd)
  }

  @Test("gives back symbols, however often each occurs")
  func symbols() throws {
    var generator = TestSeed.generator(for: "PrefixCodeTests.symbols")
    for count in [1, 2, 3, 17, 256] {
      let counts = (0..<count).map { _ in UInt32.random(in: 0...8192, using: &generator) }
      let used = counts.indices.filter { counts[$0] > 0 }
      try roundTrip(counts, (0..<300).compactMap { _ in used.randomElement(using: &generator) })
    }
    try roundTrip([0, 0, 0], [])
    try roundTrip([0, 5, 0], [1, 1, 1])
  }

  @Test("no word has more than 12 bits, where the best tree would be much deeper")
  func fibonacci() throws {
    var counts: [UInt32] = [1, 1]
    while counts.count < 40 { counts.append(counts[counts.count - 1] &+ counts[counts.count - 2]) }
    try roundTrip(counts, Array(counts.indices))
  }

  @Test("frequent symbols have the shorter words")
  func lengths() {
    var code = PrefixCode()
    code.fit([1, 100, 10, 1])
    #expect(code.lengths == [3, 1, 2, 3])
  }

  @Test("refuses lengths of which no code can be made", arguments: [[1, 1, 1], [13], [255, 1]])
  func refusals(lengths: [UInt8]) {
    #expect(throws: WireError.inconsistent) { _ = try table(lengths) }
  }

  @Test("says where bits are no word, and where there are too few or too many")
  func damage() throws {
    let table = try table([1])
    ([0b10] as [UInt8]).withUnsafeBytes { bytes in
      var reader = BitReader(bytes)
      #expect(table.next(&reader) == 0)
      #expect(!reader.isAtEnd)
      #expect(table.next(&reader) == nil)
    }
    ([0, 0] as [UInt8]).withUnsafeBytes { bytes in
      var reader = BitReader(bytes)
      #expect(reader.take(8) == 0)
      #expect(!reader.isAtEnd)
      #expect(reader.take(12) == 0)
      #expect(!reader.isAtEnd)
    }
  }
}
