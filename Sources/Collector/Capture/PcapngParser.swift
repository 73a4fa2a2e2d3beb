internal import Wire

/// Reads pcapng: sections of blocks, in which interfaces are described before their packets.
///
/// Several sections, each in its own byte order; several interfaces, each with its own link type and
/// clock; enhanced, simple and (obsolete) packet blocks. Blocks of other types are skipped.
/// Source: draft-ietf-opsawg-pcapng.
struct PcapngParser {
  /// No block may be longer, as in Wireshark; blocks with packets of the larger link types may.
  static let blockBytesMax = 16 << 20
  private static let blockBytesMin = 12
  /// Interfaces in a section: as many as the obsolete packet block can number.
  private static let interfacesMax = 65_536

  fileprivate enum BlockType {
    static let interface: UInt32 = 1
    static let packet: UInt32 = 2
    static let simplePacket: UInt32 = 3
    static let enhancedPacket: UInt32 = 6
    static let section: UInt32 = 0x0A0D_0D0A
  }

  private var position: UInt64 = 0
  private var isSwapped = false
  /// Since the last section header.
  private var interfaces: [PcapngInterface] = []
  private var blockBytesMax = PcapngParser.blockBytesMax
  /// A simple packet block has no time of its own; it gets that of the packet before it, so that it
  /// doesn't stretch the capture back to 1970. 0 where there was none.
  private var latestNs: UInt64 = 0

  /// Takes the complete blocks from the front of `window`.
  ///
  /// - Complexity: O(window); a dozen loads and comparisons a packet besides what `sink` does.
  mutating func parse<Sink: PacketSink & ~Copyable>(
    _ window: UnsafeRawBufferPointer, isLast: Bool, into sink: inout Sink
  ) throws(Sink.Failure) -> ParseStep {
    var offset = 0
    var damage: CaptureDamage?
    var pacing = RunPacing()
    while window.count &- offset >= PcapngParser.blockBytesMin {
      var rest = UnsafeRawBufferPointer(rebasing: window[offset...])
      if pacing.isDue(), let layout = layout(of: rest) {
        let consumed = sink.takeRun(rest, layout)
        pacing.note(consumed)
        if consumed > 0 {
          offset &+= consumed
          // A block ends with its length.
          let last = Int(word(rest, consumed &- 4))
          // SAFETY: the run's last block lies in what it consumed.
          latestNs = layout.timestampNs(
            of: rest.baseAddress.unsafelyUnwrapped + (consumed &- last))
          rest = UnsafeRawBufferPointer(rebasing: window[offset...])
        }
      }
      let type = rest.loadUnaligned(as: UInt32.self)
      if type == BlockType.section, let reason = learnByteOrder(rest) {
        damage = CaptureDamage(offset: position + UInt64(offset), reason: reason)
        break
      }
      let length = Int(word(rest, 4))
      if let reason = objection(toLength: length) {
        damage = CaptureDamage(offset: position + UInt64(offset), reason: reason)
        break
      }
      guard length <= rest.count else { break }
      guard Int(word(rest, length &- 4)) == length else {
        damage = CaptureDamage(
          offset: position + UInt64(offset),
          reason: "the length of the block there is repeated differently at its end")
        break
      }
      let body = UnsafeRawBufferPointer(rebasing: rest[8..<length &- 4])
      switch isSwapped ? type.byteSwapped : type {
      case BlockType.enhancedPacket:
        damage = try enhancedPacket(body, offset, &sink)
      case BlockType.section:
        if let reason = beginSection(body) {
          damage = CaptureDamage(offset: position + UInt64(offset), reason: reason)
        }
      case BlockType.interface:
        damage = describeInterface(body, offset)
      case BlockType.simplePacket:
        damage = try simplePacket(body, offset, &sink)
      case BlockType.packet:
        damage = try obsoletePacket(body, offset, &sink)
      default:
        break
      }
      if damage != nil { break }
      offset &+= length
    }
    if damage == nil && isLast && offset < window.count {
      damage = CaptureDamage.endsInside(
        "block", beginning: position + UInt64(offset), end: position + UInt64(window.count))
    }
    position += UInt64(offset)
    return ParseStep(consumed: offset, damage: damage)
  }

  // MARK: - Sections and interfaces

