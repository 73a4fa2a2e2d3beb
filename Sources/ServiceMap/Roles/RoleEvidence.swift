internal import Glibc
internal import Wire

/// All that the links of a map say about endpoints, hosts and port numbers.
///
/// Built in a few passes over the links, in any order of them. Memory: some 40 bytes an endpoint that
/// several links have, 60 bytes a host, 2 MB for port numbers.
public struct RoleEvidence: Sendable {
  let table: LinkTable
  let hidesHandshakes: Bool
  /// By the number of an endpoint; all 0 where nothing is known.
  private var rows: [EndpointEvidence]
  private(set) var hosts: [HostEvidence]
  /// Distinct endpoints by port number, and by block of `neighbours` port numbers; TCP, then UDP.
  private var endpointsAtPort: [UInt32]
  private var endpointsInBlock: [UInt32]
  /// Client ports by sixteenth of the number space: of each host (saturating) and of all.
  private var clientPorts: [UInt8]
  private var clientPortsOfAll = [Double](repeating: 0, count: 16)
  /// By endpoint: whether it has a part in one of the next three.
  private var traces: [EndpointTraces]
  /// Endpoints that spoke to a group, with the port they spoke to.
  private var askedGroups = WordIndex()
  /// Endpoints that asked a host by UDP and were not answered from the port they asked.
  private var askedInVain = WordIndex()
  private var portAskedInVain: [UInt16] = []
  private var isAnsweredElsewhere: [Bool] = []
  /// Pairs of hosts: who was told that a packet could not be delivered, and by whom.
  private var undeliverable = WordIndex()
  /// Only one direction of most traffic was captured, or few packets of each session: silence is then
  /// no sign that nobody answered.
  public let isPartial: Bool
  /// Share of the TCP sessions whose handshake was captured; a half where there are none.
  public let beginnings: Double

  /// What `features` asks of hosts again and again: log₂ of what each serves to what it requests, the
  /// client ports of each, and the share of each sixteenth in those of all.
  private var serving: [Double] = []
  private var clientPortsOfHost: [Double] = []
  private var shareOfAll: [Double] = []
  /// As `endpointsAtPort`.
  private var commonness: [Double] = []
  private let logarithms = Logarithms()

  /// Port numbers among which one is compared with its neighbours.
  private static let neighbours = 256

  /// - Parameter hidesHandshakes: what the links would say if no handshake had been captured.
  /// - Complexity: O(links): a few table accesses each.
  init(_ table: LinkTable, hidesHandshakes: Bool = false) {
    self.table = table
    self.hidesHandshakes = hidesHandshakes
    let hearing = hidesHandshakes ? table.hearingHidden : table.hearing
    hosts = hearing.hosts
    isPartial = hearing.isPartial
    beginnings = hearing.beginnings
    rows = [EndpointEvidence](repeating: EndpointEvidence(), count: table.endpointCount)
    traces = [EndpointTraces](repeating: [], count: table.endpointCount)
    clientPorts = [UInt8](repeating: 0, count: 16 * hosts.count)
    endpointsAtPort = [UInt32](repeating: 0, count: 2 * 65536)
    endpointsInBlock = [UInt32](repeating: 0, count: 2 * 65536 / RoleEvidence.neighbours)
    meetAll()
    findAnswers()
    countPorts()
    learnAll()
    sumUp()
  }

  // MARK: - Endpoints

  /// How a link is read here.
  @inline(__always) private func reading(_ facts: LinkFacts) -> LinkReading {
    hidesHandshakes ? facts.hidden : facts.plain
  }

  /// The link as it is read here.
  func link(_ number: Int) -> Link {
    hidesHandshakes ? table.links[number].withoutHandshake : table.links[number]
  }

  private func isEvidence(_ reading: LinkReading) -> Bool {
    !reading.contains(.toGroup) && reading.contains(isPartial ? .evidenceInPart : .evidence)
  }

