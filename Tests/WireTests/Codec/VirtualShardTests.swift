import TestSupport
import Testing
import Wire

@Suite struct VirtualShardTests {
  /// 50 networks with hosts from .10 on, and ten servers that most of them speak to.
  private func pairs(_ count: Int) -> Set<[UInt32]> {
    var generator = SeededGenerator(seed: 7)
    var pairs: Set<[UInt32]> = []
    while pairs.count < count {
      let network = UInt32.random(in: 0..<50, using: &generator)
      let client = 0x0A0A_0000 + network << 8 + UInt32.random(in: 10..<110, using: &generator)
      let isServer = UInt8.random(in: 0..<10, using: &generator) < 8
      let server =
        isServer
        ? 0x0A01_0105 + UInt32.random(in: 0..<10, using: &generator)
        : UInt32.random(in: 0x0100_0000..<0xDF00_0000, using: &generator)
      pairs.insert([client, server])
    }
    return pairs
  }

  @Test("no shard has more than 1.5 times the mean of the pairs", arguments: [1, 2, 3, 4])
  func balance(bits: UInt64) {
    var counts = [Int](repeating: 0, count: 1 << bits)
    for pair in pairs(10_000) { counts[VirtualShard.of(pair[0], pair[1], bits: bits)] += 1 }
    #expect(counts.reduce(0, +) == 10_000)
    #expect((counts.max() ?? 0) * counts.count * 2 <= 10_000 * 3)
  }

  @Test("the peers of one busy host are spread as well")
  func hotHost() {
    var counts = [Int](repeating: 0, count: 16)
    for host in 0..<10_000 as Range<UInt32> {
      counts[VirtualShard.of(0x0A01_0105, 0x0A0A_0000 + host, bits: 4)] += 1
    }
    #expect((counts.max() ?? 0) * 16 * 2 <= 10_000 * 3)
  }

  @Test("both directions are in one shard, and there is none beyond the last", arguments: 0...6)
  func symmetry(bits: Int) {
    var generator = TestSeed.generator(for: "VirtualShardTests.symmetry")
    for _ in 0..<1000 {
      let (one, other): (UInt32, UInt32) = (generator.next(), generator.next())
      let shard = VirtualShard.of(one, other, bits: UInt64(bits))
      #expect(shard == VirtualShard.of(other, one, bits: UInt64(bits)))
      #expect((0..<1 << bits).contains(shard))
      // More bits only cut the same ranges finer.
      #expect(VirtualShard.of(one, other, bits: 6) >> (6 - bits) == shard)
    }
  }

  @Test("IPv4 is its own key; others have 32 bits of a hash")
  func keys() throws {
    #expect(VirtualShard.key(of: IPAddress(v4: 0x0A01_0203)) == 0x0A01_0203)
    var counts = [Int](repeating: 0, count: 16)
    let server = VirtualShard.key(of: try #require(IPAddress("2001:db8::53")))
    for host in 0..<10_000 as Range<UInt64> {
      let key = VirtualShard.key(of: IPAddress(high: 0x2001_0DB8_0000_0001, low: host))
      counts[VirtualShard.of(server, key, bits: 4)] += 1
    }
    #expect((counts.max() ?? 0) * 16 * 2 <= 10_000 * 3)
  }

  @Test("stays what it is: a cluster whose boxes disagree about it counts sessions twice")
  func pinned() throws {
    let pairs: [(UInt32, UInt32)] = [
      (0, 0), (0x0A00_0001, 0x0A00_0002), (0xC000_0201, 0xC633_6407), (0x0A01_0105, 0x0808_0808),
      (.max, 1),
    ]
    #expect(pairs.map { VirtualShard.of($0.0, $0.1, bits: 6) } == [0, 31, 3, 53, 57])
    #expect(
      ["2001:db8::1", "fe80::1", "240.0.0.1"].compactMap(IPAddress.init).map(VirtualShard.key)
        == [1_768_294_937, 1_228_483_249, 0xF000_0001])
  }
}
