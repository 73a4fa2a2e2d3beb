public import ServiceMap
internal import Wire

/// Who groups hosts: which group each host of a map belongs to.
public struct GraphGrouping: Sendable {
  public struct Group: Sendable {
    /// As people gave it, or a network in the form 10.1.2.0/24. Foreign text. Empty for `isOutside` where it
    /// has no name of its own.
    public let name: String
    /// Of hosts outside of the organisation.
    public let isOutside: Bool
    /// A network rather than a group that people named.
    public let isNetwork: Bool

    public init(name: String, isOutside: Bool = false, isNetwork: Bool = false) {
      self.name = name
      self.isOutside = isOutside
      self.isNetwork = isNetwork
    }
  }

  public let groups: [Group]
  /// Index into `groups`, by index into `ServiceMap.hosts`.
  public let groupOfHost: [Int]

  /// - Parameter groupOfHost: one valid index into `groups` for every host of the map.
  public init(groups: [Group], groupOfHost: [Int]) {
    self.groups = groups
    self.groupOfHost = groupOfHost
  }

  /// By network; where the map has private addresses (RFC 1918, RFC 4193 and their like), all others are one
  /// group outside: a company's map is not to drown in the internet's networks.
  ///
  /// - Complexity: O(n) in hosts.
  public init(networksOf map: ServiceMap) {
    let hasInside = map.hosts.contains {
      $0.address.isPrivate && !$0.address.isUnspecified && !$0.isGroup
    }
    let bits = map.networkBits
    var groups: [Group] = []
    var groupOfHost: [Int] = []
    groupOfHost.reserveCapacity(map.hosts.count)
    var outside: Int?
    // Hosts are in the order of their addresses, so those of a network follow one another.
    var last: IPAddress?
    var lastIndex = 0
    for host in map.hosts {
      let isInside = host.isGroup || host.address.isPrivate || !hasInside
      guard isInside else {
        if outside == nil {
          outside = groups.count
          groups.append(Group(name: "", isOutside: true))
        }
        groupOfHost.append(outside ?? 0)
        continue
      }
      let network = host.address.masked(v4Bits: bits.v4, v6Bits: bits.v6)
      if network != last {
        let length = host.address.isIPv4 ? bits.v4 : bits.v6
        lastIndex = groups.count
        groups.append(Group(name: "\(network)/\(length)", isNetwork: true))
        last = network
      }
      groupOfHost.append(lastIndex)
    }
    self.groups = groups
    self.groupOfHost = groupOfHost
  }
}

extension IPAddress {
  /// Of no use on the internet: RFC 1918, RFC 6598, link-local, loopback, RFC 4193, and the unspecified.
  fileprivate var isPrivate: Bool {
    guard isIPv4 else {
      return high >> 57 == 0xFC >> 1 || high >> 54 == 0xFE80 >> 6 || high == 0 && low <= 1
    }
    return v4 >> 24 == 10 || v4 >> 20 == 0xAC1 || v4 >> 16 == 0xC0A8 || v4 >> 22 == 0x6440 >> 6
      || v4 >> 16 == 0xA9FE || v4 >> 24 == 127 || v4 == 0
  }
}
