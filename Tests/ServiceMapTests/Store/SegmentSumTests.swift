import Foundation
import TestSupport
import Testing
import Wire

@testable import ServiceMap

/// Sessions that go on over minutes, counted by changes as a running merger does, against the same
/// sessions counted once as an audit does.
@Suite struct SegmentSumTests {
  /// A session at the end of some minute, as one link of its own.
  private struct Session {
    var first: Int
    var last: Int
    /// The minute in which its handshake, or the answer to it, was seen; before, it is neutral, or
    /// unanswered.
    var turn: Int
    var isNeutralFirst: Bool
    var isShaken: Bool
    var client: Int
    var server: Int
    var port: UInt16
    var clientPort: UInt16
    var protocolNumber: UInt8
    var isTurned: Bool

    /// All that was seen up to the end of `minute`; nil where it has not begun.
    func link(at minute: Int) -> Link? {
      guard minute >= first else { return nil }
      let minutes = UInt64(min(minute, last) - first + 1)
      let hasTurned = isShaken && minute >= turn
      let hasHandshake = isShaken && (hasTurned || !isNeutralFirst)
      var link = Link(
        a: server, b: client, protocolNumber: protocolNumber, aPort: port, bPort: clientPort,
        hasHandshake: hasHandshake)
      link.sessions = 1
      link.firstFromB = 1
      link.events = [.firstFromB, .progressFromB]
      link.packetsAB = 2 * minutes
      link.packetsBA = 3 * minutes
      link.bytesAB = 900 * minutes
      link.bytesBA = 200 * minutes
      link.firstTick = UInt64(first * 1000 + 1)
      link.lastTick = UInt64(min(minute, last) * 1000 + 500)
      if hasHandshake { link.events.insert(.synFromB) }
      if isShaken && !hasTurned && !isNeutralFirst {
        link.unanswered = 1
        link.events = [.firstFromB, .synFromB]
        link.packetsAB = 0
        link.bytesAB = 0
      } else {
        link.twoWay = 1
        link.events.insert(.progressFromA)
        if hasHandshake {
          link.events.insert(.synAckFromA)
          link.handshakes = 1
          link.handshakeTicksSum = 40
          link.handshakeTicksMin = 40
        }
      }
      // A neutral link's sides have no order.
      return !hasHandshake && isTurned && minute % 2 == 0 ? link.exchanged : link
    }
  }

  private static func sessions(
    _ count: Int, minutes: Int, _ generator: inout SeededGenerator
  ) -> [Session] {
    (0..<count).map { number in
      let first = Int.random(in: 0..<minutes, using: &generator)
      let last =
        Bool.random(using: &generator)
        ? first : Int.random(in: first..<minutes, using: &generator)
      let isTCP = Int.random(in: 0..<3, using: &generator) > 0
      return Session(
        first: first, last: last,
        turn: Int.random(in: first...last, using: &generator),
        isNeutralFirst: Bool.random(using: &generator),
        isShaken: isTCP && Bool.random(using: &generator),
        client: Int.random(in: 10..<30, using: &generator),
        server: Int.random(in: 0..<10, using: &generator),
        port: [53, 80, 443, 8080].randomElement(using: &generator) ?? 80,
        // Each session has a port of its own, as one that went on would be the same session.
        clientPort: UInt16(20_000 + number), protocolNumber: isTCP ? 6 : 17,
        isTurned: Bool.random(using: &generator))
    }
  }

  /// What an audit of the whole time would give to the reporter.
  private static func audited(_ sessions: [Session], minutes: Int) -> [Link] {
    var sum = SegmentSum()
    for session in sessions {
      if let link = session.link(at: minutes) { sum.add(link) }
    }
    return sum.settled()
  }

