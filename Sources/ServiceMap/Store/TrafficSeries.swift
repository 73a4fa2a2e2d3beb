public import Wire

/// Traffic over time, by host, service and relation, collected while a store is read.
///
/// Layer-3 octets. A part of a time may subtract what a later one turned out to be something else (`Link`); a
/// sum that is negative in a bucket counts there as 0. Requests in vain that a map joins under 0.0.0.0 are here
/// still those of their hosts.
public struct TrafficSeries: Sendable {
  /// Octets of one side in one bucket.
  public struct Point: Equatable, Sendable {
    public var `in`: UInt64
    public var out: UInt64

    public init(`in`: UInt64 = 0, out: UInt64 = 0) {
      self.in = `in`
      self.out = out
    }
  }

  /// Seconds since 1970, ascending: bucket i is `bounds[i]..<bounds[i + 1]`. They have different lengths where
  /// the store's segments have, or where nothing is stored for a time.
  public let bounds: [Int]

  /// The two ends of what a cell counts.
  struct Ends: Sendable {
    /// Handles, then numbers of hosts.
    var a: UInt32
    var b: UInt32
    var aPort: UInt16
    /// 0 where it stands for several, or where A is the server.
    var bPort: UInt16
    var protocolNumber: UInt8
    /// Whether B can't be the server.
    var isServerA: Bool
  }

  /// What went between two ends in a bucket; signed.
  struct Cell: Sendable {
    var link: UInt32
    var bucket: UInt32
    var bytesAB: Int64
    var bytesBA: Int64
  }

  private enum Side { case a, b }

  private let ends: [Ends]
  /// By link, and by bucket within.
  private let cells: [Cell]
  /// By link: where its cells begin, and at the end how many there are.
  private let cellStarts: [UInt32]
  private let numbers: [IPAddress: UInt32]
  /// By host: where its links begin in `sides`.
  private let sideStarts: [UInt32]
  /// Twice the number of a link, and 1 more where the host is its B.
  private let sides: [UInt32]

  /// - Parameters:
  ///   - ends: by number of a link; with handles for hosts.
  ///   - cells: in any order.
  ///   - address: of a handle.
  /// - Complexity: O(links + cells).
  init(bounds: [Int], ends: [Ends], cells: [Cell], address: (UInt32) -> IPAddress) {
    self.bounds = bounds
    let (sorted, starts) = TrafficSeries.grouped(cells, below: ends.count) { Int($0.link) }
    self.cells = sorted
    cellStarts = starts
    var ends = ends
    var index = WordIndex()
    for place in ends.indices {
      ends[place].a = UInt32(index.number(of: UInt64(ends[place].a)))
      ends[place].b = UInt32(index.number(of: UInt64(ends[place].b)))
    }
    self.ends = ends
    let links = (0..<UInt32(ends.count * 2)).map { $0 }
    (sides, sideStarts) = TrafficSeries.grouped(links, below: index.count) { side in
      let end = ends[Int(side >> 1)]
      return Int(side & 1 == 0 ? end.a : end.b)
    }
    var numbers: [IPAddress: UInt32] = [:]
    numbers.reserveCapacity(index.count)
    for (number, handle) in index.keys.enumerated() {
      numbers[address(UInt32(handle))] = UInt32(number)
    }
    self.numbers = numbers
  }

  /// The elements by group, in their order within each, and where each group begins.
  private static func grouped<Element>(
    _ elements: [Element], below count: Int, by group: (Element) -> Int
  ) -> (elements: [Element], starts: [UInt32]) {
    var starts = [UInt32](repeating: 0, count: count + 1)
    for one in elements { starts[group(one) + 1] += 1 }
    for number in 0..<count { starts[number + 1] += starts[number] }
    var next = starts
    var order = [UInt32](repeating: 0, count: elements.count)
    for (place, one) in elements.enumerated() {
      let number = group(one)
      order[Int(next[number])] = UInt32(place)
      next[number] += 1
    }
    return (order.map { elements[Int($0)] }, starts)
  }

  // MARK: - Asking

  /// All octets by bucket.
  ///
  /// - Complexity: O(cells).
  public func ofAll() -> [UInt64] {
    var sums = [Int64](repeating: 0, count: bucketCount)
    for cell in cells { sums[Int(cell.bucket)] &+= cell.bytesAB &+ cell.bytesBA }
    return sums.map { UInt64(max(0, $0)) }
  }

