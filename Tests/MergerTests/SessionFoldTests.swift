import ServiceMap
import TestSupport
import Testing
import Wire

@testable import Merger

@Suite struct SessionFoldTests {
  private let client = v4("10.0.0.9")
  private let server = v4("10.0.0.1")

  /// A session between client:port and server:port; A is the server here, since 10.0.0.1 is smaller.
  private func row(
    _ events: SessionEvents, number: UInt8 = 6, serverPort: UInt16 = 80,
    clientPort: UInt16 = 50000, a: UInt32? = nil, b: UInt32? = nil, fromServer: UInt32 = 3,
    fromClient: UInt32 = 4
  ) -> SessionRow {
    var row = SessionRow()
    row.a = a ?? server
    row.b = b ?? client
    row.aPort = serverPort
    row.bPort = clientPort
    row.protocolNumber = number
    row.state = SessionRow.whole
    row.events = events
    row.packetsAB = fromServer
    row.packetsBA = fromClient
    row.bytesAB = UInt64(fromServer) * 1000
    row.bytesBA = UInt64(fromClient) * 100
    row.firstTick = 10
    row.lastTick = 20
    return row
  }

  private func fold(_ rows: [SessionRow]) -> [Relation] {
    var fold = SessionFold()
    for row in rows { fold.add(row) }
    let (addresses, links) = fold.finish()
    let relations = RoleJudge(links: links, addresses: addresses).relations()
    // Every packet is in exactly one link, and in exactly one relation.
    #expect(links.reduce(0) { $0 + $1.packets } == fold.packets)
    #expect(relations.reduce(0) { $0 + $1.packets } == fold.packets)
    let map = ServiceMap(capture: CaptureReport(), addresses: addresses, relations: relations)
    #expect(map.accounting[.mapped] == fold.packets)
    return relations
  }

  @Test("SYN and SYN+ACK make a service of the one who answered")
  func handshake() throws {
    let relations = fold([row([.synFromB, .synAckFromA, .firstFromB, .progressFromB])])
    let relation = try #require(relations.first)
    #expect(relations.count == 1 && relation.kind == .provided && relation.basis == .handshake)
    #expect(relation.port == 80 && relation.packetsToServer == 4 && relation.packetsToClient == 3)
    #expect(relation.bytesToServer == 400 && relation.bytesToClient == 3000)
  }

