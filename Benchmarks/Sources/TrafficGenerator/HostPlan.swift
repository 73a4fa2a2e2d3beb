/// The hosts of one run: who exists, at which address, with which operating system.
///
/// Host indices: clients from 0, then the servers, group after group. Everything is derived from the
/// seed and the scale; only the counters of ephemeral ports change during a run.
struct HostPlan {
  /// Number of client PCs; their indices are 0 ..< `clientCount`.
  let clientCount: Int
  /// Number of servers; their indices follow.
  let serverCount: Int
  /// Networks of clients, /24 each.
  let clientNetworkCount: Int
  /// Internal networks of servers, /24 each.
  let serverNetworkCount: Int
  /// Networks with public addresses, /24 each.
  let publicNetworkCount: Int
  /// Address of each host, a number in host byte order.
  let addresses: [UInt32]
  /// Operating system of each host.
  let systems: [OperatingSystem]
  /// Index of the first host and number of hosts, by raw value of the server group.
  private let ranges: [Range<Int>]
  /// Ephemeral ports that each host has used so far.
  private var portsUsed: [UInt32]
  /// True to keep every ephemeral port at 20001 or above and off the lists of known ports.
  private let avoidsKnownPorts: Bool

  /// Full size at this many packets and above; below, hosts shrink in proportion, so that a client
  /// still has about five sessions.
  static let fullSizePackets = 2_000_000.0

  /// Plans the hosts for a run of `packets` packets.
  init(packets: Int, seed: UInt64, avoidsKnownPorts: Bool) {
    let scale = min(1, Double(packets) / HostPlan.fullSizePackets)
    func scaled(_ count: Int, atLeast least: Int) -> Int {
      max(least, Int((Double(count) * scale).rounded()))
    }
    clientCount = scaled(HostGroup.clients.countAtFullSize, atLeast: 12)
    clientNetworkCount = scaled(267, atLeast: 2)
    serverNetworkCount = scaled(16, atLeast: 1)
    publicNetworkCount = scaled(2, atLeast: 1)
    self.avoidsKnownPorts = avoidsKnownPorts

    var ranges: [Range<Int>] = []
    var addresses = (0..<clientCount).map { [clientNetworkCount] index in
      HostPlan.clientAddress(index, networks: clientNetworkCount)
    }
    for group in HostGroup.allCases where group.isServerGroup {
      let first = addresses.count
      // Four at least of the databases: one of each product.
      let count = scaled(group.countAtFullSize, atLeast: group == .database ? 4 : 1)
      for index in 0..<count {
        addresses.append(
          group == .edge
            ? HostPlan.publicAddress(index, networks: publicNetworkCount)
            : HostPlan.serverAddress(first + index - clientCount, networks: serverNetworkCount))
      }
      ranges.append(first..<addresses.count)
    }
    self.ranges = ranges
    serverCount = addresses.count - clientCount
    systems = (0..<addresses.count).map { [clientCount] index in
      let draw = RandomSource.mix(RandomSource.mix(seed, 0x05), UInt64(index)) % 100
      if index >= clientCount { return draw < 55 ? .linux : .windows }
      return draw < 75 ? .windows : draw < 95 || avoidsKnownPorts ? .linux : .old
    }
    portsUsed = (0..<addresses.count).map { index in
      UInt32(RandomSource.mix(RandomSource.mix(seed, 0x06), UInt64(index)) >> 40)
    }
    self.addresses = addresses
  }

  /// Number of networks, all /24.
  var networkCount: Int {
    clientNetworkCount + serverNetworkCount + publicNetworkCount
  }

  /// Indices of the hosts of a group; empty for the groups that are no hosts.
  func hosts(_ group: HostGroup) -> Range<Int> {
    switch group {
    case .clients: 0..<clientCount
    case .anyServer: clientCount..<addresses.count
    case .everyone: 0..<addresses.count
    case .group, .nobody: 0..<0
    default: ranges[group.rawValue]
    }
  }

  /// Takes the next ephemeral port of a host, as its operating system would.
  mutating func takePort(_ host: Int) -> UInt16 {
    let system = systems[host]
    while true {
      let counter = portsUsed[host]
      portsUsed[host] = counter &+ 1
      let offset = UInt32((UInt64(counter) * UInt64(system.portStride)) % UInt64(system.portCount))
      let port = UInt16(system.firstPort + offset)
      if !avoidsKnownPorts || !KnownPorts.contains(port) { return port }
    }
  }

  /// Client networks are 10.20.0.0/24 and up; PCs begin at .11 and fill all networks evenly.
  private static func clientAddress(_ index: Int, networks: Int) -> UInt32 {
    let network = index % networks
    let host = 11 + index / networks
    return 10 << 24 | UInt32(20 + network / 240) << 16 | UInt32(network % 240) << 8 | UInt32(host)
  }

  /// Server networks are 10.10.0.0/24 and up; servers begin at .10.
  private static func serverAddress(_ index: Int, networks: Int) -> UInt32 {
    10 << 24 | 10 << 16 | UInt32(index % networks) << 8 | UInt32(10 + index / networks)
  }

  /// Public networks are those for documentation (RFC 5737): 198.51.100.0/24 and 203.0.113.0/24.
  private static func publicAddress(_ index: Int, networks: Int) -> UInt32 {
    let network: UInt32 = index % networks == 0 ? 0xC633_6400 : 0xCB00_7100
    return network | UInt32(10 + index / networks)
  }
}