  private mutating func meetAll() {
    var isMet = [Bool](repeating: false, count: table.pairCount)
    var met = rows
    rows = []
    met.withUnsafeMutableBufferPointer { rows in
      isMet.withUnsafeMutableBufferPointer { isMet in
        /// Whether no link before had this pair.
        func isNew(_ pair: UInt32) -> Bool {
          if pair == LinkFacts.lone { return true }
          defer { isMet[Int(pair)] = true }
          return !isMet[Int(pair)]
        }
        for (number, facts) in table.facts.enumerated() {
          let reading = reading(facts)
          guard isEvidence(reading) else { continue }
          if facts.a != LinkFacts.lone {
            RoleEvidence.meet(
              &rows[Int(facts.a)], .a, number, in: table, reading, isNew: isNew(facts.aPair))
          }
          // Of several ports no row is kept, so that their peer is not met either.
          if facts.b != LinkFacts.lone && facts.bPorts == 1 {
            RoleEvidence.meet(
              &rows[Int(facts.b)], .b, number, in: table, reading, isNew: isNew(facts.bPair))
          }
        }
      }
    }
    rows = met
    for (number, facts) in table.facts.enumerated() {
      let reading = reading(facts)
      if !isEvidence(reading) { meetOther(number, facts, reading) }
    }
  }

  /// Adds what a link that is evidence says of one of its endpoints.
  ///
  /// - Parameter isNew: the endpoint has not met this peer's address before.
  @inline(__always) private static func meet(
    _ row: inout EndpointEvidence, _ side: LinkSide, _ number: Int, in table: LinkTable,
    _ reading: LinkReading, isNew: Bool
  ) {
    let facts = table.facts[number]
    let hasHandshake = reading.contains(.handshake)
    // A client's many ports have one peer each; they need no rows of their own.
    if side == .b && facts.bPorts != 1 { return }
    if side == .a && hasHandshake {
      row.served &+=
        facts.completed < .max ? UInt64(facts.completed) : table.links[number].completed
      row.completedClients &+= 1
    }
    let ports = side == .b ? 1 : hasHandshake ? max(1, facts.completed) : facts.bPorts
    let isAsked = (hasHandshake || reading.contains(.askedByB)) == (side == .a)
    row.peers &+= isNew ? 1 : 0
    row.peerPorts &+= ports
    row.askedBy &+= isAsked ? ports : 0
    row.asked &+= isAsked ? 0 : ports
  }

  /// Notes what is no evidence of who serves.
  private mutating func meetOther(_ number: Int, _ facts: LinkFacts, _ reading: LinkReading) {
    let link = link(number)
    if reading.contains(.toGroup) {
      let asker = link.isAskedByB ? facts.b : facts.a
      // Nobody answers to an endpoint of which there is nothing else.
      if asker == LinkFacts.lone { return }
      traces[Int(asker)].insert(.askedGroup)
      let port = link.isAskedByB ? link.aPort : link.bPort
      _ = askedGroups.number(of: UInt64(asker) << 16 | UInt64(port))
    } else if !ProtocolName.hasPorts(link.protocolNumber) {
      noteICMP(link)
    } else {
      noteVain(link, facts)
    }
  }

  private mutating func noteICMP(_ link: Link) {
    // Destination unreachable (RFC 792, RFC 4443); type and code stand in the port of the one told.
    let (sender, told, typeAndCode) =
      link.isAskedByB ? (link.b, link.a, link.aPort) : (link.a, link.b, link.bPort)
    let unreachable: UInt16 = link.protocolNumber == IPProtocolNumber.icmp ? 3 : 1
    guard !link.hasHandshake, typeAndCode >> 8 == unreachable else { return }
    _ = undeliverable.number(of: UInt64(told) << 32 | UInt64(sender))
  }

  private mutating func noteVain(_ link: Link, _ facts: LinkFacts) {
    for side in [LinkSide.a, .b] where facts.number(side) != LinkFacts.lone {
      RoleEvidence.noteVain(&rows[Int(facts.number(side))], side, link)
    }
    if link.hasHandshake {
      hosts[link.b].inVain &+= max(link.aPorts, link.addresses)
      return
    }
    guard let asker = link.vainAsker else { return }
    let one = asker == .b ? link : link.exchanged
    hosts[one.b].inVain &+= max(one.aPorts, one.addresses)
    let number = facts.number(asker)
    guard link.protocolNumber == IPProtocolNumber.udp, one.aPorts == 1, one.bPorts == 1,
      number != LinkFacts.lone
    else { return }
    traces[Int(number)].insert(.askedInVain)
    let place = askedInVain.number(of: UInt64(number) << 32 | UInt64(one.a))
    if place == portAskedInVain.count {
      portAskedInVain.append(one.aPort)
      isAnsweredElsewhere.append(false)
    } else {
      portAskedInVain[place] = min(portAskedInVain[place], one.aPort)
    }
  }

