internal import ServiceMap
internal import Wire

/// Makes the graph of a map: who can be a node, who becomes one, and what passes between them.
///
/// All sums are in arrays by number: a table lookup a relation would cost more than all else.
struct GraphBuilder {
  let map: ServiceMap
  let labels: Labels
  let grouping: GraphGrouping
  let options: GraphOptions

  typealias Node = DependencyGraph.Node
  typealias Edge = DependencyGraph.Edge

  /// Somebody who gets a node of his own where there is room.
  struct Candidate {
    let kind: Node.Kind
    /// Index into the map's hosts; -1 where it is no host.
    var host = -1
    /// Index into the groups.
    var group = -1
    /// Whether those who are joined here serve the focus rather than ask it.
    var serves = false
  }

  /// Which relations are in the graph.
  private enum Source {
    case all
    /// Indices into the map's relations.
    case some([Int])
  }

  func build() -> (nodes: [Node], edges: [Edge], hiddenNodes: Int, hiddenEdges: Int) {
    var candidates: [Candidate] = []
    var candidateOfHost = [Int32](repeating: -1, count: map.hosts.count)
    let source: Source
    if let focus = options.focus {
      guard let host = map.hosts.firstIndex(ofSorted: focus) else { return ([], [], 0, 0) }
      let relations = relations(of: host)
      candidates = neighbours(of: host, in: relations, &candidateOfHost)
      source = .some(relations)
    } else {
      candidates = everybody(&candidateOfHost)
      source = .all
    }

    // Who has traffic, and how much.
    var weights = [UInt64](repeating: 0, count: candidates.count)
    var isTouched = [Bool](repeating: false, count: candidates.count)
    visit(source) { relation in
      let from = Int(candidateOfHost[relation.client])
      let to = Int(candidateOfHost[relation.server])
      guard from >= 0, to >= 0 else { return }
      weights[from] &+= relation.octets
      if from != to { weights[to] &+= relation.octets }
      isTouched[from] = true
      isTouched[to] = true
    }

    let choice = choose(candidates, weights: weights, isTouched: isTouched)
    let nodeOfHost = candidateOfHost.map { $0 < 0 ? -1 : choice.nodeOfCandidate[Int($0)] }
    let sums = edgeSums(source, nodeOfHost: nodeOfHost, nodes: choice.nodes.count)
    return finish(choice, nodeOfHost: nodeOfHost, sums: sums)
  }

  /// Calls `body` for every relation that may be in the graph.
  @inline(__always) private func visit(_ source: Source, _ body: (borrowing Relation) -> Void) {
    let confidenceMin = options.confidenceMin
    map.relations.withUnsafeBufferPointer { relations in
      switch source {
      case .all:
        let serviceEnd = map.services.last?.relations.upperBound ?? 0
        for index in 0..<serviceEnd where relations[index].confidence >= confidenceMin {
          body(relations[index])
        }
        guard options.includesFailures else { return }
        for index in map.failed where relations[index].confidence >= confidenceMin {
          body(relations[index])
        }
      case .some(let indices):
        for index in indices where relations[index].confidence >= confidenceMin {
          body(relations[index])
        }
      }
    }
  }

  // MARK: - Candidates

  private func everybody(_ candidateOfHost: inout [Int32]) -> [Candidate] {
    let opened = Set(options.expanded)
    var candidates: [Candidate] = []
    var candidateOfGroup = [Int32](repeating: -1, count: grouping.groups.count)
    for host in map.hosts.indices {
      let group = grouping.groupOfHost[host]
      let isHost = options.level == .host || opened.contains(grouping.groups[group].name)
      if isHost {
        candidateOfHost[host] = Int32(candidates.count)
        candidates.append(Candidate(kind: .host, host: host, group: group))
        continue
      }
      if candidateOfGroup[group] < 0 {
        candidateOfGroup[group] = Int32(candidates.count)
        let one = grouping.groups[group]
        let kind: Node.Kind = one.isOutside ? .outside : one.isNetwork ? .network : .group
        candidates.append(Candidate(kind: kind, group: group))
      }
      candidateOfHost[host] = candidateOfGroup[group]
    }
    return candidates
  }

