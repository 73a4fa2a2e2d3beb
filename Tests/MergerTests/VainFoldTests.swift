import ServiceMap
import TestSupport
import Testing
import Wire

@testable import Merger

@Suite struct VainFoldTests {
  /// A request by B that A did not answer.
  private func asked(
    _ a: Int, _ aPort: Int, by b: Int, _ bPort: Int = 50000, number: UInt8 = 6
  ) -> Link {
    let isTCP = number == 6
    var link = Link(
      a: a, b: b, protocolNumber: number, aPort: UInt16(aPort), bPort: UInt16(bPort),
      hasHandshake: isTCP, events: isTCP ? .synFromB : .progressFromB)
    (link.sessions, link.firstFromB, link.packetsBA, link.bytesBA) = (1, 1, 2, 80)
    link.unanswered = isTCP ? 1 : 0
    return link
  }

  /// The links that are left, after checking that nothing was lost.
  private func folded(_ links: [Link], coarsely: Bool = false) -> [Link] {
    var fold = VainFold()
    var result = links
    if coarsely { fold.makeRoom(in: &result, linksMax: 0) } else { fold.fold(&result) }
    #expect(result.reduce(0) { $0 + $1.packets } == links.reduce(0) { $0 + $1.packets })
    #expect(result.reduce(0) { $0 + $1.sessions } == links.reduce(0) { $0 + $1.sessions })
    // Again, as it is when room is needed once more.
    var again = result
    fold.fold(&again)
    #expect(again.count == result.count)
    return result
  }

  @Test("the ports of one host that one client tried are one link", arguments: [UInt8(6), 17])
  func ports(number: UInt8) throws {
    let one = try #require(folded((1...1000).map { asked(9, $0, by: 7, number: number) }).first)
    #expect(one.aPorts == 1000 && one.a == 9 && one.b == 7 && one.aPort == 1)
    #expect(one.unanswered == (number == 6 ? 1000 : 0))
  }

  @Test("a sweep is one link for each port, a flood one for each endpoint")
  func sweepAndFlood() {
    let sweep = (1...500).flatMap { [asked(1000 + $0, 445, by: 7), asked(1000 + $0, 22, by: 7)] }
    let flood = (1...500).map { asked(9, 80, by: 5000 + $0) }
    let result = folded(sweep + flood)
    #expect(result.count == 3 && result.allSatisfy { $0.addresses == 500 })
    #expect(Set(result.map(\.aPort)) == [445, 22, 80] && result.filter { $0.b == 0 }.count == 1)
  }

  @Test("an answer, an open port, syslog and multicast stay apart")
  func apart() {
    var links = (1...500).map { asked(9, $0, by: 7) }
    links[10].unanswered = 0
    links[20].unanswered = 0
    links[20].halfOpen = 1
    let syslog = (1...500).map { asked(9, 514, by: 2000 + $0, 1000 + $0, number: 17) }
    let group = Int(v4("224.0.0.251"))
    let multicast = (1...500).map { asked(group, 5353, by: 2000 + $0, 5353, number: 17) }
    let result = folded(links + syslog + multicast)
    #expect(result.count == 3 + 1000)
    #expect(result.contains(links[10]) && result.contains(links[20]))
  }

  @Test("what has little in common is joined only where there is no other way")
  func coarse() {
    let one = (1...500).map { asked(1000 + $0, 2000 + $0, by: 7) }
    let other = (1...500).map { asked(1000 + $0, 2000 + $0, by: 5000 + $0) }
    #expect(folded(one + other).count == 1000)
    let result = folded(one + other, coarsely: true)
    #expect(result.count == 2 && result.allSatisfy { $0.addresses == 500 && $0.aPort == 0 })
  }

  @Test("few are left alone")
  func few() {
    let links = (1...63).map { asked(9, $0, by: 7) }
    #expect(folded(links) == links)
  }

  @Test("a flood keeps the fold small, and services that answer are kept whole")
  func bounded() throws {
    var fold = SessionFold(linksMax: 2000)
    var generator = TestSeed.generator(for: "VainFoldTests.bounded")
    for number in 0..<50_000 {
      var row = SessionRow()
      row.protocolNumber = 6
      row.state = SessionRow.whole
      row.packetsBA = 1
      let isReal = number % 100 == 0
      row.a = v4("10.0.0.1") + UInt32(number / 100 % 10)
      row.b =
        isReal
        ? v4("10.0.1.0") + UInt32(number / 1000) : .random(in: 1 << 29..<1 << 31, using: &generator)
      row.aPort = isReal ? 443 : .random(in: 1...65535, using: &generator)
      row.bPort = .random(in: 1024...65535, using: &generator)
      row.events =
        isReal
        ? [.synFromB, .synAckFromA, .progressFromA, .progressFromB, .firstFromB]
        : [.synFromB, .firstFromB]
      fold.add(row)
    }
    let (_, links) = fold.finish()
    #expect(links.reduce(0) { $0 + $1.packets } == fold.packets && links.count < 4000)
    #expect(links.filter { $0.completed > 0 }.reduce(0) { $0 + $1.sessions } == 500)
  }

  @Test("a session that began in another period is in vain only if nothing ever went on in it")
  func goesOn() {
    func goingOn(_ client: Int, _ events: SessionEvents) -> Link {
      var link = asked(1, 443, by: client)
      link.events = events
      // They were counted when they began.
      (link.sessions, link.firstFromB, link.unanswered) = (0, 0, 0)
      return link
    }
    let established: SessionEvents = [
      .synFromB, .synAckFromA, .progressFromA, .progressFromB,
    ]
    #expect(folded((1000..<1100).map { goingOn($0, established) }, coarsely: true).count == 100)
    #expect(folded((1000..<1100).map { goingOn($0, .synFromB) }).count == 1)
  }

  @Test("who sends to a service that never answers is known until there is no other room")
  func oneWay() {
    let syslog = (1000..<1300).map { asked(1, 514, by: $0, number: 17) }
    #expect(folded(syslog).count == 300)
    var links = syslog + (0..<2000).map { asked(10_000 + $0, 443, by: 50_000 + $0) }
    var fold = VainFold()
    fold.makeRoom(in: &links, linksMax: 1000)
    #expect(links.count(where: { $0.aPort == 514 }) == 300)
    fold.makeRoom(in: &links, linksMax: 100)
    #expect(links.count < 50)
    #expect(links.reduce(0) { $0 + $1.packets } == 2 * 2300)
  }
}
