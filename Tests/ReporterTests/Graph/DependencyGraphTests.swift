import ServiceMap
import TestSupport
import Testing
import Wire

@testable import Reporter

@Suite struct DependencyGraphTests {
  private static let hostile = FakeMap.hostileName

  private func graph(
    _ map: ServiceMap, _ options: GraphOptions = GraphOptions(), grouping: GraphGrouping? = nil
  ) -> DependencyGraph {
    DependencyGraph(
      map: map, labels: Labels(map: map, names: FakeMap.serviceNames),
      grouping: grouping ?? GraphGrouping(HostGroups(map: map, directory: HostDirectory())),
      options: options)
  }

  /// Services and failures: what a graph is made of.
  private func dependencies(of map: ServiceMap) -> [Relation] {
    map.relations.filter { $0.kind.isService || $0.kind == .failed }
  }

  @Test("edges between networks are the sums of their relations, counted another way")
  func sums() throws {
    let map = FakeMap.big(hosts: 3000, relations: 20_000, seed: 7)
    let grouping = GraphGrouping(HostGroups(map: map, directory: HostDirectory()))
    let graph = graph(map, GraphOptions(nodesMax: 500, edgesMax: 5000), grouping: grouping)
    struct Sum: Equatable {
      var bytes: UInt64 = 0
      var sessions: UInt64 = 0
      var failed: UInt64 = 0
      var least = 1.0
      var endpoints: [String: UInt64] = [:]
    }
    var expected: [String: Sum] = [:]
    for one in dependencies(of: map) {
      let names = [one.client, one.server].map { grouping.groups[grouping.groupOfHost[$0]].name }
      var sum = expected[names.joined(separator: ">")] ?? Sum()
      sum.bytes += one.bytes
      sum.sessions += one.sessions
      sum.failed += one.refused + one.unanswered
      sum.least = min(sum.least, one.confidence)
      sum.endpoints[ServiceText.endpoint(one.protocolNumber, one.port), default: 0] += one.bytes
      expected[names.joined(separator: ">")] = sum
    }
    #expect(graph.edges.count == expected.count)
    #expect(graph.hiddenNodes == 0 && graph.hiddenEdges == 0)
    for edge in graph.edges {
      let names = [edge.from, edge.to].map { graph.nodes[$0].labels.first ?? "" }
      let key = names.joined(separator: ">")
      let sum = try #require(expected[key])
      #expect(edge.bytes == sum.bytes && edge.sessions == sum.sessions)
      #expect(edge.failedSessions == sum.failed && edge.confidenceMin == sum.least)
      #expect(edge.confidence >= edge.confidenceMin && edge.confidence <= 1)
      #expect(edge.servicesCount == sum.endpoints.count)
      let top = sum.endpoints.values.sorted(by: >).prefix(DependencyGraph.servicesMax)
      #expect(edge.services.map(\.bytes) == Array(top))
      for service in edge.services { #expect(sum.endpoints[service.endpoint] == service.bytes) }
    }
  }

  @Test(
    "joining loses nothing: the edges' bytes and sessions are the map's",
    arguments: [GraphOptions.Level.group, .host], [2, 10, 60])
  func conserved(level: GraphOptions.Level, nodesMax: Int) {
    let map = FakeMap.big(hosts: 3000, relations: 5000, seed: 3)
    let names = GraphGrouping(HostGroups(map: map, directory: HostDirectory())).groups.prefix(2)
      .map(\.name)
    let options = GraphOptions(
      level: level, expanded: level == .group ? names : [], nodesMax: nodesMax, edgesMax: 5000)
    let graph = graph(map, options)
    #expect(graph.nodes.count <= nodesMax)
    #expect(graph.hiddenNodes > 0)
    let all = dependencies(of: map)
    #expect(graph.edges.reduce(0) { $0 + $1.bytes } == all.reduce(0) { $0 + $1.bytes })
    #expect(graph.edges.reduce(0) { $0 + $1.sessions } == all.reduce(0) { $0 + $1.sessions })
    let ids = graph.nodes.map(\.id)
    #expect(Set(ids).count == ids.count)
  }

  @Test("an opened group shows its hosts, the others stay groups")
  func expanded() throws {
    let map = FakeMap.small()
    let graph = graph(map, GraphOptions(expanded: ["10.0.1.0/24", "no such group"]))
    let kinds = Dictionary(uniqueKeysWithValues: graph.nodes.map { ($0.id, $0.kind) })
    #expect(kinds["host:10.0.1.7"] == .host && kinds["host:10.0.1.8"] == .host)
    #expect(kinds["group:10.0.1.0/24"] == nil)
    #expect(kinds["group:10.0.0.0/24"] == .network)
    let host = try #require(graph.nodes.first { $0.id == "host:10.0.1.7" })
    #expect(
      host.requests == 3
        && host.target == .host(map.hosts.firstIndex { $0.address == IPAddress("10.0.1.7")! }!))
  }

