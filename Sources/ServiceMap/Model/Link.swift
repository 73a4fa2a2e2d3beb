public import Wire

/// What passed between two endpoints, as the store keeps it: neutral unless a handshake said who
/// serves, so that a role can turn at any later time and take everything about it along.
///
/// The sum of `packets` over all links of a store is the number of mapped packets, exactly.
///
/// A link of one period of a longer time may subtract: the request that was unanswered in one minute and
/// is answered in the next counts as +1 there and as −1 here. Sums therefore wrap, −1 being 2⁶⁴ − 1;
/// the sum over all periods in which a session had a part is never negative.
public struct Link: Equatable, Sendable {
  /// The two hosts: indices into a list of addresses that is kept beside.
  public var a: Int
  public var b: Int
  public var protocolNumber: UInt8
  /// The ports; the smallest where there are several (`aPorts`, `bPorts`).
  public var aPort: UInt16
  public var bPort: UInt16
  /// How many ports of A and of B this stands for; one of the two is 1. Those of a host that only
  /// ever spoke to one endpoint are one link with it: so the store grows with relations and not with
  /// sessions. Of the clients of handshakes it counts sessions, each of which as a rule has a port of
  /// its own.
  public var aPorts: UInt32 = 1
  public var bPorts: UInt32 = 1
  /// How many addresses an unspecified A or B (0.0.0.0) stands for, where too many asked in vain, or
  /// were asked, to keep them apart; else 1.
  public var addresses: UInt32 = 1
  /// A handshake was seen, and A is its server. Else nothing says which is.
  public var hasHandshake: Bool
  /// All that was ever seen in any of the sessions, with A and B as here.
  public var events: SessionEvents
  /// Sessions, each counted once, and in how many of them B spoke first.
  public var sessions: UInt64 = 0
  public var firstFromB: UInt64 = 0
  /// Sessions in which both sides said more than SYN and RST.
  public var twoWay: UInt64 = 0
  /// Of the sessions with a handshake, those that came to nothing: A reset the request, or was
  /// silent.
  public var refused: UInt64 = 0
  public var unanswered: UInt64 = 0
  /// A answered the SYN and neither side went on: an open port that somebody probed, or a flood.
  public var halfOpen: UInt64 = 0
  /// A answered a SYN that was not captured, and that was all: the echo of spoofed addresses.
  public var unasked: UInt64 = 0
  /// B went on as if it had been answered, but nothing of A was captured: a tap that sees one
  /// direction, or crafted packets.
  public var unheard: UInt64 = 0
  /// Packets and layer-3 octets by direction.
  public var packetsAB: UInt64 = 0
  public var packetsBA: UInt64 = 0
  public var bytesAB: UInt64 = 0
  public var bytesBA: UInt64 = 0
  /// Packets that other capture points of a cluster have seen as well, both directions together: they are counted
  /// here, and not in `packets`, which has each once.
  public var elsewhere: UInt64 = 0
  /// Ticks (4,096 ns since 1970) of the first and the last packet.
  public var firstTick: UInt64 = .max
  public var lastTick: UInt64 = 0
  /// Handshakes with a measured round trip, their sum and minimum in ticks.
  public var handshakes: UInt64 = 0
  public var handshakeTicksSum: UInt64 = 0
  public var handshakeTicksMin: UInt64 = .max

  public init(
    a: Int, b: Int, protocolNumber: UInt8, aPort: UInt16, bPort: UInt16,
    hasHandshake: Bool = false, events: SessionEvents = []
  ) {
    self.a = a
    self.b = b
    self.protocolNumber = protocolNumber
    self.aPort = aPort
    self.bPort = bPort
    self.hasHandshake = hasHandshake
    self.events = events
  }

  public var packets: UInt64 { packetsAB &+ packetsBA }

  /// Sessions with a handshake that did not come to nothing.
  public var completed: UInt64 {
    sessions - min(sessions, refused &+ unanswered &+ halfOpen &+ unasked &+ unheard)
  }

  /// Whether a counter is negative: it is a part of a sum, and nothing can be concluded from it alone.
  public var isSubtracting: Bool {
    let counters =
      sessions | firstFromB | twoWay | refused | unanswered | halfOpen | unasked | unheard
      | packetsAB | packetsBA | bytesAB | bytesBA | elsewhere | handshakes | handshakeTicksSum
    return counters >> 63 != 0
  }

  /// Both sides said more than SYN and RST.
  public var isTwoWay: Bool { events.contains([.progressFromA, .progressFromB]) }

  /// Whether B asked: it spoke first in more than half of the sessions.
  public var isAskedByB: Bool { firstFromB &* 2 > sessions }

  /// The same link with A and B exchanged.
  public var exchanged: Link {
    var other = self
    (other.a, other.b) = (b, a)
    (other.aPort, other.bPort) = (bPort, aPort)
    (other.aPorts, other.bPorts) = (bPorts, aPorts)
    other.events = events.exchanged
    other.firstFromB =
      isSubtracting ? sessions &- firstFromB : sessions - min(sessions, firstFromB)
    (other.packetsAB, other.packetsBA) = (packetsBA, packetsAB)
    (other.bytesAB, other.bytesBA) = (bytesBA, bytesAB)
    return other
  }

  /// Adds the counters of `other`, which is between the same hosts; the number of ports stays.
  public mutating func add(_ other: Link) {
    aPort = min(aPort, other.aPort)
    bPort = min(bPort, other.bPort)
    events.formUnion(other.events)
    sessions &+= other.sessions
    firstFromB &+= other.firstFromB
    twoWay &+= other.twoWay
    refused &+= other.refused
    unanswered &+= other.unanswered
    halfOpen &+= other.halfOpen
    unasked &+= other.unasked
    unheard &+= other.unheard
    packetsAB &+= other.packetsAB
    packetsBA &+= other.packetsBA
    bytesAB &+= other.bytesAB
    bytesBA &+= other.bytesBA
    elsewhere &+= other.elsewhere
    firstTick = min(firstTick, other.firstTick)
    lastTick = max(lastTick, other.lastTick)
    handshakes &+= other.handshakes
    handshakeTicksSum &+= other.handshakeTicksSum
    handshakeTicksMin = min(handshakeTicksMin, other.handshakeTicksMin)
  }
}
