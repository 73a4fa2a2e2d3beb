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

  /// Books what became of the one session's request. A is the server.
  static func book(_ link: inout Link) {
    let events = link.events
    let isICMP =
      link.protocolNumber == IPProtocolNumber.icmp
      || link.protocolNumber == IPProtocolNumber.icmpv6
    if events.contains(.synAckFromA) {
      // An echo reply is all there is to wait for; TCP goes on, or it was a probe or a flood.
      guard !isICMP, events.isDisjoint(with: [.progressFromA, .progressFromB]) else { return }
      if events.contains(.synFromB) { link.halfOpen = 1 } else { link.unasked = 1 }
      return
    }
    // The SYN+ACK is missing from the capture, but the session went on: the server did answer.
    if events.contains(.progressFromA) { return }
    if events.contains(.rstFromA) {
      link.refused = 1
    } else if events.contains(.progressFromB) {
      link.unheard = 1
    } else {
      link.unanswered = 1
    }
  }
}
