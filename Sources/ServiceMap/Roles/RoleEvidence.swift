internal import Glibc
internal import Wire

/// All that the links of a map say about endpoints, hosts and port numbers.
///
/// Built in a few passes over the links, in any order of them. Memory: some 60 bytes an endpoint that
/// has a part in a two-way link, 60 bytes a host.
public struct RoleEvidence: Sendable {
  private var index = KeyIndex()
  private var rows: [EndpointEvidence] = []
  private(set) var hosts: [HostEvidence]
  /// Distinct endpoints by port number, and by block of `neighbours` port numbers; TCP, then UDP.
  private var endpointsAtPort: [UInt32]
  private var endpointsInBlock: [UInt32]
  /// Client ports by sixteenth of the number space: of each host (saturating) and of all.
  private var clientPorts: [UInt8]
  private var clientPortsOfAll = [Double](repeating: 0, count: 16)
  /// Endpoints that spoke to a group, with the port they spoke to.
  private var askedGroups = KeyIndex()
  /// Endpoints that asked a host by UDP and were not answered from the port they asked.
  private var askedInVain = KeyIndex()
  private var portAskedInVain: [UInt16] = []
  private var isAnsweredElsewhere: [Bool] = []
  /// Pairs of hosts: who was told that a packet could not be delivered, and by whom.
  private var undeliverable = KeyIndex()
  /// Only one direction of most traffic was captured, or few packets of each session: silence is then
  /// no sign that nobody answered.
  public private(set) var isPartial = false
  /// Share of the TCP sessions whose handshake was captured; a half where there are none.
  public private(set) var beginnings = 0.5

  /// Port numbers among which one is compared with its neighbours.
  private static let neighbours = 256

  /// - Parameters:
  ///   - links: with `a` and `b` below `hostCount`.
  ///   - isGroup: whether the link goes to a multicast or broadcast group.
  /// - Complexity: O(links): a few table accesses each.
  public init(links: [Link], hostCount: Int, isGroup: (Link) -> Bool) {
    hosts = [HostEvidence](repeating: HostEvidence(), count: hostCount)
    clientPorts = [UInt8](repeating: 0, count: 16 * hostCount)
    endpointsAtPort = [UInt32](repeating: 0, count: 2 * 65536)
    endpointsInBlock = [UInt32](repeating: 0, count: 2 * 65536 / RoleEvidence.neighbours)
    for link in links where link.protocolNumber == IPProtocolNumber.tcp { hear(link) }
    isPartial = RoleEvidence.isPartial(hosts)
    beginnings = RoleEvidence.beginnings(links)
    var peers = KeyIndex()
    for link in links { meet(link, isGroup: isGroup(link), &peers) }
    for link in links where link.protocolNumber == IPProtocolNumber.udp { findAnswers(link) }
    countPorts()
    for link in links where isEvidence(link) && !isGroup(link) { learn(link) }
  }

  // MARK: - One direction only

  private mutating func hear(_ link: Link) {
    let fromA = link.events.contains(.progressFromA)
    let fromB = link.events.contains(.progressFromB)
    if fromA { hosts[link.a].spoken &+= UInt32(min(link.packetsAB, 1 << 20)) }
    if fromB { hosts[link.b].spoken &+= UInt32(min(link.packetsBA, 1 << 20)) }
    switch (fromA, fromB) {
    case (true, true):
      hosts[link.a].twoWay &+= 1
      hosts[link.b].twoWay &+= 1
    case (true, false):
      hosts[link.a].unheard &+= 1
      hosts[link.a].unheardTalks &+= link.packetsAB >= 3 * link.sessions ? 1 : 0
      hosts[link.b].unspoken &+= 1
    case (false, true):
      hosts[link.a].unspoken &+= 1
      hosts[link.b].unheard &+= 1
      hosts[link.b].unheardTalks &+= link.packetsBA >= 3 * link.sessions ? 1 : 0
    case (false, false): break
    }
  }

