import Foundation
import GRDB
import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct UpkeepTests {
  let folder: TemporaryDirectory
  let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("map.db")
  }

  private func finish(_ store: UnitStore, _ retention: Retention, now: UInt64) throws {
    while try store.maintain(retention, nowSeconds: now, budgetSeconds: 1) {}
  }

  private func packets(_ range: TimeRange? = nil) throws -> UInt64 {
    // Reading checks the sum against what was mapped.
    try MapStore.read(path: path, range: range).links.reduce(0) { $0 + $1.packets }
  }

  @Test("minutes become hours and days without a change in any sum, whenever it is looked")
  func compaction() throws {
    var unit = SyntheticUnit()
    let store = try UnitStore(path: path)
    let epochs = 6 * 60 * 5
    for _ in 0..<epochs { try unit.commit(to: store) }
    let expected = unit.expected(0..<epochs).mapped
    let before = try MapStore.read(path: path)
    #expect(try packets() == expected)
    let retention = Retention(minutesSeconds: 3600, hoursSeconds: 86_400)
    var now = SyntheticUnit.seconds(of: epochs)
    var steps = 0
    // Each slice is one step, and after each a reader looks.
    while try store.maintain(retention, nowSeconds: now, budgetSeconds: 0) {
      steps += 1
      if steps % 7 == 0 { #expect(try packets() == expected) }
    }
    #expect(steps > 100)
    var spans = try StoreInfo.read(path: path).segments
    #expect(spans.map(\.name) == ["hours", "minutes"])
    #expect(spans[0].segments == 4)
    now += 3 * 86_400
    // The last minutes might be gone on with, until so many commits have not.
    for _ in 0..<60 {
      try store.commit(
        UnitCommit(run: SyntheticUnit.run, progress: [], capture: before.capture))
    }
    try finish(store, retention, now: now)
    spans = try StoreInfo.read(path: path).segments
    #expect(spans.map(\.name) == ["days"])
    let after = try MapStore.read(path: path)
    func sums(_ content: MapStore.Content) -> [String: [UInt64]] {
      var sums: [String: [UInt64]] = [:]
      for link in content.links {
        let key = "\(content.addresses[link.a]) \(content.addresses[link.b]) \(link.aPort)"
        let all = [link.sessions, link.packetsAB, link.bytesAB, link.twoWay]
        sums[key] = zip(sums[key] ?? [0, 0, 0, 0], all).map(+)
      }
      return sums
    }
    #expect(sums(after) == sums(before))
    #expect(after.capture == before.capture)
    #expect(try StoreCheck.problems(path: path) == [])
  }

  @Test(
    "what is asked for is found as fine as it is stored, and what is not is an error that says so")
  func times() throws {
    var unit = SyntheticUnit()
    let store = try UnitStore(path: path)
    for _ in 0..<(6 * 60 * 3) { try unit.commit(to: store) }
    let now = SyntheticUnit.seconds(of: unit.epoch)
    try finish(store, Retention(minutesSeconds: 3600), now: now)
    let start = Int(SyntheticUnit.begin)
    let old = try MapStore.read(path: path, range: .at(start + 600))
    let new = try MapStore.read(path: path, range: .at(Int(now) - 30))
    #expect(old.coverage?.resolutions == 3600...3600 && old.coverage?.segments == 1)
    #expect(new.coverage?.resolutions == 60...60 && new.coverage?.segments == 1)
    #expect(new.coverage?.beginSeconds == (Int(now) - 30) / 60 * 60)
    // The capture's start cuts the hour's.
    #expect(old.capture.startNs == SyntheticUnit.begin * 1_000_000_000)
    #expect(old.capture.endNs ?? 0 < UInt64(start + 3600) * 1_000_000_000)
    for seconds in [start - 86_400, Int(now) + 86_400] {
      let error = #expect(throws: StoreError.self) {
        try MapStore.read(path: path, range: .at(seconds))
      }
      #expect(error?.reason.contains("nothing is stored for that time; there are hours") == true)
    }
  }

  /// Ten minutes a commit, with servers and clients that change by the day.
  private func simulate(
    days: Int, _ retention: Retention, each: (UnitStore, UInt64) throws -> Void
  ) throws -> [UInt64: UInt64] {
    let store = try UnitStore(path: path)
    var mapped: [UInt64: UInt64] = [:]
    var capture = CaptureReport(files: [.init(name: "veth0")])
    let begin: UInt64 = 1_795_046_400  // midnight UTC
    capture.startNs = begin * 1_000_000_000
    for step in 0..<UInt64(days * 144) {
      let time = begin + step * 600
      let day = UInt32(step / 144)
      var links: [(number: Int, link: Link)] = []
      var accounting = Accounting()
      for number in 0..<20 {
        let server = store.id(of: IPAddress(v4: 0x0A00_0000 + UInt32(number % 3)))
        let client = store.id(of: IPAddress(v4: 0x0B00_0000 + day << 8 + UInt32(number)))
        var link = Sample.served(server, 443, client, UInt16(10_000 + number))
        link.firstTick = Tick.of(nanoseconds: time * 1_000_000_000)
        link.lastTick = link.firstTick + 9
        link.packetsAB = 1 + (step + UInt64(number)) % 7
        accounting[.mapped] += link.packets
        links.append((number, link))
      }
      mapped[time] = accounting[.mapped]
      capture.endNs = (time + 59) * 1_000_000_000
      try store.commit(
        UnitCommit(
          run: 1, progress: [], capture: capture,
          segments: [SegmentChange(beginSeconds: time, accounting: accounting, links: links)]))
      // At most a few steps, as beside a capture.
      _ = try store.maintain(retention, nowSeconds: time + 60, budgetSeconds: 0.002)
      if step % 144 == 143 {
        try finish(store, retention, now: time + 60)
        try each(store, time + 60)
      }
    }
    return mapped
  }

  @Test("36 days: retention by age keeps the store small, and what is there is exact")
  func age() throws {
    let retention = Retention(
      minutesSeconds: 6 * 3600, hoursSeconds: 5 * 86_400, daysSeconds: 20 * 86_400)
    var sizes: [Int] = []
    var addresses: [Int] = []
    let mapped = try simulate(days: 36, retention) { _, now in
      let info = try StoreInfo.read(path: path)
      sizes.append(info.bytes - info.freeBytes)
      addresses.append(info.addresses)
      for span in info.segments {
        let age = Int(now) - span.beginSeconds
        switch span.name {
        case "minutes": #expect(age <= 6 * 3600 + 3600 + 36_000)
        case "hours": #expect(age <= 6 * 86_400 + 3600)
        default: #expect(age <= 21 * 86_400)
        }
      }
    }
    let content = try MapStore.read(path: path)
    let begin = UInt64(try #require(content.coverage).beginSeconds)
    let expected = mapped.filter { $0.key >= begin }.values.reduce(0, +)
    #expect(content.links.reduce(0) { $0 + $1.packets } == expected)
    #expect(content.capture.accounting["mapped"] == expected)
    // Flat once everything has reached its age: the last ten days against the ten before.
    let (late, early) = (sizes.suffix(10).max() ?? 0, sizes.dropLast(6).suffix(4).max() ?? 0)
    #expect(late <= early * 105 / 100, "\(sizes)")
    // Clients come by the day and go with its segment.
    #expect((addresses.last ?? 0) <= 23 * 20 + 3)
    #expect(try StoreCheck.problems(path: path) == [])
    print("36 days: \(sizes[5]) bytes after 6 days, \(sizes[20]) after 21, \(sizes[35]) after 36")
  }

  @Test("retention by size drops the oldest first and nothing else")
  func size() throws {
    let limit = 400_000
    var isReached = false
    let mapped = try simulate(days: 30, Retention(bytesMax: limit)) { _, _ in
      let info = try StoreInfo.read(path: path)
      #expect(info.bytes - info.freeBytes <= limit + 65_536)
      if info.bytes - info.freeBytes > limit * 8 / 10 { isReached = true }
    }
    #expect(isReached)
    let content = try MapStore.read(path: path)
    let begin = UInt64(try #require(content.coverage).beginSeconds)
    #expect(begin > mapped.keys.min() ?? 0)
    let expected = mapped.filter { $0.key >= begin }.values.reduce(0, +)
    #expect(content.links.reduce(0) { $0 + $1.packets } == expected)
    #expect(try StoreCheck.problems(path: path) == [])
  }

  @Test("a minute that is compacted already and comes again is added")
  func late() throws {
    var unit = SyntheticUnit()
    let store = try UnitStore(path: path)
    for _ in 0..<600 { try unit.commit(to: store) }
    let retention = Retention(minutesSeconds: 600)
    let now = SyntheticUnit.seconds(of: 600) + 7200
    try finish(store, retention, now: now)
    let minute = SyntheticUnit.minute(of: 0)
    #expect(try store.segment(beginSeconds: minute) == nil)
    let before = try packets()
    var link = Sample.served(
      store.id(of: IPAddress(v4: 1)), 80, store.id(of: IPAddress(v4: 2)))
    link.packetsAB = 1000
    var accounting = Accounting()
    accounting[.mapped] = link.packets
    try store.commit(
      UnitCommit(
        run: SyntheticUnit.run, progress: [], capture: CaptureReport(),
        segments: [
          SegmentChange(beginSeconds: minute, accounting: accounting, links: [(0, link)])
        ]))
    #expect(try packets() == before + link.packets)
    for _ in 0..<70 { try unit.commit(to: store) }
    try finish(store, retention, now: now)
    #expect(try store.segment(beginSeconds: minute) == nil)
    #expect(try packets() == unit.expected(0..<670).mapped + link.packets)
  }

  @Test("a compaction that a commit interferes with begins again")
  func interference() throws {
    var unit = SyntheticUnit()
    let store = try UnitStore(path: path)
    let retention = Retention(minutesSeconds: 60)
    for epoch in 0..<500 {
      try unit.commit(to: store)
      // Far ahead of the packets: all that is not busy is compacted at once.
      _ = try store.maintain(
        retention, nowSeconds: SyntheticUnit.seconds(of: epoch) + 90_000, budgetSeconds: 0)
      if epoch % 50 == 0 { #expect(try packets() == unit.expected(0..<(epoch + 1)).mapped) }
    }
    #expect(try packets() == unit.expected(0..<500).mapped)
    #expect(try StoreCheck.problems(path: path) == [])
  }
}
