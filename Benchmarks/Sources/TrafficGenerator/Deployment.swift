/// Which host provides which kind of service at which port: decided once, at start.
struct Deployment {
  /// A service at a host.
  struct Instance {
    /// Index of the host in the `HostPlan`; −1 for a group address.
    let host: Int32
    /// Port; 0 for ICMP and for the kinds whose port is drawn for each session.
    let port: UInt16
  }

  /// Instances of each kind, by index in the catalogue.
  let instances: [[Instance]]
  /// Ports at which each host listens, by host.
  private var listening: [[UInt16]]
  /// log2 of the number of instances plus one, by kind: what drawing a rank needs.
  let logOfCounts: [Double]
  /// The run's seed, for the hash that finds favourites.
  private let seed: UInt64

  /// Deploys all kinds.
  ///
  /// - Parameter usesHighPorts: every port is random and above 20000, whatever the catalogue says.
  init(kinds: [ServiceKind], hosts: HostPlan, seed: UInt64, usesHighPorts: Bool) {
    var random = RandomSource(seed: seed, stream: 0x0D)
    var instances: [[Instance]] = []
    var listening = [[UInt16]](repeating: [], count: hosts.addresses.count)

    func port(of kind: ServiceKind, at host: Int) -> UInt16 {
      var bounds: ClosedRange<UInt16> = 20_001...64_999
      switch kind.port {
      case .closed: return 0
      case .fixed(let port) where !usesHighPorts || kind.transport == .icmp: return port
      case .random(let range) where !usesHighPorts: bounds = range
      case .fixed, .random: break
      }
      while true {
        let port = bounds.lowerBound + UInt16(random.below(UInt32(bounds.count)))
        if KnownPorts.contains(port) || host >= 0 && listening[host].contains(port) { continue }
        return port
      }
    }

    for kind in kinds {
      var ofKind: [Instance] = []
      if kind.provider == .group || kind.provider == .nobody {
        ofKind.append(Instance(host: -1, port: port(of: kind, at: -1)))
      }
      for (number, host) in hosts.hosts(kind.provider).enumerated() {
        if let quarter = kind.quarter, number % 4 != quarter { continue }
        let port = port(of: kind, at: host)
        ofKind.append(Instance(host: Int32(host), port: port))
        if port != 0 { listening[host].append(port) }
      }
      instances.append(ofKind)
    }
    self.seed = seed
    self.instances = instances
    self.listening = listening
    logOfCounts = instances.map { Logarithm.log2(Double($0.count + 1)) }
  }

  /// True if the host provides anything at the port.
  func listens(host: Int, port: UInt16) -> Bool {
    listening[host].contains(port)
  }

  /// Picks the instance that a client uses this time.
  ///
  /// The popularity of servers follows Zipf's law. Four times in five a client takes one of three
  /// favourites, drawn once and for all by hashing; else it draws anew.
  func pick(kind: Int, client: Int, random: inout RandomSource) -> Instance {
    let ofKind = instances[kind]
    var fraction: Double
    if random.below(5) > 0 {
      let favourite = random.below(8)
      let number: UInt64 = favourite < 5 ? 0 : favourite < 7 ? 1 : 2
      let hash = RandomSource.mix(
        RandomSource.mix(seed, UInt64(client)), UInt64(kind) << 8 | number)
      fraction = Double(hash >> 11) * 0x1p-53
    } else {
      fraction = random.unit()
    }
    // A rank whose logarithm is uniform has a probability of about 1 / rank.
    let rank = Int(Logarithm.exp2(fraction * logOfCounts[kind])) - 1
    return ofKind[min(max(rank, 0), ofKind.count - 1)]
  }
}
