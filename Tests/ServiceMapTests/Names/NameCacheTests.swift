import Foundation
import ServiceMap
import Synchronization
import Testing
import Wire

@Suite struct NameCacheTests {
  /// A resolver that counts, and a clock that is set.
  private final class World: Sendable {
    let seconds = Atomic<Int>(1000)
    let asked = Mutex<[IPAddress: Int]>([:])
    let most = Atomic<Int>(0)
    private let active = Atomic<Int>(0)

    func resolve(_ address: IPAddress) -> String? {
      let now = active.add(1, ordering: .relaxed).newValue
      most.max(now, ordering: .relaxed)
      asked.withLock { $0[address, default: 0] += 1 }
      usleep(2000)
      active.subtract(1, ordering: .relaxed)
      return address.v4 % 2 == 0 ? "host\u{202E}\(address.v4)" : nil
    }

    var lookups: Int { asked.withLock { $0.values.reduce(0, +) } }
  }

  private func addresses(_ range: Range<UInt32>) -> [IPAddress] { range.map { IPAddress(v4: $0) } }

  private func cache(_ world: World, _ change: (inout NameCache.Limits) -> Void = { _ in })
    -> NameCache
  {
    var limits = NameCache.Limits()
    limits.perSecond = nil
    change(&limits)
    return NameCache(
      limits: limits, now: { Double(world.seconds.load(ordering: .relaxed)) },
      resolve: { world.resolve($0) })
  }

  @Test("asks once, in the background, a few at a time, and answers what is known")
  func asksOnce() {
    let world = World()
    let cache = cache(world)
    #expect(cache.names(for: addresses(0..<40)).isEmpty)
    #expect(cache.names(for: addresses(0..<40)).count <= 40)
    cache.wait(seconds: 20)
    let found = cache.names(for: addresses(0..<40))
    #expect(found.count == 20)
    #expect(found[IPAddress(v4: 8)] == "host\u{FFFD}8")
    cache.wait(seconds: 20)
    #expect(world.asked.withLock { $0.values.allSatisfy { $0 == 1 } && $0.count == 40 })
    #expect(world.most.load(ordering: .relaxed) <= 4)
  }

  @Test(
    "names stand for a day and meanwhile when they are asked again; that there is none, an hour")
  func ages() {
    let world = World()
    let cache = cache(world)
    let both = addresses(2..<4)
    _ = cache.names(for: both)
    cache.wait(seconds: 20)
    world.seconds.add(3601, ordering: .relaxed)
    _ = cache.names(for: both)
    cache.wait(seconds: 20)
    #expect(world.asked.withLock { [$0[both[0]], $0[both[1]]] } == [1, 2])
    world.seconds.add(86_400, ordering: .relaxed)
    #expect(cache.names(for: both).count == 1)
    cache.wait(seconds: 20)
    #expect(world.asked.withLock { [$0[both[0]], $0[both[1]]] } == [2, 3])
  }

  @Test("says when there is news, and only then")
  func news() {
    final class Count: Sendable { let value = Atomic<Int>(0) }
    let world = World()
    let cache = cache(world)
    let count = Count()
    cache.onNews = { count.value.add(1, ordering: .relaxed) }
    _ = cache.names(for: addresses(1..<2))
    cache.wait(seconds: 20)
    #expect(count.value.load(ordering: .relaxed) == 0)
    _ = cache.names(for: addresses(2..<3))
    cache.wait(seconds: 20)
    #expect(count.value.load(ordering: .relaxed) == 1)
  }

  @Test("keeps no more than its capacity, and asks for nothing once it is stopped")
  func bounded() {
    let world = World()
    let cache = cache(world) { $0.capacity = 10 }
    _ = cache.names(for: addresses(0..<50))
    cache.wait(seconds: 20)
    #expect(world.lookups == 10)
    _ = cache.names(for: addresses(100..<108))
    cache.wait(seconds: 20)
    #expect(world.lookups == 18)
    cache.stop()
    // The four of the second time, and two of the first, of which any may have been the last.
    #expect((4...6).contains(cache.names(for: addresses(0..<200)).count))
    cache.wait(seconds: 20)
    #expect(world.lookups == 18)
  }

  @Test("does not ask more often than the limit a second")
  func rate() {
    let world = World()
    var limits = NameCache.Limits()
    limits.perSecond = 50
    let cache = NameCache(limits: limits, resolve: { world.resolve($0) })
    let begin = ContinuousClock.now
    _ = cache.names(for: addresses(0..<20))
    cache.wait(seconds: 20)
    // The first comes at once.
    #expect(ContinuousClock.now - begin >= .milliseconds(375))
    #expect(world.lookups == 20)
  }
}
