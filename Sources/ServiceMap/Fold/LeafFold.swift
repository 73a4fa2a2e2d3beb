public import Wire

/// Joins neutral links whose B side are leaves: endpoints that only ever spoke to this one A.
///
/// A client takes a new port for each session with a server, so these ports are many and say nothing
/// each by itself; how many there are is the evidence, and that is kept. An endpoint with two
/// partners, and two endpoints that only know each other, stay as they are.
public struct LeafFold {
  /// Fewer are kept apart: a host that answers from another port than was asked has two (TFTP).
  public static let leavesMin: UInt32 = 4
  /// How many are looked up together, so that they wait for memory together.
  private static let blockSize = 32

  /// Two endpoints that spoke to each other, by their numbers.
  private struct Pair {
    var a: UInt32
    var b: UInt32
    /// How many ports of B the link that it came in stands for.
    var bPorts: UInt32
    /// Its star, or `none`.
    var star = LeafFold.none
    /// The link in the result, or `none`.
    var place = LeafFold.none
  }

  /// A centre and a host whose ports are leaves of it.
  private struct Star {
    var leaves: UInt32 = 0
    var place = LeafFold.none
  }

  private static let none = UInt32.max

  private var endpoints = WordIndex()
  /// By endpoint: in how many pairs it is.
  private var degrees: [UInt32] = []
  /// By endpoint: the pair in which it appeared first. Most endpoints are a client's port and have no
  /// other.
  private var firstPairs: [UInt32] = []
  private var pairs: [Pair] = []
  /// The pairs in which neither endpoint appeared first.
  private var laterPairs = WordIndex()
  private var laterNumbers: [UInt32] = []
  /// By neutral link, then by row: twice its pair, and 1 more where its A is the pair's B.
  private var pairOf: [UInt32] = []
  private var stars: [Star] = []

  /// The links, with what may be joined joined.
  ///
  /// - Complexity: O(links): three table accesses for each neutral one.
  public static func joined(_ links: consuming [Link]) -> [Link] {
    joined(links, RowLog()) { _, _, _ in }
  }

  /// The links and, as links, the rows, with what may be joined joined; the rows' sessions have no
  /// handshake.
  ///
  /// - Parameter add: adds a row to a link, its sides exchanged on demand.
  /// - Complexity: O(links + rows): three table accesses for each row and each neutral link.
  public static func joined(
    _ links: consuming [Link], _ rows: borrowing RowLog,
    add: (_ link: inout Link, _ row: SessionRow, _ exchanged: Bool) -> Void
  ) -> [Link] {
    let neutral = links.indices.filter { isNeutral(links[$0]) }
    guard !neutral.isEmpty || rows.count > 0 else { return links }
    var fold = LeafFold()
    fold.endpoints = WordIndex(capacity: neutral.count + rows.count)
    fold.pairOf.reserveCapacity(neutral.count + rows.count)
    fold.learn(neutral.count) { place in
      let link = links[neutral[place]]
      return (key(link, .a), key(link, .b), link.bPorts)
    }
    fold.learn(rows.count) { place in
      let row = rows[place]
      return (
        key(row.a, row.aPort, row.protocolNumber), key(row.b, row.bPort, row.protocolNumber), 1
      )
    }
    fold.findStars()
    return fold.join(links, rows, add)
  }

  private static func isNeutral(_ link: Link) -> Bool {
    !link.hasHandshake && !VainFold.isFolded(link)
  }

  // MARK: - Pairs

  private enum Side { case a, b }

  @inline(__always)
  private static func key(_ link: Link, _ side: Side) -> UInt64 {
    side == .a
      ? key(UInt32(link.a), link.aPort, link.protocolNumber)
      : key(UInt32(link.b), link.bPort, link.protocolNumber)
  }

  @inline(__always)
  private static func key(_ address: UInt32, _ port: UInt16, _ protocolNumber: UInt8) -> UInt64 {
    UInt64(address) << 24 | UInt64(protocolNumber) << 16 | UInt64(port)
  }

  private func host(_ endpoint: UInt32) -> UInt64 { endpoints.keys[Int(endpoint)] >> 24 }

  private mutating func learn(
    _ count: Int, _ ends: (Int) -> (a: UInt64, b: UInt64, bPorts: UInt32)
  ) {
    var keys = [UInt64](repeating: 0, count: 2 * LeafFold.blockSize)
    var ports = [UInt32](repeating: 0, count: LeafFold.blockSize)
    var numbers = [UInt32](repeating: 0, count: 2 * LeafFold.blockSize)
    for start in stride(from: 0, to: count, by: LeafFold.blockSize) {
      let size = min(LeafFold.blockSize, count - start)
      for place in 0..<size {
        (keys[2 * place], keys[2 * place + 1], ports[place]) = ends(start + place)
      }
      keys.withUnsafeBufferPointer { keys in
        numbers.withUnsafeMutableBufferPointer { numbers in
          endpoints.number(UnsafeBufferPointer(rebasing: keys[..<(2 * size)]), into: numbers)
        }
      }
      while degrees.count < endpoints.count {
        degrees.append(0)
        firstPairs.append(LeafFold.none)
      }
      for place in 0..<size {
        let (a, b) = (numbers[2 * place], numbers[2 * place + 1])
        let number = pair(a, b, bPorts: ports[place])
        pairOf.append(UInt32(number << 1 | (pairs[number].a == a ? 0 : 1)))
      }
    }
  }

