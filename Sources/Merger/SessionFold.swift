internal import CLinux
internal import ServiceMap
internal import Wire

/// Folds session rows into links. Pure: rows in, links out, in any order of rows.
///
/// Sessions whose handshake was seen are one link for each server endpoint and client. The others
/// stay neutral, one link for each pair of endpoints; they are kept as they came until `finish`, which
/// joins those of which one side only ever had one partner.
struct SessionFold: ~Copyable {
  var addresses = AddressTable()
  private var links: [Link] = []
  private var index = RowIndex()
  private let hash = WordsHash()
  /// Rows that are in no link yet.
  private var rows: RowLog
  /// Whether some of `links` are neutral, because there was no room for more rows.
  private var hasNeutralLinks = false
  /// Of links and rows, past which those are joined that may be; it grows with what has to stay apart.
  private var linksMax: Int
  private var vain = VainFold()
  /// Sum of the packets of all rows added.
  private(set) var packets: UInt64 = 0

  /// Rows looked up together, so that they wait for memory together.
  private static let window = 16

  /// - Parameter linksMax: 184 bytes each. A row has 64, and counts as half a link.
  init(linksMax: Int = 1 << 20) {
    self.linksMax = linksMax
    // Takes memory only where it is touched, and saves copying when there are many.
    links.reserveCapacity(linksMax)
    rows = RowLog(capacity: 2 * linksMax)
  }

  /// - Complexity: O(1) amortised: one table access for sessions with a handshake, none for others.
  mutating func add(_ row: SessionRow) {
    withUnsafeBytes(of: row) { add($0) }
  }

  /// Adds all rows in `bytes`.
  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let window = rest.prefix(SessionFold.window * SessionRow.bytes)
      rest = rest.dropFirst(window.count)
      add(window: UnsafeRawBufferPointer(rebasing: window))
    }
  }

  private mutating func add(window bytes: UnsafeRawBufferPointer) {
    let count = bytes.count / SessionRow.bytes
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { hashes in
      for place in 0..<count {
        let row = SessionFold.row(bytes, place)
        let key = SessionFold.key(row, serverIsA: Handshake.server(of: row))
        hashes.initializeElement(at: place, to: hash(key.high, key.low))
        index.prefetch(hashes[place])
      }
      links.withUnsafeBufferPointer { links in
        for place in 0..<count {
          let first = index.first(hashes[place])
          guard first > 0, let base = links.baseAddress else { continue }
          // A link is on three cache lines, or on four.
          let link = UnsafeRawPointer(base + first - 1)
          renkei_prefetch(link)
          renkei_prefetch(link + 64)
          renkei_prefetch(link + 128)
        }
      }
      for place in 0..<count {
        add(SessionFold.row(bytes, place), hash: hashes[place])
      }
    }
  }

  @inline(__always)
  private static func row(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> SessionRow {
    bytes.loadUnaligned(fromByteOffset: place * SessionRow.bytes, as: SessionRow.self)
  }

  private mutating func add(_ row: SessionRow, hash: UInt64) {
    packets += UInt64(row.packetsAB) + UInt64(row.packetsBA)
    let serverIsA = Handshake.server(of: row)
    if serverIsA == nil && !hasNeutralLinks {
      append(row)
      return
    }
    let isExchanged = serverIsA == false
    let key = SessionFold.key(row, serverIsA: serverIsA)
    if let number = find(key, hash: hash) {
      let bPort = isExchanged ? row.aPort : row.bPort
      if links[number].bPort != bPort { links[number].bPorts = max(2, links[number].bPorts) }
      links[number].add(row, exchanged: isExchanged)
      return
    }
    let one = SessionFold.link(row, hasHandshake: serverIsA != nil, exchanged: isExchanged)
    if vain.isActive, vain.place(for: one, in: &links) != nil { return }
    if serverIsA == nil {
      append(row)
      return
    }
    links.append(one)
    index.enter(hash, number: links.count)
    if isFull { makeRoom() }
  }

  private mutating func append(_ row: SessionRow) {
    rows.append(row)
    if isFull { makeRoom() }
  }

  private func find(_ key: Key, hash: UInt64) -> Int? {
    var probe = index.probe(hash)
    while let number = index.next(&probe) {
      if SessionFold.key(links[number - 1]) == key { return number - 1 }
    }
    return nil
  }

  /// The links, which are then nowhere else, so that they need not be copied.
  private mutating func take() -> [Link] {
    defer { links = [] }
    return links
  }

  private var isFull: Bool {
    links.count + rows.count / 2 > linksMax || rows.count == rows.capacity
  }

  /// Makes links of rows and joins leaves, and if that is not enough what came to nothing.
  private mutating func makeRoom() {
    links = LeafFold.joined(take(), rows) { $0.add($1, exchanged: $2) }
    rows.removeAll()
    hasNeutralLinks = true
    vain.makeRoom(in: &links, linksMax: linksMax)
    index.removeAll()
    // A link that stands for others is found by what it stands for (`VainFold`), never by its own.
    for (place, link) in links.enumerated() where !VainFold.isFolded(link) {
      let key = SessionFold.key(link)
      index.enter(hash(key.high, key.low), number: place + 1)
    }
    linksMax = max(linksMax, links.count * 2)
  }

  /// The row as a link of its own, its sides exchanged on demand.
  static func link(_ row: SessionRow, hasHandshake: Bool, exchanged: Bool) -> Link {
    var link = Link(
      a: Int(exchanged ? row.b : row.a), b: Int(exchanged ? row.a : row.b),
      protocolNumber: row.protocolNumber, aPort: .max, bPort: .max, hasHandshake: hasHandshake)
    link.add(row, exchanged: exchanged)
    return link
  }

  static func key(_ link: Link) -> Key {
    key(
      (UInt32(link.a), link.aPort), (UInt32(link.b), link.bPort), link.protocolNumber,
      hasHandshake: link.hasHandshake)
  }

  private static func key(_ row: SessionRow, serverIsA: Bool?) -> Key {
    let (a, b) = ((row.a, row.aPort), (row.b, row.bPort))
    return serverIsA == false
      ? key(b, a, row.protocolNumber, hasHandshake: true)
      : key(a, b, row.protocolNumber, hasHandshake: serverIsA != nil)
  }

  @inline(__always)
  private static func key(
    _ a: (host: UInt32, port: UInt16), _ b: (host: UInt32, port: UInt16), _ protocolNumber: UInt8,
    hasHandshake: Bool
  ) -> Key {
    // A client's ports are not kept apart.
    Key(
      UInt64(a.host) << 32 | UInt64(b.host),
      UInt64(a.port) | UInt64(hasHandshake ? 0 : b.port) << 16 | UInt64(protocolNumber) << 32
        | (hasHandshake ? 1 << 40 : 0))
  }

  /// All links, with true addresses.
  ///
  /// - Complexity: O(links).
  mutating func finish() -> (addresses: [IPAddress], links: [Link]) {
    var result = LeafFold.joined(take(), rows) { $0.add($1, exchanged: $2) }
    vain.fold(&result, scansOnly: !vain.isActive)
    var numbers = WordIndex()
    for index in result.indices {
      if result[index].hasHandshake && result[index].bPorts > 1 {
        result[index].bPorts = max(2, UInt32(clamping: result[index].sessions))
      }
      result[index].a = numbers.number(of: UInt64(result[index].a))
      result[index].b = numbers.number(of: UInt64(result[index].b))
    }
    return (numbers.keys.map { addresses.address(of: UInt32($0)) }, result)
  }
}