  /// Indices into the map's relations in which the host takes part.
  private func relations(of host: Int) -> [Int] {
    let one = map.hosts[host]
    var indices = map.services[one.provides].flatMap { Array($0.relations) }
    // What it asks of itself is there already.
    indices += map.requestOrder[one.requests].filter { map.relations[$0].server != host }
    if options.includesFailures {
      indices += map.failed.filter {
        map.relations[$0].server == host || map.relations[$0].client == host
      }
    }
    return indices
  }

  /// A service with more clients than this has them joined by group, and where anything is joined, no more hosts
  /// than this stand alone; up to twice as many do where nothing need be joined.
  static let clientsMax = 12
  /// The host, those alone, as many groups, and the others: one step around is a small picture.
  static let aroundMax = 2 + 2 * clientsMax

  /// The focus, hosts around it one by one, and the many joined by group.
  private func neighbours(
    of focus: Int, in relations: [Int], _ candidateOfHost: inout [Int32]
  ) -> [Candidate] {
    var weights = [UInt64](repeating: 0, count: map.hosts.count)
    var serves = [Bool](repeating: false, count: map.hosts.count)
    var isOfFew = [Bool](repeating: false, count: map.hosts.count)
    var peers: [Int] = []
    var isPeer = [Bool](repeating: false, count: map.hosts.count)
    let manyClients = map.services[map.hosts[focus].provides]
      .filter { $0.clients > GraphBuilder.clientsMax }.map(\.relations)
    for index in relations {
      let relation = map.relations[index]
      let peer = relation.client == focus ? relation.server : relation.client
      if peer == focus { continue }
      if !isPeer[peer] {
        isPeer[peer] = true
        peers.append(peer)
      }
      weights[peer] &+= relation.bytes
      if relation.client == focus { serves[peer] = true }
      if relation.kind != .failed, !manyClients.contains(where: { $0.contains(index) }) {
        isOfFew[peer] = true
      }
    }
    peers.sort()
    let shownMax = min(2 * GraphBuilder.clientsMax, max(1, options.nodesMax - 1))
    let alone =
      peers.count <= shownMax
      ? Set(peers)
      : Set(
        peers.filter { isOfFew[$0] }
          .sorted { weights[$0] != weights[$1] ? weights[$0] > weights[$1] : $0 < $1 }
          .prefix(min(shownMax, GraphBuilder.clientsMax)))

    var candidates = [Candidate(kind: .host, host: focus, group: grouping.groupOfHost[focus])]
    candidateOfHost[focus] = 0
    // By group, those who ask and those who serve apart.
    var joined = [Int32](repeating: -1, count: 2 * grouping.groups.count)
    for peer in peers {
      let group = grouping.groupOfHost[peer]
      let place = 2 * group + (serves[peer] ? 1 : 0)
      if alone.contains(peer) {
        candidateOfHost[peer] = Int32(candidates.count)
        candidates.append(Candidate(kind: .host, host: peer, group: group))
      } else if joined[place] >= 0 {
        candidateOfHost[peer] = joined[place]
        // It stands for more than one now.
        candidates[Int(joined[place])].host = -1
      } else {
        joined[place] = Int32(candidates.count)
        candidateOfHost[peer] = joined[place]
        let one = grouping.groups[group]
        let kind: Node.Kind =
          !serves[peer] ? .clients : one.isOutside ? .outside : one.isNetwork ? .network : .group
        candidates.append(Candidate(kind: kind, host: peer, group: group, serves: serves[peer]))
      }
    }
    return candidates.map {
      $0.host >= 0 && $0.kind != .host
        ? Candidate(kind: .host, host: $0.host, group: $0.group) : $0
    }
  }

  // MARK: - Nodes

