internal import ServiceMap
internal import Wire

/// Evidence about every endpoint that has a part in a neutral pair.
struct EvidenceTable {
  private var index = KeyIndex()
  private var rows: [EndpointEvidence] = []
  /// Endpoints that sent to a group, with the port they sent to.
  private var askedGroups = KeyIndex()

  /// - Complexity: O(pairs + relations).
  init(pairs: [SessionFold.Pair], relations: [Relation]) {
    guard !pairs.isEmpty else { return }
    var peers = KeyIndex()
    for pair in pairs {
      let evidence = pair.evidence
      let a = number(pair.a, evidence.protocolNumber, evidence.aPort)
      let b = number(pair.b, evidence.protocolNumber, evidence.bPort)
      if pair.isToGroup {
        // To speak to a group is no sign of a client: servers announce themselves that way.
        let (asker, port) = evidence.firstFromB ? (b, evidence.aPort) : (a, evidence.bPort)
        _ = askedGroups.number(of: Key(UInt64(asker), UInt64(port)))
        continue
      }
      // What nobody answered shows a wish to talk and no more: scans and floods would else make
      // servers of their senders.
      guard pair.isTwoWay else { continue }
      let isTCP = evidence.protocolNumber == IPProtocolNumber.tcp
      meet(a, pair.b, isIn: isTCP || evidence.firstFromB, &peers)
      meet(b, pair.a, isIn: isTCP || !evidence.firstFromB, &peers)
    }
    for relation in relations where relation.answered > 0 && relation.kind.isService {
      let key = EvidenceTable.key(
        UInt32(relation.server), relation.protocolNumber, relation.port)
      guard let endpoint = index.find(key) else { continue }
      let answered = UInt32(clamping: relation.answered)
      rows[endpoint].served &+= answered
      meet(endpoint, UInt32(relation.client), isIn: true, ports: answered, &peers)
    }
  }

  /// Counts `peer` once for `endpoint`, and `ports` more peer endpoints.
  private mutating func meet(
    _ endpoint: Int, _ peer: UInt32, isIn: Bool, ports: UInt32 = 1, _ peers: inout KeyIndex
  ) {
    let before = peers.count
    let isNew =
      peers.number(of: Key(UInt64(endpoint) << 1 | (isIn ? 1 : 0), UInt64(peer))) == before
    if isIn {
      rows[endpoint].peersIn &+= isNew ? 1 : 0
      rows[endpoint].peerPortsIn &+= ports
    } else {
      rows[endpoint].peersOut &+= isNew ? 1 : 0
      rows[endpoint].peerPortsOut &+= ports
    }
  }

  /// Whether the endpoint asked a group on `port`: what then comes from that port are answers
  /// (SSDP, mDNS, NetBIOS: a question to all, answers by unicast).
  func askedGroup(_ address: UInt32, _ proto: UInt8, _ port: UInt16, on groupPort: UInt16) -> Bool {
    guard let endpoint = index.find(EvidenceTable.key(address, proto, port)) else { return false }
    return askedGroups.find(Key(UInt64(endpoint), UInt64(groupPort))) != nil
  }

  private mutating func number(_ address: UInt32, _ proto: UInt8, _ port: UInt16) -> Int {
    let number = index.number(of: EvidenceTable.key(address, proto, port))
    if number == rows.count { rows.append(EndpointEvidence()) }
    return number
  }

  private static func key(_ address: UInt32, _ proto: UInt8, _ port: UInt16) -> Key {
    Key(UInt64(address), UInt64(proto) << 16 | UInt64(port))
  }

  subscript(address: UInt32, proto: UInt8, port: UInt16) -> EndpointEvidence {
    index.find(EvidenceTable.key(address, proto, port)).map { rows[$0] } ?? EndpointEvidence()
  }
}
