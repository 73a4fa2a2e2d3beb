/// A packet as its capture file has it.
struct CapturedPacket {
  /// `capturedLength` readable bytes. They belong to the file's window and are valid only until the
  /// sink that got the packet returns.
  var bytes: UnsafeRawPointer
  var capturedLength: Int
  /// Frame octets as on the wire; some files claim less than they captured.
  var originalLength: Int
  /// Nanoseconds since 1970.
  var timestampNs: UInt64
  var linkType: LinkType
}

/// Who gets the packets of a capture, one after the other.
protocol PacketSink: ~Copyable {
  associatedtype Failure: Error
  /// Takes one packet. An error ends the reading and passes through to whoever started it.
  mutating func take(_ packet: CapturedPacket) throws(Failure)
}

/// How far a parser got.
struct ParseStep {
  /// Bytes of the window that need not be shown again.
  var consumed: Int
  /// Set where nothing after `consumed` can be read.
  var damage: CaptureDamage?
}

/// The parser for one capture's format.
///
/// It sees the capture through a window: all of what is left (`isLast`), or a part of it. It takes
/// the complete records from the front and says how many bytes that was; the caller shows it the
/// rest again, with more behind it. So the same code reads a mapped file, standard input and the
/// output of a decompressor.
enum CaptureParser {
  case pcap(PcapParser)
  case pcapng(PcapngParser)

  /// The parser for a capture that begins with `bytes`; nil where they are neither format's.
  init?(beginning bytes: UnsafeRawBufferPointer) {
    switch CaptureFormat(beginning: bytes) {
    case .pcap: self = .pcap(PcapParser())
    case .pcapng: self = .pcapng(PcapngParser())
    default: return nil
    }
  }

  /// - Complexity: O(window), nothing is copied; each packet is passed on where it lies.
  mutating func parse<Sink: PacketSink & ~Copyable>(
    _ window: UnsafeRawBufferPointer, isLast: Bool, into sink: inout Sink
  ) throws(Sink.Failure) -> ParseStep {
    switch self {
    case .pcap(var parser):
      defer { self = .pcap(parser) }
      return try parser.parse(window, isLast: isLast, into: &sink)
    case .pcapng(var parser):
      defer { self = .pcapng(parser) }
      return try parser.parse(window, isLast: isLast, into: &sink)
    }
  }
}
