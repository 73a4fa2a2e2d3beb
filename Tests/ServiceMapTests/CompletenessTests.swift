import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct CompletenessTests {
  private func completeness(
    _ links: [Link], capture: CaptureReport = CaptureReport(),
    addresses: [IPAddress] = Sample.addresses(300)
  ) -> Completeness {
    let judge = RoleJudge(links: links, addresses: addresses)
    let map = ServiceMap(
      capture: capture, addresses: addresses, relations: judge.relations())
    return Completeness(judge: judge, map: map)
  }

  @Test("nothing captured is nothing missed")
  func empty() {
    #expect(completeness([]) == Completeness())
  }

  @Test("counts sessions that went beyond SYN and RST, and those seen by half")
  func sessions() {
    var handshakes = Sample.served(1, 80, 2, sessions: 10)
    handshakes.refused = 1
    handshakes.unanswered = 1
    handshakes.halfOpen = 1
    handshakes.unheard = 2
    handshakes.unasked = 1
    var midway = Sample.midway(3, 28471, 4, 28000, sessions: 5)
    midway.twoWay = 3
    let found = completeness([handshakes, midway])
    // Of the ten, four completed, two were unheard, one unasked.
    #expect(found.sessions == 12 && found.oneWaySessions == 5)
  }

  @Test("resets alone, ICMP and groups are no sessions that could have been answered")
  func noSessions() {
    var resets = Sample.midway(1, 80, 2, 50000)
    resets.events = [.rstFromA]
    resets.packetsBA = 0
    var icmp = Sample.midway(1, 768, 2, 0, protocolNumber: 1)
    icmp.packetsBA = 0
    var addresses = Sample.addresses(9)
    addresses[5] = IPAddress(v4: v4("224.0.0.251"))
    var group = Sample.midway(5, 5353, 2, 5353, protocolNumber: 17, firstFromB: 1)
    group.events = [.progressFromB]
    group.packetsAB = 0
    group.twoWay = 0
    let found = completeness([resets, icmp, group], addresses: addresses)
    #expect(found.sessions == 0 && found.oneWaySessions == 0)
  }

  @Test("packets and bytes of undecided pairs are those of the links")
  func undecided() {
    let found = completeness([
      Sample.midway(1, 28471, 2, 28000, sessions: 2), Sample.served(3, 80, 4),
    ])
    #expect(found.undecidedPackets == 10 && found.undecidedBytes == 6400)
    #expect(found.services == 1)
  }

  @Test("a tap that sees one direction is said to be partial, a whole one is not")
  func partial() {
    let whole = (0..<30).map { Sample.served(1, 80, 10 + $0) }
    #expect(!completeness(whole).isPartial)
    let half = whole.map { link -> Link in
      var link = link
      link.events = [.synFromB, .progressFromB]
      link.unheard = link.sessions
      (link.packetsAB, link.packetsBA) = (0, 4)
      return link
    }
    let found = completeness(half)
    #expect(found.isPartial && found.sessions == 30 && found.oneWaySessions == 30)
  }

  @Test("what the kernel and the rings dropped is one sum; what was not wanted is none of it")
  func dropped() {
    var capture = CaptureReport()
    capture.accounting = ["droppedByKernel": 7, "droppedByRing": 5, "filtered": 100, "notIP": 9]
    #expect(completeness([], capture: capture).droppedPackets == 12)
  }

  /// Services at these seconds, in a capture from 1,000 s on that lasts so long.
  private func new(seconds: [UInt64], lasting: UInt64) -> Completeness {
    var capture = CaptureReport()
    capture.startNs = 1_000_000_000_000
    capture.endNs = (1000 + lasting) * 1_000_000_000
    let links = seconds.enumerated().map { number, second -> Link in
      var link = Sample.served(number, 80, 200)
      link.firstTick = Tick.seconds(Int(1000 + second))
      link.lastTick = link.firstTick + 9
      return link
    }
    return completeness(links, capture: capture)
  }

  @Test("counts the services first seen in the last tenth of the time")
  func newServices() {
    #expect(new(seconds: [0, 50, 89, 91, 99], lasting: 100).newServices == 2)
    #expect(new(seconds: [0, 50, 89, 91, 99], lasting: 100).services == 5)
    #expect(new(seconds: [0, 1], lasting: 100).newServices == 0)
    #expect(new(seconds: [0, 8], lasting: 10).newServices == 0)
    // Of a shorter capture a tenth says nothing.
    #expect(new(seconds: [0, 9], lasting: 9).newServices == nil)
    #expect(completeness([Sample.served(1, 80, 2)]).newServices == nil)
  }

  @Test("a service that was seen early and late is not new")
  func seenEarly() {
    var capture = CaptureReport()
    (capture.startNs, capture.endNs) = (0, 100_000_000_000)
    var early = Sample.served(1, 80, 2)
    early.firstTick = Tick.seconds(1)
    var late = Sample.served(1, 80, 3)
    (late.firstTick, late.lastTick) = (Tick.seconds(99), Tick.seconds(100))
    #expect(completeness([early, late], capture: capture).newServices == 0)
    #expect(completeness([late], capture: capture).newServices == 1)
  }

  @Test("a capture that ends before it begins, as only a damaged store says, is no trap")
  func backwards() async {
    do {
      await #expect(processExitsWith: .success) {
        var capture = CaptureReport()
        (capture.startNs, capture.endNs) = (5, 4)
        let judge = RoleJudge(links: [], addresses: [])
        let map = ServiceMap(capture: capture, addresses: [], relations: [])
        precondition(Completeness(judge: judge, map: map).newServices == nil)
      }
    }
  }
}
