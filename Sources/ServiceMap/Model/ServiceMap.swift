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
    /// The prefix length of the network that it stands for (`folded`); nil: it is a single address.
    public let prefixBits: Int?
    /// How many addresses it stands for.
    public let addresses: Int
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
  /// - Complexity: O(n) in relations, O(n log n) in addresses.
  public init(
    capture: CaptureReport, addresses: [IPAddress], relations: [Relation],
    networkBits: NetworkBits = NetworkBits(), name: (IPAddress) -> String? = { _ in nil }
  ) {
    let order = AddressOrder(addresses)
    self.init(
      capture: capture, addresses: order.sorted,
      sorted: ServiceMap.sorted(relations, ranks: order.ranks), networkBits: networkBits,
      name: name)
  }

  /// - Parameters:
  ///   - addresses: in order.
  ///   - relations: in the map's order, and so are the numbers of their hosts.
  ///   - folds: what those addresses stand for that are networks.
  init(
    capture: CaptureReport, addresses: [IPAddress], sorted relations: [Relation],
    networkBits: NetworkBits, folds: [IPAddress: Fold] = [:], name: (IPAddress) -> String?
  ) {
    /// Index of the first relation of a group or a later one.
    func start(of group: UInt8) -> Int {
      var (low, high) = (0, relations.count)
      while low < high {
        let middle = (low + high) / 2
        if RelationKey.listingGroup(of: relations[middle].kind) < group {
          low = middle + 1
        } else {
          high = middle
        }
      }
      return low
    }
    func range(of kind: RelationKind) -> Range<Int> {
      let group = RelationKey.listingGroup(of: kind)
      return start(of: group)..<start(of: group + 1)
    }
    failed = range(of: .failed)
    groups = range(of: .group)
    undecided = range(of: .undecided)
    notices = range(of: .notice)
    let serviceEnd = start(of: 1)

    // One pass for the sums of every host, and for the services: runs of equal server endpoints among
    // the leading service relations.
    var sums = [HostSums](repeating: HostSums(), count: addresses.count)
    var services: [Service] = []
    var clients: [Int] = []
    clients.reserveCapacity(serviceEnd)
    var accounting = Accounting()
    var (packets, bytes, sessions): (UInt64, UInt64, UInt64) = (0, 0, 0)
    var total: Relation?
    func endService(at end: Int) {
      guard let total else { return }
      services.append(
        Service(
          server: total.server, protocolNumber: total.protocolNumber, port: total.port,
          relations: (services.last?.relations.upperBound ?? 0)..<end, total: total))
    }
    sums.withUnsafeMutableBufferPointer { sums in
      for (index, one) in relations.enumerated() {
        sums[one.server].serve(one)
        sums[one.client].request(one)
        packets += one.packets
        bytes += one.bytes
        sessions += one.sessions
        if index >= serviceEnd { continue }
        clients.append(one.client)
        if total?.server != one.server || total?.port != one.port
          || total?.protocolNumber != one.protocolNumber
        {
          endService(at: index)
          total = Relation(
            server: one.server, client: one.server, protocolNumber: one.protocolNumber,
            port: one.port, kind: one.kind, basis: one.basis, confidence: one.confidence)
        }
        total?.add(one)
        if one.kind == .provided { total?.kind = .provided }
        total?.takeRole(of: one)
      }
    }
    endService(at: serviceEnd)
    accounting[.mapped] = packets
    let requestOrder = ServiceMap.ordered(clients, below: addresses.count)
    for (index, service) in services.enumerated() {
      let known = sums[service.server].provides
      sums[service.server].provides = (known.isEmpty ? index : known.lowerBound)..<(index + 1)
    }
    for (position, relation) in requestOrder.enumerated() {
      let client = clients[relation]
      let known = sums[client].requests
      sums[client].requests = (known.isEmpty ? position : known.lowerBound)..<(position + 1)
    }

    var summary = Summary()
    var networks = Set<IPAddress>()
    hosts = addresses.enumerated().map { position, address in
      let sum = sums[position]
      let isGroup =
        address.isMulticastOrBroadcast || (sum.onlyAsGroup && !sum.hasPart && sum.packetsOut == 0)
      let fold = folds.isEmpty ? nil : folds[address]
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
        provides: sum.provides, requests: sum.requests, isActive: isActive,
        prefixBits: fold?.bits, addresses: fold?.addresses ?? 1)
    }
    summary.networks = networks.count
    summary.services = services.count
    summary.relations = serviceEnd
    summary.sessions = sessions

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
    var folds: [IPAddress: Fold] = [:]
    for host in hosts {
      // That of the first address of a network is not the network's.
      all[host.address] = host.name ?? (host.prefixBits == nil ? names[host.address] : nil)
      if let bits = host.prefixBits {
        folds[host.address] = Fold(bits: bits, addresses: host.addresses)
      }
    }
    var map = ServiceMap(
      capture: capture, addresses: hosts.map(\.address), sorted: relations,
      networkBits: networkBits, folds: folds, name: { all[$0] })
    map.completeness = completeness
    map.selfCheck = selfCheck
    return map
  }

  /// The relations with their addresses' ranks, in the map's order.
  static func sorted(_ relations: [Relation], ranks: [UInt32]) -> [Relation] {
    let hostBits = RelationKey.hostBits(count: ranks.count)
    var numbers = relations.enumerated().map { number, one in
      KeyedNumber(
        key: RelationKey(
          group: RelationKey.listingGroup(of: one.kind), server: ranks[one.server],
          protocolNumber: one.protocolNumber, port: one.port, client: ranks[one.client],
          clientPort: one.clientPort, hostBits: hostBits), number: UInt32(number))
    }
    KeyedNumber.sort(&numbers)
    return numbers.map { place in
      var one = relations[Int(place.number)]
      one.server = Int(ranks[one.server])
      one.client = Int(ranks[one.client])
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

/// What a host has a part in.
private struct HostSums {
  var packetsOut: UInt64 = 0
  var packetsIn: UInt64 = 0
  var bytesOut: UInt64 = 0
  var bytesIn: UInt64 = 0
  var hasPart = false
  var onlyAsGroup = false
  var provides = 0..<0
  var requests = 0..<0

  @inline(__always) mutating func serve(_ one: Relation) {
    packetsIn += one.packetsToServer
    packetsOut += one.packetsToClient
    bytesIn += one.bytesToServer
    bytesOut += one.bytesToClient
    if one.kind == .group { onlyAsGroup = true }
    if one.kind.isService || one.kind == .undecided { hasPart = true }
  }

  @inline(__always) mutating func request(_ one: Relation) {
    packetsOut += one.packetsToServer
    packetsIn += one.packetsToClient
    bytesOut += one.bytesToServer
    bytesIn += one.bytesToClient
    if one.kind.isService || one.kind == .undecided { hasPart = true }
  }
}

/// Addresses in order, so that the order of their numbers is that of the addresses.
struct AddressOrder: Sendable {
  let sorted: [IPAddress]
  /// By the number of an address before: its number now.
  let ranks: [UInt32]

  /// - Complexity: O(n log n).
  init(_ addresses: [IPAddress]) {
    let order = addresses.enumerated().sorted { $0.element < $1.element }
    sorted = order.map(\.element)
    var ranks = [UInt32](repeating: 0, count: addresses.count)
    for (rank, one) in order.enumerated() { ranks[one.offset] = UInt32(rank) }
    self.ranks = ranks
  }
}