  /// In and out as the host sees it.
  ///
  /// - Complexity: O(its cells), as all of these.
  public func ofHost(_ address: IPAddress) -> [Point] {
    var sums = Sums(count: bucketCount)
    forEachSide(of: address) { link, side in add(link, of: side, to: &sums) }
    return sums.points
  }

  /// In is to the server.
  public func ofService(
    _ server: IPAddress, _ protocolNumber: UInt8, _ port: UInt16
  ) -> [Point] {
    var sums = Sums(count: bucketCount)
    forEachSide(of: server) { link, side in
      if isEndpoint(side, of: link, protocolNumber, port) { add(link, of: side, to: &sums) }
    }
    return sums.points
  }

  /// The port on all servers; in is to them.
  ///
  /// - Parameter servers: those that serve there, as the map says; nil: whoever has the port. Where nothing in
  ///   a segment says who serves, that may be a client too.
  /// - Complexity: O(cells of the servers), without them O(links).
  public func ofEndpoint(
    _ protocolNumber: UInt8, _ port: UInt16, servers: [IPAddress]? = nil
  ) -> [Point] {
    var sums = Sums(count: bucketCount)
    if let servers {
      for server in servers {
        forEachSide(of: server) { link, side in
          if isEndpoint(side, of: link, protocolNumber, port) { add(link, of: side, to: &sums) }
        }
      }
      return sums.points
    }
    for link in ends.indices {
      let side: Side = isEndpoint(.a, of: link, protocolNumber, port) ? .a : .b
      if isEndpoint(side, of: link, protocolNumber, port) { add(link, of: side, to: &sums) }
    }
    return sums.points
  }

  /// In is to the server.
  public func ofRelation(
    server: IPAddress, _ protocolNumber: UInt8, _ port: UInt16, client: IPAddress
  ) -> [Point] {
    var sums = Sums(count: bucketCount)
    guard let serverNumber = numbers[server], let clientNumber = numbers[client] else {
      return sums.points
    }
    // The one of them that has fewer links.
    let isFromServer = sideCount(serverNumber) <= sideCount(clientNumber)
    forEachSide(of: isFromServer ? server : client) { link, side in
      let serverSide = isFromServer ? side : side == .a ? .b : .a
      let (own, other) =
        serverSide == .a ? (ends[link].a, ends[link].b) : (ends[link].b, ends[link].a)
      if own == serverNumber, other == clientNumber,
        isEndpoint(serverSide, of: link, protocolNumber, port)
      {
        add(link, of: serverSide, to: &sums)
      }
    }
    return sums.points
  }

  private var bucketCount: Int { max(0, bounds.count - 1) }

  private func sideCount(_ host: UInt32) -> UInt32 {
    sideStarts[Int(host) + 1] - sideStarts[Int(host)]
  }

  /// The links of a host; one with itself comes twice, as each of its sides.
  private func forEachSide(of address: IPAddress, _ body: (_ link: Int, _ side: Side) -> Void) {
    guard let host = numbers[address] else { return }
    for place in sideStarts[Int(host)]..<sideStarts[Int(host) + 1] {
      let side = sides[Int(place)]
      body(Int(side >> 1), side & 1 == 0 ? .a : .b)
    }
  }

  private func isEndpoint(
    _ side: Side, of link: Int, _ protocolNumber: UInt8, _ port: UInt16
  ) -> Bool {
    let end = ends[link]
    guard end.protocolNumber == protocolNumber else { return false }
    return side == .a ? end.aPort == port : !end.isServerA && end.bPort == port
  }

  private func add(_ link: Int, of side: Side, to sums: inout Sums) {
    for place in cellStarts[link]..<cellStarts[link + 1] {
      let cell = cells[Int(place)]
      let (`in`, out) =
        side == .a ? (cell.bytesBA, cell.bytesAB) : (cell.bytesAB, cell.bytesBA)
      sums.in[Int(cell.bucket)] &+= `in`
      sums.out[Int(cell.bucket)] &+= out
    }
  }

  private struct Sums {
    var `in`: [Int64]
    var out: [Int64]

    init(count: Int) {
      self.in = [Int64](repeating: 0, count: count)
      out = [Int64](repeating: 0, count: count)
    }

    var points: [Point] {
      zip(self.in, out).map { Point(in: UInt64(max(0, $0)), out: UInt64(max(0, $1))) }
    }
  }
}
