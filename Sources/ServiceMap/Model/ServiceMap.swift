public import Wire

/// Which host provides which service to whom: everything that a report shows.
///
/// Built once from the store, then only read. All orders are by true address, protocol and port, so
/// that the same traffic gives the same map, byte for byte, however it was sharded.
public struct ServiceMap: Sendable {
  /// A unicast address, or a group.
  public struct Host: Sendable {
    public let address: IPAddress
    /// From the names file, /etc/hosts or DNS; nil where unknown.
    public let name: String?
    /// A multicast or broadcast group rather than a host.
    public let isGroup: Bool
    /// Packets that it sent, and that were sent to it.
    public let packetsOut: UInt64
    public let packetsIn: UInt64
    public let bytesOut: UInt64
    public let bytesIn: UInt64
    /// Indices into `services`: what it provides.
    public let provides: Range<Int>
    /// Indices into `relations` in `requestOrder`: what it requests, by server, protocol and port.
    public let requests: Range<Int>
    /// Whether it counts as a host of the network: it is no group, and it sent a packet or has a
    /// part in a relation that is provided, peer or undecided. The targets of a scan do not count.
    public let isActive: Bool
  }

  /// One provided service: a server endpoint.
  public struct Service: Sendable {
    /// Index into `hosts`.
    public let server: Int
    public let protocolNumber: UInt8
    public let port: UInt16
    /// Indices into `relations`; one relation a client.
    public let relations: Range<Int>
    /// Sums over them, and the role that rests on the best evidence among them.
    public let total: Relation

    public var clients: Int { relations.count }
  }

  /// The capture the map was made of.
  public let capture: CaptureReport
  /// What became of each packet; `mapped` is what the merger counted, not what was sent to it.
  public let accounting: Accounting
  /// Layer-3 octets mapped.
  public let bytes: UInt64
  /// By address.
  public let hosts: [Host]
  /// By server address, protocol, port, client address; services first, then the other kinds.
  public let relations: [Relation]
  /// By server address, protocol, port: only `provided` and `peer`.
  public let services: [Service]
  /// Indices into `relations` for `Host.requests`: services only, by client, then server.
  public let requestOrder: [Int]
  /// Indices into `relations` by kind, for what is no service.
  public let failed: Range<Int>
  public let groups: Range<Int>
  public let undecided: Range<Int>
  public let notices: Range<Int>
  /// Prefix lengths that make a network.
  public let networkBits: NetworkBits

  /// Prefix lengths by which addresses are grouped into networks.
  public struct NetworkBits: Equatable, Sendable {
    public var v4: Int
    public var v6: Int

    public init(v4: Int = 24, v6: Int = 64) {
      self.v4 = v4
      self.v6 = v6
    }
  }

  /// The figures of the overview.
  public struct Summary: Equatable, Sendable {
    public init() {}

    /// Active hosts (`Host.isActive`).
    public var hosts = 0
    /// Those that provide something; those that only request.
    public var servers = 0
    public var clients = 0
    /// Networks in which an active host was seen.
    public var networks = 0
    public var services = 0
    /// Pairs of a service and a client.
    public var relations = 0
    /// Sessions of every kind.
    public var sessions: UInt64 = 0
  }
  public let summary: Summary
  /// How far the map can be trusted. Filled in by who read the links that it was made of.
  public internal(set) var completeness = Completeness()
  public internal(set) var selfCheck = SelfCheck()