  /// The byte order comes before the block's length can be read. At least 12 bytes are there.
  private mutating func learnByteOrder(_ rest: UnsafeRawBufferPointer) -> String? {
    switch rest.loadUnaligned(fromByteOffset: 8, as: UInt32.self) {
    case 0x1A2B_3C4D: isSwapped = false
    case 0x4D3C_2B1A: isSwapped = true
    default: return "the byte-order mark of a section header is wrong"
    }
    return nil
  }

  private mutating func beginSection(_ body: UnsafeRawBufferPointer) -> String? {
    guard body.count >= 16 else { return "a section header is too short" }
    let major = half(body, 4)
    let minor = half(body, 6)
    // 1.2 is written by some programs and means the same.
    guard major == 1 && (minor == 0 || minor == 2) else {
      return "pcapng version \(major).\(minor) is not known; version 1.0 is"
    }
    interfaces.removeAll(keepingCapacity: true)
    blockBytesMax = PcapngParser.blockBytesMax
    return nil
  }

  private mutating func describeInterface(
    _ body: UnsafeRawBufferPointer, _ offset: Int
  ) -> CaptureDamage? {
    guard body.count >= 8 else { return tooShort("interface description", offset) }
    guard interfaces.count < PcapngParser.interfacesMax else {
      return CaptureDamage(
        offset: position + UInt64(offset),
        reason: "a section describes more than 65,536 interfaces")
    }
    let interface = PcapngInterface(body: body, isSwapped: isSwapped)
    interfaces.append(interface)
    // A packet of the larger link types comes with its options in one block.
    blockBytesMax = max(blockBytesMax, interface.capturedLengthMax + (1 << 20))
    return nil
  }

  // MARK: - Packets

  @inline(__always)
  private mutating func enhancedPacket<Sink: PacketSink & ~Copyable>(
    _ body: UnsafeRawBufferPointer, _ offset: Int, _ sink: inout Sink
  ) throws(Sink.Failure) -> CaptureDamage? {
    guard body.count >= 20 else { return tooShort("packet", offset) }
    return try deliver(
      body, offset, &sink, dataOffset: 20, interface: Int(word(body, 0)),
      ticks: UInt64(word(body, 4)) << 32 | UInt64(word(body, 8)), captured: Int(word(body, 12)),
      original: Int(word(body, 16)))
  }

  private mutating func obsoletePacket<Sink: PacketSink & ~Copyable>(
    _ body: UnsafeRawBufferPointer, _ offset: Int, _ sink: inout Sink
  ) throws(Sink.Failure) -> CaptureDamage? {
    guard body.count >= 20 else { return tooShort("packet", offset) }
    return try deliver(
      body, offset, &sink, dataOffset: 20, interface: Int(half(body, 0)),
      ticks: UInt64(word(body, 4)) << 32 | UInt64(word(body, 8)), captured: Int(word(body, 12)),
      original: Int(word(body, 16)))
  }

  /// It belongs to the section's first interface and is as long as the packet, or that interface's
  /// snaplen.
  private mutating func simplePacket<Sink: PacketSink & ~Copyable>(
    _ body: UnsafeRawBufferPointer, _ offset: Int, _ sink: inout Sink
  ) throws(Sink.Failure) -> CaptureDamage? {
    guard body.count >= 4 else { return tooShort("packet", offset) }
    let original = Int(word(body, 0))
    let snaplen = interfaces.first?.snaplen ?? 0
    return try deliver(
      body, offset, &sink, dataOffset: 4, interface: 0, ticks: nil,
      captured: snaplen == 0 ? original : min(original, snaplen), original: original)
  }

