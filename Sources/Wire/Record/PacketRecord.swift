/// One packet's headers in 19 bytes; there is no payload and nothing derived from payload in it.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | destination address, or its handle (`AddressHandle`) |
/// | 4 | 2 | destination port; ICMP: type·256+code, as in NetFlow |
/// | 6 | 4 | source address, or its handle |
/// | 10 | 2 | source port; 0 for ICMP |
/// | 12 | 2 | low byte: IP protocol number; high byte: `RecordFlags` |
/// | 14 | 1 | TCP flags as on the wire; for SCTP and DCCP the equivalents, see `TCPFlags` |
/// | 15 | 2 | layer-3 octets (IPFIX octetDeltaCount); 65,535 where there were more |
/// | 17 | 2 | ticks of 4,096 ns since the batch's `baseTick` |
///
/// All fields little-endian and unaligned. Offsets 0–16 are figure 3 of Takara (2008).
@frozen public struct PacketRecord: Equatable, Sendable {
  public var destination: UInt32
  public var destinationPort: UInt16
  public var source: UInt32
  public var sourcePort: UInt16
  public var protocolNumber: UInt8
  public var flags: RecordFlags
  public var tcpFlags: TCPFlags
  public var lengthBytes: UInt16
  public var tick: UInt16

  /// The size of a record.
  @inlinable public static var bytes: Int { 19 }

  @inlinable public init(
    destination: UInt32, destinationPort: UInt16, source: UInt32, sourcePort: UInt16,
    protocolNumber: UInt8, flags: RecordFlags = [], tcpFlags: TCPFlags = [], lengthBytes: UInt16,
    tick: UInt16 = 0
  ) {
    self.destination = destination
    self.destinationPort = destinationPort
    self.source = source
    self.sourcePort = sourcePort
    self.protocolNumber = protocolNumber
    self.flags = flags
    self.tcpFlags = tcpFlags
    self.lengthBytes = lengthBytes
    self.tick = tick
  }

  /// Reads the record at `bytes`. `PacketRecord.bytes` bytes must be readable there.
  ///
  /// - Complexity: O(1), four loads.
  @inlinable @inline(__always) public init(reading bytes: UnsafeRawPointer) {
    let first = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    let second = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    destination = UInt32(truncatingIfNeeded: first)
    destinationPort = UInt16(truncatingIfNeeded: first >> 32)
    source = UInt32(truncatingIfNeeded: first >> 48) | UInt32(truncatingIfNeeded: second << 16)
    sourcePort = UInt16(truncatingIfNeeded: second >> 16)
    protocolNumber = UInt8(truncatingIfNeeded: second >> 32)
    flags = RecordFlags(rawValue: UInt8(truncatingIfNeeded: second >> 40))
    tcpFlags = TCPFlags(rawValue: UInt8(truncatingIfNeeded: second >> 48))
    let third = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 15, as: UInt32.self))
    lengthBytes = UInt16(truncatingIfNeeded: third)
    tick = UInt16(truncatingIfNeeded: third >> 16)
  }

  /// Whether the record at `bytes` has the flag `.hasHandle`, without reading the rest of it.
  @inlinable @inline(__always) public static func hasHandle(_ bytes: UnsafeRawPointer) -> Bool {
    RecordFlags(rawValue: bytes.load(fromByteOffset: 13, as: UInt8.self)).contains(.hasHandle)
  }

  /// Writes the record at `bytes`. `PacketRecord.bytes` bytes must be writable there.
  ///
  /// - Complexity: O(1), three stores.
  @inlinable @inline(__always) public func write(to bytes: UnsafeMutableRawPointer) {
    let first =
      UInt64(destination) | UInt64(destinationPort) << 32 | UInt64(source & 0xFFFF) << 48
    let second =
      UInt64(source >> 16) | UInt64(sourcePort) << 16 | UInt64(protocolNumber) << 32
      | UInt64(flags.rawValue) << 40 | UInt64(tcpFlags.rawValue) << 48
      | UInt64(lengthBytes & 0xFF) << 56
    let third = UInt32(lengthBytes) | UInt32(tick) << 16
    bytes.storeBytes(of: first.littleEndian, as: UInt64.self)
    bytes.storeBytes(of: second.littleEndian, toByteOffset: 8, as: UInt64.self)
    bytes.storeBytes(of: third.littleEndian, toByteOffset: 15, as: UInt32.self)
  }

  /// Writes a record as `write(to:)` does, without flags, from the fields as they lie together in a
  /// packet. `PacketRecord.bytes` bytes must be writable at `bytes`.
  ///
  /// - Parameter ports: the source's in the upper half, the destination's in the lower.
  /// - Complexity: O(1); six stores, but a dozen instructions fewer than to compose three.
  @inlinable @inline(__always)
  public static func write(
    destination: UInt32, source: UInt32, ports: UInt32, protocolNumber: UInt8, tcpFlags: UInt8,
    lengthBytes: UInt16, tick: UInt16, to bytes: UnsafeMutableRawPointer
  ) {
    let destinationPort = UInt16(truncatingIfNeeded: ports)
    let sourcePort = UInt16(truncatingIfNeeded: ports >> 16)
    let kind = UInt32(protocolNumber) | UInt32(tcpFlags) << 16
    let lengthAndTick = UInt32(lengthBytes) | UInt32(tick) << 16
    bytes.storeBytes(of: destination.littleEndian, as: UInt32.self)
    bytes.storeBytes(of: destinationPort.littleEndian, toByteOffset: 4, as: UInt16.self)
    bytes.storeBytes(of: source.littleEndian, toByteOffset: 6, as: UInt32.self)
    bytes.storeBytes(of: sourcePort.littleEndian, toByteOffset: 10, as: UInt16.self)
    // Its fourth byte is the length's first, which comes after it.
    bytes.storeBytes(of: kind.littleEndian, toByteOffset: 12, as: UInt32.self)
    bytes.storeBytes(of: lengthAndTick.littleEndian, toByteOffset: 15, as: UInt32.self)
  }
}

