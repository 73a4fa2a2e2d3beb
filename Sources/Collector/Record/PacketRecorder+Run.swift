internal import CLinux
internal import Wire

/// The short way for plain packets: Ethernet with at most one VLAN tag, IPv4 without options, not a
/// fragment, TCP or UDP that carries no tunnel, addresses that need no handle.
///
/// That is nearly everything in most networks. What is not plain, or close to a limit (of the window,
/// of the open batch, of the evidence for copies), goes the general way, which has the same answers.
extension PacketRecorder {
  /// Ethernet, IPv4 and TCP without options. Shorter frames are rare, since a network card pads them.
  private static let frameBytesMin = 54
  /// How far ahead memory is asked for. The processor does so by itself, but not past the end of a
  /// page, which a packet of a mapped file reaches each 4 KiB.
  private static let prefetchBytes = 2048

  /// - Complexity: O(bytes taken); allocates nothing. A packet costs 5 to 7 ns and 85 instructions, and
  ///   another 8 ns and 115 instructions where copies are looked for (2 vCPU virtual machine).
  mutating func takeRun<Layout: PacketLayout>(
    _ window: UnsafeRawBufferPointer, _ layout: Layout
  ) -> Int {
    if isFiltered { return 0 }
    return deduplicates
      ? takeRun(window, layout, deduplicating: true)
      : takeRun(window, layout, deduplicating: false)
  }

  /// Everything that changes with each packet is in local variables, because members would be loaded
  /// and stored each time: the records written behind each other might be the members themselves, for
  /// all that the compiler knows.
  @inline(__always)
  private mutating func takeRun<Layout: PacketLayout>(
    _ window: UnsafeRawBufferPointer, _ layout: Layout, deduplicating: Bool
  ) -> Int {
    let bytesMin = Layout.headerBytes + PacketRecorder.frameBytesMin
    guard let begin = window.baseAddress, window.count >= bytesMin, let room = writer.room else {
      return 0
    }
    // A packet is taken only where another one may follow it: one comparison then tells that it is
    // whole, and that the next header may be read.
    let lastHeader = begin + (window.count &- bytesMin)
    let opensTunnels = decoder.tunnelDepthMax > 0
    var header = begin
    var next = room.next
    var duplicates = 0
    var frameBytes: UInt64 = 0
    var latestNs = latestNs
    while next <= room.last {
      let first = next
      var last = room.last
      var sought = copies.plain
      if deduplicating {
        let countMax = copies.stretchCountMax
        if countMax == 0 { break }
        last = min(last, first + (countMax &- 1) &* PacketRecord.bytes)
      }
      while next <= last {
        // SAFETY: `header` is at most `lastHeader`, so that a header and the shortest frame may be read.
        let size = layout.size(of: header)
        guard size <= lastHeader - header else { break }
        let captured = layout.capturedLength(of: header, size: size)
        guard captured >= PacketRecorder.frameBytesMin else { break }
        renkei_prefetch_read(header + PacketRecorder.prefetchBytes)
        var frame = PacketBytes(
          header + Layout.headerBytes, captured: captured, original: captured)
        if !frame.isPlainIPv4 {
          // 802.1Q: four bytes between the addresses and the type.
          guard frame.half(12) == 0x8100 && frame.has(PacketRecorder.frameBytesMin &+ 4) else {
            break
          }
          frame = frame.dropping(4)
          guard frame.isPlainIPv4 else { break }
        }
        // Total length, identification, flags and fragment offset, hop limit, protocol.
        let fields = frame.quad(16)
        let totalLength = UInt16(truncatingIfNeeded: fields).byteSwapped
        let ports = frame.word(34)
        let tcpFlags: UInt8
        // Protocol, more fragments and offset.
        let kind = fields >> 32 & 0xFF00_FF3F
        if kind == UInt64(IPProtocolNumber.tcp) << 24 {
          guard totalLength >= 40 else { break }
          tcpFlags = frame.byte(47)
        } else {
          guard kind == UInt64(IPProtocolNumber.udp) << 24 && totalLength >= 28 else { break }
          let mayBeTunnel = UDPTunnelPort.areSome(
            UInt16(truncatingIfNeeded: ports >> 16), UInt16(truncatingIfNeeded: ports))
          if opensTunnels && mayBeTunnel { break }
          tcpFlags = 0
        }
        let addresses = frame.quad(26).byteSwapped
        let source = UInt32(truncatingIfNeeded: addresses >> 32)
        let destination = UInt32(truncatingIfNeeded: addresses)
        guard source < AddressHandle.first && destination < AddressHandle.first else { break }
        let timestampNs = layout.timestampNs(of: header)
        let tick = Tick.of(nanoseconds: timestampNs)
        guard tick &- room.baseTick <= UInt64(UInt16.max) else { break }
        latestNs = max(latestNs, timestampNs)
        frameBytes &+= UInt64(layout.originalLength(of: header))
        if deduplicating {
          sought.initialize(
            to: PlainPacket(
              header: frame.base + 14,
              capturedBytes: lower(frame.captured &- 14, Int(totalLength)), tick: tick))
          sought += 1
        }
        PacketRecord.write(
          destination: destination, source: source, ports: ports,
          protocolNumber: UInt8(truncatingIfNeeded: kind >> 24), tcpFlags: tcpFlags,
          lengthBytes: totalLength, tick: UInt16(truncatingIfNeeded: tick &- room.baseTick),
          to: next)
        next += PacketRecord.bytes
        header += size
      }
      if !deduplicating { break }
      let isWholeStretch = next > last
      let count = sought - copies.plain
      let kept = copies.removeCopies(count, records: first)
      duplicates &+= count &- kept
      next = first + kept &* PacketRecord.bytes
      if !isWholeStretch { break }
    }
    if header == begin { return 0 }
    let packets = UInt64((next - room.next) / PacketRecord.bytes + duplicates)
    writer.append(recordsUpTo: next)
    writer.count(.duplicate, packets: UInt64(duplicates))
    filePackets &+= packets
    self.packets &+= packets
    self.frameBytes &+= frameBytes
    self.latestNs = latestNs
    // No packet is earlier than the batch's base, so that this is for the first batches of a file.
    if earliestNs > Tick.nanoseconds(room.baseTick) {
      var taken = begin
      while taken < header {
        earliestNs = min(earliestNs, layout.timestampNs(of: taken))
        taken += layout.size(of: taken)
      }
    }
    return header - begin
  }
}

extension PacketBytes {
  /// EtherType 0800, version 4, header length 5: one comparison. 16 bytes must be readable.
  @inline(__always)
  fileprivate var isPlainIPv4: Bool { word(12) & 0xFFFF_FF00 == 0x0800_4500 }
}
