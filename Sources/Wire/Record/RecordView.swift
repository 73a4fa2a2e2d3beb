/// A record where it lies, for who wants whole endpoints rather than fields.
///
/// Offsets as in `PacketRecord`. An endpoint is 48 bits: the address (or its handle) below the port.
@frozen public struct RecordView {
  @usableFromInline let bytes: UnsafeRawPointer

  /// - Parameter bytes: `PacketRecord.bytes` bytes must be readable there, as long as the view is used.
  @inlinable @inline(__always) public init(_ bytes: UnsafeRawPointer) {
    self.bytes = bytes
  }

  // SAFETY for the loads: all lie within the record's 19 bytes.

  @inlinable @inline(__always) public var destination: UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) & 0xFFFF_FFFF_FFFF
  }

  @inlinable @inline(__always) public var source: UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 6, as: UInt64.self))
      & 0xFFFF_FFFF_FFFF
  }

  @inlinable @inline(__always) public var protocolNumber: UInt8 {
    bytes.load(fromByteOffset: 12, as: UInt8.self)
  }

  @inlinable @inline(__always) public var flags: RecordFlags {
    RecordFlags(rawValue: bytes.load(fromByteOffset: 13, as: UInt8.self))
  }

  @inlinable @inline(__always) public var tcpFlags: TCPFlags {
    TCPFlags(rawValue: bytes.load(fromByteOffset: 14, as: UInt8.self))
  }

  @inlinable @inline(__always) public var lengthBytes: UInt16 {
    UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 15, as: UInt16.self))
  }

  @inlinable @inline(__always) public var tick: UInt16 {
    UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 17, as: UInt16.self))
  }
}
