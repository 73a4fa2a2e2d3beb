internal import ServiceMap
internal import Wire

/// The rankings and sums that the terminal and the page both show.
struct Overview {
  let map: ServiceMap

  /// Sessions, packets and bytes of a range of relations.
  struct Sum {
    var relations = 0
    var sessions: UInt64 = 0
    var packets: UInt64 = 0
    var bytes: UInt64 = 0
  }

  func sum(_ range: Range<Int>) -> Sum {
    var sum = Sum()
    sum.relations = range.count
    for relation in map.relations[range] {
      sum.sessions += relation.sessions
      sum.packets += relation.packets
      sum.bytes += relation.bytes
    }
    return sum
  }

  /// Nanoseconds from the first to the last packet.
  var spanNs: UInt64 {
    guard let start = map.capture.startNs, let end = map.capture.endNs, end > start else {
      return 0
    }
    return end - start
  }

  /// Indices into `services`. Ties are broken by position, which is the order of addresses.
  func topServices(_ count: Int, by weight: (ServiceMap.Service) -> (UInt64, UInt64)) -> [Int] {
    top(count, of: map.services.indices) { weight(map.services[$0]) }
  }

  func topServicesByClients(_ count: Int) -> [Int] {
    topServices(count) { (UInt64($0.clients), $0.total.bytes) }
  }

  func topServicesByBytes(_ count: Int) -> [Int] {
    topServices(count) { ($0.total.bytes, $0.total.packets) }
  }

  /// Distinct clients of all services together, by index into `hosts`.
  func clientsOfHosts() -> [Int] {
    var clients = [Int](repeating: 0, count: map.hosts.count)
    // By client: the last server it was counted for.
    var counted = [Int](repeating: -1, count: map.hosts.count)
    for (index, host) in map.hosts.enumerated() where !host.provides.isEmpty {
      let services = map.services[host.provides]
      if host.provides.count == 1 {
        clients[index] = services[host.provides.lowerBound].clients
        continue
      }
      for relation in services.lazy.flatMap(\.relations) {
        let client = map.relations[relation].client
        if counted[client] != index {
          counted[client] = index
          clients[index] += 1
        }
      }
    }
    return clients
  }

  /// Indices into `hosts`, by distinct clients of all services together, then bytes.
  func topServers(_ count: Int) -> [(host: Int, clients: Int)] {
    let clients = clientsOfHosts()
    let servers = map.hosts.indices.filter { clients[$0] > 0 }
    return top(count, of: servers) {
      (UInt64(clients[$0]), map.hosts[$0].bytesIn + map.hosts[$0].bytesOut)
    }.map { ($0, clients[$0]) }
  }

  /// Indices into `hosts` of the active hosts with most traffic both ways.
  func topTalkers(_ count: Int) -> [Int] {
    top(count, of: map.hosts.indices.filter { map.hosts[$0].isActive }) {
      let host = map.hosts[$0]
      return (host.bytesIn + host.bytesOut, host.packetsIn + host.packetsOut)
    }
  }

  /// Indices into `relations` of the failures with most sessions.
  func topFailures(_ count: Int) -> [Int] {
    top(count, of: map.failed) { (map.relations[$0].sessions, map.relations[$0].packets) }
  }

  /// Indices into `relations` of the undecided pairs with most packets.
  func topUndecided(_ count: Int) -> [Int] {
    top(count, of: map.undecided) { (map.relations[$0].packets, map.relations[$0].bytes) }
  }

  private func top(
    _ count: Int, of indices: some Collection<Int>, by weight: (Int) -> (UInt64, UInt64)
  ) -> [Int] {
    // Weighed once, since a sort asks for each many times.
    let weighed = indices.map { (index: $0, weight: weight($0)) }
    return weighed.sorted {
      $0.weight != $1.weight ? $0.weight > $1.weight : $0.index < $1.index
    }.prefix(count).map(\.index)
  }
}