  /// Most hosts that go on speaking are hardly ever seen to be answered: either never, though they say
  /// much (a tap that sees one direction), or they are heard in one session and answered in another
  /// (sampling, or routes that differ by direction).
  ///
  /// A host counts for 16 sessions at most, so that a scanner can't make a whole capture look like that;
  /// its victims answer with resets, and forged senders say one thing only.
  private static func isPartial(_ hosts: [HostEvidence]) -> Bool {
    var partialHosts = 0
    var partial: UInt32 = 0
    var whole: UInt32 = 0
    var talks: UInt32 = 0
    for host in hosts {
      whole += min(host.twoWay, 16)
      talks += min(host.unheardTalks, 16)
      if host.unheard > 0 && (host.unspoken > 0 || host.spoken >= 3) {
        partial += UInt32(min(16, UInt64(host.unheard) + UInt64(host.unspoken)))
        partialHosts += 1
      }
    }
    // One host will do where it says more than a scanner would.
    return (partialHosts >= 4 || talks >= 8) && partial >= 8 && partial * 3 > whole
  }

  private static func beginnings(_ links: [Link]) -> Double {
    var seen: UInt64 = 1
    var all: UInt64 = 2
    for link in links where link.protocolNumber == IPProtocolNumber.tcp {
      seen += link.hasHandshake ? link.completed : 0
      all += link.hasHandshake ? link.completed : link.twoWay
    }
    return Double(seen) / Double(all)
  }

  // MARK: - Endpoints

  /// Whether the link shows that two sides wished to talk: what nobody answers is no evidence, or
  /// scans and floods would make servers.
  func isEvidence(_ link: Link) -> Bool {
    guard ProtocolName.hasPorts(link.protocolNumber), !link.events.contains(.portsUnknown)
    else { return false }
    if link.hasHandshake { return link.completed > 0 || isPartial && link.unheard > 0 }
    return link.isTwoWay
      || isPartial && !link.events.isDisjoint(with: [.progressFromA, .progressFromB])
  }

  private mutating func meet(_ link: Link, isGroup: Bool, _ peers: inout KeyIndex) {
    let proto = link.protocolNumber
    if isGroup {
      let asker = link.isAskedByB ? link.exchanged : link
      let endpoint = number(asker.a, proto, asker.aPort)
      _ = askedGroups.number(of: Key(UInt64(endpoint), UInt64(asker.bPort)))
      return
    }
    if !ProtocolName.hasPorts(proto) {
      noteICMP(link)
      return
    }
    if !isEvidence(link) {
      noteVain(link)
      return
    }
    let a = number(link.a, proto, link.aPort)
    let ports = link.hasHandshake ? max(1, UInt32(clamping: link.completed)) : link.bPorts
    if link.hasHandshake {
      rows[a].served &+= link.completed
      rows[a].completedClients &+= 1
    }
    count(a, peer: link.b, ports: ports, isAsked: link.hasHandshake || link.isAskedByB, &peers)
    // A client's many ports have one peer each; they need no rows of their own.
    if link.bPorts == 1 {
      let b = number(link.b, proto, link.bPort)
      count(b, peer: link.a, ports: 1, isAsked: !link.hasHandshake && !link.isAskedByB, &peers)
    }
  }

  private mutating func count(
    _ endpoint: Int, peer: Int, ports: UInt32, isAsked: Bool, _ peers: inout KeyIndex
  ) {
    let before = peers.count
    let isNew = peers.number(of: Key(UInt64(endpoint), UInt64(peer))) == before
    rows[endpoint].peers &+= isNew ? 1 : 0
    rows[endpoint].peerPorts &+= ports
    if isAsked {
      rows[endpoint].askedBy &+= ports
    } else {
      rows[endpoint].asked &+= ports
    }
  }

  private mutating func noteICMP(_ link: Link) {
    // Destination unreachable (RFC 792, RFC 4443); type and code stand in the port of the one told.
    let (sender, told, typeAndCode) =
      link.isAskedByB ? (link.b, link.a, link.aPort) : (link.a, link.b, link.bPort)
    let unreachable: UInt16 = link.protocolNumber == IPProtocolNumber.icmp ? 3 : 1
    guard !link.hasHandshake, typeAndCode >> 8 == unreachable else { return }
    _ = undeliverable.number(of: Key(UInt64(told), UInt64(sender)))
  }