/// The high byte of a record's protocol field.
@frozen public struct RecordFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Source or destination is an address handle.
  @inlinable public static var hasHandle: RecordFlags { RecordFlags(rawValue: 0x01) }
  /// A later fragment whose first fragment was not seen: the ports are 0 because unknown.
  @inlinable public static var fragmentWithoutPorts: RecordFlags { RecordFlags(rawValue: 0x02) }
  /// The packet came out of a tunnel.
  @inlinable public static var insideTunnel: RecordFlags { RecordFlags(rawValue: 0x04) }
  /// The snaplen cut the frame before its ports: they are 0 because unknown.
  @inlinable public static var portsCutOff: RecordFlags { RecordFlags(rawValue: 0x08) }
  /// Why the ports are unknown, either way.
  @inlinable public static var portsUnknown: RecordFlags {
    [.fragmentWithoutPorts, .portsCutOff]
  }
}

/// TCP's flags (RFC 9293 section 3.1).
///
/// SCTP and DCCP packets carry the equivalents of their first chunk or packet type, so that one
/// rule reads every handshake: SCTP INIT and DCCP Request are `syn`; INIT ACK and Response `syn`
/// and `ack`; ABORT and Reset `rst`; SHUTDOWN, SHUTDOWN COMPLETE, CloseReq and Close `fin`;
/// everything else `ack` (RFC 9260 section 3.2, RFC 4340 section 5.1).
@frozen public struct TCPFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  @inlinable public static var fin: TCPFlags { TCPFlags(rawValue: 0x01) }
  @inlinable public static var syn: TCPFlags { TCPFlags(rawValue: 0x02) }
  @inlinable public static var rst: TCPFlags { TCPFlags(rawValue: 0x04) }
  @inlinable public static var psh: TCPFlags { TCPFlags(rawValue: 0x08) }
  @inlinable public static var ack: TCPFlags { TCPFlags(rawValue: 0x10) }
}

/// The unit of a record's time.
public enum Tick {
  /// 4,096 ns: 65,535 of them are 268 ms, and a shift converts.
  @inlinable public static var nanosecondsLog2: UInt64 { 12 }

  @inlinable public static func of(nanoseconds: UInt64) -> UInt64 {
    nanoseconds >> nanosecondsLog2
  }

  @inlinable public static func nanoseconds(_ ticks: UInt64) -> UInt64 {
    ticks << nanosecondsLog2
  }

  /// Whole seconds in ticks (rounded down).
  @inlinable public static func seconds(_ seconds: Int) -> UInt64 {
    UInt64(seconds) * 1_000_000_000 >> nanosecondsLog2
  }
}

/// IP protocol numbers that the stages treat by name (IANA "Assigned Internet Protocol Numbers").
public enum IPProtocolNumber {
  @inlinable public static var icmp: UInt8 { 1 }
  @inlinable public static var tcp: UInt8 { 6 }
  @inlinable public static var udp: UInt8 { 17 }
  @inlinable public static var dccp: UInt8 { 33 }
  @inlinable public static var icmpv6: UInt8 { 58 }
  @inlinable public static var sctp: UInt8 { 132 }
  @inlinable public static var udplite: UInt8 { 136 }
}