  @Test("limits hide edges, and count them")
  func limits() {
    let map = FakeMap.small()
    let all = graph(map, GraphOptions(level: .host))
    let large = graph(map, GraphOptions(level: .host, bytesMin: 1000))
    #expect(large.edges.allSatisfy { $0.bytes >= 1000 })
    #expect(large.hiddenEdges == all.edges.count { $0.bytes < 1000 } && large.hiddenEdges > 0)
    let shown = Set(large.edges.flatMap { [$0.from, $0.to] })
    #expect(shown == Set(large.nodes.indices), "nobody stands without an edge")
    let busy = graph(map, GraphOptions(level: .host, sessionsMin: 3))
    #expect(busy.edges.count == all.edges.count { $0.sessions >= 3 })
    let sure = graph(map, GraphOptions(level: .host, confidenceMin: 0.99))
    #expect(sure.edges.allSatisfy { $0.confidenceMin >= 0.99 })
    let few = graph(map, GraphOptions(level: .host, edgesMax: 2))
    #expect(few.edges.count == 2 && few.hiddenEdges == all.edges.count - 2)
    let largest = all.edges.map(\.bytes).sorted(by: >).prefix(2)
    #expect(few.edges.map(\.bytes).sorted(by: >) == Array(largest))
  }

  @Test("failures are in it, marked, unless they are left out")
  func failures() throws {
    let map = FakeMap.small()
    let with = graph(map, GraphOptions(level: .host))
    let nodes = with.nodes
    let failing = with.edges.filter(\.isFailing).map { "\(nodes[$0.from].id)>\(nodes[$0.to].id)" }
    #expect(
      failing.sorted() == [
        "host:10.0.1.8>host:10.0.0.5", "host:10.0.1.8>host:10.0.0.9",
        "host:10.0.1.8>host:10.0.9.9",
      ])
    let without = graph(map, GraphOptions(level: .host, includesFailures: false))
    #expect(!without.nodes.contains { $0.id == "host:10.0.9.9" })
    // Of services: one of three sessions was refused.
    #expect(without.edges.filter(\.hasFailures).count == 1)
  }

  @Test("one host and one step around it")
  func focus() throws {
    let map = FakeMap.small()
    let graph = graph(map, GraphOptions(focus: IPAddress("10.0.0.5")!))
    let focus = try #require(graph.nodes.firstIndex { $0.isFocus })
    #expect(graph.nodes[focus].id == "host:10.0.0.5")
    #expect(graph.edges.allSatisfy { $0.from == focus || $0.to == focus })
    let around = Set(graph.nodes.map(\.id))
    #expect(
      around == [
        "host:10.0.0.5", "host:10.0.1.7", "host:10.0.1.8", "host:10.0.0.9", "host:10.0.0.53",
      ])
    let nobody = self.graph(map, GraphOptions(focus: IPAddress("192.0.2.1")!))
    #expect(nobody.nodes.isEmpty && nobody.edges.isEmpty)
  }

  @Test("many clients of a host are joined by group, its few are not; nothing is lost")
  func manyClients() throws {
    let map = FakeMap.big(hosts: 4000, relations: 30_000, seed: 11)
    let busiest = try #require(
      map.hosts.indices.max { map.hosts[$0].provides.count < map.hosts[$1].provides.count })
    let address = map.hosts[busiest].address
    let graph = graph(map, GraphOptions(focus: address))
    #expect(graph.nodes.count <= GraphBuilder.aroundMax)
    #expect(graph.nodes.contains { $0.kind == .clients && $0.hosts > 1 })
    let own = dependencies(of: map).filter { $0.client == busiest || $0.server == busiest }
    #expect(graph.edges.reduce(0) { $0 + $1.bytes } == own.reduce(0) { $0 + $1.bytes })
    let peers = Set(own.map { $0.client == busiest ? $0.server : $0.client })
    let counted = graph.nodes.filter { !$0.isFocus }.reduce(0) {
      $0 + ($1.kind == .host ? 1 : $1.hosts)
    }
    #expect(counted == peers.count)
  }

  @Test("hosts that are not private are one group outside, where some are private")
  func outside() {
    let mapped = FakeMap.small()
    let grouping = GraphGrouping(HostGroups(map: mapped, directory: HostDirectory()))
    let outside = mapped.hosts.indices.filter {
      grouping.groups[grouping.groupOfHost[$0]].isOutside
    }
    #expect(
      outside.map { mapped.hosts[$0].address.description } == ["2001:db8::5", "2001:db8:0:1::9"])
    let graph = graph(mapped)
    #expect(graph.nodes.contains { $0.kind == .outside && $0.labels.isEmpty })
  }
}
