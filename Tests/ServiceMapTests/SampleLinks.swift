import ServiceMap
import Wire

/// Links and addresses of tests.
enum Sample {
  /// 10.0.0.0, 10.0.0.1 and so on; every third an IPv6 address where asked for.
  static func addresses(_ count: Int, mixed: Bool = false) -> [IPAddress] {
    (0..<UInt32(count)).map {
      mixed && $0 % 3 == 0
        ? IPAddress(high: 0x2001_0DB8 << 32, low: UInt64($0)) : IPAddress(v4: 0x0A00_0000 + $0)
    }
  }

  /// Sessions in which both sides spoke and nothing says who began: as a tap sees them that came late.
  static func midway(
    _ a: Int, _ aPort: UInt16, _ b: Int, _ bPort: UInt16, protocolNumber: UInt8 = 6,
    sessions: UInt64 = 1, firstFromB: UInt64 = 0
  ) -> Link {
    var link = Link(
      a: a, b: b, protocolNumber: protocolNumber, aPort: aPort, bPort: bPort,
      events: [.progressFromA, .progressFromB])
    link.sessions = sessions
    link.firstFromB = firstFromB
    link.twoWay = sessions
    link.packetsAB = 3 * sessions
    link.packetsBA = 2 * sessions
    link.bytesAB = 3000 * sessions
    link.bytesBA = 200 * sessions
    link.firstTick = 10
    link.lastTick = 20
    return link
  }

  /// Sessions with a whole handshake, of which A is the server.
  static func served(
    _ a: Int, _ aPort: UInt16, _ b: Int, _ bPort: UInt16 = 50000, sessions: UInt64 = 1
  ) -> Link {
    var link = midway(a, aPort, b, bPort, sessions: sessions, firstFromB: sessions)
    link.hasHandshake = true
    link.events.formUnion([.synFromB, .synAckFromA])
    return link
  }

  /// Any link that the stages before can make, between hosts below `hosts`; never a tie of who spoke
  /// first.
  static func random(
    hosts: Int, using generator: inout some RandomNumberGenerator
  ) -> Link {
    var link = Link(
      a: .random(in: 0..<hosts, using: &generator), b: .random(in: 0..<hosts, using: &generator),
      protocolNumber: [6, 6, 6, 17, 17, 132, 1, 58, 50].randomElement(using: &generator) ?? 6,
      aPort: [21, 20, 22, 53, 80, 123, 443, 8080, 28471, 40000, 50000]
        .randomElement(using: &generator) ?? 80,
      bPort: Bool.random(using: &generator) ? .random(in: 1...(.max), using: &generator) : 53,
      hasHandshake: Bool.random(using: &generator),
      events: SessionEvents(rawValue: .random(in: 0..<1 << 15, using: &generator)))
    link.sessions = .random(in: 0...4, using: &generator) * 2 + 1
    link.firstFromB = .random(in: 0...link.sessions, using: &generator)
    link.twoWay = link.isTwoWay ? .random(in: 0...link.sessions, using: &generator) : 0
    if link.hasHandshake {
      link.bPorts = .random(in: 1...9, using: &generator)
      let failed: WritableKeyPath<Link, UInt64>? =
        [nil, \.refused, \.unanswered, \.halfOpen, \.unasked, \.unheard]
        .randomElement(using: &generator) ?? nil
      if let failed { link[keyPath: failed] = .random(in: 0...link.sessions, using: &generator) }
    } else if Int.random(in: 0..<4, using: &generator) == 0 {
      link.bPorts = .random(in: 1...9, using: &generator)
    }
    link.packetsAB = .random(in: 0...9, using: &generator)
    link.packetsBA = .random(in: 0...9, using: &generator)
    if link.packets == 0 { link.packetsAB = 1 }
    link.bytesAB = link.packetsAB * .random(in: 40...1500, using: &generator)
    link.bytesBA = link.packetsBA * .random(in: 40...1500, using: &generator)
    link.firstTick = .random(in: 1...1 << 30, using: &generator)
    link.lastTick = link.firstTick + .random(in: 0...1 << 20, using: &generator)
    if link.hasHandshake {
      link.handshakes = .random(in: 0...link.sessions, using: &generator)
      link.handshakeTicksSum = link.handshakes * 30
      link.handshakeTicksMin = link.handshakes > 0 ? 20 : .max
    }
    return link
  }
}
