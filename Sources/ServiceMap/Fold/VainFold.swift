internal import Wire

/// Joins requests that came to nothing, once there are too many of them to keep apart: what a scan, a
/// sweep or a flood with forged addresses leaves. Memory stays bounded; how many ports or addresses
/// were meant stays known.
///
/// Hosts are the 32 bits that `AddressHandle` speaks of: 0 is the unspecified address.
public struct VainFold: Sendable {
  /// What the joined links have in common, in the order in which it is tried.
  private enum Grouping: UInt64, CaseIterable, Sendable {
    /// One client tries the ports of one host.
    case ports = 1
    /// One client tries one port of many hosts.
    case servers = 2
    /// Many clients, forged as it seems, try one port of one host.
    case clients = 3
    /// One client tries anything. From here on only where the above have not made room.
    case client = 4
    /// Anybody tries anything.
    case all = 5
  }

  /// Links that have less in common with others are left alone.
  private static let groupMin = 64
  /// From so many ports on nobody asks which ones they were, however much room there is.
  public static let scannedPortsMin = 256

  private var groups = KeyIndex()
  /// By group: the place of the link that stands for it.
  private var places: [Int] = []

  /// The groupings that are tried.
  private var groupings: [Grouping] = [.ports, .servers, .clients]
  /// Whether requests to services that never answer stay apart: who sends syslog is who depends on it.
  private var keepsOneWay = true

  public init() {}

  public var isActive: Bool { !places.isEmpty }

  /// Joins links in place until only half of `linksMax` are left, or all that may be joined is.
  ///
  /// - Complexity: O(links).
  public mutating func makeRoom(in links: inout [Link], linksMax: Int) {
    if isActive || links.count * 2 > linksMax { fold(&links) }
    while links.count * 2 > linksMax && coarsen() { fold(&links) }
  }

  /// From now on joins also what has little in common, and in the end what nobody ever answers.
  ///
  /// - Returns: false where nothing is left to be tried.
  private mutating func coarsen() -> Bool {
    guard keepsOneWay else { return false }
    if groupings.count == Grouping.allCases.count { keepsOneWay = false }
    groupings = Grouping.allCases
    return true
  }

  /// Whether the link stands for others that came to nothing.
  @inlinable public static func isFolded(_ link: Link) -> Bool {
    link.aPorts > 1 || link.addresses > 1
  }

  /// Joins those of `links` that have enough in common, in place; places change.
  ///
  /// - Parameter scansOnly: there is room; join what tells nobody anything one by one.
  /// - Complexity: O(links): three table accesses each.
  public mutating func fold(_ links: inout [Link], scansOnly: Bool = false) {
    let groupings = scansOnly ? [.ports] : groupings
    let groupMin = scansOnly ? VainFold.scannedPortsMin : VainFold.groupMin
    var sizes: [Int] = []
    var index = KeyIndex()
    for place in links.indices {
      for grouping in groupings {
        guard let key = key(links[place], grouping) else { continue }
        let number = index.number(of: key)
        if number == sizes.count { sizes.append(0) }
        // What stands for a group already keeps it.
        sizes[number] += VainFold.isFolded(links[place]) ? groupMin : 1
      }
    }
    groups = KeyIndex()
    places = []
    guard sizes.contains(where: { $0 >= groupMin }) else { return }
    var kept = 0
    for place in links.indices {
      var found: (Key, Grouping)?
      for grouping in groupings where found == nil {
        guard let key = key(links[place], grouping), let number = index.find(key),
          sizes[number] >= groupMin
        else { continue }
        found = (key, grouping)
      }
      if let (key, grouping) = found {
        let one = VainFold.member(links[place], grouping)
        let group = groups.number(of: key)
        if group < places.count {
          VainFold.join(one, to: &links[places[group]], grouping)
          continue
        }
        places.append(kept)
        links[kept] = one
      } else if kept < place {
        links[kept] = links[place]
      }
      kept += 1
    }
    links.removeLast(links.count - kept)
  }

  /// The link that stands for the group of `link`, which then is in it; nil where there is no such group.
  public func place(for link: Link, in links: inout [Link]) -> Int? {
    for grouping in groupings {
      if let key = key(link, grouping), let group = groups.find(key) {
        VainFold.join(VainFold.member(link, grouping), to: &links[places[group]], grouping)
        return places[group]
      }
    }
    return nil
  }

