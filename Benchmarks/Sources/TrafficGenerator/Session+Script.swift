/// How a session goes on: one call, one packet.
///
/// TCP and UDP walk through the same exchanges; TCP adds handshake, acknowledgements, keep-alives
/// and the end. Every sequence number follows from the packets before it, and every acknowledgement
/// covers all that the other side has sent so far, as seen from a place of capture without loss.
extension Session {
  /// Returned instead of a delay after the last packet.
  static let finished = UInt64.max

  /// TCP payload of a full packet, in octets: 1,500 less the headers.
  private var fullPayloadBytes: UInt32 {
    traits.contains(.ipv6) ? 1440 : 1460
  }

  /// Makes the next packet and moves on.
  ///
  /// - Parameters:
  ///   - shape: sizes and pauses of this session's kind.
  ///   - scale: what sizes are in this run.
  ///   - packet: receives the packet.
  /// - Returns: microseconds until the packet after that, or `finished`.
  @inline(__always)
  mutating func step(
    shape: SessionShape, scale: SizeScale, random: inout RandomSource, packet: inout Packet
  ) -> UInt64 {
    switch phase {
    case .request:
      packet = clientData(shape, random: &random)
      return afterRequest(shape, scale: scale, random: &random)
    case .response:
      packet = serverData(shape, random: &random)
      return afterResponse(shape, scale: scale, random: &random)
    case .responseAck:
      packet = fromClient(TCPFlags.ack)
      if responseLeft == 0 { return nextRound(shape, scale: scale, random: &random) }
      phase = .response
      return gapUs(&random)
    case .requestAck:
      packet = fromServer(TCPFlags.ack)
      if requestLeft == 0 { return nextRound(shape, scale: scale, random: &random) }
      phase = .request
      return gapUs(&random)
    case .keepAlive:
      packet = fromClient(TCPFlags.ack)
      packet.sequence &-= 1
      phase = .keepAliveAck
      return UInt64(roundTripUs)
    case .keepAliveAck:
      packet = fromServer(TCPFlags.ack)
      repeatsLeft -= 1
      phase = repeatsLeft > 0 ? .keepAlive : .request
      return repeatsLeft > 0 ? Session.keepAliveUs : UInt64(random.below(40_000_000))
    case .syn, .synAck, .refusal, .handshakeAck:
      return open(&packet, shape: shape, scale: scale, random: &random)
    case .close, .closeReply, .lastAck:
      return end(&packet)
    case .ackProbe, .reset, .unreachable:
      return attack(&packet)
    }
  }

  /// Draws the sizes of an exchange.
  mutating func beginRound(_ shape: SessionShape, scale: SizeScale, random: inout RandomSource) {
    requestLeft = shape.request.draw(&random, scale)
    responseLeft = shape.response.draw(&random, scale)
    unacknowledged = 0
    phase = .request
  }

  // MARK: - Exchanges

  /// Pause before a keep-alive probe, in microseconds; also the pause that calls for one.
  private static let keepAliveUs: UInt64 = 45_000_000

  /// Longest pause inside a UDP session: less than the two minutes after which many flow tools, and
  /// most judges of a capture, begin a new session.
  private static let datagramPauseMaxUs = 100_000_000.0

  /// Goes on after a data packet of the client.
  @inline(__always)
  private mutating func afterRequest(
    _ shape: SessionShape, scale: SizeScale, random: inout RandomSource
  ) -> UInt64 {
    requestLeft -= 1
    if requestLeft == 0 {
      unacknowledged = 0
      if responseLeft > 0 {
        phase = .response
        return UInt64(roundTripUs) + UInt64(random.exponential(mean: shape.serverUs))
      }
      if transport != .tcp { return nextRound(shape, scale: scale, random: &random) }
      phase = .requestAck
      return UInt64(roundTripUs)
    }
    if transport != .tcp { return gapUs(&random) }
    unacknowledged += 1
    if unacknowledged < 2 { return gapUs(&random) }
    unacknowledged = 0
    phase = .requestAck
    return UInt64(roundTripUs)
  }

