import ServiceMap
import TestSupport
import Testing
import Wire

@testable import Merger

@Suite struct LeafFoldTests {
  private func link(
    _ a: Int, _ aPort: UInt16, _ b: Int, _ bPort: UInt16, protocolNumber: UInt8 = 17
  ) -> Link {
    var link = Link(
      a: a, b: b, protocolNumber: protocolNumber, aPort: aPort, bPort: bPort,
      events: [.progressFromA, .progressFromB])
    link.sessions = 1
    link.firstFromB = 1
    link.twoWay = 1
    link.packetsAB = 2
    link.packetsBA = 1
    link.bytesAB = 500
    link.bytesBA = 60
    link.firstTick = UInt64(bPort)
    link.lastTick = UInt64(bPort) + 5
    return link
  }

  /// Links as text, so that lists of them can be compared whatever their order.
  private func texts(_ links: [Link]) -> [String] { links.map { "\($0)" }.sorted() }

  @Test("a client's fifty ports to one DNS server are one link that counts them")
  func star() throws {
    let links = (0..<50).map { link(1, 53, 2, 40000 + UInt16($0)) }
    let joined = LeafFold.joined(links)
    let one = try #require(joined.first)
    #expect(joined.count == 1 && one.a == 1 && one.aPort == 53 && one.aPorts == 1)
    #expect(one.b == 2 && one.bPort == 40000 && one.bPorts == 50)
    #expect(one.sessions == 50 && one.firstFromB == 50 && one.twoWay == 50)
    #expect(one.packetsAB == 100 && one.packetsBA == 50)
    #expect(one.bytesAB == 25000 && one.bytesBA == 3000)
    #expect(one.firstTick == 40000 && one.lastTick == 40054)
  }

  @Test("A and B exchanged, the centre of the star is A all the same")
  func exchanged() throws {
    let links = (0..<50).map { link(1, 53, 2, 40000 + UInt16($0)) }
    let one = try #require(LeafFold.joined(links.map(\.exchanged)).first)
    #expect(one.a == 1 && one.aPort == 53 && one.b == 2 && one.bPorts == 50)
    #expect(one.firstFromB == 50 && one.packetsAB == 100 && one.bytesBA == 3000)
  }

  @Test("each client of a server has a link of its own")
  func clients() {
    let links = (0..<30).map { link(1, 53, 2 + Int($0 % 3), 40000 + UInt16($0)) }
    let joined = LeafFold.joined(links)
    #expect(Set(joined.map(\.b)) == [2, 3, 4] && joined.allSatisfy { $0.bPorts == 10 })
  }

  @Test("an endpoint with two partners stays by itself")
  func twoPartners() {
    // 2:5000 speaks to two servers, each of which has other clients too.
    let both = [link(1, 53, 2, 5000), link(3, 53, 2, 5000)]
    let others = (6000..<6004).map { link(1, 53, 2, $0) } + [link(3, 53, 2, 7000)]
    let joined = LeafFold.joined(both + others)
    #expect(texts(joined.filter { $0.bPort == 5000 }) == texts(both))
    #expect(joined.first { $0.bPort == 6000 }?.bPorts == 4)
    #expect(joined.count == 4)
  }

  @Test("two endpoints that only know each other stay as they are")
  func pair() {
    let links = [link(1, 5000, 2, 6000), link(1, 5001, 2, 6001), link(3, 123, 4, 123)]
    #expect(texts(LeafFold.joined(links)) == texts(links))
  }

  @Test("protocols, hosts and what has a handshake are kept apart")
  func apart() {
    let dns = (0..<5).map { link(1, 53, 2, 40000 + UInt16($0)) }
    let tcp = (0..<5).map { link(1, 53, 2, 40000 + UInt16($0), protocolNumber: 6) }
    var shaken = link(1, 53, 2, 40000, protocolNumber: 6)
    shaken.hasHandshake = true
    let icmp = (0..<5).map { link(1, 768, 2, UInt16($0), protocolNumber: 1) }
    let joined = LeafFold.joined(dns + tcp + [shaken] + icmp)
    #expect(joined.count { $0.bPorts == 5 } == 2)
    #expect(joined.contains(shaken))
    #expect(joined.count == 8)
  }

