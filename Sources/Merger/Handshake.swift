internal import ServiceMap
internal import Wire

/// What a session's own handshake says: where it was seen, nothing else is asked.
///
/// Source: Takara (2008) section 3.3: a port that answers SYN with SYN+ACK is a server's.
enum Handshake {
  /// Whether A is the server; nil where no handshake was seen.
  static func server(of row: SessionRow) -> Bool? {
    let events = row.events
    switch (events.contains(.synAckFromA), events.contains(.synAckFromB)) {
    case (true, false): return true
    case (false, true): return false
    default: break
    }
    switch (events.contains(.synFromA), events.contains(.synFromB)) {
    case (true, false): return false
    case (false, true): return true
    case (true, true): return events.contains(.firstFromB)
    case (false, false): return nil
    }
  }

  /// What became of the request of a session with a handshake, where it came to nothing.
  enum Failure { case refused, unanswered, halfOpen, unasked, unheard }

  /// - Parameter events: of the one session, A being the server.
  /// - Returns: nil where the session went on.
  static func failure(_ events: SessionEvents, protocolNumber: UInt8) -> Failure? {
    if events.contains(.synAckFromA) {
      // An echo reply is all there is to wait for; TCP goes on, or it was a probe or a flood.
      let isICMP =
        protocolNumber == IPProtocolNumber.icmp || protocolNumber == IPProtocolNumber.icmpv6
      guard !isICMP, events.isDisjoint(with: [.progressFromA, .progressFromB]) else { return nil }
      return events.contains(.synFromB) ? .halfOpen : .unasked
    }
    // The SYN+ACK is missing from the capture, but the session went on: the server did answer.
    if events.contains(.progressFromA) { return nil }
    if events.contains(.rstFromA) { return .refused }
    return events.contains(.progressFromB) ? .unheard : .unanswered
  }
}