  /// Adds what a link that came to nothing says of one of its endpoints.
  private static func noteVain(_ row: inout EndpointEvidence, _ side: LinkSide, _ link: Link) {
    if link.hasHandshake {
      row.halfOpenClients &+= side == .a && link.halfOpen + link.unasked > 0 ? link.addresses : 0
    } else if link.protocolNumber == IPProtocolNumber.udp, link.vainAsker == side.other,
      (side == .a ? link.aPorts : link.bPorts) == 1
    {
      row.oneWayPeers &+= link.addresses
    }
  }

  // MARK: - Hosts and port numbers

  /// What the clear cases teach about hosts, client ports and port numbers.
  private mutating func learnAll() {
    for (number, facts) in table.facts.enumerated() {
      let reading = reading(facts)
      guard isEvidence(reading) else { continue }
      if reading.contains(.handshake) || isServer(.a, number) {
        clear(
          server: facts.aHost, client: facts.bHost, clientPort: facts.bPort, ports: facts.bPorts)
      } else if facts.bPorts == 1, isServer(.b, number) {
        clear(server: facts.bHost, client: facts.aHost, clientPort: facts.aPort, ports: 1)
      }
    }
  }

  /// How many hosts use each port number.
  private mutating func countPorts() {
    for (number, row) in rows.enumerated() where row.peerPorts > 0 {
      let (protocolNumber, port) = table.endpoint(number)
      countPort(port, protocolNumber)
    }
    for (number, facts) in table.facts.enumerated() where isEvidence(reading(facts)) {
      if facts.a == LinkFacts.lone, row(.a, number).peerPorts > 0 {
        countPort(facts.aPort, facts.protocolNumber)
      }
      if facts.b == LinkFacts.lone, facts.bPorts == 1 {
        countPort(facts.bPort, facts.protocolNumber)
      }
    }
  }

  @inline(__always) private mutating func countPort(_ port: UInt16, _ protocolNumber: UInt8) {
    let place = RoleEvidence.place(port, protocolNumber)
    endpointsAtPort[place] &+= 1
    endpointsInBlock[place / RoleEvidence.neighbours] &+= 1
  }

  private static func place(_ port: UInt16, _ protocolNumber: UInt8) -> Int {
    (protocolNumber == IPProtocolNumber.udp ? 1 : 0) << 16 | Int(port)
  }

  private mutating func sumUp() {
    serving = hosts.map { logarithms.ratio($0.served, $0.requested) }
    clientPortsOfHost = hosts.indices.map { host in
      clientPorts[host * 16..<host * 16 + 16].reduce(0.0) { $0 + Double($1) }
    }
    // The same for all unused numbers of a block, which most are.
    commonness.reserveCapacity(endpointsAtPort.count)
    for block in endpointsInBlock.indices {
      let start = block * RoleEvidence.neighbours
      let places = start..<start + RoleEvidence.neighbours
      let unused = commonness(here: 0, inBlock: endpointsInBlock[block])
      for place in places {
        commonness.append(
          endpointsAtPort[place] == 0
            ? unused
            : commonness(here: endpointsAtPort[place], inBlock: endpointsInBlock[block]))
      }
    }
    let ofAll = clientPortsOfAll.reduce(0, +)
    shareOfAll = clientPortsOfAll.map { ($0 + 0.25) / (ofAll + 4) }
  }

  /// Many peer endpoints against one: the paper's number of ports on either side.
  @inline(__always) private func isServer(_ side: LinkSide, _ number: Int) -> Bool {
    let one = row(side, number)
    guard one.peerPorts >= 4,
      side == .a && table.facts[number].bPorts > 1 || row(side.other, number).peerPorts <= 1
    else { return false }
    return table.facts[number].protocolNumber == IPProtocolNumber.tcp || one.askedBy >= one.asked
  }

