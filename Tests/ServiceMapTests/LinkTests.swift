import ServiceMap
import TestSupport
import Testing
import Wire

@Suite struct LinkTests {
  private func some(_ count: Int, _ name: String) -> [Link] {
    var generator = TestSeed.generator(for: "LinkTests.\(name)")
    return (0..<count).map { _ in
      var link = Sample.random(hosts: 9, using: &generator)
      link.aPorts = .random(in: 1...9, using: &generator)
      return link
    }
  }

  /// All of a link but the two ends, which are those of the first of two that are added.
  private func counters(_ link: Link) -> Link {
    var other = link
    (other.a, other.b, other.protocolNumber, other.hasHandshake) = (0, 0, 0, false)
    (other.aPorts, other.bPorts) = (1, 1)
    return other
  }

  private func sum(_ links: Link...) -> Link {
    var sum = links[0]
    for link in links.dropFirst() { sum.add(link) }
    return sum
  }

  @Test("exchanging the sides twice changes nothing")
  func twice() {
    for link in some(500, "twice") { #expect(link.exchanged.exchanged == link) }
  }

  @Test("exchanging moves every fact to the other side and keeps the rest")
  func exchanged() {
    for link in some(500, "exchanged") {
      let other = link.exchanged
      #expect(other.a == link.b && other.aPort == link.bPort && other.aPorts == link.bPorts)
      #expect(other.b == link.a && other.bPort == link.aPort && other.bPorts == link.aPorts)
      #expect(other.packetsAB == link.packetsBA && other.bytesBA == link.bytesAB)
      #expect(other.packetsBA == link.packetsAB && other.bytesAB == link.bytesBA)
      #expect(other.events == link.events.exchanged)
      #expect(other.firstFromB + link.firstFromB == link.sessions)
      // No tie: exactly one of the two is asked by its B.
      #expect(other.isAskedByB != link.isAskedByB)
      #expect(other.sessions == link.sessions && other.twoWay == link.twoWay)
      #expect(other.packets == link.packets && other.completed == link.completed)
      #expect(other.isTwoWay == link.isTwoWay && other.hasHandshake == link.hasHandshake)
    }
  }

  @Test("counters add up the same in any order and grouping")
  func sums() {
    let links = some(300, "sums")
    for (x, (y, z)) in zip(links, zip(links.dropFirst(), links.dropFirst(2))) {
      #expect(counters(sum(x, y)) == counters(sum(y, x)))
      #expect(counters(sum(sum(x, y), z)) == counters(sum(x, sum(y, z))))
    }
  }

  @Test("adding keeps the ends, the smallest ports, and what each had")
  func ends() {
    let links = some(300, "ends")
    for (x, y) in zip(links, links.dropFirst()) {
      let both = sum(x, y)
      #expect(both.a == x.a && both.b == x.b && both.aPorts == x.aPorts && both.bPorts == x.bPorts)
      #expect(both.aPort == min(x.aPort, y.aPort) && both.bPort == min(x.bPort, y.bPort))
      #expect(both.packets == x.packets + y.packets && both.sessions == x.sessions + y.sessions)
      #expect(both.bytesAB == x.bytesAB + y.bytesAB && both.bytesBA == x.bytesBA + y.bytesBA)
      #expect(both.firstTick <= min(x.firstTick, y.firstTick) && both.lastTick >= x.lastTick)
      #expect(both.events.isSuperset(of: x.events) && both.events.isSuperset(of: y.events))
    }
  }

  @Test("adding an empty link changes nothing")
  func neutral() {
    for link in some(100, "neutral") {
      let empty = Link(
        a: link.a, b: link.b, protocolNumber: link.protocolNumber, aPort: link.aPort,
        bPort: link.bPort)
      #expect(sum(link, empty) == link)
    }
  }

  @Test("what came to nothing is not completed, and never less than none")
  func completed() {
    var link = Sample.served(1, 80, 2, sessions: 10)
    #expect(link.completed == 10)
    link.refused = 1
    link.unanswered = 2
    link.halfOpen = 1
    link.unasked = 1
    link.unheard = 2
    #expect(link.completed == 3)
    link.refused = 100
    #expect(link.completed == 0)
  }
}
