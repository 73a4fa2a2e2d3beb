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

  struct Outcome {
    var kind = RelationKind.provided
    var basis: Basis
    var confidence: Double
    var refused = false
    var unanswered = false
  }

  /// What became of the request, with the server as A in `events`.
  static func outcome(serverEvents events: SessionEvents) -> Outcome {
    if events.contains(.synAckFromA) {
      return events.contains(.synFromB)
        ? Outcome(basis: .handshake, confidence: 0.999)
        : Outcome(basis: .synAck, confidence: 0.98)
    }
    // The SYN+ACK is missing from the capture, but the session went on: the server did answer.
    if events.contains(.progressFromA) { return Outcome(basis: .syn, confidence: 0.98) }
    if events.contains(.rstFromA) { return Outcome(basis: .syn, confidence: 0.98, refused: true) }
    // The client went on as if it had been answered, but no answer was captured: a tap that sees
    // one direction, or crafted packets. Whether anybody serves is not shown.
    if events.contains(.progressFromB) {
      return Outcome(kind: .undecided, basis: .syn, confidence: 0.6)
    }
    return Outcome(basis: .syn, confidence: 0.98, unanswered: true)
  }
}
