internal import Wire

/// Makes a sum of segments that begins in the middle of sessions one that could have been captured:
/// what it subtracts was added in a segment before it.
enum LinkSettling {
  /// - Complexity: O(links); O(n log n) where a link gives more than it has.
  static func settle(_ links: inout [Link]) {
    moveToHandshakes(&links)
    var missing: UInt64 = 0
    for place in links.indices { missing += balance(&links[place]) }
    if missing > 0 { take(missing, from: &links) }
    links.removeAll { $0.packets == 0 }
    for place in links.indices { makeConsistent(&links[place]) }
  }

  private static func isNegative(_ value: UInt64) -> Bool { value >> 63 != 0 }

  /// A session that turned out to have a handshake has left its neutral link; where the range began in
  /// between, only its leaving is there. It goes to the link with the handshake, which got it whole.
  private static func moveToHandshakes(_ links: inout [Link]) {
    let leaving = links.indices.filter {
      !links[$0].hasHandshake
        && (isNegative(links[$0].packetsAB) || isNegative(links[$0].packetsBA))
    }
    guard !leaving.isEmpty else { return }
    var index = KeyIndex()
    var places: [Int] = []
    for place in links.indices where links[place].hasHandshake {
      let link = links[place]
      if index.number(of: key(link.a, link.aPort, link.b, link.protocolNumber)) == places.count {
        places.append(place)
      }
    }
    for place in leaving {
      let link = links[place]
      var one = link
      var found = index.find(key(link.a, link.aPort, link.b, link.protocolNumber))
      if found == nil {
        found = index.find(key(link.b, link.bPort, link.a, link.protocolNumber))
        one = link.exchanged
      }
      guard let found else { continue }
      let target = places[found]
      // Its packets only count: what was seen of it is known there, and so are its ports.
      one.events = []
      (one.aPort, one.bPort) = (.max, .max)
      (one.firstTick, one.lastTick, one.handshakeTicksMin) = (.max, 0, .max)
      links[target].add(one)
      links[place].packetsAB = 0
      links[place].packetsBA = 0
    }
  }

  private static func key(_ a: Int, _ aPort: UInt16, _ b: Int, _ protocolNumber: UInt8) -> Key {
    Key(
      UInt64(truncatingIfNeeded: a) << 32 | UInt64(truncatingIfNeeded: b) & 0xFFFF_FFFF,
      UInt64(aPort) | UInt64(protocolNumber) << 16)
  }

  /// Makes no direction negative; answers how many packets are missing in both together.
  private static func balance(_ link: inout Link) -> UInt64 {
    let (ab, ba) = (Int64(bitPattern: link.packetsAB), Int64(bitPattern: link.packetsBA))
    guard ab < 0 || ba < 0 else { return 0 }
    let sum = ab + ba
    link.packetsAB = sum > 0 && ab > 0 ? UInt64(sum) : 0
    link.packetsBA = sum > 0 && ab <= 0 ? UInt64(sum) : 0
    return sum < 0 ? sum.magnitude : 0
  }

  /// Takes packets from the links that have most, so that their sum stays what was captured.
  private static func take(_ count: UInt64, from links: inout [Link]) {
    var missing = count
    for place in links.indices.sorted(by: { links[$0].packets > links[$1].packets }) {
      let ab = min(missing, links[place].packetsAB)
      links[place].packetsAB -= ab
      missing -= ab
      let ba = min(missing, links[place].packetsBA)
      links[place].packetsBA -= ba
      missing -= ba
      if missing == 0 { return }
    }
  }

  private static func makeConsistent(_ link: inout Link) {
    clamp(&link.sessions, .max)
    if link.sessions == 0 {
      // One that goes on: it is counted where it began.
      link.sessions = 1
      link.firstFromB = link.events.contains(.firstFromB) ? 1 : 0
      link.twoWay = link.isTwoWay ? 1 : 0
    }
    clamp(&link.firstFromB, link.sessions)
    clamp(&link.twoWay, link.sessions)
    var rest = link.sessions
    rest -= clamp(&link.refused, rest)
    rest -= clamp(&link.halfOpen, rest)
    rest -= clamp(&link.unheard, rest)
    rest -= clamp(&link.unasked, rest)
    clamp(&link.unanswered, rest)
    clamp(&link.bytesAB, .max)
    clamp(&link.bytesBA, .max)
    clamp(&link.elsewhere, .max)
    clamp(&link.handshakes, .max)
    clamp(&link.handshakeTicksSum, .max)
    if link.handshakes == 0 {
      link.handshakeTicksSum = 0
      link.handshakeTicksMin = .max
    }
  }

  /// Makes a negative counter 0, and one above `limit` that.
  @discardableResult
  private static func clamp(_ counter: inout UInt64, _ limit: UInt64) -> UInt64 {
    counter = isNegative(counter) ? 0 : min(counter, limit)
    return counter
  }
}