  private struct Choice {
    var nodes: [Candidate]
    /// -1: nothing of it is in the graph.
    var nodeOfCandidate: [Int32]
    /// Candidates that are in another's node.
    var joined: Int
  }

  /// Those with most traffic get a node each; the rest of an opened group one, and all others one.
  private func choose(
    _ candidates: [Candidate], weights: [UInt64], isTouched: [Bool]
  ) -> Choice {
    let nodesMax = min(
      max(options.nodesMax, GraphOptions.nodesRange.lowerBound),
      options.focus == nil ? GraphOptions.nodesRange.upperBound : GraphBuilder.aroundMax)
    let touched = candidates.indices.filter { isTouched[$0] }
    var choice = Choice(
      nodes: [], nodeOfCandidate: [Int32](repeating: -1, count: candidates.count), joined: 0)
    var kept = touched
    if touched.count > nodesMax {
      let hasGroups = options.level == .group && options.focus == nil
      let opened = hasGroups ? min(Set(options.expanded).count, nodesMax / 2 - 1) : 0
      var ranked = touched.sorted {
        weights[$0] != weights[$1] ? weights[$0] > weights[$1] : $0 < $1
      }
      // The host that was asked for is in its own graph.
      if options.focus != nil, let first = ranked.firstIndex(of: 0) {
        ranked.insert(ranked.remove(at: first), at: 0)
      }
      kept = ranked.prefix(nodesMax - 1 - max(0, opened)).sorted()
    }
    for candidate in kept {
      choice.nodeOfCandidate[candidate] = Int32(choice.nodes.count)
      choice.nodes.append(candidates[candidate])
    }
    guard kept.count < touched.count else { return choice }
    var othersOfGroup: [Int: Int32] = [:]
    for candidate in touched where choice.nodeOfCandidate[candidate] < 0 {
      let one = candidates[candidate]
      // The hosts of an opened group stay together.
      let isOfOpened = one.kind == .host && options.level == .group && options.focus == nil
      let group =
        isOfOpened && (othersOfGroup[one.group] != nil || choice.nodes.count < nodesMax - 1)
        ? one.group : -1
      if othersOfGroup[group] == nil {
        othersOfGroup[group] = Int32(choice.nodes.count)
        choice.nodes.append(Candidate(kind: .others, group: group))
      }
      choice.nodeOfCandidate[candidate] = othersOfGroup[group] ?? -1
      choice.joined += 1
    }
    return choice
  }

  // MARK: - Edges

  /// What passes from one node to another.
  private struct EdgeSum {
    let from: Int
    let to: Int
    var bytes: UInt64 = 0
    var sessions: UInt64 = 0
    var failed: UInt64 = 0
    var weighted = 0.0
    var weight = 0.0
    var confidenceMin = 1.0
    var services: [DependencyGraph.EdgeService] = []
    var servicesCount = 0

    @inline(__always) mutating func add(_ relation: borrowing Relation) {
      let octets = relation.octets
      bytes &+= octets
      sessions &+= relation.sessions
      failed &+= relation.refused &+ relation.unanswered
      // One more, so that what carried no bytes has a say.
      let share = Double(octets) + 1
      weighted += share * relation.confidence
      weight += share
      confidenceMin = min(confidenceMin, relation.confidence)
    }
  }

  /// One relation's part of an edge.
  private struct Part {
    let edge: UInt32
    let endpoint: UInt32
    let bytes: UInt64
  }

