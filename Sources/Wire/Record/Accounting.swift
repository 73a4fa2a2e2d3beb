/// What became of a packet. Every captured packet has exactly one outcome.
public enum PacketOutcome: Int, CaseIterable, Sendable {
  /// It is in the map.
  case mapped
  /// The user's filter did not want it.
  case filtered
  /// It is a copy of a packet seen just before, as a mirror port makes them.
  case duplicate
  /// Another capture point of a cluster has seen it as well, and it is counted there.
  case seenElsewhere
  /// It carries neither IPv4 nor IPv6 (ARP, spanning tree, LLDP, …).
  case notIP
  /// The snaplen cut it before the end of the IP header.
  case truncated
  /// Its IP header contradicts itself (version, header length, total length).
  case malformed
  /// Its link type is one that renkei does not read.
  case unsupportedLinkType
  /// It brought an IPv6 address for which the address book had no room.
  case addressBookFull
  /// The kernel had no room in its buffer (pcap_stats(3PCAP) ps_drop and ps_ifdrop). Files are never
  /// dropped, here or at the next.
  case droppedByKernel
  /// The ring to the next stage had no room.
  case droppedByRing
  /// The spool of a collector that could not reach its cluster had no room.
  case droppedBySpool
  /// It was in a process that was killed, and nowhere else yet.
  case lostInCrash
  /// It was in a batch that never arrived at the next box.
  case lostInTransit

  /// The name in JSON and in the reports.
  public var name: String { "\(self)" }
}

/// How many packets there were, and what became of them.
///
/// Shape: one counter an outcome, in the order of `PacketOutcome`. Cumulative since the start of
/// the stream. The identity `captured = mapped + Σ reasons` holds because `captured` is that sum;
/// what makes it worth something is that the merger counts what it mapped (`MergerError.lost`) and
/// the tests count frames by themselves, and both are compared with these.
public struct Accounting: Equatable, Sendable {
  private var counts: InlineArray<14, UInt64> = .init(repeating: 0)

  public init() {}

  /// - Complexity: O(1).
  @inline(__always) public subscript(outcome: PacketOutcome) -> UInt64 {
    get { counts[outcome.rawValue] }
    set { counts[outcome.rawValue] = newValue }
  }

  /// All packets that reached the capture point.
  public var captured: UInt64 { PacketOutcome.allCases.reduce(0) { $0 + self[$1] } }

  /// Packets that reached the capture point, and of which nothing is known any more.
  public var dropped: UInt64 {
    self[.droppedByKernel] + self[.droppedByRing] + self[.droppedBySpool] + self[.lostInCrash]
      + self[.lostInTransit]
  }

  /// The reasons with at least one packet, without `mapped`.
  public var losses: [(reason: PacketOutcome, packets: UInt64)] {
    PacketOutcome.allCases.filter { $0 != .mapped && self[$0] > 0 }.map { ($0, self[$0]) }
  }

  public static func == (left: Accounting, right: Accounting) -> Bool {
    PacketOutcome.allCases.allSatisfy { left[$0] == right[$0] }
  }
}
