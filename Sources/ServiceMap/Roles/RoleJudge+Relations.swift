internal import CLinux

extension RoleJudge {
  /// The relations, each key once, in the map's order.
  ///
  /// Links are judged in their order and sorted by small keys; relations, which are ten times their
  /// size, are made once and in place.
  ///
  /// - Parameter ranks: by host, its place in the map; relations have that instead of the host.
  /// - Complexity: O(links).
  func relations(ranks: [UInt32]) -> [Relation] {
    var judgements: [Judgement] = []
    judgements.reserveCapacity(links.count)
    var sorted: [KeyedNumber] = []
    sorted.reserveCapacity(links.count)
    let hostBits = RelationKey.hostBits(count: ranks.count)
    for number in links.indices {
      let said = judgement(on: number)
      let facts = table.facts[number]
      let (server, client) =
        said.serverIsA ? (facts.aHost, facts.bHost) : (facts.bHost, facts.aHost)
      let key = RelationKey(
        group: RelationKey.mergingGroup(of: kind(said, server, client)),
        server: ranks[Int(server)], protocolNumber: facts.protocolNumber, port: said.port,
        client: ranks[Int(client)], clientPort: said.clientPort, hostBits: hostBits)
      judgements.append(said)
      sorted.append(KeyedNumber(key: key, number: UInt32(number)))
    }
    KeyedNumber.sort(&sorted)
    return joined(sorted, judgements, ranks)
  }

  /// Whatever a handshake with a group means, it is no service and no host's request.
  @inline(__always) private func kind(
    _ said: Judgement, _ server: UInt32, _ client: UInt32
  ) -> RelationKind {
    if table.isGroup[Int(server)] { return .group }
    return table.isGroup[Int(client)] ? .notice : said.kind
  }

  /// Makes one relation of all links with the same key.
  private func joined(
    _ sorted: [KeyedNumber], _ judgements: [Judgement], _ ranks: [UInt32]
  ) -> [Relation] {
    var relations: [Relation] = []
    relations.reserveCapacity(sorted.count)
    // Known to have failed only when all links are joined, and listed after all services.
    var failed: [Relation] = []
    var isPastServices = false
    var start = 0
    while start < sorted.count {
      prefetch(sorted, judgements, start + RoleJudge.lookahead)
      let key = sorted[start].key
      var one = relation(sorted[start].number, judgements, ranks)
      start += 1
      while start < sorted.count, sorted[start].key == key {
        one.join(relation(sorted[start].number, judgements, ranks))
        start += 1
      }
      if one.kind.isService && one.answered == 0 { one.kind = .failed }
      if one.kind == .failed {
        failed.append(one)
        continue
      }
      if !isPastServices && !one.kind.isService {
        isPastServices = true
        relations += failed
        failed = []
      }
      relations.append(one)
    }
    relations += failed
    return relations
  }

  /// How many places ahead memory is asked for what the next relations are made of.
  private static let lookahead = 12

  @inline(__always) private func prefetch(
    _ sorted: [KeyedNumber], _ judgements: [Judgement], _ place: Int
  ) {
    guard place < sorted.count else { return }
    let number = Int(sorted[place].number)
    judgements.withUnsafeBufferPointer { renkei_prefetch($0.baseAddress! + number) }
    table.links.withUnsafeBytes { links in
      // SAFETY: a link has 184 bytes, which begin at `number` times that and lie in four lines at most.
      let start = links.baseAddress! + number * MemoryLayout<Link>.stride
      renkei_prefetch(start)
      renkei_prefetch(start + 64)
      renkei_prefetch(start + 128)
      renkei_prefetch(start + (MemoryLayout<Link>.stride - 1))
    }
  }

  @inline(__always) private func relation(
    _ number: UInt32, _ judgements: [Judgement], _ ranks: [UInt32]
  ) -> Relation {
    let said = judgements[Int(number)]
    var one = relation(of: table.links[Int(number)], said)
    one.kind = kind(said, UInt32(one.server), UInt32(one.client))
    one.server = Int(ranks[one.server])
    one.client = Int(ranks[one.client])
    return one
  }
}

extension Relation {
  /// Adds `other`, which has the same key. The best basis and its confidence stand.
  mutating func join(_ other: Relation) {
    if other.answered > 0 && answered == 0 {
      // A request that failed says nothing about the role; an answer does.
      basis = other.basis
      confidence = other.confidence
      kind = other.kind
    } else if (other.answered > 0) == (answered > 0) {
      takeRole(of: other)
    }
    if other.kind == .provided && kind == .peer { kind = .provided }
    add(other)
  }
}
