import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct StoreFollowerTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("map.db")
  }

  private func expectEqual(
    _ found: MapStore.Content, _ expected: MapStore.Content, _ comment: Comment
  ) {
    #expect(found.links == expected.links, comment)
    #expect(found.addresses == expected.addresses, comment)
    #expect(found.coverage == expected.coverage, comment)
    #expect(found.capture == expected.capture, comment)
    #expect(found.series?.bounds == expected.series?.bounds, comment)
    #expect(found.series?.ofAll() == expected.series?.ofAll(), comment)
    for address in expected.addresses {
      #expect(found.series?.ofHost(address) == expected.series?.ofHost(address), comment)
    }
  }

  @Test(
    "whatever happens to the store, it answers what a new reader would",
    arguments: [
      MapTime.all, .last(seconds: 1200),
      .between(from: Int(RandomStore.begin) + 300, to: Int(RandomStore.begin) + 4000),
      .between(from: nil, to: nil),
    ])
  func equal(_ time: MapTime) throws {
    var generator = TestSeed.generator(for: "StoreFollowerTests.equal \(time)")
    var store = try RandomStore(path: path, generator: generator)
    let follower = StoreFollower(path: path, time: time, withSeries: true)
    for _ in 0..<8 { try store.commit(beginsMinute: true) }
    var reads = 0
    for step in 0..<150 {
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        try store.commit(beginsMinute: Int.random(in: 0..<2, using: &generator) == 0)
      }
      if step % 40 == 39 { try store.compact(minutesSeconds: 1800) }
      let now = Int(store.now)
      let expected = try MapStore.read(path: path, range: time.range(now: now), withSeries: true)
      if let found = try follower.read(now: now) {
        expectEqual(found, expected, "\(time) step \(step)")
        reads += 1
      }
      #expect(try follower.read(now: now) == nil)
    }
    #expect(reads > 20)
  }

  @Test("what it answers says when something is new, also of a store that an audit wrote")
  func changes() throws {
    var generator = TestSeed.generator(for: "StoreFollowerTests.changes")
    var capture = CaptureReport()
    let links = (0..<50).map { _ in Sample.random(hosts: 20, using: &generator) }
    capture.accounting = ["mapped": links.reduce(0) { $0 + $1.packets }]
    let content = MapStore.Content(
      capture: capture, addresses: Sample.addresses(20, mixed: true), links: links)
    try MapStore.create(path: path, content, watermarks: [])
    let follower = StoreFollower(path: path, time: .all, withSeries: true)
    let found = try #require(try follower.read(now: 0))
    #expect(found.links == links && found.addresses == content.addresses && found.series == nil)
    #expect(try follower.read(now: 100) == nil)
    // A unit goes on with it.
    var store = try RandomStore(path: path, generator: generator)
    try store.commit(beginsMinute: true)
    let more = try #require(try follower.read(now: 0))
    expectEqual(more, try MapStore.read(path: path, withSeries: true), "a unit after an audit")
    #expect(more.series != nil)
    let missing = StoreFollower(path: folder.path("none.db"), time: .all, withSeries: false)
    #expect(throws: StoreError.self) { try missing.read(now: 0) }
  }

  @Test("a time without anything is an error that says so, until there is something")
  func nothing() throws {
    let generator = TestSeed.generator(for: "StoreFollowerTests.nothing")
    var store = try RandomStore(path: path, generator: generator)
    let begin = Int(RandomStore.begin) + 180
    let follower = StoreFollower(
      path: path, time: .between(from: begin, to: nil), withSeries: false)
    #expect(try follower.read(now: 0)?.links == [])
    try store.commit(beginsMinute: true)
    do {
      _ = try follower.read(now: 0)
      Issue.record("nothing is stored of that time")
    } catch let error as StoreError {
      #expect(error.isOutOfTime)
    }
    for _ in 0..<3 { try store.commit(beginsMinute: true) }
    #expect(try follower.read(now: 0)?.coverage?.beginSeconds == begin)
  }

  @Test("ids that were given to other addresses are theirs")
  func idsAgain() throws {
    let generator = TestSeed.generator(for: "StoreFollowerTests.idsAgain")
    var store = try RandomStore(path: path, generator: generator)
    let follower = StoreFollower(path: path, time: .all, withSeries: false)
    for _ in 0..<5 { try store.commit(beginsMinute: true) }
    _ = try follower.read(now: 0)
    // All but the last day goes, with its addresses.
    try store.compact(minutesSeconds: 0)
    _ = try store.store.maintain(
      Retention(minutesSeconds: 1, hoursSeconds: 1, daysSeconds: 1),
      nowSeconds: store.now + 1_000_000, budgetSeconds: 10)
    for _ in 0..<5 { try store.commit(beginsMinute: true) }
    let found = try #require(try follower.read(now: 0))
    expectEqual(found, try MapStore.read(path: path), "after all was deleted")
  }

  @Test("the begin of the last hours stays for a twelfth of them")
  func ranges() {
    #expect(MapTime.all.range(now: 5) == nil)
    #expect(MapTime.between(from: 3, to: nil).range(now: 5) == TimeRange(from: 3))
    let hour = MapTime.last(seconds: 3600)
    #expect(hour.range(now: 1_000_200) == TimeRange(from: 996_600))
    #expect(hour.range(now: 1_000_499) == TimeRange(from: 996_600))
    #expect(hour.range(now: 1_000_500) == TimeRange(from: 996_900))
    #expect(MapTime.last(seconds: 60).range(now: 100) == TimeRange(from: 0))
    #expect(MapTime.last(seconds: 3600).range(now: 100) == TimeRange(from: -3600))
  }
}
