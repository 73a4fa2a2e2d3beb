/// How a TCP session begins and ends.
extension Session {
  /// The phases from the first SYN to the ACK that completes the handshake.
  ///
  /// A SYN without an answer is repeated after one, two and four seconds, with the same sequence
  /// number (RFC 6298).
  /// - Returns: microseconds until the next packet, or `finished`.
  mutating func open(
    _ packet: inout Packet, shape: SessionShape, scale: SizeScale, random: inout RandomSource
  ) -> UInt64 {
    switch phase {
    case .syn:
      packet = fromClient(TCPFlags.syn)
      packet.acknowledgement = 0
      if repeatsLeft > 0, !traits.contains(.halfOpen) {
        repeatsLeft -= 1
        unacknowledged += 1
        return 500_000 << UInt64(unacknowledged)
      }
      if traits.contains(.silent) { return Session.finished }
      unacknowledged = 0
      clientSequence &+= 1
      phase = traits.contains(.refused) ? .refusal : .synAck
      return UInt64(roundTripUs)
    case .refusal:
      packet = fromServer(TCPFlags.rst | TCPFlags.ack)
      packet.sequence = 0
      return Session.finished
    case .synAck:
      packet = fromServer(TCPFlags.syn | TCPFlags.ack)
      traits.insert(.answered)
      if traits.contains(.halfOpen) {
        if repeatsLeft == 0 { return Session.finished }
        repeatsLeft -= 1
        return 1_000_000
      }
      serverSequence &+= 1
      phase = .handshakeAck
      return UInt64(roundTripUs)
    default:
      if traits.contains(.probe) {
        packet = fromClient(TCPFlags.rst)
        packet.acknowledgement = 0
        return Session.finished
      }
      packet = fromClient(TCPFlags.ack)
      beginRound(shape, scale: scale, random: &random)
      return 20 + UInt64(random.below(400))
    }
  }

  /// The phases after the last exchange: FIN from one side, FIN from the other, ACK; or one RST.
  ///
  /// - Returns: microseconds until the next packet, or `finished`.
  mutating func end(_ packet: inout Packet) -> UInt64 {
    let serverCloses = traits.contains(.closedByServer)
    switch phase {
    case .close:
      let flags = (traits.contains(.closedByReset) ? TCPFlags.rst : TCPFlags.fin) | TCPFlags.ack
      packet = serverCloses ? fromServer(flags) : fromClient(flags)
      if traits.contains(.closedByReset) { return Session.finished }
      if serverCloses { serverSequence &+= 1 } else { clientSequence &+= 1 }
      phase = .closeReply
      return UInt64(roundTripUs)
    case .closeReply:
      let flags = TCPFlags.fin | TCPFlags.ack
      packet = serverCloses ? fromClient(flags) : fromServer(flags)
      if serverCloses { clientSequence &+= 1 } else { serverSequence &+= 1 }
      phase = .lastAck
      return UInt64(roundTripUs)
    default:
      packet = serverCloses ? fromServer(TCPFlags.ack) : fromClient(TCPFlags.ack)
      return Session.finished
    }
  }
}
