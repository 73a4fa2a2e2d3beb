import Foundation
import ServiceMap
import TestSupport
import Testing
import Wire

@testable import Merger

/// A unit's merger that is killed around its commits, and its store.
@Suite struct UnitMergingTests {
  private let begin = Tick.of(nanoseconds: 1_700_000_040_000_000_000)
  private let period: UInt64 = 1_700_000_040 / 60

  private func configuration(_ store: String, run: UInt64 = 77) -> UnitMergerConfiguration {
    UnitMergerConfiguration(run: run, store: store, interfaces: ["in0"])
  }

  private func merging(
    _ store: UnitStore, _ trackers: [UnitSessions], _ addresses: SharedAddresses, run: UInt64 = 77
  ) throws -> UnitMerging {
    try UnitMerging(
      configuration(store.path, run: run), store: store, trackers: trackers.map(\.memory),
      addresses: addresses)
  }

  /// Opens a store that was closed just now. A process that another test starts has its lock for a moment.
  private func opened(_ path: String) throws -> UnitStore {
    for _ in 0..<100 {
      if let store = try? UnitStore(path: path) { return store }
      usleep(20_000)
    }
    return try UnitStore(path: path)
  }

  /// What became of all packets, by collectors that also filter.
  private func collected(_ trackers: [UnitSessions]) -> Accounting {
    var accounting = Accounting()
    accounting[.mapped] = trackers.reduce(0) { $0 + $1.packets }
    accounting[.filtered] = accounting[.mapped] / 3
    return accounting
  }

  private let capture = CaptureReport(files: [CaptureReport.File(name: "in0")])

  @Test("a merger may be killed before, between and after the commit and its acknowledgement")
  func killed() throws {
    var generator = TestSeed.generator(for: "unit merging")
    let folder = try TemporaryDirectory()
    let path = folder.path("map.db")
    let addresses = try SharedAddresses(capacity: 100)
    var trackers = try [
      UnitSessions(network: "10.1.0.0"), UnitSessions(network: "10.2.0.0"),
    ]
    var store = try opened(path)
    var merging = try merging(store, trackers, addresses)
    func restart() throws {
      merging.close()
      store = try opened(path)
      merging = try self.merging(store, trackers, addresses)
    }
    var kills = [Int](repeating: 0, count: 4)
    for step in 0..<120 {
      let now = period + UInt64(step / 40)
      for place in trackers.indices where Bool.random(using: &generator) {
        for _ in 0..<Int.random(in: 1...60, using: &generator) {
          trackers[place].packet(tick: begin + UInt64(step) * 250_000, using: &generator)
        }
        // Only what the merger has is followed by another epoch.
        if trackers[place].memory.acknowledged == trackers[place].memory.sealed {
          trackers[place].seal(period: now)
        }
      }
      let before = trackers.map(\.memory.acknowledged)
      let kill = Int.random(in: 0..<12, using: &generator)
      if kill == 0 { try restart() }
      if try merging.book() {
        if kill == 1 {
          try restart()
          #expect(try merging.book())
        }
        try merging.commit(collected(trackers), capture)
      }
      if kill == 2 {
        // Killed after the commit, before it said so.
        for (place, tracker) in trackers.enumerated() {
          SharedBytes.set(tracker.memory.descriptor, at: 128, to: before[place])
        }
        try restart()
      }
      if kill == 3 { try restart() }
      if kill < 4 { kills[kill] += 1 }
      #expect(trackers.allSatisfy { $0.memory.acknowledged == $0.memory.sealed })
    }
    for tracker in trackers { tracker.seal(period: period + 3, isLast: true) }
    #expect(!merging.isFinished)
    #expect(try merging.book())
    try merging.commit(collected(trackers), capture)
    #expect(merging.isFinished)
    try merging.check(collected(trackers))
    #expect(throws: MergerError.self) {
      var more = collected(trackers)
      more[.mapped] += 1
      try merging.check(more)
    }
    merging.close()
    #expect(kills.allSatisfy { $0 > 0 })