  /// Builds the map and its indices.
  ///
  /// - Parameters:
  ///   - addresses: any order; `relations` refer to it.
  ///   - name: the name of an address, where one is known.
  /// - Complexity: O(n log n) in relations.
  public init(
    capture: CaptureReport, addresses: [IPAddress], relations unsorted: [Relation],
    networkBits: NetworkBits = NetworkBits(), name: (IPAddress) -> String? = { _ in nil }
  ) {
    // Addresses in order; relations re-numbered to it, so that numeric order is address order.
    let order = addresses.indices.sorted { addresses[$0] < addresses[$1] }
    var rank = [Int](repeating: 0, count: addresses.count)
    for (position, index) in order.enumerated() { rank[index] = position }
    let relations = ServiceMap.sorted(unsorted, rank: rank)

    func range(of kind: RelationKind) -> Range<Int> {
      let first = relations.firstIndex { $0.kind == kind } ?? relations.endIndex
      let end = relations[first...].firstIndex { $0.kind != kind } ?? relations.endIndex
      return first..<end
    }
    failed = range(of: .failed)
    groups = range(of: .group)
    undecided = range(of: .undecided)
    notices = range(of: .notice)

    // Services: runs of equal server endpoints among the leading service relations.
    var services: [Service] = []
    let serviceEnd = relations.firstIndex { !$0.kind.isService } ?? relations.endIndex
    var start = 0
    while start < serviceEnd {
      let first = relations[start]
      var end = start
      var total = Relation(
        server: first.server, client: first.server, protocolNumber: first.protocolNumber,
        port: first.port, kind: first.kind, basis: first.basis, confidence: first.confidence)
      while end < serviceEnd, relations[end].server == first.server,
        relations[end].protocolNumber == first.protocolNumber, relations[end].port == first.port
      {
        let one = relations[end]
        total.add(one)
        if one.kind == .provided { total.kind = .provided }
        total.takeRole(of: one)
        end += 1
      }
      services.append(
        Service(
          server: first.server, protocolNumber: first.protocolNumber, port: first.port,
          relations: start..<end, total: total))
      start = end
    }
    let requestOrder = ServiceMap.ordered(
      relations[..<serviceEnd].map(\.client), below: addresses.count)

    // One pass each for traffic, provides and requests of every host.
    struct Sums {
      var packetsOut: UInt64 = 0
      var packetsIn: UInt64 = 0
      var bytesOut: UInt64 = 0
      var bytesIn: UInt64 = 0
      var hasPart = false
      var onlyAsGroup = false
      var provides = 0..<0
      var requests = 0..<0
    }
    var sums = [Sums](repeating: Sums(), count: addresses.count)
    var accounting = Accounting()
    var bytes: UInt64 = 0
    for relation in relations {
      sums[relation.server].packetsIn += relation.packetsToServer
      sums[relation.server].packetsOut += relation.packetsToClient
      sums[relation.server].bytesIn += relation.bytesToServer
      sums[relation.server].bytesOut += relation.bytesToClient
      sums[relation.client].packetsOut += relation.packetsToServer
      sums[relation.client].packetsIn += relation.packetsToClient
      sums[relation.client].bytesOut += relation.bytesToServer
      sums[relation.client].bytesIn += relation.bytesToClient
      if relation.kind == .group { sums[relation.server].onlyAsGroup = true }
      if relation.kind.isService || relation.kind == .undecided {
        sums[relation.server].hasPart = true
        sums[relation.client].hasPart = true
      }
      accounting[.mapped] += relation.packets
      bytes += relation.bytes
    }
    for (index, service) in services.enumerated() {
      let known = sums[service.server].provides
      sums[service.server].provides = (known.isEmpty ? index : known.lowerBound)..<(index + 1)
    }
    for (position, relation) in requestOrder.enumerated() {
      let client = relations[relation].client
      let known = sums[client].requests
      sums[client].requests = (known.isEmpty ? position : known.lowerBound)..<(position + 1)
    }

    var summary = Summary()
    var networks = Set<IPAddress>()
    hosts = order.enumerated().map { position, index in
      let address = addresses[index]
      let sum = sums[position]
      let isGroup =
        address.isMulticastOrBroadcast || (sum.onlyAsGroup && !sum.hasPart && sum.packetsOut == 0)
      let isActive =
        !isGroup && !address.isUnspecified && (sum.packetsOut > 0 || sum.hasPart)
      if isActive {
        summary.hosts += 1
        if !sum.provides.isEmpty {
          summary.servers += 1
        } else if !sum.requests.isEmpty {
          summary.clients += 1
        }
        networks.insert(address.masked(v4Bits: networkBits.v4, v6Bits: networkBits.v6))
      }
      return Host(
        address: address, name: name(address), isGroup: isGroup, packetsOut: sum.packetsOut,
        packetsIn: sum.packetsIn, bytesOut: sum.bytesOut, bytesIn: sum.bytesIn,
        provides: sum.provides, requests: sum.requests, isActive: isActive)
    }
    summary.networks = networks.count
    summary.services = services.count
    summary.relations = serviceEnd
    summary.sessions = relations.reduce(0) { $0 + $1.sessions }

    for outcome in PacketOutcome.allCases where outcome != .mapped {
      accounting[outcome] = capture.accounting[outcome.name] ?? 0
    }
    self.capture = capture
    self.accounting = accounting
    self.bytes = bytes
    self.relations = relations
    self.services = services
    self.requestOrder = requestOrder
    self.summary = summary
    self.networkBits = networkBits
  }

  /// The same map with names for hosts that have none.
  public func named(_ names: [IPAddress: String]) -> ServiceMap {
    var all = names
    for host in hosts { all[host.address] = host.name ?? names[host.address] }
    var map = ServiceMap(
      capture: capture, addresses: hosts.map(\.address), relations: relations,
      networkBits: networkBits, name: { all[$0] })
    map.completeness = completeness
    map.selfCheck = selfCheck
    return map
  }

  /// The relations with their addresses' ranks, in the map's order.
  ///
  /// Sorts small keys instead of the relations themselves, which are ten times their size.
  private static func sorted(_ relations: [Relation], rank: [Int]) -> [Relation] {
    struct Place {
      var endpoint: UInt64
      var client: UInt64
      var index: UInt32
    }
    var places = relations.enumerated().map { index, one in
      // Services first, then kind by kind; server, protocol, port; then the client.
      let group: UInt64 = one.kind.isService ? 0 : UInt64(one.kind.rawValue)
      return Place(
        endpoint: group << 56 | UInt64(rank[one.server]) << 24 | UInt64(one.protocolNumber) << 16
          | UInt64(one.port), client: UInt64(rank[one.client]) << 16 | UInt64(one.clientPort),
        index: UInt32(index))
    }
    places.sort { $0.endpoint != $1.endpoint ? $0.endpoint < $1.endpoint : $0.client < $1.client }
    return places.map { place in
      var one = relations[Int(place.index)]
      one.server = rank[one.server]
      one.client = rank[one.client]
      return one
    }
  }

  /// The indices of `values` by value, equal ones in their order: a counting sort.
  private static func ordered(_ values: [Int], below limit: Int) -> [Int] {
    var starts = [Int](repeating: 0, count: limit + 1)
    for value in values { starts[value + 1] += 1 }
    for value in 0..<limit { starts[value + 1] += starts[value] }
    var order = [Int](repeating: 0, count: values.count)
    for (index, value) in values.enumerated() {
      order[starts[value]] = index
      starts[value] += 1
    }
    return order
  }
}