  /// The number of the pair of `a` and `b`, in either order.
  private mutating func pair(_ a: UInt32, _ b: UInt32, bPorts: UInt32) -> Int {
    let (firstOfA, firstOfB) = (firstPairs[Int(a)], firstPairs[Int(b)])
    if firstOfA != LeafFold.none && isPair(firstOfA, a, b) { return Int(firstOfA) }
    if firstOfB != LeafFold.none && isPair(firstOfB, a, b) { return Int(firstOfB) }
    if firstOfA != LeafFold.none && firstOfB != LeafFold.none {
      let later = laterPairs.number(of: UInt64(min(a, b)) << 32 | UInt64(max(a, b)))
      if later < laterNumbers.count { return Int(laterNumbers[later]) }
      laterNumbers.append(UInt32(pairs.count))
    }
    if firstOfA == LeafFold.none { firstPairs[Int(a)] = UInt32(pairs.count) }
    if firstOfB == LeafFold.none { firstPairs[Int(b)] = UInt32(pairs.count) }
    pairs.append(Pair(a: a, b: b, bPorts: bPorts))
    degrees[Int(a)] += 1
    degrees[Int(b)] += 1
    return pairs.count - 1
  }

  private func isPair(_ number: UInt32, _ a: UInt32, _ b: UInt32) -> Bool {
    let pair = pairs[Int(number)]
    return pair.a == a && pair.b == b || pair.a == b && pair.b == a
  }

  // MARK: - Stars

  private mutating func findStars() {
    var index = WordIndex()
    for number in pairs.indices {
      let pair = pairs[number]
      let protocolNumber = UInt8(truncatingIfNeeded: endpoints.keys[Int(pair.a)] >> 16)
      guard ProtocolName.hasPorts(protocolNumber) else { continue }
      let isLeafA = degrees[Int(pair.a)] == 1
      let isLeafB = degrees[Int(pair.b)] == 1
      // One that stands for several ports of B has its leaf there already.
      guard isLeafA != isLeafB, pair.bPorts == 1 || isLeafB else { continue }
      let (center, leaf) = isLeafA ? (pair.b, pair.a) : (pair.a, pair.b)
      let star = index.number(of: UInt64(center) << 32 | host(leaf))
      if star == stars.count { stars.append(Star()) }
      // A damaged store may say any number.
      stars[star].leaves = UInt32(clamping: UInt64(stars[star].leaves) + UInt64(pair.bPorts))
      pairs[number].star = UInt32(star)
    }
  }

  // MARK: - Links

  /// In place: a result is never longer than what it was made of, so far.
  private mutating func join(
    _ links: consuming [Link], _ rows: borrowing RowLog,
    _ add: (inout Link, SessionRow, Bool) -> Void
  ) -> [Link] {
    var result = links
    var member = 0
    var end = 0
    for index in result.indices {
      let link = result[index]
      var place = end
      var isExchanged = false
      if LeafFold.isNeutral(link) {
        (place, isExchanged) = self.place(of: member, end: end, &result)
        member += 1
      }
      let one = isExchanged ? link.exchanged : link
      if place < end {
        result[place].add(one)
      } else {
        if isExchanged || end < index { result[end] = one }
        end += 1
      }
    }
    result.removeLast(result.count - end)
    for row in 0..<rows.count {
      let (place, isExchanged) = place(of: member, end: result.count, &result)
      if place == result.count {
        result.append(LeafFold.link(rows[row], exchanged: isExchanged))
      }
      add(&result[place], rows[row], isExchanged)
      member += 1
    }
    return result
  }

  /// A link for a row, without its counters and ports yet.
  @inline(__always)
  private static func link(_ row: SessionRow, exchanged: Bool) -> Link {
    Link(
      a: Int(exchanged ? row.b : row.a), b: Int(exchanged ? row.a : row.b),
      protocolNumber: row.protocolNumber, aPort: .max, bPort: .max)
  }

  /// Where the link of a neutral link or row is in the result, which may be `end`, and whether the
  /// member's sides are the other way round there.
  private mutating func place(
    of member: Int, end: Int, _ result: inout [Link]
  ) -> (place: Int, isExchanged: Bool) {
    let number = Int(pairOf[member] >> 1)
    let pair = pairs[number]
    let isReversed = pairOf[member] & 1 != 0
    var isStar = false
    var star = 0
    if pair.star != LeafFold.none {
      star = Int(pair.star)
      isStar = stars[star].leaves >= LeafFold.leavesMin
    }
    // The centre is A.
    let isExchanged = isReversed != (isStar && degrees[Int(pair.a)] == 1)
    if pair.place != LeafFold.none { return (Int(pair.place), isExchanged) }
    if isStar && stars[star].place != LeafFold.none {
      pairs[number].place = stars[star].place
      result[Int(stars[star].place)].bPorts &+= pair.bPorts
      return (Int(stars[star].place), isExchanged)
    }
    pairs[number].place = UInt32(end)
    if isStar { stars[star].place = UInt32(end) }
    return (end, isExchanged)
  }
}
