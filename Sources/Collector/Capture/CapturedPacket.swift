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
  /// Takes packets from the front of `window` as long as they are of the kind that there is a shorter
  /// way for. The one after them goes to `take`.
  ///
  /// - Returns: the bytes taken, which are whole packets; 0 where the first one is of another kind. At least
  ///   `headerBytes` of the window are left.
  mutating func takeRun<Layout: PacketLayout>(
    _ window: UnsafeRawBufferPointer, _ layout: Layout
  ) -> Int
}

extension PacketSink where Self: ~Copyable {
  /// No shorter way.
  mutating func takeRun<Layout: PacketLayout>(
    _ window: UnsafeRawBufferPointer, _ layout: Layout
  ) -> Int { 0 }
}

/// When to ask a sink for a run. Where it took none, ever more packets go to it one by one before it is
/// asked again, so that a capture without plain packets costs no attempt for each.
struct RunPacing {
  private static let pauseMax = 15
  private var pause = 0
  private var left = 0

  @inline(__always)
  mutating func isDue() -> Bool {
    if left == 0 { return true }
    left &-= 1
    return false
  }

  /// After an attempt that took `bytes` bytes.
  @inline(__always)
  mutating func note(_ bytes: Int) {
    pause = bytes > 0 ? 0 : min(pause &* 2 &+ 1, RunPacing.pauseMax)
    left = pause
  }
}

/// Where Ethernet packets of one clock lie in a format. The values are constant over a run of packets,
/// so that reading them costs what a loop by hand would.
protocol PacketLayout {
  /// Bytes before the frame, in the header at a packet's beginning.
  static var headerBytes: Int { get }

  // SAFETY for all: `header` has `headerBytes` readable bytes. Where `size` is given, that is
  // `size(of: header)`, and so many bytes are readable.

  /// What the packet claims to take, from one header to the next.
  func size(of header: UnsafeRawPointer) -> Int
  /// Captured bytes of the frame behind the header; negative where the packet is none of this layout, or
  /// contradicts itself.
  func capturedLength(of header: UnsafeRawPointer, size: Int) -> Int
  /// Frame octets as on the wire.
  func originalLength(of header: UnsafeRawPointer) -> UInt32
  /// Nanoseconds since 1970.
  func timestampNs(of header: UnsafeRawPointer) -> UInt64
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