  private mutating func noteVain(_ link: Link) {
    if link.hasHandshake {
      hosts[link.b].inVain &+= max(link.aPorts, link.addresses)
      if link.halfOpen + link.unasked > 0 {
        let a = number(link.a, link.protocolNumber, link.aPort)
        rows[a].halfOpenClients &+= link.addresses
      }
      return
    }
    guard link.packetsAB == 0 || link.packetsBA == 0 else { return }
    let one = link.packetsAB == 0 ? link : link.exchanged  // B asks.
    hosts[one.b].inVain &+= max(one.aPorts, one.addresses)
    guard link.protocolNumber == IPProtocolNumber.udp, one.aPorts == 1 else { return }
    rows[number(one.a, link.protocolNumber, one.aPort)].oneWayPeers &+= one.addresses
    guard one.bPorts == 1 else { return }
    let asker = number(one.b, link.protocolNumber, one.bPort)
    let place = askedInVain.number(of: Key(UInt64(asker), UInt64(one.a)))
    if place == portAskedInVain.count {
      portAskedInVain.append(one.aPort)
      isAnsweredElsewhere.append(false)
    } else {
      portAskedInVain[place] = min(portAskedInVain[place], one.aPort)
    }
  }

  // MARK: - Hosts and port numbers

  /// What the clear cases teach about hosts, client ports and port numbers.
  private mutating func learn(_ link: Link) {
    let a = self[link.a, link.protocolNumber, link.aPort]
    let b = self[link.b, link.protocolNumber, link.bPort]
    if link.hasHandshake || isServer(a, of: b, link.protocolNumber, leaves: link.bPorts) {
      clear(server: link.a, client: link.b, clientPort: link.bPort, ports: link.bPorts)
    } else if link.bPorts == 1, isServer(b, of: a, link.protocolNumber, leaves: 1) {
      clear(server: link.b, client: link.a, clientPort: link.aPort, ports: 1)
    }
  }

  /// How many hosts use each port number.
  private mutating func countPorts() {
    for (number, key) in index.keys.enumerated() where rows[number].peerPorts > 0 {
      let kind = UInt8(truncatingIfNeeded: key.low >> 16) == IPProtocolNumber.udp ? 1 : 0
      let place = kind << 16 | Int(key.low & 0xFFFF)
      endpointsAtPort[place] &+= 1
      endpointsInBlock[place / RoleEvidence.neighbours] &+= 1
    }
  }

  /// Many peer endpoints against one: the paper's number of ports on either side.
  private func isServer(
    _ one: EndpointEvidence, of other: EndpointEvidence, _ proto: UInt8, leaves: UInt32
  ) -> Bool {
    guard one.peerPorts >= 4, leaves > 1 || other.peerPorts <= 1 else { return false }
    return proto == IPProtocolNumber.tcp || one.askedBy >= one.asked
  }

  private mutating func clear(server: Int, client: Int, clientPort: UInt16, ports: UInt32) {
    hosts[server].served &+= min(ports, 1 << 16)
    hosts[client].requested &+= min(ports, 1 << 16)
    let block = Int(clientPort >> 12)
    if clientPorts[client * 16 + block] < .max { clientPorts[client * 16 + block] += 1 }
    clientPortsOfAll[block] += 1
  }

  // MARK: - What the rule asks

  private mutating func number(_ host: Int, _ proto: UInt8, _ port: UInt16) -> Int {
    let number = index.number(of: Key(host: host, protocolNumber: proto, port: port))
    if number == rows.count { rows.append(EndpointEvidence()) }
    return number
  }

  /// What is known of an endpoint; all 0 where nothing is.
  public subscript(host: Int, proto: UInt8, port: UInt16) -> EndpointEvidence {
    index.find(Key(host: host, protocolNumber: proto, port: port)).map { rows[$0] }
      ?? EndpointEvidence()
  }

  /// Whether the endpoint spoke to a group at `port`: what then comes from that port are answers
  /// (SSDP, mDNS, NetBIOS: a question to all, answers by unicast).
  func askedGroup(_ host: Int, _ proto: UInt8, _ port: UInt16, at groupPort: UInt16) -> Bool {
    guard let endpoint = index.find(Key(host: host, protocolNumber: proto, port: port)) else {
      return false
    }
    return askedGroups.find(Key(UInt64(endpoint), UInt64(groupPort))) != nil
  }

  /// The port of `other` that the endpoint asked by UDP without an answer from there, and whether one
  /// came from another port.
  func askedInVain(
    _ host: Int, _ port: UInt16, other: Int
  ) -> (port: UInt16, isAnsweredElsewhere: Bool)? {
    guard let place = placeAskedInVain(host, port, other) else { return nil }
    return (portAskedInVain[place], isAnsweredElsewhere[place])
  }

  private func placeAskedInVain(_ host: Int, _ port: UInt16, _ other: Int) -> Int? {
    guard let asker = index.find(Key(host: host, protocolNumber: IPProtocolNumber.udp, port: port))
    else {
      return nil
    }
    return askedInVain.find(Key(UInt64(asker), UInt64(other)))
  }

