/// What a new session gets besides its two ends.
extension SessionLauncher {
  /// Sets the client's port, numbers, times and traits of a session whose hosts are known.
  mutating func equip(_ session: inout Session, kind: ServiceKind, random: inout RandomSource) {
    session.clientPort = takePort(for: session, kind: kind)
    if kind.transport == .icmp { session.serverPort = 0 }
    session.roundsLeft = kind.shape.rounds.draw(&random, scale.rounds)
    let bits = random.next()
    session.clientSequence = UInt32(truncatingIfNeeded: bits)
    session.serverSequence = UInt32(truncatingIfNeeded: bits >> 32)
    let more = random.next()
    session.clientIdentification = UInt16(truncatingIfNeeded: more)
    session.serverIdentification = UInt16(truncatingIfNeeded: more >> 16)
    if kind.transport == .icmp { session.clientSequence = 1 }

    let isRemote = kind.provider == .edge
    session.roundTripUs = isRemote ? 4000 + random.below(30_000) : 150 + random.below(1200)
    let hops: UInt8 = isRemote ? 9 : 1
    session.clientTimeToLive = hosts.systems[Int(session.client)].timeToLive - 1
    session.serverTimeToLive =
      (session.server < 0 ? 64 : hosts.systems[Int(session.server)].timeToLive) - hops
    if kind.provider == .group { session.clientTimeToLive = 1 }

    if random.chance(permille: kind.shape.resetPermille) { session.traits.insert(.closedByReset) }
    if random.below(3) == 0 { session.traits.insert(.closedByServer) }
    // The three draws are made in every run, so that the options change frames, not traffic.
    let draws = (random.below(100), random.below(100), random.below(2))
    let hasIPv6 = !Address.isBroadcast(session.serverAddress)
    if draws.0 < capture.ipv6Percent, hasIPv6 { session.traits.insert(.ipv6) }
    if draws.1 < capture.vlanPercent {
      session.vlan = 100 + UInt16(truncatingIfNeeded: session.clientAddress >> 8 & 0x3FF)
    }
    if capture.isOneWay { session.traits.insert(draws.2 == 0 ? .hidesClient : .hidesServer) }
  }

  /// The client's port, by the rule of the kind. A server, as a client, keeps off its own services,
  /// as its operating system would.
  private mutating func takePort(for session: Session, kind: ServiceKind) -> UInt16 {
    let client = Int(session.client)
    if capture.profile != .highPorts {
      switch kind.clientPort {
      case .sameAsServer: return session.serverPort
      case .fixed(let port): return port
      case .ephemeral: break
      }
    }
    while true {
      let port = takeEphemeralPort(client)
      if !isListening(client, port: port) { return port }
    }
  }
}

extension Session {
  /// Goes to where a capture that begins in the middle finds the session, whose first exchange has
  /// been drawn.
  ///
  /// TCP begins with data or a bare ACK, from either side with the same probability. UDP loses its
  /// first packet in half of the sessions.
  /// - Returns: false if nothing of the session is left.
  mutating func loseBeginning(
    _ shape: SessionShape, scale: SizeScale, random: inout RandomSource
  ) -> Bool {
    if transport == .tcp {
      traits.insert(.answered)
      switch random.below(4) {
      case 0: phase = .request
      case 1: phase = responseLeft > 0 ? .responseAck : .request
      case 2: phase = responseLeft > 0 ? .response : .requestAck
      default: phase = .requestAck
      }
      return true
    }
    if random.below(2) == 0 { return true }
    requestLeft -= 1
    if requestLeft > 0 { return true }
    if responseLeft > 0 {
      phase = .response
      return true
    }
    roundsLeft -= 1
    if roundsLeft == 0 { return false }
    beginRound(shape, scale: scale, random: &random)
    return true
  }
}
