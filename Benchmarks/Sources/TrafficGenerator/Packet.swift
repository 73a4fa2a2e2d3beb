/// TCP flags as on the wire (RFC 9293 section 3.1).
enum TCPFlags {
  /// No more data from the sender.
  static let fin: UInt8 = 0x01
  /// Synchronise sequence numbers.
  static let syn: UInt8 = 0x02
  /// Reset the connection.
  static let rst: UInt8 = 0x04
  /// Push: the end of what one side had to say.
  static let psh: UInt8 = 0x08
  /// The acknowledgement number counts.
  static let ack: UInt8 = 0x10
}

/// What one packet of a session says, apart from what the session itself knows.
struct Packet {
  /// True from client to server.
  var isFromClient: Bool
  /// TCP flags; 0 for other protocols.
  var flags: UInt8 = 0
  /// TCP sequence number; for ICMP the counter of echo requests.
  var sequence: UInt32 = 0
  /// TCP acknowledgement number.
  var acknowledgement: UInt32 = 0
  /// Octets behind the transport header.
  var payloadBytes: UInt32 = 0
  /// First eight octets of a TCP payload, see `SessionShape`; 0 if it has fewer.
  var payloadPrefix: UInt64 = 0
}
