internal import Wire

/// Reads the classic pcap format: a header of 24 bytes, then a header of 16 bytes before each packet.
///
/// Both byte orders, microseconds and nanoseconds.
/// Source: pcap-savefile(5).
struct PcapParser {
  static let fileHeaderBytes = 24
  static let packetHeaderBytes = 16

  /// Where the window begins in the file.
  private var position: UInt64 = 0
  private var headerRead = false
  private var isSwapped = false
  private var fractionNs: UInt64 = 1000
  private var linkType = LinkType.unsupported
  private var capturedLengthMax = 0
  private var lengthOrder = LengthOrder.capturedFirst

  /// The order of the two lengths in a packet's header. Before version 2.3 the original length came
  /// first, and in files of 2.3 it depends on the program that wrote them (sf-pcap.c of libpcap).
  private enum LengthOrder { case capturedFirst, originalFirst, smallerIsCaptured }

  /// Takes the complete packets from the front of `window`.
  ///
  /// - Complexity: O(window); three comparisons and five loads a packet besides what `sink` does.
  mutating func parse<Sink: PacketSink & ~Copyable>(
    _ window: UnsafeRawBufferPointer, isLast: Bool, into sink: inout Sink
  ) throws(Sink.Failure) -> ParseStep {
    var offset = 0
    if !headerRead {
      guard window.count >= PcapParser.fileHeaderBytes else {
        return ParseStep(consumed: 0, damage: isLast ? cutOff(in: "file header", window, 0) : nil)
      }
      if let reason = readHeader(window) {
        return ParseStep(consumed: 0, damage: CaptureDamage(offset: 0, reason: reason))
      }
      offset = PcapParser.fileHeaderBytes
    }
    guard let base = window.baseAddress else { return ParseStep(consumed: 0) }
    let isSwapped = isSwapped
    let fractionNs = fractionNs
    let limit = capturedLengthMax
    let layout = PcapLayout(fractionNs: fractionNs)
    var pacing = RunPacing()
    let hasRuns = !isSwapped && lengthOrder == .capturedFirst && linkType == .ethernet
    while window.count &- offset >= PcapParser.packetHeaderBytes {
      if hasRuns && pacing.isDue() {
        let rest = UnsafeRawBufferPointer(start: base + offset, count: window.count &- offset)
        let taken = sink.takeRun(rest, layout)
        pacing.note(taken)
        offset &+= taken
      }
      // SAFETY: the loop's condition says that a whole packet header is in the window.
      let header = base + offset
      var captured = Int(PcapParser.word(header, 8, isSwapped))
      var original = Int(PcapParser.word(header, 12, isSwapped))
      if lengthOrder != .capturedFirst {
        if lengthOrder == .originalFirst || captured > original { swap(&captured, &original) }
      }
      guard captured <= limit else {
        let step = ParseStep(consumed: offset, damage: tooLong(captured, at: offset))
        position += UInt64(offset)
        return step
      }
      let end = offset &+ PcapParser.packetHeaderBytes &+ captured
      guard end <= window.count else { break }
      let seconds = UInt64(PcapParser.word(header, 0, isSwapped))
      let fraction = UInt64(PcapParser.word(header, 4, isSwapped))
      // Both are below 2³², so that neither product nor sum overflows.
      let timestampNs = seconds &* 1_000_000_000 &+ fraction &* fractionNs
      try sink.take(
        CapturedPacket(
          bytes: header + PcapParser.packetHeaderBytes, capturedLength: captured,
          originalLength: original, timestampNs: timestampNs, linkType: linkType))
      offset = end
    }
    var step = ParseStep(consumed: offset)
    if isLast && offset < window.count { step.damage = cutOff(in: "packet", window, offset) }
    position += UInt64(offset)
    return step
  }