  /// Goes on after a data packet of the server.
  @inline(__always)
  private mutating func afterResponse(
    _ shape: SessionShape, scale: SizeScale, random: inout RandomSource
  ) -> UInt64 {
    traits.insert(.answered)
    responseLeft -= 1
    if transport != .tcp {
      if responseLeft == 0 { return nextRound(shape, scale: scale, random: &random) }
      return gapUs(&random)
    }
    unacknowledged += 1
    if responseLeft > 0, unacknowledged < 2 { return gapUs(&random) }
    unacknowledged = 0
    phase = .responseAck
    return UInt64(roundTripUs)
  }

  /// Ends an exchange: begins the next one after a pause, or closes.
  private mutating func nextRound(
    _ shape: SessionShape, scale: SizeScale, random: inout RandomSource
  ) -> UInt64 {
    roundsLeft -= 1
    if roundsLeft == 0 {
      phase = .close
      return transport == .tcp ? gapUs(&random) : Session.finished
    }
    let pauseUs =
      shape.isPeriodic ? shape.pauseUs : random.exponential(mean: shape.pauseUs)
    beginRound(shape, scale: scale, random: &random)
    if transport != .tcp {
      return UInt64(min(pauseUs, Session.datagramPauseMaxUs)) + gapUs(&random)
    }
    if pauseUs > Double(Session.keepAliveUs) {
      repeatsLeft = UInt16(min(60, pauseUs / Double(Session.keepAliveUs)))
      phase = .keepAlive
      return Session.keepAliveUs
    }
    return UInt64(pauseUs) + gapUs(&random)
  }

  /// Time between two packets of a burst, in microseconds: a full frame takes 12 µs at 1 Gb/s.
  @inline(__always)
  private func gapUs(_ random: inout RandomSource) -> UInt64 {
    12 + UInt64(random.below(100))
  }

  // MARK: - Packets

  /// A packet of the client without data.
  @inline(__always)
  func fromClient(_ flags: UInt8) -> Packet {
    Packet(
      isFromClient: true, flags: flags, sequence: clientSequence, acknowledgement: serverSequence)
  }

  /// A packet of the server without data.
  @inline(__always)
  func fromServer(_ flags: UInt8) -> Packet {
    Packet(
      isFromClient: false, flags: flags, sequence: serverSequence, acknowledgement: clientSequence)
  }

  /// A data packet of the client.
  @inline(__always)
  private mutating func clientData(_ shape: SessionShape, random: inout RandomSource) -> Packet {
    let isLast = requestLeft == 1
    var packet = fromClient(isLast ? TCPFlags.ack | TCPFlags.psh : TCPFlags.ack)
    packet.payloadBytes = dataBytes(isLast, typical: shape.requestBytes, random: &random)
    packet.payloadPrefix = packet.payloadBytes < 8 ? 0 : shape.payloadPrefix
    clientSequence &+= transport == .icmp ? 1 : packet.payloadBytes
    return packet
  }

  /// A data packet of the server. An echo reply repeats the number of the request before it.
  @inline(__always)
  private mutating func serverData(_ shape: SessionShape, random: inout RandomSource) -> Packet {
    let isLast = responseLeft == 1
    var packet = fromServer(isLast ? TCPFlags.ack | TCPFlags.psh : TCPFlags.ack)
    packet.payloadBytes = dataBytes(isLast, typical: shape.responseBytes, random: &random)
    packet.payloadPrefix = packet.payloadBytes < 8 ? 0 : shape.payloadPrefix
    if transport == .icmp {
      packet.sequence = clientSequence &- 1
    } else {
      serverSequence &+= packet.payloadBytes
    }
    return packet
  }

  /// Octets of a data packet: full, except the last of a burst, which has three to five quarters of
  /// the typical number. Fixed-size datagrams (48: NTP; 56: echo) keep their size.
  @inline(__always)
  private func dataBytes(
    _ isLast: Bool, typical: UInt32, random: inout RandomSource
  ) -> UInt32 {
    if transport == .icmp || typical == 48 && transport == .udp { return typical }
    if !isLast { return transport == .tcp ? fullPayloadBytes : 1200 }
    return min(1200, max(1, typical - typical / 4 + random.below(typical / 2)))
  }
}
