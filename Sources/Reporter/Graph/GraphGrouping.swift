public import ServiceMap

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

  /// Those that people gave, networks, what is outside, multicast.
  public init(_ groups: HostGroups) {
    self.init(
      groups: groups.groups.map {
        Group(name: $0.name, isOutside: $0.kind == .outside, isNetwork: $0.kind == .network)
      }, groupOfHost: groups.groupOfHost)
  }
}
