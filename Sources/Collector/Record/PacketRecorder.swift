internal import Wire

/// The pure core from a packet to its record: decode, filter, leave copies out, count, write.
struct PacketRecorder: ~Copyable, PacketSink {
  var decoder: FrameDecoder
  /// Meaningful only where `isFiltered`; not an optional, so that it can be used in place.
  private var filter: PacketFilter
  let isFiltered: Bool
  /// Used only where `deduplicates`.
  var copies = CopyTable()
  let deduplicates: Bool
  var writer: RecordWriter
  /// Packets of the file being read.
  var filePackets: UInt64 = 0
  /// Packets of all files.
  var packets: UInt64 = 0
  /// Frame octets as on the wire, of all packets.
  var frameBytes: UInt64 = 0
  /// Times of the file being read.
  var earliestNs = UInt64.max
  var latestNs: UInt64 = 0
  /// Times of the files before it.
  private var timesBefore: (start: UInt64, end: UInt64)?

  /// - Parameters:
  ///   - filter: an expression; empty keeps everything.
  ///   - deduplicates: whether copies of packets make no record.
  /// - Throws: `CollectorError.badFilter`.
  init(
    decoder: consuming FrameDecoder, filter: String, deduplicates: Bool,
    writer: consuming RecordWriter
  ) throws(CollectorError) {
    self.filter = try PacketFilter(filter)
    isFiltered = !filter.isEmpty
    self.deduplicates = deduplicates
    self.decoder = decoder
    self.writer = writer
  }

  /// Nanoseconds since 1970 of the earliest and the latest packet; nil where there was none.
  var timesNs: (start: UInt64, end: UInt64)? {
    guard filePackets > 0 else { return timesBefore }
    guard let before = timesBefore else { return (earliestNs, latestNs) }
    return (min(before.start, earliestNs), max(before.end, latestNs))
  }

  /// Whether the file being read began more than a second before the files before it had ended. Its
  /// sessions then were not seen in the order in which they happened.
  var overlapsFilesBefore: Bool {
    guard filePackets > 0, let before = timesBefore else { return false }
    return earliestNs < before.end && before.end - earliestNs > 1_000_000_000
  }

  mutating func beginFile() {
    timesBefore = timesNs
    filePackets = 0
    earliestNs = .max
    latestNs = 0
  }

  /// The general way, for packets that `takeRun` leaves.
  ///
  /// - Complexity: O(1) without a filter; 20 to 30 ns with the parser before it, and about as much again for
  ///   a filter like `tcp port 443`; and 10 ns more, 130 instructions, to look for copies.
  @inline(__always)
  mutating func take(_ packet: CapturedPacket) {
    filePackets &+= 1
    packets &+= 1
    frameBytes &+= UInt64(packet.originalLength)
    earliestNs = min(earliestNs, packet.timestampNs)
    latestNs = max(latestNs, packet.timestampNs)
    var headers = PacketHeaders()
    let outcome =
      isFiltered ? decodeWanted(packet, &headers) : decoder.decode(packet, into: &headers)
    if outcome != .mapped {
      writer.count(outcome)
    } else if deduplicates && isCopy(packet, headers) {
      writer.count(.duplicate)
    } else {
      writer.append(headers, at: packet.timestampNs)
    }
  }

  /// Of a tunnel's packet: the one inside, which may also have been seen without the tunnel.
  @inline(__always)
  private mutating func isCopy(_ frame: CapturedPacket, _ headers: PacketHeaders) -> Bool {
    guard let start = headers.start else { return false }
    let packet = PacketBytes(
      start, captured: headers.capturedBytes, original: headers.capturedBytes)
    // On Ethernet and in cooked captures the 8 bytes before the header are the VLAN and the sender's
    // link address, or the end of it. A tunnel may have a number there that counts up.
    let hasLink = start - frame.bytes >= 8 && !headers.flags.contains(.insideTunnel)
    // SAFETY: the header is in the frame, at least 8 bytes behind its start.
    let link = hasLink ? (start - 8).loadUnaligned(as: UInt64.self) : 0
    return copies.isCopy(
      packet, isIPv6: headers.addresses6 != nil, link: link, at: frame.timestampNs)
  }

  /// The filter sees the packet where the link layer ends, so that is found first. Frames of link
  /// types that renkei does not read are counted as that, whatever the filter says.
  private mutating func decodeWanted(
    _ packet: CapturedPacket, _ headers: inout PacketHeaders
  ) -> PacketOutcome {
    if packet.linkType == .unsupported { return .unsupportedLinkType }
    let bytes = PacketBytes(
      packet.bytes, captured: packet.capturedLength, original: packet.originalLength)
    let network = LinkLayer.locate(packet.linkType, bytes)
    guard filter.matches(packet, network) else { return .filtered }
    if decoder.decodePlain(packet, into: &headers) { return .mapped }
    return decoder.decode(network, at: packet.timestampNs, into: &headers)
  }

  mutating func publish() { writer.publish() }

  mutating func end(report text: [UInt8]) { writer.end(report: text) }
}
