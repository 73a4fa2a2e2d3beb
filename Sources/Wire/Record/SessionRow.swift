/// One session, or what happened in it since it was last reported: the tracker's table slot and,
/// unchanged, its message to the merger.
///
/// Shape: 64 bytes, one cache line. A and B are the two endpoints in the order of figure 5 of Takara
/// (2008): smaller address first (by the stream's 32-bit value), then smaller port. Neutral: nothing
/// in it says which endpoint is the server.
///
/// The first 48 bits are endpoint A as in `RecordView`, with the protocol above them; those of the second
/// word are endpoint B: two comparisons find a session.
@frozen public struct SessionRow: Equatable, Sendable {
  /// Address of A, or its handle, and its port.
  public var a: UInt32
  public var aPort: UInt16
  public var protocolNumber: UInt8
  /// 0: the slot is free. 1: a session, to be counted; its events are all that were ever seen in it.
  /// 2: a part of a session that goes on and will be counted by its last row.
  /// In a unit's table also `ended` and `changed`.
  public var state: UInt8
  /// Those of B.
  public var b: UInt32
  public var bPort: UInt16
  public var events: SessionEvents
  /// Packets from A to B and back (IPFIX packetDeltaCount), since the last report.
  public var packetsAB: UInt32
  public var packetsBA: UInt32
  /// Layer-3 octets (IPFIX octetDeltaCount), since the last report.
  public var bytesAB: UInt64
  public var bytesBA: UInt64
  /// Ticks since 1970 of the session's first packet and of its last.
  public var firstTick: UInt64
  public var lastTick: UInt64
  /// SYN to SYN+ACK, in ticks; 0 where not both were seen.
  public var handshakeTicks: UInt32
  /// When the session was last reported, in units of 2^18 ticks (1.07 s); for the active timeout.
  public var reportedAt: UInt32

  /// The size of a row.
  @inlinable public static var bytes: Int { 64 }

  @inlinable public init() {
    a = 0
    aPort = 0
    protocolNumber = 0
    state = SessionRow.free
    b = 0
    bPort = 0
    events = []
    packetsAB = 0
    packetsBA = 0
    bytesAB = 0
    bytesBA = 0
    firstTick = 0
    lastTick = 0
    handshakeTicks = 0
    reportedAt = 0
  }

  @inlinable public static var free: UInt8 { 0 }
  @inlinable public static var whole: UInt8 { 1 }
  @inlinable public static var part: UInt8 { 2 }
  /// The session is over, and another one has its five-tuple.
  @inlinable public static var ended: UInt8 { 0x40 }
  /// The row was changed in the running epoch, and is on record as it was before (`SessionMemory`).
  @inlinable public static var changed: UInt8 { 0x80 }
  /// What it is apart from that.
  @inlinable public var kind: UInt8 { state & 3 }
}

/// What was seen in a session, by side. Facts only; `ServiceMap` draws the conclusions.
@frozen public struct SessionEvents: OptionSet, Hashable, Sendable {
  public let rawValue: UInt16
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// A sent a SYN without ACK; B did. For ICMP: a request that has a reply type.
  @inlinable public static var synFromA: SessionEvents { SessionEvents(rawValue: 1 << 0) }
  @inlinable public static var synFromB: SessionEvents { SessionEvents(rawValue: 1 << 1) }
  /// A sent SYN+ACK; B did. For ICMP: the reply.
  @inlinable public static var synAckFromA: SessionEvents { SessionEvents(rawValue: 1 << 2) }
  @inlinable public static var synAckFromB: SessionEvents { SessionEvents(rawValue: 1 << 3) }
  @inlinable public static var rstFromA: SessionEvents { SessionEvents(rawValue: 1 << 4) }
  @inlinable public static var rstFromB: SessionEvents { SessionEvents(rawValue: 1 << 5) }
  @inlinable public static var finFromA: SessionEvents { SessionEvents(rawValue: 1 << 6) }
  @inlinable public static var finFromB: SessionEvents { SessionEvents(rawValue: 1 << 7) }
  /// The session's first packet came from B (else from A).
  @inlinable public static var firstFromB: SessionEvents { SessionEvents(rawValue: 1 << 8) }
  /// At least one packet came out of a tunnel.
  @inlinable public static var insideTunnel: SessionEvents { SessionEvents(rawValue: 1 << 9) }
  /// The ports are unknown: cut off, or only later fragments were seen.
  @inlinable public static var portsUnknown: SessionEvents { SessionEvents(rawValue: 1 << 10) }
  /// A packet with neither SYN nor RST from A; from B: the handshake went on, or data flowed.
  @inlinable public static var progressFromA: SessionEvents { SessionEvents(rawValue: 1 << 11) }
  @inlinable public static var progressFromB: SessionEvents { SessionEvents(rawValue: 1 << 12) }

  /// A broke a silence of at least a second; B did.
  @inlinable public static var brokeSilenceA: SessionEvents { SessionEvents(rawValue: 1 << 13) }
  @inlinable public static var brokeSilenceB: SessionEvents { SessionEvents(rawValue: 1 << 14) }

  /// The same events with A and B exchanged.
  @inlinable public var exchanged: SessionEvents {
    let pairs: UInt16 = 0b111_1000_1111_1111
    let low = rawValue & 0b010_1000_0101_0101
    let high = rawValue & 0b101_0000_1010_1010
    let rest = rawValue & ~pairs ^ SessionEvents.firstFromB.rawValue
    return SessionEvents(rawValue: low << 1 | high >> 1 | rest)
  }
}
