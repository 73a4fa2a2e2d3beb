import Wire

@testable import Collector

/// What a decoder says about one frame, with true addresses.
struct DecodedFrame: Equatable, CustomStringConvertible {
  var outcome: PacketOutcome
  var source: IPAddress?
  var destination: IPAddress?
  var sourcePort: UInt16 = 0
  var destinationPort: UInt16 = 0
  var protocolNumber: UInt8 = 0
  var flags: RecordFlags = []
  var tcpFlags: TCPFlags = []
  var lengthBytes = 0

  /// Only an outcome.
  init(_ outcome: PacketOutcome) {
    self.outcome = outcome
  }

  init(
    decoding frame: [UInt8], originalLength: Int? = nil, linkType: LinkType = .ethernet,
    timestampNs: UInt64 = 0, by decoder: inout FrameDecoder
  ) {
    var headers = PacketHeaders()
    // A copy of exactly the captured bytes: the address sanitizer sees reads beyond them.
    let copy = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, frame.count), alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: frame)
    // SAFETY: allocated just above, so there is a base address.
    let packet = CapturedPacket(
      bytes: UnsafeRawPointer(copy.baseAddress.unsafelyUnwrapped), capturedLength: frame.count,
      originalLength: originalLength ?? frame.count, timestampNs: timestampNs, linkType: linkType)
    outcome = decoder.decode(packet, into: &headers)
    guard outcome == .mapped else { return }
    source = IPAddress(v4: headers.source)
    destination = IPAddress(v4: headers.destination)
    if let addresses = headers.addresses6 {
      source = IPAddress(networkBytes: addresses)
      destination = IPAddress(networkBytes: addresses + 16)
    }
    sourcePort = headers.sourcePort
    destinationPort = headers.destinationPort
    protocolNumber = headers.protocolNumber
    flags = headers.flags
    tcpFlags = headers.tcpFlags
    lengthBytes = headers.lengthBytes
  }

  /// With a decoder of its own.
  init(
    _ frame: [UInt8], originalLength: Int? = nil, linkType: LinkType = .ethernet,
    decapsulate: Bool = true, tunnelDepthMax: Int = 4
  ) {
    var decoder = FrameDecoder(decapsulate: decapsulate, tunnelDepthMax: tunnelDepthMax)
    self.init(
      decoding: frame, originalLength: originalLength, linkType: linkType, by: &decoder)
  }

  /// `192.0.2.1:1234 > 198.51.100.2:80 6`, and the length; short to write in an expectation.
  var description: String {
    guard let source, let destination else { return "\(outcome)" }
    return "\(source):\(sourcePort) > \(destination):\(destinationPort) \(protocolNumber)"
  }
}