  @inline(__always)
  private mutating func deliver<Sink: PacketSink & ~Copyable>(
    _ body: UnsafeRawBufferPointer, _ offset: Int, _ sink: inout Sink, dataOffset: Int,
    interface number: Int, ticks: UInt64?, captured: Int, original: Int
  ) throws(Sink.Failure) -> CaptureDamage? {
    guard number < interfaces.count else {
      return CaptureDamage(
        offset: position + UInt64(offset),
        reason: "a packet there belongs to interface \(number), which the section doesn't describe")
    }
    let limit = interfaces[number].capturedLengthMax
    guard captured <= limit else {
      return CaptureDamage(
        offset: position + UInt64(offset),
        reason: "a packet there claims \(UInt64(captured).grouped) captured bytes, "
          + "more than the \(UInt64(limit).grouped) possible")
    }
    guard dataOffset &+ captured <= body.count else {
      return CaptureDamage(
        offset: position + UInt64(offset), reason: "a packet there is longer than its block")
    }
    if let ticks { latestNs = interfaces[number].clock.nanoseconds(ticks) }
    // SAFETY: `body` holds at least dataOffset + captured bytes, checked just above.
    let bytes = body.baseAddress.unsafelyUnwrapped + dataOffset
    try sink.take(
      CapturedPacket(
        bytes: bytes, capturedLength: captured, originalLength: original, timestampNs: latestNs,
        linkType: interfaces[number].linkType))
    return nil
  }

  /// For a run of packets of one interface that begins at the front of `rest`; nil where there is none.
  @inline(__always)
  private func layout(of rest: UnsafeRawBufferPointer) -> PcapngLayout? {
    guard rest.count >= PcapngLayout.headerBytes, !isSwapped,
      rest.loadUnaligned(as: UInt32.self) == BlockType.enhancedPacket
    else { return nil }
    let number = Int(word(rest, 8))
    guard number < interfaces.count, interfaces[number].linkType == .ethernet,
      let factor = interfaces[number].clock.factor
    else { return nil }
    return PcapngLayout(
      interface: UInt32(truncatingIfNeeded: number), blockBytesMax: blockBytesMax, factor: factor,
      // Times whose upper half is below this one's do not pass 2⁶³ − 1 nanoseconds.
      upperTicksEnd: UInt32(truncatingIfNeeded: (UInt64(Int64.max) / factor) >> 32))
  }

  // MARK: - Fields

  @inline(__always)
  private func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
    let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return isSwapped ? value.byteSwapped : value
  }

  private func half(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt16 {
    let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
    return isSwapped ? value.byteSwapped : value
  }

  private func objection(toLength length: Int) -> String? {
    guard length >= PcapngParser.blockBytesMin && length <= blockBytesMax else {
      return "a block there claims \(UInt64(length).grouped) bytes; "
        + "possible are 12 to \(UInt64(blockBytesMax).grouped)"
    }
    return length & 3 == 0 ? nil : "a block there claims \(length) bytes, not a multiple of four"
  }

  private func tooShort(_ what: String, _ offset: Int) -> CaptureDamage {
    CaptureDamage(
      offset: position + UInt64(offset), reason: "the \(what) block there is too short")
  }
}

/// An enhanced packet block in the byte order of this machine, of one interface, whose clock counts in a
/// multiple of nanoseconds: type, block length, interface, time (upper and lower half), captured length,
/// original length, of 32 bits each; then the frame, padding, options, and the block length once more.
struct PcapngLayout: PacketLayout {
  let interface: UInt32
  let blockBytesMax: Int
  /// Nanoseconds in a tick of the clock.
  let factor: UInt64
  /// Beyond it times are clamped, which is for the general way.
  let upperTicksEnd: UInt32

  static var headerBytes: Int { 28 }

  @inline(__always)
  private func word(_ header: UnsafeRawPointer, _ offset: Int) -> UInt32 {
    header.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
  }

  @inline(__always)
  func size(of header: UnsafeRawPointer) -> Int { Int(word(header, 4)) }

  @inline(__always)
  func capturedLength(of header: UnsafeRawPointer, size: Int) -> Int {
    let captured = Int(word(header, 20))
    // Header, frame, and length at the end.
    let isWhole = captured <= LinkType.capturedLengthMax && captured &+ 32 <= size
    guard isWhole, size <= blockBytesMax, size & 3 == 0 else { return -1 }
    let isPacket =
      word(header, 0) == PcapngParser.BlockType.enhancedPacket && word(header, 8) == interface
      && word(header, 12) < upperTicksEnd
    return isPacket && Int(word(header, size &- 4)) == size ? captured : -1
  }

  @inline(__always)
  func originalLength(of header: UnsafeRawPointer) -> UInt32 { word(header, 24) }

  @inline(__always)
  func timestampNs(of header: UnsafeRawPointer) -> UInt64 {
    (UInt64(word(header, 12)) << 32 | UInt64(word(header, 16))) &* factor
  }
}
