/// The byte order of a capture file.
public enum ByteOrder: CaseIterable, Sendable {
  case little, big

  func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    self == .little ? Frame.little(value) : Frame.big(value)
  }
}

/// A packet for a capture file that a test writes.
public struct TestPacket: Sendable, Equatable {
  public var bytes: [UInt8]
  public var timestampNs: UInt64
  /// Octets on the wire; nil: all of them were captured.
  public var originalLength: Int?

  public init(
    _ bytes: [UInt8], timestampNs: UInt64 = 1_700_000_000_000_000_000, originalLength: Int? = nil
  ) {
    self.bytes = bytes
    self.timestampNs = timestampNs
    self.originalLength = originalLength
  }
}

/// Writes classic pcap files (pcap-savefile(5)).
public enum PcapWriter {
  /// The whole file.
  ///
  /// - Parameter nanoseconds: the resolution; otherwise microseconds.
  public static func file(
    _ packets: [TestPacket], linkType: UInt32 = 1, order: ByteOrder = .little,
    nanoseconds: Bool = false
  ) -> [UInt8] {
    var file = order.bytes(nanoseconds ? 0xA1B2_3C4D : 0xA1B2_C3D4 as UInt32)
    file += order.bytes(2 as UInt16) + order.bytes(4 as UInt16)
    file += order.bytes(0 as UInt32) + order.bytes(0 as UInt32)
    file += order.bytes(262_144 as UInt32) + order.bytes(linkType)
    for packet in packets {
      let fraction = packet.timestampNs % 1_000_000_000
      file += order.bytes(UInt32(packet.timestampNs / 1_000_000_000))
      file += order.bytes(UInt32(nanoseconds ? fraction : fraction / 1000))
      file += order.bytes(UInt32(packet.bytes.count))
      file += order.bytes(UInt32(packet.originalLength ?? packet.bytes.count))
      file += packet.bytes
    }
    return file
  }
}

/// Writes pcapng files block by block (draft-ietf-opsawg-pcapng).
public struct PcapngWriter: Sendable {
  public private(set) var bytes: [UInt8] = []
  private var order = ByteOrder.little

  public init() {}

  /// Begins a section, in which the blocks that follow are.
  public mutating func section(_ order: ByteOrder = .little) {
    self.order = order
    block(
      0x0A0D_0D0A,
      order.bytes(0x1A2B_3C4D as UInt32) + order.bytes(1 as UInt16) + order.bytes(0 as UInt16)
        + order.bytes(UInt64.max))
  }

  /// Describes the section's next interface.
  ///
  /// - Parameters:
  ///   - resolution: if_tsresol as its byte; nil leaves the option out.
  ///   - offsetSeconds: if_tsoffset.
  public mutating func interface(
    linkType: UInt16 = 1, snaplen: UInt32 = 0, resolution: UInt8? = nil,
    offsetSeconds: Int64? = nil
  ) {
    var body = order.bytes(linkType) + order.bytes(0 as UInt16) + order.bytes(snaplen)
    if let resolution { body += option(9, [resolution]) }
    if let offsetSeconds { body += option(14, order.bytes(offsetSeconds)) }
    if resolution != nil || offsetSeconds != nil { body += option(0, []) }
    block(1, body)
  }

  /// An enhanced packet block.
  ///
  /// - Parameter ticks: the time in the interface's units.
  public mutating func packet(
    _ bytes: [UInt8], interface: UInt32 = 0, ticks: UInt64, originalLength: Int? = nil
  ) {
    block(
      6,
      order.bytes(interface) + order.bytes(UInt32(ticks >> 32))
        + order.bytes(UInt32(truncatingIfNeeded: ticks)) + order.bytes(UInt32(bytes.count))
        + order.bytes(UInt32(originalLength ?? bytes.count)) + padded(bytes))
  }

  /// A simple packet block, which has no time.
  public mutating func simplePacket(_ bytes: [UInt8], originalLength: Int? = nil) {
    block(3, order.bytes(UInt32(originalLength ?? bytes.count)) + padded(bytes))
  }

  /// An obsolete packet block.
  public mutating func obsoletePacket(_ bytes: [UInt8], interface: UInt16 = 0, ticks: UInt64) {
    block(
      2,
      order.bytes(interface) + order.bytes(0 as UInt16) + order.bytes(UInt32(ticks >> 32))
        + order.bytes(UInt32(truncatingIfNeeded: ticks)) + order.bytes(UInt32(bytes.count))
        + order.bytes(UInt32(bytes.count)) + padded(bytes))
  }

  /// A block of any type; `body` is padded to four bytes.
  public mutating func block(_ type: UInt32, _ body: [UInt8]) {
    let length = order.bytes(UInt32(padded(body).count + 12))
    bytes += order.bytes(type) + length + padded(body) + length
  }

  private func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
    order.bytes(code) + order.bytes(UInt16(value.count)) + padded(value)
  }

  private func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
  }
}
