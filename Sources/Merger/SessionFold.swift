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
  /// Of all links, past which those are joined that may be; it grows with what has to stay apart.
  private var linksMax: Int
  private var vain = VainFold()
  /// Sum of the packets of all rows added.
  private(set) var packets: UInt64 = 0

  /// - Parameter linksMax: 250 bytes each.
  init(linksMax: Int = 1 << 20) {
    self.linksMax = linksMax
  }

  /// - Complexity: O(1) amortised: one table access.
  mutating func add(_ row: SessionRow) {
    packets += UInt64(row.packetsAB) + UInt64(row.packetsBA)
    let serverIsA = Handshake.server(of: row)
    let one = SessionFold.link(row, hasHandshake: serverIsA != nil, exchanged: serverIsA == false)
    if vain.isActive, index.find(SessionFold.key(one)) == nil, vain.takes(one, into: &links) {
      return
    }
    let number = index.number(of: SessionFold.key(one))
    if number == links.count {
      links.append(one)
      if links.count > linksMax { makeRoom() }
      return
    }
    if links[number].bPort != one.bPort { links[number].bPorts = 2 }
    links[number].add(one)
  }

  /// Joins leaves, and if that is not enough what came to nothing.
  private mutating func makeRoom() {
    links = LeafFold.joined(links)
    if vain.isActive || links.count * 2 > linksMax { links = vain.folded(links) }
    if links.count * 2 > linksMax {
      vain.coarsen()
      links = vain.folded(links)
    }
    index = KeyIndex()
    for (place, link) in links.enumerated() {
      // A link that stands for others is found by what it stands for (`VainFold`), never by its own.
      let key = VainFold.isFolded(link) ? Key(.max, UInt64(place)) : SessionFold.key(link)
      _ = index.number(of: key)
    }
    linksMax = max(linksMax, links.count * 2)
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

  private static func key(_ link: Link) -> Key {
    // A client's ports are not kept apart.
    let bPort = link.hasHandshake ? 0 : link.bPort
    return Key(
      UInt64(link.a) << 32 | UInt64(link.b),
      UInt64(link.aPort) | UInt64(bPort) << 16 | UInt64(link.protocolNumber) << 32
        | (link.hasHandshake ? 1 << 40 : 0))
  }

  /// All links, with true addresses.
  ///
  /// - Complexity: O(links).
  mutating func finish() -> (addresses: [IPAddress], links: [Link]) {
    var result = vain.folded(LeafFold.joined(links), scansOnly: !vain.isActive)
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