  /// The changes of a minute, one link for each key, in the order in which they came.
  private static func segment(_ sessions: [Session], minute: Int) -> [Link] {
    var links: [Link] = []
    var places: [String: Int] = [:]
    func add(_ link: Link, negative: Bool) {
      let key =
        link.hasHandshake
        ? "\(link.a) \(link.b) \(link.aPort) \(link.protocolNumber)"
        : "\(link.a) \(link.b) \(link.aPort) \(link.bPort) \(link.protocolNumber) neutral"
      var change = link
      if negative {
        for counter in counters { change[keyPath: counter] = 0 &- link[keyPath: counter] }
      }
      if let place = places[key] {
        if links[place].bPort != change.bPort { links[place].bPorts = 2 }
        links[place].add(change)
      } else {
        places[key] = links.count
        links.append(change)
      }
    }
    for session in sessions where minute <= session.last {
      guard let now = session.link(at: minute) else { continue }
      if let before = session.link(at: minute - 1) { add(before, negative: true) }
      add(now, negative: false)
    }
    return links
  }

  private static let counters: [any WritableKeyPath<Link, UInt64> & Sendable] = [
    \.sessions, \.firstFromB, \.twoWay, \.refused, \.unanswered, \.halfOpen, \.unasked, \.unheard,
    \.packetsAB, \.packetsBA, \.bytesAB, \.bytesBA, \.handshakes, \.handshakeTicksSum,
  ]

  private static func write(
    _ sessions: [Session], minutes: Int, to store: UnitStore, begin: UInt64
  ) throws {
    let addresses = Sample.addresses(30, mixed: true)
    var capture = CaptureReport()
    capture.startNs = begin * 1_000_000_000
    for minute in 0..<minutes {
      let links = segment(sessions, minute: minute).map { link in
        var one = link
        one.a = store.id(of: addresses[link.a])
        one.b = store.id(of: addresses[link.b])
        return one
      }
      var accounting = Accounting()
      accounting[.mapped] = links.reduce(0) { $0 &+ $1.packets }
      capture.endNs = (begin + UInt64(minute * 60 + 59)) * 1_000_000_000
      try store.commit(
        UnitCommit(
          run: 1, progress: [UInt8(minute)], capture: capture,
          segments: [
            SegmentChange(
              beginSeconds: begin + UInt64(minute * 60), accounting: accounting,
              links: links.enumerated().map { ($0.offset, $0.element) })
          ]))
    }
  }

  /// Relations with addresses for numbers, so that two maps can be compared.
  private func texts(_ content: MapStore.Content) -> [String] {
    let map = content.map()
    return map.relations.map { relation in
      var text = "\(relation)"
      text = "\(map.hosts[relation.server].address) \(map.hosts[relation.client].address) " + text
      return text
    }.sorted()
  }

  @Test("the sum over all minutes gives the relations of the same sessions counted once")
  func equal() throws {
    var generator = TestSeed.generator(for: "SegmentSumTests.equal")
    for _ in 0..<8 {
      let minutes = 8
      let sessions = SegmentSumTests.sessions(150, minutes: minutes, &generator)
      let folder = try TemporaryDirectory()
      let store = try UnitStore(path: folder.path("map.db"))
      try SegmentSumTests.write(sessions, minutes: minutes, to: store, begin: 60_000)
      let found = try MapStore.read(path: store.path)
      let links = SegmentSumTests.audited(sessions, minutes: minutes)
      #expect(found.links.count == links.count)
      let addresses = Sample.addresses(30, mixed: true)
      var numbers = WordIndex()
      let renumbered = links.map { link in
        var one = link
        one.a = numbers.number(of: UInt64(link.a))
        one.b = numbers.number(of: UInt64(link.b))
        return one
      }
      let audited = MapStore.Content(
        capture: found.capture, addresses: numbers.keys.map { addresses[Int($0)] },
        links: renumbered)
      #expect(texts(found) == texts(audited))
    }
  }

