public import Wire

// Until the real ones are merged.
public enum MapTime: Hashable, Sendable {
  case all
  case last(seconds: Int)
  case between(from: Int?, to: Int?)
}
public struct Prefix: Hashable, Sendable, CustomStringConvertible {
  public let address: IPAddress
  public let bits: Int
  public var description: String { "\(address)/\(bits)" }
}
public struct HostDirectory: Sendable {
  public init() {}
}
public struct HostGroups: Sendable {
  public enum Kind: Sendable { case named, network, outside, multicast }
  public struct Group: Sendable {
    public let name: String
    public let kind: Kind
    public let prefix: Prefix?
  }
  public let groups: [Group]
  public let groupOfHost: [Int]
  public init(map: ServiceMap, directory: HostDirectory) {
    var groups: [Group] = []
    var groupOfHost: [Int] = []
    for host in map.hosts {
      let bits = host.address.isIPv4 ? map.networkBits.v4 : map.networkBits.v6
      let prefix = Prefix(
        address: host.address.masked(v4Bits: map.networkBits.v4, v6Bits: map.networkBits.v6),
        bits: bits)
      if groups.last?.prefix != prefix {
        groups.append(Group(name: prefix.description, kind: .network, prefix: prefix))
      }
      groupOfHost.append(groups.count - 1)
    }
    self.groups = groups
    self.groupOfHost = groupOfHost
  }
}
public struct TrafficSeries: Sendable {
  public struct Point: Equatable, Sendable {
    public var `in`: UInt64
    public var out: UInt64
  }
  public let bounds: [Int]
  public func ofAll() -> [UInt64] { [] }
  public func ofHost(_ address: IPAddress) -> [Point] { [] }
  public func ofService(_ address: IPAddress, _ protocolNumber: UInt8, _ port: UInt16) -> [Point] {
    []
  }
  public func ofEndpoint(_ protocolNumber: UInt8, _ port: UInt16) -> [Point] { [] }
  public func ofRelation(
    server: IPAddress, _ protocolNumber: UInt8, _ port: UInt16, client: IPAddress
  ) -> [Point] { [] }
}
public struct StoreFollower: Sendable {
  let path: String
  public init(path: String, time: MapTime, withSeries: Bool) { self.path = path }
  var done = false
  public mutating func read(now: Int) throws -> MapStore.Content? {
    if done { return nil }
    done = true
    return try MapStore.read(path: path)
  }
}
extension MapStore.Content {
  public var series: TrafficSeries? { nil }
}
extension HostDirectory {
  public func name(of address: IPAddress) -> String? { nil }
}
extension ServiceMap {
  public func folded(outside directory: HostDirectory) -> ServiceMap { self }
}
