/// How sure anybody can be, from the packets alone, who was the server. The last column but three
/// of the truth; raw values are its text.
enum Basis: UInt8, CaseIterable {
  /// TCP: the handshake says it (also where a capture without handshakes was asked for).
  case syn
  /// UDP to a known port, or between equal ports: the first packet says it.
  case first
  /// UDP to a port that is on no list.
  case weak
  /// UDP to a multicast or broadcast address, which takes the place of the server.
  case mcast

  /// The word in the file.
  var text: String {
    switch self {
    case .syn: "syn"
    case .first: "first"
    case .weak: "weak"
    case .mcast: "mcast"
    }
  }
}

/// A row of the truth: a client, the service it used, and how much was written of it.
struct Relation {
  /// Number of the server or group (`Address`).
  var server: UInt32
  /// Number of the client.
  var client: UInt32
  /// Port of the server.
  var port: UInt16
  /// Transport protocol; never ICMP, which has no ports.
  var transport: Transport
  /// Basis.
  var basis: Basis
  /// True if the addresses are IPv6.
  var isIPv6: Bool
  /// Sessions of which at least one packet was written.
  var sessions: UInt64 = 0
  /// Those of them in which the server answered, written or not.
  var answered: UInt64 = 0
  /// Packets written from client to server.
  var fromClient: UInt64 = 0
  /// Packets written from server to client.
  var fromServer: UInt64 = 0

  /// True if both are the same row.
  @inline(__always)
  func isSameRow(as other: Relation) -> Bool {
    server == other.server && client == other.client && port == other.port
      && transport == other.transport && basis == other.basis && isIPv6 == other.isIPv6
  }

  /// A hash of what makes the row, the same in every run.
  @inline(__always)
  var hash: UInt64 {
    let ends = UInt64(server) << 32 | UInt64(client)
    let rest =
      UInt64(port) << 24 | UInt64(transport.rawValue) << 16 | UInt64(basis.rawValue) << 8
      | (isIPv6 ? 1 : 0)
    return RandomSource.mix(ends, rest)
  }

  /// What rows are sorted by, most significant first: strict rows, then by service.
  var order: (UInt64, UInt64) {
    let high =
      UInt64(basis.rawValue) << 56 | UInt64(transport.rawValue) << 48 | (isIPv6 ? 1 : 0) << 40
      | UInt64(server)
    return (high, UInt64(port) << 32 | UInt64(client))
  }
}