  /// Reads the file header; the answer is what is wrong with it.
  private mutating func readHeader(_ window: UnsafeRawBufferPointer) -> String? {
    // SAFETY: the caller made sure of 24 bytes.
    let base = window.baseAddress.unsafelyUnwrapped
    switch PcapParser.word(base, 0, false) {
    case 0xA1B2_C3D4: (isSwapped, fractionNs) = (false, 1000)
    case 0xD4C3_B2A1: (isSwapped, fractionNs) = (true, 1000)
    case 0xA1B2_3C4D: (isSwapped, fractionNs) = (false, 1)
    case 0x4D3C_B2A1: (isSwapped, fractionNs) = (true, 1)
    default: return "the file header is not pcap's"
    }
    let versions = PcapParser.word(base, 4, isSwapped)
    // The two versions are 16-bit fields in the file's byte order, so their place in the word
    // depends on it.
    let isLittle = isSwapped == (UInt32(1).bigEndian == 1)
    let major = isLittle ? versions & 0xFFFF : versions >> 16
    let minor = isLittle ? versions >> 16 : versions & 0xFFFF
    switch (major, minor) {
    case (543, _), (2, 0...2): lengthOrder = .originalFirst
    case (2, 3): lengthOrder = .smallerIsCaptured
    case (2, _): lengthOrder = .capturedFirst
    default: return "pcap version \(major).\(minor) is not known; versions 2.0 to 2.4 are"
    }
    // The upper bits tell how long a frame check sequence is; IP's own length leaves it out anyway.
    let number = PcapParser.word(base, 20, isSwapped) & 0x03FF_FFFF
    linkType = LinkType(number: number)
    capturedLengthMax = LinkType.capturedLengthMax(number: number)
    headerRead = true
    return nil
  }

  @inline(__always)
  private static func word(_ base: UnsafeRawPointer, _ offset: Int, _ isSwapped: Bool) -> UInt32 {
    let value = base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return isSwapped ? value.byteSwapped : value
  }

  private func tooLong(_ captured: Int, at offset: Int) -> CaptureDamage {
    CaptureDamage(
      offset: position + UInt64(offset),
      reason: "a packet there claims \(UInt64(captured).grouped) captured bytes, "
        + "more than the \(UInt64(capturedLengthMax).grouped) possible")
  }

  private func cutOff(
    in what: String, _ window: UnsafeRawBufferPointer, _ offset: Int
  ) -> CaptureDamage {
    CaptureDamage.endsInside(
      what, beginning: position + UInt64(offset), end: position + UInt64(window.count))
  }
}

/// A packet's header in the byte order of this machine: seconds, fraction, captured length, original
/// length, of 32 bits each.
struct PcapLayout: PacketLayout {
  let fractionNs: UInt64

  static var headerBytes: Int { PcapParser.packetHeaderBytes }

  @inline(__always)
  func size(of header: UnsafeRawPointer) -> Int {
    PcapLayout.headerBytes &+ Int(header.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
  }

  @inline(__always)
  func capturedLength(of header: UnsafeRawPointer, size: Int) -> Int {
    let captured = size &- PcapLayout.headerBytes
    return captured <= LinkType.capturedLengthMax ? captured : -1
  }

  @inline(__always)
  func originalLength(of header: UnsafeRawPointer) -> UInt32 {
    header.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
  }

  @inline(__always)
  func timestampNs(of header: UnsafeRawPointer) -> UInt64 {
    // Both are below 2³², so that neither product nor sum overflows.
    UInt64(header.loadUnaligned(as: UInt32.self)) &* 1_000_000_000
      &+ UInt64(header.loadUnaligned(fromByteOffset: 4, as: UInt32.self)) &* fractionNs
  }
}

extension CaptureDamage {
  /// The file ends at `end`, within something that begins at `beginning`.
  static func endsInside(_ what: String, beginning: UInt64, end: UInt64) -> CaptureDamage {
    CaptureDamage(
      offset: end, isCutOff: true,
      reason: "the file ends inside the \(what) that begins at byte \(beginning.grouped)")
  }
}
