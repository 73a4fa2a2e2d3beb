internal import Wire

/// How much of the truth a map can hold: what was seen by halves, what stayed open, what was lost.
public struct Completeness: Equatable, Codable, Sendable {
  /// Sessions that went beyond SYN and RST, and those of them in which one side was never seen.
  public var sessions: UInt64 = 0
  public var oneWaySessions: UInt64 = 0
  /// Only one direction of most traffic was captured, or few packets of each session.
  public var isPartial = false
  /// Packets and layer-3 octets of pairs in which neither side is shown to be the server.
  public var undecidedPackets: UInt64 = 0
  public var undecidedBytes: UInt64 = 0
  /// Packets that the kernel or a ring had no room for.
  public var droppedPackets: UInt64 = 0
  /// Services, and those first seen in the last tenth of the capture's time: if many, a longer
  /// capture would show more. Nil where the capture is shorter than ten seconds.
  public var services = 0
  public var newServices: Int?

  public init() {}

  init(judge: RoleJudge, map: ServiceMap) {
    for link in judge.links where ProtocolName.hasPorts(link.protocolNumber) {
      if link.isToGroup(judge.addresses) { continue }
      if link.hasHandshake {
        sessions += link.completed + link.unheard + link.unasked
        oneWaySessions += link.unheard + link.unasked
      } else if !link.events.isDisjoint(with: [.progressFromA, .progressFromB]) {
        sessions += link.sessions
        oneWaySessions += link.sessions - min(link.sessions, link.twoWay)
      }
    }
    isPartial = judge.evidence.isPartial
    for relation in map.relations[map.undecided] {
      undecidedPackets += relation.packets
      undecidedBytes += relation.bytes
    }
    droppedPackets = map.accounting.dropped
    services = map.services.count
    if let start = map.capture.startNs, let end = map.capture.endNs, end > start,
      end - start >= 10_000_000_000
    {
      let lastTenth = Tick.of(nanoseconds: end - (end - start) / 10)
      newServices = map.services.count { $0.total.firstTick >= lastTenth }
    }
  }
}