  private mutating func clear(server: UInt32, client: UInt32, clientPort: UInt16, ports: UInt32) {
    hosts[Int(server)].served &+= min(ports, 1 << 16)
    hosts[Int(client)].requested &+= min(ports, 1 << 16)
    let block = Int(clientPort >> 12)
    let place = Int(client) * 16 + block
    if clientPorts[place] < .max { clientPorts[place] += 1 }
    clientPortsOfAll[block] += 1
  }

  // MARK: - What the rule asks

  /// What is known of an endpoint of a link; all 0 where nothing is.
  @inline(__always) func row(_ side: LinkSide, _ number: Int) -> EndpointEvidence {
    let endpoint = table.facts[number].number(side)
    return endpoint == LinkFacts.lone ? loneRow(side, number) : rows[Int(endpoint)]
  }

  /// What the only link of an endpoint says of it.
  @inline(__always) private func loneRow(_ side: LinkSide, _ number: Int) -> EndpointEvidence {
    var row = EndpointEvidence()
    let reading = reading(table.facts[number])
    if isEvidence(reading) {
      RoleEvidence.meet(&row, side, number, in: table, reading, isNew: true)
    } else if !reading.contains(.toGroup) {
      let link = link(number)
      if ProtocolName.hasPorts(link.protocolNumber) {
        RoleEvidence.noteVain(&row, side, link)
      }
    }
    return row
  }

  /// Whether anything is noted of the endpoint that `askedGroup` or `askedInVain` could tell.
  @inline(__always) func hasTraces(_ endpoint: UInt32) -> Bool {
    endpoint != LinkFacts.lone && !traces[Int(endpoint)].isEmpty
  }

  /// Whether the endpoint spoke to a group at `port`: what then comes from that port are answers
  /// (SSDP, mDNS, NetBIOS: a question to all, answers by unicast).
  func askedGroup(_ endpoint: UInt32, at groupPort: UInt16) -> Bool {
    endpoint != LinkFacts.lone && traces[Int(endpoint)].contains(.askedGroup)
      && askedGroups.find(UInt64(endpoint) << 16 | UInt64(groupPort)) != nil
  }

  /// The port of `other` that the endpoint asked by UDP without an answer from there, and whether one
  /// came from another port.
  func askedInVain(
    _ endpoint: UInt32, other: UInt32
  ) -> (port: UInt16, isAnsweredElsewhere: Bool)? {
    guard let place = placeAskedInVain(endpoint, other) else { return nil }
    return (portAskedInVain[place], isAnsweredElsewhere[place])
  }

  private func placeAskedInVain(_ endpoint: UInt32, _ other: UInt32) -> Int? {
    guard endpoint != LinkFacts.lone, traces[Int(endpoint)].contains(.askedInVain) else {
      return nil
    }
    return askedInVain.find(UInt64(endpoint) << 32 | UInt64(other))
  }

  private mutating func findAnswers() {
    if askedInVain.isEmpty { return }
    for (number, facts) in table.facts.enumerated()
    where facts.protocolNumber == IPProtocolNumber.udp && facts.bPorts == 1 {
      if let place = placeAskedInVain(facts.b, facts.aHost),
        portAskedInVain[place] != facts.aPort, table.links[number].packetsAB > 0
      {
        isAnsweredElsewhere[place] = true
      }
      if let place = placeAskedInVain(facts.a, facts.bHost),
        portAskedInVain[place] != facts.bPort, table.links[number].packetsBA > 0
      {
        isAnsweredElsewhere[place] = true
      }
    }
  }

  /// Whether `host` was told by `other` that a packet could not be delivered.
  func wasUndeliverable(from host: Int, to other: Int) -> Bool {
    undeliverable.find(UInt64(host) << 32 | UInt64(other)) != nil
  }