  @Test("the map of any part of the time is consistent, and no packet is missing in it")
  func parts() throws {
    var generator = TestSeed.generator(for: "SegmentSumTests.parts")
    let minutes = 12
    let sessions = SegmentSumTests.sessions(300, minutes: minutes, &generator)
    let folder = try TemporaryDirectory()
    let store = try UnitStore(path: folder.path("map.db"))
    try SegmentSumTests.write(sessions, minutes: minutes, to: store, begin: 60_000)
    for first in 0..<minutes {
      for last in first..<minutes {
        let range = TimeRange(from: 60_000 + first * 60, to: 60_000 + (last + 1) * 60)
        // It checks the sum of the packets.
        let content = try MapStore.read(path: store.path, range: range)
        let mapped = (first...last).reduce(0) { sum, minute in
          sum &+ SegmentSumTests.segment(sessions, minute: minute).reduce(0) { $0 &+ $1.packets }
        }
        #expect(content.links.reduce(0) { $0 + $1.packets } == mapped)
        #expect(content.coverage?.beginSeconds == range.from)
        #expect(content.coverage?.endSeconds == range.to)
        #expect(content.coverage?.segments == last - first + 1)
        #expect(content.capture.startNs == UInt64(60_000 + first * 60) * 1_000_000_000)
        for link in content.links {
          #expect(!link.isSubtracting && link.packets > 0 && link.sessions > 0)
          #expect(max(link.firstFromB, link.twoWay, link.completed) <= link.sessions)
          #expect(
            link.refused + link.unanswered + link.halfOpen + link.unasked + link.unheard
              <= link.sessions)
        }
        _ = content.map()
      }
    }
  }

  @Test("a session that began before the time counts as one that goes on")
  func goesOn() {
    var link = Link(
      a: 1, b: 2, protocolNumber: 6, aPort: 443, bPort: 50000, hasHandshake: true,
      events: [.progressFromA, .progressFromB, .firstFromB, .synFromB, .synAckFromA])
    link.packetsAB = 5
    link.unanswered = 0 &- 1
    var sum = SegmentSum()
    sum.add(link)
    let found = sum.settled()
    #expect(found.count == 1 && found[0].sessions == 1 && found[0].completed == 1)
    #expect(found[0].twoWay == 1 && found[0].firstFromB == 1 && found[0].unanswered == 0)
  }

  @Test("what left a neutral link for a handshake that is in the time is taken off that one")
  func moved() {
    var left = Link(a: 2, b: 1, protocolNumber: 6, aPort: 50000, bPort: 443)
    left.sessions = 0 &- 1
    left.packetsAB = 0 &- 10
    left.packetsBA = 0 &- 4
    var shaken = Link(
      a: 1, b: 2, protocolNumber: 6, aPort: 443, bPort: 50001, hasHandshake: true,
      events: [.progressFromA, .progressFromB])
    shaken.sessions = 1
    shaken.packetsAB = 7
    shaken.packetsBA = 12
    var sum = SegmentSum()
    sum.add(left)
    sum.add(shaken)
    let found = sum.settled()
    #expect(found.count == 1 && found[0].hasHandshake && found[0].bPort == 50001)
    #expect(found[0].packetsAB == 3 && found[0].packetsBA == 2 && found[0].sessions == 1)
  }

  @Test("whatever is subtracted, the sum of the packets stays")
  func random() {
    var generator = TestSeed.generator(for: "SegmentSumTests.random")
    for _ in 0..<300 {
      var sum = SegmentSum()
      var packets: Int64 = 0
      for _ in 0..<40 {
        var link = Sample.random(hosts: 6, using: &generator)
        if Int.random(in: 0..<4, using: &generator) == 0 {
          link.packetsAB = 0 &- link.packetsAB
          link.sessions = 0 &- link.sessions
          link.refused = 0 &- link.refused
        }
        packets += Int64(bitPattern: link.packets)
        sum.add(link)
      }
      let found = sum.settled()
      #expect(Int64(found.reduce(0) { $0 + $1.packets }) == max(0, packets))
      #expect(found.allSatisfy { !$0.isSubtracting })
    }
  }

  @Test("memory stays bounded when more links come than there is room for, and sums exact")
  func bounded() {
    var sum = SegmentSum(linksMax: 1000)
    for number in 0..<20_000 {
      // A DNS client's ports, and a scan.
      var link =
        number % 2 == 0
        ? Sample.midway(1, 53, 2, UInt16(20_000 + number), protocolNumber: 17)
        : Link(
          a: 3, b: 4, protocolNumber: 6, aPort: UInt16(number), bPort: 50000, hasHandshake: true)
      if number % 2 == 1 {
        link.sessions = 1
        link.refused = 1
        link.packetsBA = 5
      }
      sum.add(link)
    }
    let found = sum.settled()
    #expect(found.count < 1000)
    #expect(found.reduce(0) { $0 + $1.packets } == 100_000)
    #expect(found.reduce(0) { $0 + $1.sessions } == 20_000)
  }
}
