/// The transport protocols that the generator speaks; raw values are IP protocol numbers.
enum Transport: UInt8 {
  /// ICMP for IPv4; written as ICMPv6 in IPv6 sessions.
  case icmp = 1
  /// TCP.
  case tcp = 6
  /// UDP.
  case udp = 17
}

/// How the port of a service is found.
enum PortRule {
  /// The same number at every server.
  case fixed(UInt16)
  /// Each server has its own, drawn at start between the bounds, never one of `KnownPorts`.
  case random(ClosedRange<UInt16>)
  /// Drawn for each session: a port at which nobody listens (refusals) or whatever is next (scans).
  case closed
}

/// How the port of a client is found.
enum ClientPortRule {
  /// By the operating system, one for each session.
  case ephemeral
  /// The same number as the server's, as NTP peers, mDNS and NetBIOS do.
  case sameAsServer
  /// A fixed one, as DHCP's 68.
  case fixed(UInt16)
}

/// What happens to the TCP sessions of a kind.
enum Fate {
  /// The server answers and data flows.
  case accepted
  /// RST answers the SYN.
  case refused
  /// Nothing answers the SYN.
  case silent
  /// A port scan: whatever the port does.
  case scanned
}

/// How many packets a session has, of what size, how far apart. Plain data, read for every packet.
struct SessionShape {
  /// Exchanges in a session.
  var rounds: SizeLaw = .exactly(1)
  /// Data packets in a request.
  var request: SizeLaw = .exactly(1)
  /// Data packets in a response; 0 for services that never answer.
  var response: SizeLaw = .exactly(1)
  /// Typical octets of the last packet of a request; those before are full.
  var requestBytes: UInt32 = 120
  /// Typical octets of the last packet of a response; those before are full.
  var responseBytes: UInt32 = 400
  /// Mean time between exchanges, in microseconds.
  var pauseUs: Double = 0
  /// The time between exchanges is always the mean, as in polls; else it is exponential.
  var isPeriodic = false
  /// Mean time in which the server makes an answer, in microseconds.
  var serverUs: Double = 1500
  /// Sessions, in a thousand, that end with RST.
  var resetPermille: UInt32 = 60
  /// The first eight octets of each TCP data packet, as a number in network byte order; the rest of
  /// a payload is zero. Only for protocols whose dissectors take zeros for an error.
  var payloadPrefix: UInt64 = 0
}

/// A session that another one brings about: the page after the look-up, the query behind the page.
struct FollowUp {
  /// Name of the kind that follows.
  let kind: StaticString
  /// Cases in a thousand.
  let permille: UInt32
  /// True if the first session's server is the client of the second one (a server's dependency),
  /// false if it is the same client (a client's next step).
  let comesFromServer: Bool
}

/// One kind of traffic: who asks whom, at which port, how often, and what it looks like.
struct ServiceKind {
  /// Name, for `FollowUp` and for people.
  let name: StaticString
  /// Transport protocol.
  let transport: Transport
  /// Port of the server.
  let port: PortRule
  /// Hosts that provide it.
  let provider: HostGroup
  /// Hosts that request it.
  let requester: HostGroup
  /// Share of all sessions that are not follow-ups, in no unit: only ratios count.
  let weight: Double
  /// What a session looks like.
  var shape = SessionShape()
  /// Only those providers whose number in the group leaves this rest when divided by four: the four
  /// database products on separate hosts. Nil for all.
  var quarter: Int?
  /// Port of the client.
  var clientPort = ClientPortRule.ephemeral
  /// Group address, for kinds whose provider is `.group`; 0 for the broadcast address of the
  /// client's network.
  var groupAddress: UInt32 = 0
  /// What becomes of the sessions.
  var fate = Fate.accepted
  /// True if one client asks all providers in turn instead of a few favourites.
  var fansOut = false
  /// What the session brings about, if anything.
  var followUp: FollowUp?
}
