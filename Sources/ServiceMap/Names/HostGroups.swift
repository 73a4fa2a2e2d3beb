internal import Wire

/// Which group each host of a map is in: the user's, or its network, or what lies outside.
public struct HostGroups: Sendable {
  public enum Kind: Int, Comparable, Sendable {
    /// The user's, by `HostDirectory.group`.
    case named
    /// A network of the organisation, without what is in a named group.
    case network
    /// All hosts outside the organisation. It has no name: pages name it.
    case outside
    /// Multicast and broadcast groups. It has no name either.
    case multicast

    public static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }
  }

  public struct Group: Hashable, Sendable {
    /// Of a network its address, after its name where it has one: `Tokyo 10.1.2.0/24`.
    public let name: String
    public let kind: Kind
    /// Of a network.
    public let prefix: Prefix?
  }

  /// Those that have hosts: named ones by name, networks by address, what is outside, multicast.
  public let groups: [Group]
  /// By index into `ServiceMap.hosts`: an index into `groups`.
  public let groupOfHost: [Int]

  /// - Complexity: O(hosts · different prefix lengths in `directory`).
  public init(map: ServiceMap, directory: HostDirectory) {
    var numbers: [Group: Int] = [:]
    var found: [Group] = []
    // Where nobody is of the organisation, as in a capture of the internet, there is nothing to be outside of.
    let hasInside = map.hosts.contains {
      !$0.isGroup && !$0.address.isUnspecified && directory.isInside($0.address)
    }
    let numberOfHost = map.hosts.map { host in
      let group = HostGroups.group(of: host, map.networkBits, directory, hasInside: hasInside)
      if let known = numbers[group] { return known }
      numbers[group] = found.count
      found.append(group)
      return found.count - 1
    }
    let order = found.indices.sorted { HostGroups.isBefore(found[$0], found[$1]) }
    var ranks = [Int](repeating: 0, count: found.count)
    for (rank, number) in order.enumerated() { ranks[number] = rank }
    groups = order.map { found[$0] }
    groupOfHost = numberOfHost.map { ranks[$0] }
  }

  private static func group(
    of host: ServiceMap.Host, _ bits: ServiceMap.NetworkBits, _ directory: HostDirectory,
    hasInside: Bool
  ) -> Group {
    if host.isGroup { return Group(name: "", kind: .multicast, prefix: nil) }
    if let name = directory.group(of: host.address) {
      return Group(name: name, kind: .named, prefix: nil)
    }
    guard host.prefixBits == nil, !hasInside || directory.isInside(host.address) else {
      return Group(name: "", kind: .outside, prefix: nil)
    }
    // 0.0.0.0 and :: are no network, but stand for many addresses or for none.
    let prefix =
      host.address.isUnspecified
      ? Prefix(host.address, bits: 128) : Prefix(host.address, in: bits)
    let name = prefix.isAddress ? nil : directory.networkName(of: prefix)
    return Group(name: (name.map { "\($0) " } ?? "") + "\(prefix)", kind: .network, prefix: prefix)
  }

  private static func isBefore(_ left: Group, _ right: Group) -> Bool {
    if left.kind != right.kind { return left.kind < right.kind }
    if let prefix = left.prefix, let other = right.prefix { return prefix < other }
    return left.name < right.name
  }
}
