import ServiceMap
import TestSupport
import Testing
import Wire

@testable import Merger

@Suite struct PeriodLinksTests {
  private let begin = Tick.of(nanoseconds: 1_700_000_000_000_000_000)

  /// Sessions over several periods, and the links of each.
  private func run(
    linksMax: Int, packets: Int, periods count: UInt64 = 5,
    commit: (PeriodLinks) -> Void = { _ in }
  ) throws -> (tracker: UnitSessions, periods: [PeriodLinks]) {
    var generator = TestSeed.generator(for: "period links")
    var tracker = try UnitSessions(network: "10.1.0.0")
    let periods = (0..<count).map { PeriodLinks(period: 100 + $0, linksMax: linksMax) }
    for step in 0..<packets {
      tracker.packet(tick: begin + UInt64(step), using: &generator)
      guard Int.random(in: 0..<40, using: &generator) == 0 || step == packets - 1 else { continue }
      let links = periods[step * periods.count / packets]
      tracker.seal(period: links.period)
      for entry in tracker.memory.entries(of: tracker.memory.sealed) { links.book(entry) }
      tracker.memory.acknowledge(tracker.memory.sealed)
      if Bool.random(using: &generator) { commit(links) }
    }
    periods.forEach(commit)
    return (tracker, periods)
  }

  @Test("the sum over all periods is what the whole sessions give, whatever turned out later")
  func sums() throws {
    let (tracker, periods) = try run(linksMax: 1 << 16, packets: 20_000)
    var sums = LinkSums()
    for links in periods {
      for link in links.links { sums.add(link) }
      let packets = links.links.reduce(0) { $0 &+ $1.packets }
      #expect(packets == links.accounting[.mapped])
    }
    #expect(sums.differences(from: LinkSums(tracker.sessions)) == [])
    // Sessions did move from one link to another, in a later period.
    #expect(periods.dropFirst().contains { $0.links.contains(where: \.isSubtracting) })
    #expect(sums.counters.values.allSatisfy { $0.allSatisfy { $0 >> 63 == 0 } })
    #expect(periods.reduce(0) { $0 &+ $1.accounting[.mapped] } == tracker.packets)
  }

  @Test(
    "what the store is told adds up to the links, also after they were joined",
    arguments: [1 << 16, 300])
  func changes(linksMax: Int) throws {
    var stored: [UInt64: [Int: Link]] = [:]
    var renumbered = 0
    let (tracker, periods) = try run(linksMax: linksMax, packets: 20_000) { links in
      let change = links.change { Int($0) }
      #expect(change.beginSeconds == links.period * 60)
      if let count = change.linkCount {
        renumbered += 1
        stored[links.period] = stored[links.period]?.filter { $0.key < count }
      }
      for (number, link) in change.links { stored[links.period, default: [:]][number] = link }
      links.committed()
      #expect(links.change { Int($0) }.links.isEmpty && !links.isDirty)
    }
    #expect((renumbered > 0) == (linksMax == 300))
    for links in periods {
      let known = stored[links.period] ?? [:]
      #expect(known.count == links.links.count)
      var (one, other) = (LinkSums(), LinkSums())
      for link in links.links { one.add(link) }
      for link in known.values { other.add(link) }
      #expect(one.differences(from: other) == [])
    }
    let packets = stored.values.reduce(0) { $0 &+ $1.values.reduce(0) { $0 &+ $1.packets } }
    #expect(packets == tracker.packets)
    // Joined links keep every sum that does not depend on ports.
    let sessions = stored.values.reduce(0) { $0 &+ $1.values.reduce(0) { $0 &+ $1.sessions } }
    #expect(sessions == UInt64(tracker.count))
  }

  @Test("a period that is gone on with by another merger comes to the same links")
  func goneOn() throws {
    var generator = TestSeed.generator(for: "period gone on with")
    var tracker = try UnitSessions(network: "10.1.0.0")
    var links = PeriodLinks(period: 7, linksMax: 1 << 16)
    for step in 0..<8000 {
      tracker.packet(tick: begin + UInt64(step), using: &generator)
      guard step % 100 == 99 else { continue }
      tracker.seal(period: 7)
      for entry in tracker.memory.entries(of: tracker.memory.sealed) { links.book(entry) }
      tracker.memory.acknowledge(tracker.memory.sealed)
      if step % 1000 == 999 {
        links = PeriodLinks(
          period: 7, linksMax: 1 << 16, links: links.links, accounting: links.accounting)
      }
    }
    var sums = LinkSums()
    for link in links.links { sums.add(link) }
    #expect(sums.differences(from: LinkSums(tracker.sessions)) == [])
    #expect(links.accounting[.mapped] == 8000)
  }

  @Test("a handshake across the end of an epoch is not left among a flood's requests")
  func handshakeInAFlood() throws {
    let minute = Tick.nanoseconds(begin) / 60_000_000_000
    let links = PeriodLinks(period: minute, linksMax: 500)
    func syn(_ client: UInt32) -> SessionRow {
      var row = SessionRow()
      (row.a, row.aPort, row.b, row.bPort) = (v4("10.0.0.1"), 443, client, 50_000)
      row.protocolNumber = IPProtocolNumber.tcp
      row.state = SessionRow.whole
      row.events = [.synFromB, .firstFromB]
      (row.packetsBA, row.bytesBA) = (1, 40)
      (row.firstTick, row.lastTick) = (begin, begin)
      return row
    }
    func book(_ before: SessionRow, _ after: SessionRow) {
      links.book(SessionMemory.Entry(number: 1, before: before, after: after))
    }
    for number in UInt32(0)..<2000 { book(SessionRow(), syn(v4("172.16.0.0") + number)) }
    #expect(links.isFlooded)
    let real = syn(v4("192.0.2.7"))
    book(SessionRow(), real)
    var answered = real
    answered.events.formUnion([.synAckFromA, .progressFromA, .progressFromB])
    (answered.packetsAB, answered.packetsBA) = (5, 7)
    book(real, answered)
    let own = try #require(links.links.first { $0.b == Int(v4("192.0.2.7")) })
    #expect(own.packetsAB == 5 && own.packetsBA == 7 && own.sessions == 1 && own.completed == 1)
    #expect(links.links.reduce(0) { $0 + $1.packets } == 2012)
    #expect(links.links.reduce(0) { $0 + $1.sessions } == 2001)
    // What is in vain still stays where it is.
    var again = syn(v4("172.16.0.5"))
    again.packetsBA = 3
    book(syn(v4("172.16.0.5")), again)
    #expect(!links.links.contains { $0.b == Int(v4("172.16.0.5")) })
    #expect(links.links.reduce(0) { $0 + $1.packets } == 2014)
  }
}
