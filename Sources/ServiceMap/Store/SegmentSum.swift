internal import Wire

/// Adds up the links of segments by key, and joins the sum like the links of an audit.
///
/// Hosts are 32 bits, as `AddressHandle` speaks of them. Counters are signed while the sum is open
/// (`Link`). Memory is bounded like the merger's: past `linksMax` those are joined that may be.
struct SegmentSum {
  private var links: [Link] = []
  private var index = KeyIndex()
  /// By number in `index`: the place in `links`.
  private var places: [Int32] = []
  private var vain = VainFold()
  /// Past it leaves are joined; past the other also what came to nothing.
  private var joinedMax: Int
  private var linksMax: Int

  /// - Parameters:
  ///   - linksMax: about 200 bytes each.
  ///   - joinedMax: where less is to be done at once, a smaller number.
  init(linksMax: Int = 1 << 20, joinedMax: Int = 1 << 20) {
    self.linksMax = linksMax
    self.joinedMax = min(linksMax, joinedMax)
  }

  /// - Complexity: O(1) amortised: one table access.
  mutating func add(_ link: Link) {
    let key = SegmentSum.key(link, isTurned: SegmentSum.isTurned(link))
    if vain.isActive, !VainFold.isFolded(link), index.find(key) == nil,
      vain.place(for: link, in: &links) != nil
    {
      return
    }
    let number = index.number(of: key)
    if number < places.count {
      SegmentSum.join(link, to: &links[Int(places[number])])
      return
    }
    places.append(Int32(links.count))
    links.append(link)
    if links.count > joinedMax { makeRoom() }
  }

  /// The sum, as compaction stores it: joined, counters still signed; nothing that adds up to nothing.
  mutating func parts() -> [Link] {
    defer { self = SegmentSum(linksMax: linksMax, joinedMax: joinedMax) }
    links.removeAll(where: SegmentSum.isNothing)
    return joined()
  }

  /// The sum, as a report reads it: as if it had been captured by itself.
  mutating func settled() -> [Link] {
    defer { self = SegmentSum(linksMax: linksMax, joinedMax: joinedMax) }
    LinkSettling.settle(&links)
    var result = joined()
    for place in result.indices where result[place].hasHandshake && result[place].bPorts > 1 {
      result[place].bPorts = max(2, UInt32(clamping: result[place].sessions))
    }
    return result
  }

  private mutating func joined() -> [Link] {
    var result = LeafFold.joined(take())
    vain.fold(&result, scansOnly: !vain.isActive)
    return result
  }

  /// The links, which are then nowhere else, so that they need not be copied.
  private mutating func take() -> [Link] {
    defer { links = [] }
    return links
  }

  /// As the merger does (`SessionFold`).
  private mutating func makeRoom() {
    links.removeAll(where: SegmentSum.isNothing)
    links = LeafFold.joined(take())
    vain.makeRoom(in: &links, linksMax: linksMax)
    index = KeyIndex()
    places = []
    for (place, link) in links.enumerated() {
      let number = index.number(
        of: SegmentSum.key(link, isTurned: SegmentSum.isTurned(link)))
      if number == places.count { places.append(Int32(place)) }
    }
    linksMax = max(linksMax, links.count * 2)
    joinedMax = max(joinedMax, links.count * 2)
  }

  /// A neutral link's sides have no order: that of handles differs from run to run.
  @inline(__always) private static func isTurned(_ link: Link) -> Bool {
    !link.hasHandshake && !VainFold.isFolded(link) && (link.a, link.aPort) > (link.b, link.bPort)
  }

  @inline(__always) private static func key(_ link: Link, isTurned: Bool) -> Key {
    let (a, aPort) = isTurned ? (link.b, link.bPort) : (link.a, link.aPort)
    let (b, bPort) = isTurned ? (link.a, link.aPort) : (link.b, link.bPort)
    let kind: UInt64 = (link.hasHandshake ? 1 : 0) | (VainFold.isFolded(link) ? 2 : 0)
    // A client's ports are not kept apart.
    return Key(
      UInt64(truncatingIfNeeded: a) << 32 | UInt64(truncatingIfNeeded: b) & 0xFFFF_FFFF,
      UInt64(aPort) | UInt64(link.hasHandshake ? 0 : bPort) << 16
        | UInt64(link.protocolNumber) << 32 | kind << 40)
  }

  /// Adds a link of the same key, its sides exchanged where they are the other way round.
  @inline(__always) private static func join(_ other: Link, to link: inout Link) {
    let isSame = link.a == other.a && (link.hasHandshake || link.aPort == other.aPort)
    let one = isSame ? other : other.exchanged
    if link.hasHandshake {
      // Of the clients of handshakes it counts sessions, once they are all there.
      if one.bPorts > 1 || one.bPort != link.bPort { link.bPorts = max(2, link.bPorts) }
    } else {
      // The smallest port is the same; so may be the others.
      link.bPorts = max(link.bPorts, one.bPorts)
    }
    link.aPorts = max(link.aPorts, one.aPorts)
    link.addresses = max(link.addresses, one.addresses)
    link.add(one)
  }

  /// What took no part in a sum, or left it again.
  private static func isNothing(_ link: Link) -> Bool {
    link.packetsAB | link.packetsBA | link.bytesAB | link.bytesBA | link.sessions | link.firstFromB
      | link.twoWay | link.refused | link.unanswered | link.halfOpen | link.unasked | link.unheard
      | link.elsewhere | link.handshakes | link.handshakeTicksSum == 0
  }
}