  /// The link as the rule sees it.
  ///
  /// - Parameter b: evidence on B's endpoint; given where the link stands for several of its ports.
  func features(of link: Link, a: EndpointEvidence, b: EndpointEvidence) -> RoleFeatures {
    var features = RoleFeatures()
    features[.peers] = logarithms.of(a.peers) - logarithms.of(b.peers)
    features[.peerPorts] = logarithms.of(a.peerPorts) - logarithms.of(b.peerPorts)
    // Where little of each session is captured, its first packet is anybody's.
    if !isPartial && link.sessions > 0 {
      let sessions = Double(link.sessions)
      features[.firstSpeaker] = (2 * Double(link.firstFromB) - sessions) / (sessions + 1)
      features[.firstOfWhole] = features[.firstSpeaker] * beginnings
      // Over TCP that can ask from either side once it stands, only a handshake tells who asked.
      if link.protocolNumber == IPProtocolNumber.udp {
        features[.asked] =
          logarithms.ratio(a.askedBy, a.asked) - logarithms.ratio(b.askedBy, b.asked)
      }
    }
    if link.aPort == link.bPort {
      // An NTP server has clients and asks a server itself, all from one port. Who speaks first in this
      // link says which it is here, where that was captured; its partners elsewhere do not.
      if beginnings >= 0.5 && !isPartial {
        features[.peers] = 0
        features[.peerPorts] = 0
        features[.asked] = 0
      }
    } else {
      let proto = link.protocolNumber
      features[.portKnown] =
        PortPrior.known(link.aPort, proto) - PortPrior.known(link.bPort, proto)
      features[.portRange] = PortPrior.ephemeral(link.bPort) - PortPrior.ephemeral(link.aPort)
      features[.portCommon] = common(link.aPort, proto) - common(link.bPort, proto)
      features[.notEphemeral] =
        ephemeral(link.b, link.bPort) - ephemeral(link.a, link.aPort)
      features[.host] = serving[link.a] - serving[link.b]
    }
    features[.silence] =
      (link.events.contains(.brokeSilenceB) ? 1 : 0)
      - (link.events.contains(.brokeSilenceA) ? 1 : 0)
    features.clamp()
    return features
  }

  private func common(_ port: UInt16, _ proto: UInt8) -> Double {
    commonness[RoleEvidence.place(port, proto)]
  }

  /// log₂ of how many hosts use a port number, against its neighbours.
  private func commonness(here: UInt32, inBlock: UInt32) -> Double {
    let others =
      max(0, Double(inBlock) - Double(here)) / Double(RoleEvidence.neighbours - 1)
    return log2((Double(here) + 1) / (others + 1))
  }

  /// log₂ of how much likelier than by chance a client of this host has this port.
  private func ephemeral(_ host: Int, _ port: UInt16) -> Double {
    let block = Int(port >> 12)
    let own = Double(clientPorts[host * 16 + block])
    let share = (own + 2 * shareOfAll[block]) / (clientPortsOfHost[host] + 2)
    return log2(share * 16)
  }
}

/// log₂ of counts; of small ones from tables, since most counts of peers are.
private struct Logarithms: Sendable {
  private let counts = (0..<256).map { log2(Double(max(1, $0))) }
  /// By sixteen times the one plus the other.
  private let ratios = (0..<UInt32(256)).map { Logarithms.ratio($0 / 16, $0 % 16) }

  @inline(__always) func of(_ count: UInt32) -> Double {
    count < 256 ? counts[Int(count)] : log2(Double(count))
  }

  /// log₂ of the ratio of two counts, each plus one.
  @inline(__always) func ratio(_ one: UInt32, _ other: UInt32) -> Double {
    one < 16 && other < 16 ? ratios[Int(one * 16 + other)] : Logarithms.ratio(one, other)
  }

  private static func ratio(_ one: UInt32, _ other: UInt32) -> Double {
    log2((Double(one) + 1) / (Double(other) + 1))
  }
}

/// What was noted of an endpoint beside its evidence.
private struct EndpointTraces: OptionSet, Sendable {
  let rawValue: UInt8

  /// It spoke to a group; it asked a host by UDP and was not answered from there.
  static var askedGroup: EndpointTraces { EndpointTraces(rawValue: 1) }
  static var askedInVain: EndpointTraces { EndpointTraces(rawValue: 2) }
}
