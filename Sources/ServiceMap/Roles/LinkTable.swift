internal import Wire

/// The links of a map with their endpoints numbered, and what they say one by one: made once for all
/// that judges them.
///
/// A link has 184 bytes, and evidence is gathered in several passes, twice where the judgement is checked
/// on itself: they go over 40 bytes a link here, and look up no endpoint again.
struct LinkTable: Sendable {
  let links: [Link]
  let addresses: [IPAddress]
  /// By link.
  private(set) var facts: [LinkFacts]
  /// By host: whether its address is a multicast or broadcast group.
  let isGroup: [Bool]
  /// What was heard of hosts and sessions; and the same with all handshakes hidden.
  let hearing: Hearing
  let hearingHidden: Hearing
  /// The endpoints that have numbers, by `LinkFacts.endpoint`; and pairs of such a number and a peer.
  private var endpoints = WordIndex()
  private var pairs = WordIndex()

  /// How many links are looked up together, so that they wait for memory together.
  private static let blockLinks = 32

  /// - Complexity: O(links).
  init(links: [Link], addresses: [IPAddress]) {
    self.links = links
    self.addresses = addresses
    isGroup = addresses.map(\.isMulticastOrBroadcast)
    var hearing = Hearing(hostCount: addresses.count)
    var hearingHidden = hearing
    var filter = RepeatFilter(keys: 2 * links.count)
    facts = [LinkFacts](unsafeUninitializedCapacity: links.count) { facts, count in
      links.withUnsafeBufferPointer { links in
        addresses.withUnsafeBufferPointer { addresses in
          for start in stride(from: 0, to: links.count, by: LinkTable.blockLinks) {
            let block = start..<min(start + LinkTable.blockLinks, links.count)
            for number in block {
              let link = links[number]
              var one = LinkFacts(link, addresses)
              hearing.hear(link)
              if link.hasHandshake {
                let hidden = link.withoutHandshake
                one.hidden = LinkReading(hidden, addresses)
                hearingHidden.hear(hidden)
              } else {
                hearingHidden.hear(link)
              }
              filter.prefetch(one.endpoint(.a))
              filter.prefetch(one.endpoint(.b))
              // SAFETY: there is room for as many facts as there are links.
              (facts.baseAddress! + number).initialize(to: one)
            }
            for number in block {
              filter.insert(facts[number].endpoint(.a))
              filter.insert(facts[number].endpoint(.b))
            }
          }
        }
      }
      count = links.count
    }
    self.hearing = hearing
    self.hearingHidden = hearingHidden
    number(with: filter)
  }

  var endpointCount: Int { endpoints.count }
  var pairCount: Int { pairs.count }

  /// Protocol and port of the endpoint with a number.
  func endpoint(_ number: Int) -> (protocolNumber: UInt8, port: UInt16) {
    let key = endpoints.keys[number]
    return (UInt8(truncatingIfNeeded: key >> 16), UInt16(truncatingIfNeeded: key))
  }

  /// Numbers endpoints, then their peers.
  private mutating func number(with endpointFilter: RepeatFilter) {
    var pairFilter = RepeatFilter(keys: facts.count)
    var lookup = BatchLookup(capacity: 2 * LinkTable.blockLinks)
    facts.withUnsafeMutableBufferPointer { facts in
      for start in stride(from: 0, to: facts.count, by: LinkTable.blockLinks) {
        let block = start..<min(start + LinkTable.blockLinks, facts.count)
        for index in block {
          let (a, b) = (facts[index].endpoint(.a), facts[index].endpoint(.b))
          if endpointFilter.mayRepeat(a) { lookup.add(a, for: 2 * index) }
          if endpointFilter.mayRepeat(b) { lookup.add(b, for: 2 * index + 1) }
        }
        lookup.run(on: &endpoints) { place, number in
          if place & 1 == 0 { facts[place / 2].a = number } else { facts[place / 2].b = number }
          pairFilter.insert(facts[place / 2].pair(place & 1 == 0 ? .a : .b))
        }
      }
      for start in stride(from: 0, to: facts.count, by: LinkTable.blockLinks) {
        let block = start..<min(start + LinkTable.blockLinks, facts.count)
        for index in block {
          let (a, b) = (facts[index].pair(.a), facts[index].pair(.b))
          if facts[index].a != LinkFacts.lone, pairFilter.mayRepeat(a) {
            lookup.add(a, for: 2 * index)
          }
          if facts[index].b != LinkFacts.lone, pairFilter.mayRepeat(b) {
            lookup.add(b, for: 2 * index + 1)
          }
        }
        lookup.run(on: &pairs) { place, number in
          if place & 1 == 0 {
            facts[place / 2].aPair = number
          } else {
            facts[place / 2].bPair = number
          }
        }
      }
    }
  }
}