  private func edgeSums(_ source: Source, nodeOfHost: [Int32], nodes: Int) -> [EdgeSum] {
    var sums: [EdgeSum] = []
    var edgeAt = [Int32](repeating: -1, count: nodes * nodes)
    var parts: [Part] = []
    var endpoints: [UInt32] = []
    var numberOfEndpoint: [UInt32: UInt32] = [:]
    // Most relations follow another one of the same endpoint.
    var (lastKey, lastNumber) = (UInt32.max, 0 as UInt32)
    if case .all = source { parts.reserveCapacity(map.summary.relations + map.failed.count) }
    visit(source) { relation in
      let from = Int(nodeOfHost[relation.client])
      let to = Int(nodeOfHost[relation.server])
      guard from >= 0, to >= 0 else { return }
      let key = UInt32(relation.protocolNumber) << 16 | UInt32(relation.port)
      if key != lastKey {
        lastKey = key
        lastNumber = numberOfEndpoint[key] ?? UInt32(endpoints.count)
        if lastNumber == endpoints.count {
          numberOfEndpoint[key] = lastNumber
          endpoints.append(key)
        }
      }
      var edge = Int(edgeAt[from * nodes + to])
      if edge < 0 {
        edge = sums.count
        edgeAt[from * nodes + to] = Int32(edge)
        sums.append(EdgeSum(from: from, to: to))
      }
      sums[edge].add(relation)
      parts.append(Part(edge: UInt32(edge), endpoint: lastNumber, bytes: relation.octets))
    }
    addServices(parts, endpoints: endpoints, to: &sums)
    return sums
  }

  /// The services with most bytes of each edge.
  private func addServices(_ parts: [Part], endpoints: [UInt32], to sums: inout [EdgeSum]) {
    // A counting sort by edge.
    var starts = [Int](repeating: 0, count: sums.count + 1)
    for part in parts { starts[Int(part.edge) + 1] += 1 }
    for edge in sums.indices { starts[edge + 1] += starts[edge] }
    var order = [UInt32](repeating: 0, count: parts.count)
    var next = starts
    for (index, part) in parts.enumerated() {
      order[next[Int(part.edge)]] = UInt32(index)
      next[Int(part.edge)] += 1
    }
    var bytes = [UInt64](repeating: 0, count: endpoints.count)
    var isSeen = [Bool](repeating: false, count: endpoints.count)
    var seen: [Int] = []
    for edge in sums.indices {
      for place in starts[edge]..<starts[edge + 1] {
        let part = parts[Int(order[place])]
        let endpoint = Int(part.endpoint)
        if !isSeen[endpoint] {
          isSeen[endpoint] = true
          seen.append(endpoint)
        }
        bytes[endpoint] &+= part.bytes
      }
      sums[edge].servicesCount = seen.count
      var top: [Int] = []
      for endpoint in seen {
        let place = top.firstIndex { one in
          bytes[one] != bytes[endpoint]
            ? bytes[one] < bytes[endpoint] : endpoints[one] > endpoints[endpoint]
        }
        if let place {
          top.insert(endpoint, at: place)
        } else if top.count < DependencyGraph.servicesMax {
          top.append(endpoint)
        }
        if top.count > DependencyGraph.servicesMax { top.removeLast() }
      }
      sums[edge].services = top.map { endpoint in
        let (number, port) = (
          UInt8(endpoints[endpoint] >> 16), UInt16(endpoints[endpoint] & 0xFFFF)
        )
        return DependencyGraph.EdgeService(
          endpoint: ServiceText.endpoint(number, port), name: labels.service(number, port),
          bytes: bytes[endpoint])
      }
      for endpoint in seen {
        bytes[endpoint] = 0
        isSeen[endpoint] = false
      }
      seen.removeAll(keepingCapacity: true)
    }
  }

  // MARK: - The graph

