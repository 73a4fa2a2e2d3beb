internal import ServiceMap
internal import Wire

/// Folds session rows into relations. Pure: rows in, relations out, in any order of rows.
///
/// A session whose handshake was seen is oriented at once and becomes part of a relation. The
/// others stay neutral, one row for each pair of endpoints and first speaker, until `finish` knows
/// what all of them together say about their endpoints.
struct SessionFold {
  var addresses = AddressTable()
  private var relations = RelationTable()
  private var pairs: [Pair] = []
  private var pairIndex = KeyIndex()
  /// Sum of the packets of all rows added.
  private(set) var packets: UInt64 = 0

  /// Neutral sessions with the same endpoints and the same first speaker.
  struct Pair {
    var a: UInt32
    var b: UInt32
    var evidence: PairEvidence
    var sessions: UInt64 = 0
    var twoWaySessions: UInt64 = 0
    var packetsAB: UInt64 = 0
    var packetsBA: UInt64 = 0
    var bytesAB: UInt64 = 0
    var bytesBA: UInt64 = 0
    var firstTick: UInt64 = .max
    var lastTick: UInt64 = 0
    var events: SessionEvents = []
    /// The one spoken to is a multicast or broadcast group.
    var isToGroup = false
    /// Both sides said more than SYN and RST.
    var isTwoWay: Bool { events.contains([.progressFromA, .progressFromB]) }
  }

  /// - Complexity: O(1) amortised: one table access.
  mutating func add(_ row: SessionRow) {
    packets += UInt64(row.packetsAB) + UInt64(row.packetsBA)
    if let serverIsA = Handshake.server(of: row) {
      addOriented(row, serverIsA: serverIsA)
    } else {
      addNeutral(row)
    }
  }

  private mutating func addOriented(_ row: SessionRow, serverIsA: Bool) {
    // From here on A is the server.
    let events = serverIsA ? row.events : row.events.exchanged
    let outcome = Handshake.outcome(serverEvents: events)
    var one = Relation(
      server: Int(serverIsA ? row.a : row.b), client: Int(serverIsA ? row.b : row.a),
      protocolNumber: row.protocolNumber, port: serverIsA ? row.aPort : row.bPort,
      kind: outcome.kind, basis: outcome.basis, confidence: outcome.confidence)
    if outcome.kind == .undecided { one.clientPort = serverIsA ? row.bPort : row.aPort }
    one.packetsToServer = UInt64(serverIsA ? row.packetsBA : row.packetsAB)
    one.packetsToClient = UInt64(serverIsA ? row.packetsAB : row.packetsBA)
    one.bytesToServer = serverIsA ? row.bytesBA : row.bytesAB
    one.bytesToClient = serverIsA ? row.bytesAB : row.bytesBA
    one.firstTick = row.firstTick
    one.lastTick = row.lastTick
    if row.state == SessionRow.whole {
      one.sessions = 1
      one.refused = outcome.refused ? 1 : 0
      one.unanswered = outcome.unanswered ? 1 : 0
      if row.handshakeTicks > 0 {
        one.handshakes = 1
        one.handshakeTicksSum = UInt64(row.handshakeTicks)
        one.handshakeTicksMin = UInt64(row.handshakeTicks)
      }
    }
    relations.add(one)
  }

