internal import ServiceMap
internal import Wire

/// Folds session rows into links. Pure: rows in, links out, in any order of rows.
///
/// Sessions whose handshake was seen are one link for each server endpoint and client. The others
/// stay neutral: one link for each pair of endpoints, until `finish` joins those of which one side
/// only ever had one partner.
struct SessionFold {
  var addresses = AddressTable()
  private var links: [Link] = []
  private var index = KeyIndex()
  /// Sum of the packets of all rows added.
  private(set) var packets: UInt64 = 0

  /// - Complexity: O(1) amortised: one table access.
  mutating func add(_ row: SessionRow) {
    packets += UInt64(row.packetsAB) + UInt64(row.packetsBA)
    let one: Link
    let number: Int
    if let serverIsA = Handshake.server(of: row) {
      one = SessionFold.link(row, hasHandshake: true, exchanged: !serverIsA)
      number = index.number(of: SessionFold.key(one, bPort: 0))
    } else {
      one = SessionFold.link(row, hasHandshake: false, exchanged: false)
      number = index.number(of: SessionFold.key(one, bPort: one.bPort))
    }
    if number == links.count {
      links.append(one)
      return
    }
    if links[number].bPort != one.bPort { links[number].bPorts = 2 }
    links[number].add(one)
  }

  /// The row as a link of its own, its sides exchanged on demand.
  private static func link(_ row: SessionRow, hasHandshake: Bool, exchanged: Bool) -> Link {
    var link = Link(
      a: Int(row.a), b: Int(row.b), protocolNumber: row.protocolNumber, aPort: row.aPort,
      bPort: row.bPort, hasHandshake: hasHandshake, events: row.events)
    link.packetsAB = UInt64(row.packetsAB)
    link.packetsBA = UInt64(row.packetsBA)
    link.bytesAB = row.bytesAB
    link.bytesBA = row.bytesBA
    link.firstTick = row.firstTick
    link.lastTick = row.lastTick
    if row.state == SessionRow.whole {
      link.sessions = 1
      link.firstFromB = row.events.contains(.firstFromB) ? 1 : 0
      link.twoWay = row.events.contains([.progressFromA, .progressFromB]) ? 1 : 0
    }
    if exchanged { link = link.exchanged }
    if hasHandshake && link.sessions == 1 {
      Handshake.book(&link)
      if row.handshakeTicks > 0 {
        link.handshakes = 1
        link.handshakeTicksSum = UInt64(row.handshakeTicks)
        link.handshakeTicksMin = UInt64(row.handshakeTicks)
      }
    }
    return link
  }

  private static func key(_ link: Link, bPort: UInt16) -> Key {
    Key(
      UInt64(link.a) << 32 | UInt64(link.b),
      UInt64(link.aPort) | UInt64(bPort) << 16 | UInt64(link.protocolNumber) << 32
        | (link.hasHandshake ? 1 << 40 : 0))
  }

  /// All links, with true addresses.
  ///
  /// - Complexity: O(links).
  mutating func finish() -> (addresses: [IPAddress], links: [Link]) {
    var result = LeafFold.joined(links)
    var numbers = KeyIndex()
    var trueAddresses: [IPAddress] = []
    func number(_ value: Int) -> Int {
      let number = numbers.number(of: Key(UInt64(value), 0))
      if number == trueAddresses.count {
        trueAddresses.append(addresses.address(of: UInt32(value)))
      }
      return number
    }
    for index in result.indices {
      if result[index].hasHandshake && result[index].bPorts > 1 {
        result[index].bPorts = max(2, UInt32(clamping: result[index].sessions))
      }
      result[index].a = number(result[index].a)
      result[index].b = number(result[index].b)
    }
    return (trueAddresses, result)
  }
}

/// Joins neutral links whose B side are leaves: endpoints that only ever spoke to this one A.
///
/// A client takes a new port for each session with a server, so these ports are many and say nothing
/// each by itself; how many there are is the evidence, and that is kept. An endpoint with two
/// partners, and two endpoints that only know each other, stay as they are.
enum LeafFold {
  /// - Complexity: O(links): three table accesses for each neutral one.
  static func joined(_ links: [Link]) -> [Link] {
    var endpoints = KeyIndex()
    var degrees: [UInt32] = []
    func endpoint(_ host: Int, _ proto: UInt8, _ port: UInt16) -> Int {
      let number = endpoints.number(
        of: Key(UInt64(host), UInt64(proto) << 16 | UInt64(port)))
      if number == degrees.count { degrees.append(0) }
      return number
    }
    for link in links where !link.hasHandshake {
      degrees[endpoint(link.a, link.protocolNumber, link.aPort)] += 1
      degrees[endpoint(link.b, link.protocolNumber, link.bPort)] += 1
    }
    var result: [Link] = []
    result.reserveCapacity(links.count)
    var stars = KeyIndex()
    var places: [Int] = []
    for link in links {
      guard !link.hasHandshake, ProtocolName.hasPorts(link.protocolNumber) else {
        result.append(link)
        continue
      }
      let a = degrees[endpoint(link.a, link.protocolNumber, link.aPort)]
      let b = degrees[endpoint(link.b, link.protocolNumber, link.bPort)]
      guard (a == 1) != (b == 1) else {
        result.append(link)
        continue
      }
      let one = a == 1 ? link.exchanged : link
      let number = stars.number(
        of: Key(
          UInt64(one.a) << 32 | UInt64(one.b),
          UInt64(one.aPort) | UInt64(one.protocolNumber) << 16))
      if number == places.count {
        places.append(result.count)
        result.append(one)
      } else {
        result[places[number]].bPorts += 1
        result[places[number]].add(one)
      }
    }
    return result
  }
}