  /// Leaves out edges below the limits, and nodes that have none then.
  private func finish(
    _ choice: Choice, nodeOfHost: [Int32], sums: [EdgeSum]
  ) -> (nodes: [Node], edges: [Edge], hiddenNodes: Int, hiddenEdges: Int) {
    let edgesMax = min(
      max(options.edgesMax, GraphOptions.edgesRange.lowerBound), GraphOptions.edgesRange.upperBound)
    var kept = sums.indices.filter {
      sums[$0].bytes >= options.bytesMin && sums[$0].sessions >= options.sessionsMin
    }
    if kept.count > edgesMax {
      kept.sort {
        let (left, right) = (sums[$0], sums[$1])
        if left.bytes != right.bytes { return left.bytes > right.bytes }
        if left.sessions != right.sessions { return left.sessions > right.sessions }
        return (left.from, left.to) < (right.from, right.to)
      }
      kept.removeLast(kept.count - edgesMax)
    }
    kept.sort { (sums[$0].from, sums[$0].to) < (sums[$1].from, sums[$1].to) }

    var isShown = [Bool](repeating: false, count: choice.nodes.count)
    var bytes = [UInt64](repeating: 0, count: choice.nodes.count)
    // The host that was asked for is shown even where nothing is left around it.
    if options.focus != nil, !isShown.isEmpty { isShown[0] = true }
    for edge in kept {
      isShown[sums[edge].from] = true
      isShown[sums[edge].to] = true
    }
    for sum in sums {
      bytes[sum.from] &+= sum.bytes
      if sum.from != sum.to { bytes[sum.to] &+= sum.bytes }
    }
    var counts = [(hosts: Int, provides: Int, requests: Int)](
      repeating: (0, 0, 0), count: choice.nodes.count)
    for (index, host) in map.hosts.enumerated() where nodeOfHost[index] >= 0 {
      let node = Int(nodeOfHost[index])
      let isJoined = choice.nodes[node].kind == .clients || choice.nodes[node].kind == .others
      counts[node].hosts += host.isActive || (isJoined && options.focus != nil) ? 1 : 0
      counts[node].provides += host.provides.count
      counts[node].requests += host.requests.count
    }

    var placeOfNode = [Int](repeating: -1, count: choice.nodes.count)
    var nodes: [Node] = []
    for (index, candidate) in choice.nodes.enumerated() where isShown[index] {
      placeOfNode[index] = nodes.count
      nodes.append(
        node(
          candidate, counts[index], bytes: bytes[index], isFocus: options.focus != nil && index == 0
        ))
    }
    let edges = kept.map { index in
      let sum = sums[index]
      return Edge(
        from: placeOfNode[sum.from], to: placeOfNode[sum.to], services: sum.services,
        servicesCount: sum.servicesCount, bytes: sum.bytes, sessions: sum.sessions,
        failedSessions: min(sum.failed, sum.sessions), confidence: sum.weighted / sum.weight,
        confidenceMin: sum.confidenceMin)
    }
    return (
      nodes, edges, choice.joined + isShown.count { !$0 }, sums.count - kept.count
    )
  }

  private func node(
    _ candidate: Candidate, _ count: (hosts: Int, provides: Int, requests: Int), bytes: UInt64,
    isFocus: Bool
  ) -> Node {
    func node(_ id: String, _ texts: [String], _ target: Node.Target?) -> Node {
      Node(
        id: id, labels: texts, kind: candidate.kind, hosts: count.hosts, provides: count.provides,
        requests: count.requests, bytes: bytes, target: target, isFocus: isFocus)
    }
    if candidate.kind == .host {
      let address = labels.addresses[candidate.host]
      let name = map.hosts[candidate.host].name.map { [$0] } ?? []
      return node("host:\(address)", name + [address], .host(candidate.host))
    }
    guard candidate.group >= 0 else { return node("others", [], nil) }
    let name = grouping.groups[candidate.group].name
    let texts = name.isEmpty ? [] : [name]
    switch candidate.kind {
    case .others: return node("others:\(name)", texts, .group(name))
    case .clients: return node("clients:\(name)", texts, .group(name))
    default:
      return node(candidate.serves ? "servers:\(name)" : "group:\(name)", texts, .group(name))
    }
  }
}

extension [ServiceMap.Host] {
  /// The host with the address, in O(log n): hosts are by address.
  fileprivate func firstIndex(ofSorted address: IPAddress) -> Int? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle].address < address { low = middle + 1 } else { high = middle }
    }
    return low < count && self[low].address == address ? low : nil
  }
}

extension Relation {
  /// As `bytes`, without a call into another module for each of 100,000 relations.
  @inline(__always) fileprivate var octets: UInt64 { bytesToServer &+ bytesToClient }
}
