internal import ServiceMap
internal import Wire

extension Link {
  /// What became of a session between two epochs, as a link to be added to others: its counters are the
  /// differences, and may be below zero (they wrap).
  ///
  /// - Parameters:
  ///   - before: nil where the session began after the first.
  ///   - after: with the same server, if a handshake said who that is.
  ///   - elsewhere: packets that other capture points have seen as well, more than before.
  static func difference(
    from before: SessionRow?, to after: SessionRow, elsewhere: UInt64
  ) -> Link {
    let server = Handshake.server(of: after)
    var link = SessionFold.link(
      after, hasHandshake: server != nil, exchanged: server == false)
    link.elsewhere = elsewhere
    guard let before else { return link }
    let old = SessionFold.link(before, hasHandshake: server != nil, exchanged: server == false)
    link.subtract(old)
    // What was measured before was told before.
    if link.handshakes == 0 { link.handshakeTicksMin = .max }
    return link
  }

  /// Takes the counters of `other` away; events, times and ports stay.
  mutating func subtract(_ other: Link) {
    sessions &-= other.sessions
    firstFromB &-= other.firstFromB
    twoWay &-= other.twoWay
    refused &-= other.refused
    unanswered &-= other.unanswered
    halfOpen &-= other.halfOpen
    unasked &-= other.unasked
    unheard &-= other.unheard
    packetsAB &-= other.packetsAB
    packetsBA &-= other.packetsBA
    bytesAB &-= other.bytesAB
    bytesBA &-= other.bytesBA
    elsewhere &-= other.elsewhere
    handshakes &-= other.handshakes
    handshakeTicksSum &-= other.handshakeTicksSum
  }

  /// The link whose counters are this one's, taken away; for a session that turns out to belong elsewhere.
  var negated: Link {
    var link = self
    link.subtract(self)
    link.subtract(self)
    link.handshakeTicksMin = .max
    return link
  }
}
