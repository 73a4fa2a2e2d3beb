internal import Wire

/// What a record needs to know of a packet, before addresses become handles.
struct PacketHeaders {
  /// Numeric IPv4 addresses; meaningless where `addresses6` is set.
  var source: UInt32 = 0
  var destination: UInt32 = 0
  /// IPv6: source and destination, 16 bytes each in network order, within the frame. Valid as long
  /// as the frame is.
  var addresses6: UnsafeRawPointer?
  var sourcePort: UInt16 = 0
  var destinationPort: UInt16 = 0
  var protocolNumber: UInt8 = 0
  var flags: RecordFlags = []
  var tcpFlags: TCPFlags = []
  /// The packet that the above is about, from its IP header on: how much of it was captured, without
  /// what follows it in the frame. Valid as long as the frame is.
  var start: UnsafeRawPointer?
  var capturedBytes = 0
  /// Layer-3 octets; may be more than a record's 16 bits hold.
  var lengthBytes = 0
}