  @Test("random links: nothing gets lost, and joining again changes nothing")
  func random() {
    var generator = TestSeed.generator(for: "LeafFoldTests.random")
    for _ in 0..<20 {
      var fold = SessionFold()
      for row in randomRows(&generator) { fold.add(row) }
      let joined = fold.finish().links
      #expect(joined.reduce(0) { $0 + $1.packets } == fold.packets)
      #expect(texts(LeafFold.joined(joined)) == texts(joined))
      #expect(joined.allSatisfy { $0.aPorts == 1 && $0.bPorts >= 1 })
    }
  }

  @Test("any order of rows gives the same links")
  func order() {
    var generator = TestSeed.generator(for: "LeafFoldTests.order")
    var rows = randomRows(&generator)
    func links(_ rows: [SessionRow]) -> [String] {
      var fold = SessionFold()
      for row in rows { fold.add(row) }
      let (addresses, links) = fold.finish()
      return links.map { link in
        // Numbers of addresses are by first appearance; the addresses themselves are not.
        var nameless = link
        (nameless.a, nameless.b) = (0, 0)
        return "\(addresses[link.a]) \(addresses[link.b]) \(nameless)"
      }.sorted()
    }
    let expected = links(rows)
    #expect(Set(expected).count == expected.count && expected.count < rows.count)
    for _ in 0..<10 {
      rows.shuffle(using: &generator)
      #expect(links(rows) == expected)
    }
  }

  @Test("exchanging the sides of all links exchanges them in the result, and joins the same")
  func turned() {
    var generator = TestSeed.generator(for: "LeafFoldTests.turned")
    var links: [Link] = []
    for _ in 0..<300 {
      let a = Int.random(in: 0..<5, using: &generator)
      let b = Int.random(in: 5..<10, using: &generator)
      let one = link(
        a, .random(in: 1...9, using: &generator), b, .random(in: 1...99, using: &generator))
      if !links.contains(where: { ends($0) == ends(one) }) { links.append(one) }
    }
    // The larger host first, so that both results can be compared.
    func ordered(_ links: [Link]) -> [Link] { links.map { $0.a > $0.b ? $0 : $0.exchanged } }
    #expect(
      texts(ordered(LeafFold.joined(links)))
        == texts(ordered(LeafFold.joined(links.map(\.exchanged)))))
  }

  private func ends(_ link: Link) -> [Int] {
    [link.a, Int(link.aPort), link.b, Int(link.bPort)]
  }

  /// Rows between few endpoints, so that many of them are of the same pair.
  private func randomRows(_ generator: inout SeededGenerator) -> [SessionRow] {
    (0..<400).map { _ in
      var row = SessionRow()
      row.a = v4("10.0.0.1") + .random(in: 0..<4, using: &generator)
      row.b = v4("10.0.0.9") + .random(in: 0..<4, using: &generator)
      row.aPort = [53, 80, 5000].randomElement(using: &generator) ?? 53
      row.bPort = .random(in: 40000...40200, using: &generator)
      row.protocolNumber = [6, 17, 17, 1].randomElement(using: &generator) ?? 6
      row.state =
        Int.random(in: 0..<5, using: &generator) == 0 ? SessionRow.part : SessionRow.whole
      row.events = SessionEvents(rawValue: .random(in: 0..<1 << 15, using: &generator))
      row.packetsAB = .random(in: 0...3, using: &generator)
      row.packetsBA = .random(in: 1...3, using: &generator)
      row.bytesAB = UInt64(row.packetsAB) * 99
      row.bytesBA = UInt64(row.packetsBA) * 77
      row.firstTick = .random(in: 1...1000, using: &generator)
      row.lastTick = row.firstTick + .random(in: 0...1000, using: &generator)
      row.handshakeTicks = .random(in: 0...9, using: &generator)
      return row
    }
  }
}
