import Testing
import Wire

@testable import ServiceMap

@Suite struct HostGroupsTests {
  private func map(_ addresses: [String]) throws -> ServiceMap {
    let addresses = try addresses.map { try #require(IPAddress($0)) }
    // Everybody asks the first.
    let relations = addresses.indices.dropFirst().map { client in
      var one = Relation(
        server: addresses[client].isMulticastOrBroadcast ? client : 0,
        client: addresses[client].isMulticastOrBroadcast ? 0 : client, protocolNumber: 6, port: 80,
        kind: addresses[client].isMulticastOrBroadcast ? .group : .provided, basis: .handshake,
        confidence: 1)
      one.sessions = 1
      one.packetsToServer = 1
      return one
    }
    return ServiceMap(capture: CaptureReport(), addresses: addresses, relations: relations)
  }

  @Test("each host has one group: the user's, its network, outside, multicast")
  func groups() throws {
    let map = try map([
      "10.1.2.3", "10.1.2.4", "10.1.3.3", "10.0.9.9", "8.8.8.8", "1.1.1.1", "fd00::1",
      "224.0.0.251",
      "0.0.0.0", "203.0.113.7",
    ])
    var directory = HostDirectory()
    directory.add(
      text: """
        10.1.2.4,,Servers
        203.0.113.0/24,Partner,Accounting
        10.1.2.0/24,Tokyo,
        """)
    let groups = HostGroups(map: map, directory: directory)
    #expect(
      groups.groups.map(\.name) == [
        "Accounting", "Servers", "0.0.0.0", "10.0.9.0/24", "Tokyo 10.1.2.0/24", "10.1.3.0/24",
        "fd00::/64", "", "",
      ])
    #expect(
      groups.groups.map(\.kind) == [
        .named, .named, .network, .network, .network, .network, .network, .outside, .multicast,
      ])
    #expect(groups.groups[4].prefix == Prefix("10.1.2.0/24") && groups.groups[0].prefix == nil)
    #expect(groups.groupOfHost.count == map.hosts.count)
    func group(_ text: String) -> String? {
      map.hosts.firstIndex { $0.address.description == text }
        .map { groups.groups[groups.groupOfHost[$0]] }.map { "\($0.kind) \($0.name)" }
    }
    #expect(group("10.1.2.3") == "network Tokyo 10.1.2.0/24")
    #expect(group("10.1.2.4") == "named Servers")
    #expect(group("8.8.8.8") == "outside ")
    #expect(group("1.1.1.1") == "outside ")
    #expect(group("224.0.0.251") == "multicast ")
    #expect(group("203.0.113.7") == "named Accounting")
  }
}