    let content = try MapStore.read(path: path)
    #expect(
      LinkSums(content).differences(from: LinkSums(trackers.flatMap(\.sessions), isStored: true))
        == [])
    let all = collected(trackers)
    #expect(content.links.reduce(0) { $0 &+ $1.packets } == all[.mapped])
    #expect(content.capture.accounting["mapped", default: 0] == all[.mapped])
    #expect(content.capture.accounting["filtered", default: 0] == all[.filtered])
    #expect(content.capture.accounting.values.reduce(0, +) == all.captured)
    #expect(try StoreCheck.problems(path: path) == [])
  }

  @Test("IPv6 hosts are the same ones after a restart")
  func handles() throws {
    let folder = try TemporaryDirectory()
    let path = folder.path("map.db")
    let addresses = try SharedAddresses(capacity: 100)
    let hosts = (1...4).map { IPAddress(high: 0x2001_0DB8 << 32, low: UInt64($0)) }
    // Other numbers in the stream than in the store.
    for host in hosts.reversed() { _ = addresses.handle(of: host) }
    let memory = try SessionMemory(name: "test-sessions", rowsMax: 10)
    let (rows, _) = memory.recover()
    for round in 1...3 {
      for (place, host) in hosts.dropFirst().enumerated() {
        SessionMemory.save(
          round == 1 ? SessionRow() : rows[place], number: place + 1, to: memory.log)
        rows[place].state = SessionRow.whole | SessionRow.changed
        rows[place].a = try #require(addresses.handle(of: hosts[0]))
        rows[place].b = try #require(addresses.handle(of: host))
        rows[place].protocolNumber = 17
        rows[place].aPort = 53
        rows[place].bPort = UInt16(4000 + place)
        rows[place].packetsAB += 1
        rows[place].firstTick = begin
        rows[place].lastTick = begin + UInt64(round)
      }
      var seal = SessionMemory.Seal()
      seal.period = period
      seal.packets = UInt64(round * 3)
      memory.seal(seal, rowCount: 3)
      let merging = try UnitMerging(
        configuration(path), store: try opened(path), trackers: [memory],
        addresses: addresses)
      #expect(try merging.book())
      var accounting = Accounting()
      accounting[.mapped] = UInt64(round * 3)
      try merging.commit(accounting, capture)
      merging.close()
    }
    let content = try MapStore.read(path: path)
    #expect(content.links.count == 3)
    for link in content.links {
      #expect(link.packets == 3 && link.sessions == 1)
      #expect(Set([content.addresses[link.a], content.addresses[link.b]]).contains(hosts[0]))
    }
    #expect(Set(content.addresses) == Set(hosts))
  }

  @Test("a second run goes on in the same store, and both are in it")
  func runs() throws {
    var generator = TestSeed.generator(for: "two runs")
    let folder = try TemporaryDirectory()
    let path = folder.path("map.db")
    var sessions: [SessionRow] = []
    var captured: UInt64 = 0
    for run in 1...2 as ClosedRange<UInt64> {
      var trackers = [try UnitSessions(network: run == 1 ? "10.1.0.0" : "10.2.0.0")]
      let store = try opened(path)
      let merging = try merging(
        store, trackers, try SharedAddresses(capacity: 10), run: run)
      for _ in 0..<1000 { trackers[0].packet(tick: begin, using: &generator) }
      trackers[0].seal(period: period, isLast: true)
      #expect(try merging.book())
      try merging.commit(collected(trackers), capture)
      #expect(merging.isFinished)
      merging.close()
      sessions += trackers[0].sessions
      captured += collected(trackers).captured
    }
    let content = try MapStore.read(path: path)
    #expect(LinkSums(content).differences(from: LinkSums(sessions, isStored: true)) == [])
    #expect(content.capture.accounting.values.reduce(0, +) == captured)
  }

  @Test("a full disk stops no tracker, and all is there when there is room")
  func full() throws {
    let folder = try TemporaryDirectory()
    guard let disk = try SmallDisk(folder.path("disk"), megabytes: 4) else { return }
    var generator = TestSeed.generator(for: "full disk")
    let path = disk.path + "/map.db"
    let addresses = try SharedAddresses(capacity: 100)
    var trackers = [try UnitSessions(rowsMax: 20_000, network: "10.1.0.0")]
    let merging = try merging(try opened(path), trackers, addresses)
    func epoch(_ number: Int) throws {
      for _ in 0..<500 { trackers[0].packet(tick: begin, using: &generator) }
      trackers[0].seal(period: period + UInt64(number / 10))
      #expect(try merging.book())
      try merging.commit(collected(trackers), capture)
      // Whatever became of it, the tracker goes on.
      #expect(trackers[0].memory.acknowledged == trackers[0].memory.sealed)
    }
    for number in 0..<3 { try epoch(number) }
    #expect(!merging.isStoreFull)
    let committed = merging.commits
    try disk.fill()
    for number in 3..<20 { try epoch(number) }
    #expect(merging.isStoreFull && !merging.isFinished)
    // A commit or two may have found room in what the file had.
    #expect(merging.commits < committed + 10)
    try disk.makeRoom()
    try epoch(20)
    #expect(!merging.isStoreFull)
    trackers[0].seal(period: period + 3, isLast: true)
    #expect(try merging.book())
    try merging.commit(collected(trackers), capture)
    try merging.check(collected(trackers))
    merging.close()
    let content = try MapStore.read(path: path)
    #expect(
      LinkSums(content).differences(from: LinkSums(trackers[0].sessions, isStored: true)) == [])
    #expect(content.capture.accounting["mapped", default: 0] == trackers[0].packets)
  }

  @Test("what was in memory only when a merger was killed on a full disk is lost, and counted")
  func killedWhileFull() throws {
    let folder = try TemporaryDirectory()
    guard let disk = try SmallDisk(folder.path("disk"), megabytes: 4) else { return }
    var generator = TestSeed.generator(for: "killed while full")
    let path = disk.path + "/map.db"
    let addresses = try SharedAddresses(capacity: 100)
    var trackers = [try UnitSessions(rowsMax: 20_000, network: "10.1.0.0")]
    var merging = try merging(try opened(path), trackers, addresses)
    func epoch() throws {
      for _ in 0..<500 { trackers[0].packet(tick: begin, using: &generator) }
      trackers[0].seal(period: period)
      #expect(try merging.book())
      try merging.commit(collected(trackers), capture)
    }
    try epoch()
    try disk.fill()
    var refused = 0
    while refused < 4 {
      try epoch()
      refused = merging.isStoreFull ? refused + 1 : 0
      try #require(trackers[0].packets < 100_000, "it was never full")
    }
    merging.close()
    try disk.makeRoom()
    merging = try self.merging(try opened(path), trackers, addresses)
    try epoch()
    trackers[0].seal(period: period, isLast: true)
    #expect(try merging.book())
    let all = collected(trackers)
    try merging.commit(all, capture)
    #expect(merging.isFinished)
    try merging.check(all)
    merging.close()
    let content = try MapStore.read(path: path)
    let packets = content.links.reduce(0) { $0 &+ $1.packets }
    let accounting = content.capture.accounting
    #expect(accounting["lostInCrash", default: 0] == 4 * 500)
    #expect(accounting["mapped", default: 0] == packets)
    #expect(packets == all[.mapped] - 4 * 500)
    #expect(content.capture.accounting.values.reduce(0, +) == all.captured)
  }
}