  private mutating func addNeutral(_ row: SessionRow) {
    let firstFromB = row.events.contains(.firstFromB)
    let number = pairIndex.number(
      of: Key(
        UInt64(row.a) << 32 | UInt64(row.b),
        UInt64(row.aPort) | UInt64(row.bPort) << 16 | UInt64(row.protocolNumber) << 32
          | (firstFromB ? 1 << 40 : 0)))
    if number == pairs.count {
      pairs.append(
        Pair(
          a: row.a, b: row.b,
          evidence: PairEvidence(
            protocolNumber: row.protocolNumber, aPort: row.aPort, bPort: row.bPort,
            firstFromB: firstFromB)))
    }
    let isTwoWay = row.events.contains([.progressFromA, .progressFromB])
    pairs[number].sessions += row.state == SessionRow.whole ? 1 : 0
    pairs[number].twoWaySessions += row.state == SessionRow.whole && isTwoWay ? 1 : 0
    pairs[number].packetsAB += UInt64(row.packetsAB)
    pairs[number].packetsBA += UInt64(row.packetsBA)
    pairs[number].bytesAB += row.bytesAB
    pairs[number].bytesBA += row.bytesBA
    pairs[number].firstTick = min(pairs[number].firstTick, row.firstTick)
    pairs[number].lastTick = max(pairs[number].lastTick, row.lastTick)
    pairs[number].events.formUnion(row.events)
  }

  /// Judges what is neutral, and gives all relations with true addresses.
  ///
  /// - Complexity: O(pairs + relations).
  mutating func finish() -> (addresses: [IPAddress], relations: [Relation]) {
    for index in pairs.indices { pairs[index].isToGroup = isToGroup(pairs[index]) }
    let evidence = EvidenceTable(pairs: pairs, relations: relations.rows)
    for pair in pairs { relations.add(PairJudge.relation(of: pair, evidence: evidence)) }
    var numbers = KeyIndex()
    var trueAddresses: [IPAddress] = []
    func number(_ value: Int) -> Int {
      let number = numbers.number(of: Key(UInt64(value), 0))
      if number == trueAddresses.count {
        trueAddresses.append(addresses.address(of: UInt32(value)))
      }
      return number
    }
    var result = relations.rows
    for index in result.indices {
      result[index].server = number(result[index].server)
      result[index].client = number(result[index].client)
      if result[index].kind.isService && result[index].answered == 0 {
        result[index].kind = .failed
      }
      // Whatever a handshake with a group means, it is no service and no host's request.
      if trueAddresses[result[index].server].isMulticastOrBroadcast {
        result[index].kind = .group
      } else if trueAddresses[result[index].client].isMulticastOrBroadcast {
        result[index].kind = .notice
      }
    }
    return (trueAddresses, result)
  }

  /// A group by its address; or a network's broadcast address, known by ending in .255 and silence.
  private func isToGroup(_ pair: Pair) -> Bool {
    let facts = pair.evidence
    let target = addresses.address(of: facts.firstFromB ? pair.a : pair.b)
    if target.isMulticastOrBroadcast { return true }
    let isSilent = facts.firstFromB ? pair.packetsAB == 0 : pair.packetsBA == 0
    return target.isIPv4 && target.v4 & 0xFF == 0xFF && isSilent
      && ProtocolName.hasPorts(facts.protocolNumber)
  }
}

/// Relations by key, in order of first appearance.
struct RelationTable {
  private(set) var rows: [Relation] = []
  private var index = KeyIndex()

  /// Adds `one` to the relation with the same key. The best basis and its confidence stand.
  mutating func add(_ one: Relation) {
    // What is undecided or a notice is kept apart from what is provided at the same endpoint.
    let apart = one.kind.isService || one.kind == .failed ? 0 : UInt64(one.kind.rawValue)
    let number = index.number(
      of: Key(
        UInt64(one.server) << 32 | UInt64(one.client),
        UInt64(one.port) | UInt64(one.clientPort) << 16 | UInt64(one.protocolNumber) << 32
          | apart << 40))
    guard number < rows.count else {
      rows.append(one)
      return
    }
    if one.answered > 0 && rows[number].answered == 0 {
      // A request that failed says nothing about the role; an answer does.
      rows[number].basis = one.basis
      rows[number].confidence = one.confidence
      rows[number].kind = one.kind
    } else if (one.answered > 0) == (rows[number].answered > 0) {
      rows[number].takeRole(of: one)
    }
    if one.kind == .provided && rows[number].kind == .peer { rows[number].kind = .provided }
    rows[number].add(one)
  }
}