  @Test("the server may have the larger address: everything turns with it")
  func turned() throws {
    let relation = try #require(
      fold([row([.synFromA, .synAckFromB], serverPort: 50000, clientPort: 80)]).first)
    #expect(relation.port == 80 && relation.packetsToServer == 3 && relation.packetsToClient == 4)
  }

  @Test("a SYN that nobody answers, or that a reset answers, makes no service")
  func failed() {
    let unanswered = fold([row([.synFromB, .firstFromB], fromServer: 0)])
    #expect(unanswered.map(\.kind) == [.failed] && unanswered[0].unanswered == 1)
    let refused = fold([row([.synFromB, .rstFromA, .firstFromB])])
    #expect(refused.map(\.kind) == [.failed] && refused[0].refused == 1)
  }

  @Test("one answer among failures makes it a service, and the failures stay counted")
  func partlyFailed() throws {
    let relations = fold([
      row([.synFromB, .rstFromA, .firstFromB]),
      row([.synFromB, .synAckFromA, .firstFromB, .progressFromB], clientPort: 50001),
    ])
    let relation = try #require(relations.first)
    #expect(relations.count == 1 && relation.kind == .provided && relation.basis == .handshake)
    #expect(relation.sessions == 2 && relation.refused == 1)
  }

  @Test("a SYN+ACK after which nobody goes on is an open port, with or without the SYN")
  func halfOpen() throws {
    for events: SessionEvents in [[.synFromB, .synAckFromA, .firstFromB], [.synAckFromA]] {
      let relation = try #require(fold([row(events)]).first)
      // No handshake: nobody was let in, so all that is shown is that somebody listens.
      #expect(relation.kind == .provided && relation.basis == .openPort && relation.port == 80)
    }
    // One of many that goes on makes a handshake of it.
    let relations = fold([
      row([.synFromB, .synAckFromA, .firstFromB]),
      row([.synFromB, .synAckFromA, .firstFromB, .progressFromB], clientPort: 50001),
    ])
    #expect(relations.map(\.basis) == [.handshake] && relations[0].sessions == 2)
  }

  @Test("many forged addresses that never go on are a flood and no clients, but real ones stay")
  func flood() {
    let forged = (0..<200).map {
      row([.synFromB, .synAckFromA, .firstFromB], b: client + 100 + UInt32($0))
    }
    let real = row([.synFromB, .synAckFromA, .firstFromB, .progressFromA, .progressFromB])
    let relations = fold(forged + [real])
    #expect(relations.count { $0.kind == .failed } == 200)
    #expect(relations.filter { $0.kind == .provided }.map(\.basis) == [.handshake])
  }

  @Test("a session reported in parts is counted once")
  func parts() throws {
    var second = row([.synFromB, .synAckFromA, .firstFromB])
    second.state = SessionRow.part
    let relation = try #require(fold([row([.synFromB, .synAckFromA, .firstFromB]), second]).first)
    #expect(relation.sessions == 1 && relation.packets == 14)
  }

  @Test("the client's sessions are one link that counts them; a service of many clients one each")
  func links() {
    var fold = SessionFold()
    for number in 0..<50 {
      fold.add(
        row(
          [.synFromB, .synAckFromA, .firstFromB, .progressFromA, .progressFromB],
          clientPort: UInt16(40000 + number), b: client + UInt32(number % 2)))
    }
    let links = fold.finish().links
    #expect(links.count == 2)
    #expect(links.allSatisfy { $0.hasHandshake && $0.sessions == 25 && $0.twoWay == 25 })
    #expect(links.allSatisfy { $0.bPorts == 25 && $0.aPorts == 1 && $0.aPort == 80 })
    #expect(links.map(\.bPort).sorted() == [40000, 40001])
  }

  @Test("a DNS answer that came before its question was captured still has the server right")
  func midFlow() throws {
    // Ten clients ask first; of the eleventh only the answer is first in the capture.
    var rows = (0..<10).map { (number: Int) -> SessionRow in
      row(
        [.firstFromB, .progressFromA, .progressFromB], number: 17, serverPort: 53,
        clientPort: UInt16(40000 + number), b: client + UInt32(number))
    }
    rows.append(
      row([.progressFromA, .progressFromB], number: 17, serverPort: 53, b: client + 50))
    let relations = fold(rows)
    #expect(relations.count == 11)
    #expect(relations.allSatisfy { $0.kind == .provided && $0.port == 53 })
  }

  @Test("an unanswered UDP request makes no service, an answered one does")
  func oneWay() {
    let unanswered = fold([
      row([.firstFromB, .progressFromB], number: 17, serverPort: 514, fromServer: 0)
    ])
    #expect(unanswered.map(\.kind) == [.failed] && unanswered[0].unanswered == 1)
    let answered = fold([
      row([.firstFromB, .progressFromA, .progressFromB], number: 17, serverPort: 161)
    ])
    #expect(answered.map(\.kind) == [.provided])
  }

  @Test("NTP between two 123s: a pair that both ask is one relation of peers")
  func samePort() throws {
    let events: SessionEvents = [.progressFromA, .progressFromB]
    let relations = fold([
      row(events.union(.firstFromB), number: 17, serverPort: 123, clientPort: 123),
      row(events, number: 17, serverPort: 123, clientPort: 123),
    ])
    // One link, since it is one pair of endpoints, and nothing tells which of two peers serves.
    let relation = try #require(relations.first)
    #expect(relations.count == 1 && relation.kind == .peer && relation.port == 123)
    #expect(relation.sessions == 2 && relation.packets == 14)
  }

  @Test("NTP: the one that many ask from their 123 serves them")
  func samePortOfMany() {
    let relations = fold(
      (0..<10).map {
        row(
          [.progressFromA, .progressFromB, .firstFromB], number: 17, serverPort: 123,
          clientPort: 123, b: client + UInt32($0))
      })
    #expect(relations.count == 10 && relations.allSatisfy { $0.kind == .peer && $0.port == 123 })
    #expect(Set(relations.map(\.server)).count == 1)
  }

  @Test("groups are destinations, not servers")
  func groups() throws {
    let multicast = try #require(
      fold([
        row(
          [.progressFromA], number: 17, serverPort: 5353, clientPort: 5353, b: v4("224.0.0.251"),
          fromServer: 2, fromClient: 0)
      ]).first)
    #expect(multicast.kind == .group && multicast.packetsToServer == 2)
    let broadcast = try #require(
      fold([
        row(
          [.progressFromA], number: 17, serverPort: 138, clientPort: 138, b: v4("10.0.0.255"),
          fromServer: 1, fromClient: 0)
      ]).first)
    #expect(broadcast.kind == .group)
  }

  @Test("TCP in the middle: the endpoint with many peers serves, whoever was seen first")
  func midstream() {
    let events: SessionEvents = [.progressFromA, .progressFromB]
    let rows = (0..<20).map { (number: Int) -> SessionRow in
      row(
        number % 2 == 0 ? events : events.union(.firstFromB), serverPort: 28471,
        clientPort: UInt16(28000 + number), b: client + UInt32(number))
    }
    let relations = fold(rows)
    #expect(relations.count == 20)
    #expect(relations.allSatisfy { $0.kind == .provided && $0.port == 28471 })
  }

  @Test("a lone session in the middle between two unknown ports stays undecided")
  func undecided() throws {
    let relation = try #require(
      fold([row([.progressFromA, .progressFromB], serverPort: 28471, clientPort: 28000)]).first)
    #expect(relation.kind == .undecided && relation.clientPort != 0)
  }

  @Test("resets alone and ICMP errors are notices")
  func notices() {
    #expect(fold([row([.rstFromA], fromClient: 0)]).map(\.kind) == [.notice])
    #expect(fold([row([], number: 1, serverPort: 0, clientPort: 3 << 8)]).map(\.kind) == [.notice])
  }

  @Test("the order of rows does not matter")
  func order() {
    var generator = TestSeed.generator(for: "SessionFoldTests.order")
    var rows: [SessionRow] = []
    for number in 0..<500 {
      let events = SessionEvents(rawValue: UInt16.random(in: 0..<1 << 15, using: &generator))
      rows.append(
        row(
          events, number: [6, 17, 1].randomElement(using: &generator) ?? 6,
          serverPort: UInt16(number % 7 * 1000 + 22), clientPort: UInt16(40000 + number % 50),
          b: client + UInt32(number % 30)))
    }
    func map(_ rows: [SessionRow]) -> [Relation] {
      var fold = SessionFold()
      for row in rows { fold.add(row) }
      let (addresses, links) = fold.finish()
      let relations = RoleJudge(links: links, addresses: addresses).relations()
      return ServiceMap(capture: CaptureReport(), addresses: addresses, relations: relations)
        .relations
    }
    let expected = map(rows)
    for _ in 0..<10 {
      rows.shuffle(using: &generator)
      #expect(map(rows) == expected)
    }
  }
}
