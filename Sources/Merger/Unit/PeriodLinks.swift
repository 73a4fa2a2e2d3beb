internal import ServiceMap
internal import Wire

/// The links of one period, while packets of it may still come: all of them as they are by now, and which of
/// them the store does not have yet.
///
/// Hosts are the stream's 32-bit values. A class, because it stays in a dictionary and is changed there.
final class PeriodLinks {
  /// Minutes since 1970.
  let period: UInt64
  private(set) var links: [Link]
  private var index = RowIndex()
  private let hash = WordsHash()
  private var vain = VainFold()
  /// Past so many links those are joined that may be; it grows with what has to stay apart.
  private var linksMax: Int
  /// Numbers of the links that have changed since `committed`, and by number whether they are among them.
  private var changed: [Int] = []
  private var isChanged: [Bool]
  /// Whether links were joined, so that numbers mean other links than before.
  private(set) var isRenumbered = false
  /// Whether requests in vain had to be joined.
  var isFlooded: Bool { vain.isActive }
  /// What became of the packets of this period; `mapped` is the sum over the links.
  var accounting: Accounting
  /// Whether the store lacks something of it.
  var isDirty = false

  /// - Parameter links: as the store has them, for a period that is gone on with.
  init(
    period: UInt64, linksMax: Int, links: [Link] = [], accounting: Accounting = Accounting()
  ) {
    self.period = period
    self.linksMax = linksMax
    self.links = links
    self.accounting = accounting
    isChanged = [Bool](repeating: false, count: links.count)
    enterAll()
  }

  /// Books what an epoch says about one session.
  ///
  /// - Parameters:
  ///   - elsewhere: packets that other capture points of a cluster have seen of it as well, which are not in
  ///     its rows.
  /// - Complexity: O(1) amortised.
  func book(_ entry: SessionMemory.Entry, elsewhere: (before: UInt64, after: UInt64) = (0, 0)) {
    var after = entry.after
    var before = entry.before
    after.state = after.kind
    before.state = before.kind
    let packets =
      UInt64(after.packetsAB) + UInt64(after.packetsBA)
      &- UInt64(before.packetsAB) &- UInt64(before.packetsBA)
    accounting[.mapped] &+= packets
    let more = elsewhere.after &- elsewhere.before
    accounting[.seenElsewhere] &+= more
    if before.state == SessionRow.free {
      add(.difference(from: nil, to: after, elsewhere: elsewhere.after))
    } else if Handshake.server(of: before) == Handshake.server(of: after) {
      if vain.isActive && takeOut(before, after, elsewhere) {
        add(.difference(from: nil, to: after, elsewhere: elsewhere.after))
      } else {
        add(.difference(from: before, to: after, elsewhere: more))
      }
    } else {
      // Its first packets did not come first. They move to where they belong.
      add(Link.difference(from: nil, to: before, elsewhere: elsewhere.before).negated)
      add(.difference(from: nil, to: after, elsewhere: elsewhere.after))
    }
    isDirty = true
  }

  /// Takes the beginning of a session, which looked like a request in vain when its epoch ended, out of those that
  /// it was joined with.
  ///
  /// - Returns: false where it was not joined, or in another period.
  private func takeOut(
    _ before: SessionRow, _ after: SessionRow, _ elsewhere: (before: UInt64, after: UInt64)
  ) -> Bool {
    guard Handshake.server(of: before) != nil,
      Tick.nanoseconds(before.firstTick) / 60_000_000_000 == period
    else { return false }
    let now = Link.difference(from: nil, to: after, elsewhere: elsewhere.after)
    let key = SessionFold.key(now)
    guard find(key, hash(key.high, key.low)) == nil else { return false }
    let then = Link.difference(from: nil, to: before, elsewhere: elsewhere.before)
    guard let place = vain.takeOut(then, negated: then.negated, now: now, of: &links) else {
      return false
    }
    mark(place)
    return true
  }

  private func add(_ one: Link) {
    let key = SessionFold.key(one)
    let hash = hash(key.high, key.low)
    if let place = find(key, hash) {
      if links[place].bPort != one.bPort { links[place].bPorts = max(2, links[place].bPorts) }
      links[place].add(one)
      mark(place)
      return
    }
    if vain.isActive, let place = vain.place(for: one, in: &links) {
      mark(place)
      return
    }
    links.append(one)
    isChanged.append(false)
    mark(links.count - 1)
    index.enter(hash, number: links.count)
    if links.count > linksMax { makeRoom() }
  }

  private func find(_ key: Key, _ hash: UInt64) -> Int? {
    var probe = index.probe(hash)
    while let number = index.next(&probe) {
      if SessionFold.key(links[number - 1]) == key { return number - 1 }
    }
    return nil
  }

  private func mark(_ place: Int) {
    guard !isChanged[place] else { return }
    isChanged[place] = true
    changed.append(place)
  }

  /// Joins leaves, and if that is not enough what came to nothing.
  private func makeRoom() {
    links = LeafFold.joined(links)
    vain.makeRoom(in: &links, linksMax: linksMax)
    linksMax = max(linksMax, links.count * 2)
    isRenumbered = true
    isChanged = [Bool](repeating: false, count: links.count)
    changed = []
    for place in links.indices { mark(place) }
    enterAll()
  }

  private func enterAll() {
    index.removeAll()
    // A link that stands for others is found by what it stands for (`VainFold`), never by its own.
    for (place, link) in links.enumerated() where !VainFold.isFolded(link) {
      let key = SessionFold.key(link)
      index.enter(hash(key.high, key.low), number: place + 1)
    }
  }

  /// The period as the store is to have it.
  ///
  /// - Parameter id: the store's id of a host.
  func change(_ id: (UInt32) -> Int) -> SegmentChange {
    var change = SegmentChange(
      beginSeconds: period * 60, accounting: accounting,
      links: changed.map { place in
        var link = links[place]
        if link.hasHandshake && link.bPorts > 1 {
          // A client takes a new port for each session.
          link.bPorts = max(2, UInt32(clamping: Int64(bitPattern: link.sessions)))
        }
        link.a = id(UInt32(link.a))
        link.b = id(UInt32(link.b))
        return (place, link)
      })
    if isRenumbered { change.linkCount = links.count }
    return change
  }

  /// The store has it all.
  func committed() {
    for place in changed { isChanged[place] = false }
    changed.removeAll(keepingCapacity: true)
    isRenumbered = false
    isDirty = false
  }

  /// Notes packets that are in no link.
  func count(_ outcome: PacketOutcome, _ packets: UInt64) {
    accounting[outcome] &+= packets
    isDirty = true
  }
}
