internal import ServiceMap

/// Joins neutral links whose B side are leaves: endpoints that only ever spoke to this one A.
///
/// A client takes a new port for each session with a server, so these ports are many and say nothing
/// each by itself; how many there are is the evidence, and that is kept. An endpoint with two
/// partners, and two endpoints that only know each other, stay as they are.
enum LeafFold {
  /// Fewer are kept apart: a host that answers from another port than was asked has two (TFTP).
  static let leavesMin = 4

  /// - Complexity: O(links): three table accesses for each neutral one.
  static func joined(_ links: [Link]) -> [Link] {
    var endpoints = KeyIndex()
    var degrees: [UInt32] = []
    func endpoint(_ host: Int, _ proto: UInt8, _ port: UInt16) -> Int {
      let number = endpoints.number(
        of: Key(host: host, protocolNumber: proto, port: port))
      if number == degrees.count { degrees.append(0) }
      return number
    }
    for link in links where !link.hasHandshake && !VainFold.isFolded(link) {
      degrees[endpoint(link.a, link.protocolNumber, link.aPort)] += 1
      degrees[endpoint(link.b, link.protocolNumber, link.bPort)] += 1
    }
    // Where each such link belongs, and how many belong there.
    var stars = KeyIndex()
    var sizes: [Int] = []
    func star(_ link: Link) -> (center: Link, number: Int)? {
      guard !link.hasHandshake, !VainFold.isFolded(link),
        ProtocolName.hasPorts(link.protocolNumber)
      else { return nil }
      let a = degrees[endpoint(link.a, link.protocolNumber, link.aPort)]
      let b = degrees[endpoint(link.b, link.protocolNumber, link.bPort)]
      // One that stands for several ports of B has its leaf there already.
      guard (a == 1) != (b == 1), link.bPorts == 1 || b == 1 else { return nil }
      let one = a == 1 ? link.exchanged : link
      let number = stars.number(
        of: Key(
          UInt64(one.a) << 32 | UInt64(one.b),
          UInt64(one.aPort) | UInt64(one.protocolNumber) << 16))
      if number == sizes.count { sizes.append(0) }
      return (one, number)
    }
    for link in links {
      if let (one, number) = star(link) { sizes[number] += Int(one.bPorts) }
    }
    var result: [Link] = []
    result.reserveCapacity(links.count)
    var places = [Int?](repeating: nil, count: sizes.count)
    for link in links {
      guard let (one, number) = star(link), sizes[number] >= leavesMin else {
        result.append(link)
        continue
      }
      if let place = places[number] {
        result[place].bPorts &+= one.bPorts
        result[place].add(one)
      } else {
        places[number] = result.count
        result.append(one)
      }
    }
    return result
  }
}