extension Link {
  /// Adds a session, or a part of one, its sides exchanged on demand.
  ///
  /// - Complexity: O(1), some 60 instructions.
  mutating func add(_ row: SessionRow, exchanged: Bool) {
    let seen = exchanged ? row.events.exchanged : row.events
    aPort = min(aPort, exchanged ? row.bPort : row.aPort)
    bPort = min(bPort, exchanged ? row.aPort : row.bPort)
    events.formUnion(seen)
    packetsAB += UInt64(exchanged ? row.packetsBA : row.packetsAB)
    packetsBA += UInt64(exchanged ? row.packetsAB : row.packetsBA)
    bytesAB += exchanged ? row.bytesBA : row.bytesAB
    bytesBA += exchanged ? row.bytesAB : row.bytesBA
    firstTick = min(firstTick, row.firstTick)
    lastTick = max(lastTick, row.lastTick)
    guard row.state == SessionRow.whole else { return }
    sessions += 1
    firstFromB += seen.contains(.firstFromB) ? 1 : 0
    twoWay += seen.contains([.progressFromA, .progressFromB]) ? 1 : 0
    guard hasHandshake else { return }
    switch Handshake.failure(seen, protocolNumber: protocolNumber) {
    case .refused: refused += 1
    case .unanswered: unanswered += 1
    case .halfOpen: halfOpen += 1
    case .unasked: unasked += 1
    case .unheard: unheard += 1
    case nil: break
    }
    if row.handshakeTicks > 0 {
      handshakes += 1
      handshakeTicksSum += UInt64(row.handshakeTicks)
      handshakeTicksMin = min(handshakeTicksMin, UInt64(row.handshakeTicks))
    }
  }
}
