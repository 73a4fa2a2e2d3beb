import Testing

@testable import Collector

/// Clocks that are set while packets are captured.
@Suite struct ClockWatchTests {
  private let second: Int64 = 1_000_000_000

  @Test("tells steps in both directions, once each")
  func steps() {
    var watch = ClockWatch()
    let start = 1_700_000_000 * second
    #expect(watch.look(wallNs: start, bootNs: 0) == nil)
    #expect(watch.look(wallNs: start + second, bootNs: second) == nil)
    #expect(watch.look(wallNs: start + 12 * second, bootNs: 2 * second) == 10 * second)
    #expect(watch.look(wallNs: start + 13 * second, bootNs: 3 * second) == nil)
    #expect(watch.look(wallNs: start - 3600 * second, bootNs: 4 * second) == -3614 * second)
    #expect(watch.look(wallNs: start - 3599 * second, bootNs: 5 * second) == nil)
  }

  @Test("lets a clock drift as far as adjtimex(2) lets it")
  func drift() {
    var watch = ClockWatch()
    for tick in 0..<10_000 as Range<Int64> {
      #expect(watch.look(wallNs: tick * second + tick * 500_000, bootNs: tick * second) == nil)
    }
  }

  @Test("is not sure about half a second, but about more")
  func threshold() {
    var watch = ClockWatch()
    #expect(watch.look(wallNs: 0, bootNs: 0) == nil)
    #expect(watch.look(wallNs: second / 2, bootNs: 0) == nil)
    #expect(watch.look(wallNs: second + 1, bootNs: 0) == second / 2 + 1)
  }

  @Test("reads both clocks of one moment")
  func now() throws {
    let moments = (0..<100).compactMap { _ in ClockWatch.now() }
    let offsets = moments.map { $0.wallNs - $0.bootNs }
    #expect(moments.count > 50)
    let spread = try #require(offsets.max()) - #require(offsets.min())
    #expect(spread < 50_000_000)
  }
}
