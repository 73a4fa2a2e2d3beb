/// Facts about a session that do not change while it runs, and one that does (`answered`).
struct SessionTraits: OptionSet {
  /// One bit a fact.
  let rawValue: UInt16

  /// The session runs over IPv6.
  static let ipv6 = SessionTraits(rawValue: 1 << 0)
  /// The server sent a SYN+ACK, or a datagram, before the capture ended.
  static let answered = SessionTraits(rawValue: 1 << 1)
  /// The server ends the TCP session, not the client.
  static let closedByServer = SessionTraits(rawValue: 1 << 2)
  /// The TCP session ends with RST instead of FIN.
  static let closedByReset = SessionTraits(rawValue: 1 << 3)
  /// Packets from the client are not written (one-way captures).
  static let hidesClient = SessionTraits(rawValue: 1 << 4)
  /// Packets from the server are not written (one-way captures).
  static let hidesServer = SessionTraits(rawValue: 1 << 5)
  /// Nobody answers the SYN.
  static let silent = SessionTraits(rawValue: 1 << 6)
  /// The SYN is answered by RST.
  static let refused = SessionTraits(rawValue: 1 << 7)
  /// A scanner: it resets what answers its SYN.
  static let probe = SessionTraits(rawValue: 1 << 8)
  /// Part of an attack.
  static let hostile = SessionTraits(rawValue: 1 << 9)
  /// Nobody answers the SYN+ACK.
  static let halfOpen = SessionTraits(rawValue: 1 << 10)
}

/// What a session does next; the packet that leaves in this phase is named.
enum Phase: UInt8 {
  /// Client: SYN, first or repeated.
  case syn
  /// Server: SYN+ACK.
  case synAck
  /// Server: RST+ACK instead of SYN+ACK.
  case refusal
  /// Client: the ACK that completes the handshake.
  case handshakeAck
  /// Client: a data packet of the request.
  case request
  /// Server: ACK in the middle of a long request, or after one that has no response.
  case requestAck
  /// Server: a data packet of the response.
  case response
  /// Client: ACK after one or two packets of the response.
  case responseAck
  /// Client: a keep-alive probe (RFC 9293 section 3.8.4: one octet before the next).
  case keepAlive
  /// Server: the answer to a keep-alive probe.
  case keepAliveAck
  /// Closing side: FIN+ACK, or RST.
  case close
  /// Other side: FIN+ACK.
  case closeReply
  /// Closing side: the last ACK.
  case lastAck
  /// Client: an ACK that belongs to nothing.
  case ackProbe
  /// Server: RST for such an ACK.
  case reset
  /// Server: an ICMP error about a packet that the capture does not have.
  case unreachable
}

/// One conversation that is going on. Plain data of some 80 bytes, held in a `SessionPool`.
///
/// Addresses stand here as numbers in host byte order, also for IPv6, whose addresses are made from
/// them (`Address`): so a packet is written without a look at any other table.
struct Session {
  /// Number of the client.
  var clientAddress: UInt32 = 0
  /// Number of the server, or of the multicast or broadcast group.
  var serverAddress: UInt32 = 0
  /// Port of the client; the identifier for ICMP.
  var clientPort: UInt16 = 0
  /// Port of the server; 0 for ICMP.
  var serverPort: UInt16 = 0
  /// Next TCP sequence number of the client; the counter of echo requests for ICMP.
  var clientSequence: UInt32 = 0
  /// Next TCP sequence number of the server.
  var serverSequence: UInt32 = 0
  /// Exchanges (request and response) still to come, with the current one.
  var roundsLeft: UInt32 = 0
  /// Packets that the current request still has.
  var requestLeft: UInt32 = 0
  /// Packets that the current response still has.
  var responseLeft: UInt32 = 0
  /// Time from a packet to its answer at the place of capture, in microseconds.
  var roundTripUs: UInt32 = 0
  /// Packets from the client that were written.
  var writtenFromClient: UInt32 = 0
  /// Packets from the server that were written.
  var writtenFromServer: UInt32 = 0
  /// Index of the client in the `HostPlan`; −1 for a spoofed address.
  var client: Int32 = 0
  /// Index of the server in the `HostPlan`; −1 if no host has the address.
  var server: Int32 = -1
  /// SYNs or keep-alive probes still to be sent.
  var repeatsLeft: UInt16 = 0
  /// VLAN identifier; 0 for an untagged frame.
  var vlan: UInt16 = 0
  /// IPv4 identification of the client's next packet.
  var clientIdentification: UInt16 = 0
  /// IPv4 identification of the server's next packet.
  var serverIdentification: UInt16 = 0
  /// See `SessionTraits`.
  var traits: SessionTraits = []
  /// Index of the kind in the `ServiceCatalogue`.
  var kind: UInt8 = 0
  /// Transport protocol.
  var transport: Transport = .tcp
  /// What comes next.
  var phase: Phase = .syn
  /// Data packets since the last ACK; an ACK follows every second one (RFC 9293: at least).
  var unacknowledged: UInt8 = 0
  /// Time to live of the client's packets where they are captured.
  var clientTimeToLive: UInt8 = 0
  /// Time to live of the server's packets where they are captured.
  var serverTimeToLive: UInt8 = 0
}