  /// Takes a session that turned out not to be in vain out of the group that it would have been joined with.
  ///
  /// - Parameters:
  ///   - link: what the session was when it was joined.
  ///   - negated: the same with its counters taken away.
  ///   - now: what it is now.
  /// - Returns: the link that stands for the group; nil where the session is in vain still, or there is no such
  ///   group.
  public func takeOut(
    _ link: Link, negated: Link, now: Link, of links: inout [Link]
  ) -> Int? {
    guard groupings.allSatisfy({ key(now, $0) == nil }) else { return nil }
    for grouping in groupings {
      if let key = key(link, grouping), let group = groups.find(key) {
        links[places[group]].add(VainFold.member(negated, grouping))
        // What stands for several goes on to say so.
        if grouping == .ports {
          links[places[group]].aPorts = max(3, links[places[group]].aPorts) - 1
        } else {
          links[places[group]].addresses = max(3, links[places[group]].addresses) - 1
        }
        return places[group]
      }
    }
    return nil
  }

  private static func join(_ one: Link, to link: inout Link, _ grouping: Grouping) {
    // A session that goes on was counted when it began.
    if one.sessions > 0 {
      if grouping == .ports {
        link.aPorts &+= one.aPorts
      } else {
        link.addresses &+= one.addresses
      }
    }
    link.add(one)
  }

  /// The key of the group that the link would be in; nil where it may not be joined that way. An open
  /// port stays apart: a scan has found it.
  private func key(_ link: Link, _ grouping: Grouping) -> Key? {
    guard ProtocolName.hasPorts(link.protocolNumber) else { return nil }
    if VainFold.isFolded(link) && grouping != VainFold.grouping(of: link) { return nil }
    // A part of a sum: what it subtracts belongs to a link that is to be found again.
    if link.isSubtracting { return nil }
    if link.hasHandshake {
      guard VainFold.isVain(link, mayBeHalfOpen: grouping == .clients) else { return nil }
    } else {
      guard !link.isTwoWay,
        link.packetsAB == 0 || link.packetsBA == 0 || VainFold.isRefused(link)
      else {
        return nil
      }
    }
    let isExchanged = VainFold.isAskedByA(link)
    let (a, aPort, b) = isExchanged ? (link.b, link.bPort, link.a) : (link.a, link.aPort, link.b)
    // What goes to a group is answered elsewhere or not at all, and is no vain request.
    if !link.hasHandshake && (a >> 28 == 0xE || a == Int(UInt32.max)) { return nil }
    if keepsOneWay && grouping != .ports && !link.hasHandshake && PortPrior.isOneWay(aPort) {
      return nil
    }
    let kind =
      UInt64(link.protocolNumber) | (link.hasHandshake ? 1 << 8 : 0) | grouping.rawValue << 60
    switch grouping {
    case .ports: return Key(UInt64(a) << 32 | UInt64(b), kind)
    case .servers: return Key(UInt64(b) << 32 | UInt64(aPort), kind)
    case .clients: return Key(UInt64(a) << 32 | UInt64(aPort), kind)
    case .client: return Key(UInt64(b), kind)
    case .all: return Key(0, kind)
    }
  }

  /// Whether all sessions of a link with a handshake came to nothing.
  private static func isVain(_ link: Link, mayBeHalfOpen: Bool) -> Bool {
    if link.sessions == 0 {
      // They began in another period, and were counted there; their events are all that were ever seen.
      return link.events.isDisjoint(with: [.progressFromA, .progressFromB])
        && (mayBeHalfOpen || !link.events.contains(.synAckFromA))
    }
    return link.completed == 0 && link.unheard == 0 && (mayBeHalfOpen || link.halfOpen == 0)
  }

  /// The link as a member of its group, A being who was asked.
  private static func member(_ link: Link, _ grouping: Grouping) -> Link {
    var one = isAskedByA(link) ? link.exchanged : link
    one.bPorts = 1
    switch grouping {
    case .ports: break
    case .servers: one.a = 0
    case .clients: one.b = 0
    case .client, .all:
      one.a = 0
      one.aPort = 0
      if grouping == .all { one.b = 0 }
    }
    return one
  }

  private static func isAskedByA(_ link: Link) -> Bool {
    !link.hasHandshake && link.events.contains(.progressFromA)
  }

  /// As what a link that stands for others was joined.
  private static func grouping(of link: Link) -> Grouping {
    if link.aPorts > 1 { return .ports }
    if link.a != 0 { return .clients }
    return link.aPort > 0 ? .servers : link.b != 0 ? .client : .all
  }

  /// Answered with a reset.
  private static func isRefused(_ link: Link) -> Bool {
    !link.events.isDisjoint(with: [.rstFromA, .rstFromB])
  }
}
