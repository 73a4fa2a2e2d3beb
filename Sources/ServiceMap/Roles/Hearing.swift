internal import Wire

/// What the links say of TCP by themselves, before any is weighed: which sides of it were captured, and
/// how many beginnings.
struct Hearing: Sendable {
  /// By host; only what `hear` counts.
  private(set) var hosts: [HostEvidence]
  /// TCP sessions whose handshake was captured, plus one; and all, plus two.
  private var seen: UInt64 = 1
  private var all: UInt64 = 2

  init(hostCount: Int) {
    hosts = [HostEvidence](repeating: HostEvidence(), count: hostCount)
  }

  /// Share of the TCP sessions whose handshake was captured; a half where there are none.
  var beginnings: Double { Double(seen) / Double(all) }

  @inline(__always) mutating func hear(_ link: Link) {
    guard link.protocolNumber == IPProtocolNumber.tcp else { return }
    seen += link.hasHandshake ? link.completed : 0
    all += link.hasHandshake ? link.completed : link.twoWay
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
  var isPartial: Bool {
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
}