/// What the passes over all links ask of each.
struct LinkFacts: Sendable {
  /// Numbers of the two endpoints; `lone` where no other link has the endpoint.
  var a = LinkFacts.lone
  var b = LinkFacts.lone
  /// Numbers of the pairs of endpoint and peer address; `lone` where no other link has the pair.
  var aPair = LinkFacts.lone
  var bPair = LinkFacts.lone
  var aHost: UInt32
  var bHost: UInt32
  var bPorts: UInt32
  /// Completed sessions; more than 32 bits hold are `.max`.
  var completed: UInt32
  var aPort: UInt16
  var bPort: UInt16
  var protocolNumber: UInt8
  /// As the link is, and as it would be without its handshake.
  var plain: LinkReading
  var hidden: LinkReading

  static var lone: UInt32 { .max }

  @inline(__always) fileprivate init(
    _ link: Link, _ addresses: UnsafeBufferPointer<IPAddress>
  ) {
    aHost = UInt32(link.a)
    bHost = UInt32(link.b)
    bPorts = link.bPorts
    completed = UInt32(clamping: link.completed)
    aPort = link.aPort
    bPort = link.bPort
    protocolNumber = link.protocolNumber
    plain = LinkReading(link, addresses)
    hidden = plain
  }

  /// The number of an endpoint, or `lone`.
  @inline(__always) func number(_ side: LinkSide) -> UInt32 { side == .a ? a : b }

  /// The endpoint: host, protocol 8 bits, port 16 bits.
  @inline(__always) func endpoint(_ side: LinkSide) -> UInt64 {
    let (host, port) = side == .a ? (aHost, aPort) : (bHost, bPort)
    return UInt64(host) << 24 | UInt64(protocolNumber) << 16 | UInt64(port)
  }

  /// Number of the endpoint, and the other's host.
  @inline(__always) fileprivate func pair(_ side: LinkSide) -> UInt64 {
    side == .a ? UInt64(a) << 32 | UInt64(bHost) : UInt64(b) << 32 | UInt64(aHost)
  }
}

enum LinkSide {
  case a, b

  var other: LinkSide { self == .a ? .b : .a }
}

/// Keys that are looked up together.
private struct BatchLookup {
  private var keys: [UInt64]
  private var places: [Int]
  private var numbers: [UInt32]
  private var count = 0

  init(capacity: Int) {
    keys = [UInt64](repeating: 0, count: capacity)
    places = [Int](repeating: 0, count: capacity)
    numbers = [UInt32](repeating: 0, count: capacity)
  }

  @inline(__always) mutating func add(_ key: UInt64, for place: Int) {
    keys[count] = key
    places[count] = place
    count += 1
  }

  /// Hands out the number of each key, and begins anew.
  @inline(__always) mutating func run(
    on index: inout WordIndex, _ body: (_ place: Int, _ number: UInt32) -> Void
  ) {
    keys.withUnsafeBufferPointer { keys in
      numbers.withUnsafeMutableBufferPointer { numbers in
        index.number(UnsafeBufferPointer(rebasing: keys[..<count]), into: numbers)
      }
    }
    for position in 0..<count { body(places[position], numbers[position]) }
    count = 0
  }
}