  private mutating func findAnswers(_ link: Link) {
    for one in [link, link.exchanged] where one.packetsAB > 0 && link.bPorts == 1 {
      if let place = placeAskedInVain(one.b, one.bPort, one.a),
        portAskedInVain[place] != one.aPort
      {
        isAnsweredElsewhere[place] = true
      }
    }
  }

  /// Whether `host` was told by `other` that a packet could not be delivered.
  func wasUndeliverable(from host: Int, to other: Int) -> Bool {
    undeliverable.find(Key(UInt64(host), UInt64(other))) != nil
  }

  /// The link as the rule sees it.
  ///
  /// - Parameter b: evidence on B's endpoint; given where the link stands for several of its ports.
  func features(of link: Link, a: EndpointEvidence, b: EndpointEvidence) -> RoleFeatures {
    var features = RoleFeatures()
    features[.peers] = bits(a.peers) - bits(b.peers)
    features[.peerPorts] = bits(a.peerPorts) - bits(b.peerPorts)
    // Where little of each session is captured, its first packet is anybody's.
    if !isPartial && link.sessions > 0 {
      let sessions = Double(link.sessions)
      features[.firstSpeaker] = (2 * Double(link.firstFromB) - sessions) / (sessions + 1)
      features[.firstOfWhole] = features[.firstSpeaker] * beginnings
      // Over TCP that can ask from either side once it stands, only a handshake tells who asked.
      if link.protocolNumber == IPProtocolNumber.udp {
        features[.asked] = ratio(a.askedBy, a.asked) - ratio(b.askedBy, b.asked)
      }
    }
    if link.aPort == link.bPort {
      // An NTP server has clients and asks a server itself, all from one port. Who speaks first in this
      // link says which it is here, where that was captured; its partners elsewhere do not.
      if beginnings >= 0.5 && !isPartial {
        for feature in [RoleFeatures.Feature.peers, .peerPorts, .asked] { features[feature] = 0 }
      }
    } else {
      let proto = link.protocolNumber
      features[.portKnown] =
        PortPrior.known(link.aPort, proto) - PortPrior.known(link.bPort, proto)
      features[.portRange] = PortPrior.ephemeral(link.bPort) - PortPrior.ephemeral(link.aPort)
      features[.portCommon] = common(link.aPort, proto) - common(link.bPort, proto)
      features[.notEphemeral] =
        ephemeral(link.b, link.bPort) - ephemeral(link.a, link.aPort)
      features[.host] =
        ratio(hosts[link.a].served, hosts[link.a].requested)
        - ratio(hosts[link.b].served, hosts[link.b].requested)
    }
    features[.silence] =
      (link.events.contains(.brokeSilenceB) ? 1 : 0)
      - (link.events.contains(.brokeSilenceA) ? 1 : 0)
    // No single circumstance decides: that a host serves elsewhere, however much, least of all.
    for feature in RoleFeatures.Feature.allCases {
      let limit = feature == .host || feature == .notEphemeral ? 3.0 : 8.0
      features[feature] = min(limit, max(-limit, features[feature]))
    }
    return features
  }

  private func bits(_ count: UInt32) -> Double { log2(Double(max(1, count))) }

  private func ratio(_ one: UInt32, _ other: UInt32) -> Double {
    log2((Double(one) + 1) / (Double(other) + 1))
  }

  private func common(_ port: UInt16, _ proto: UInt8) -> Double {
    let place = (proto == IPProtocolNumber.udp ? 1 : 0) << 16 | Int(port)
    let here = Double(endpointsAtPort[place])
    let block = Double(endpointsInBlock[place / RoleEvidence.neighbours])
    let others = max(0, block - here) / Double(RoleEvidence.neighbours - 1)
    return log2((here + 1) / (others + 1))
  }

  /// log₂ of how much likelier than by chance a client of this host has this port.
  private func ephemeral(_ host: Int, _ port: UInt16) -> Double {
    let block = Int(port >> 12)
    let ofAll = clientPortsOfAll.reduce(0, +)
    let shareOfAll = (clientPortsOfAll[block] + 0.25) / (ofAll + 4)
    let own = clientPorts[host * 16..<host * 16 + 16].reduce(0.0) { $0 + Double($1) }
    let share = (Double(clientPorts[host * 16 + block]) + 2 * shareOfAll) / (own + 2)
    return log2(share * 16)
  }
}
