internal import Wire

/// A stretch of a frame: the bytes that were captured, and how many there were on the wire.
///
/// The one place where foreign bytes are read. Whoever reads asks `has` first; the debug build traps
/// where that was forgotten, and the fuzz tests run on it.
struct PacketBytes {
  let base: UnsafeRawPointer
  /// Readable bytes.
  let captured: Int
  /// Bytes on the wire; never fewer than `captured`.
  let original: Int

  @inline(__always)
  init(_ base: UnsafeRawPointer, captured: Int, original: Int) {
    self.base = base
    self.captured = captured
    self.original = captured > original ? captured : original
  }

  /// Whether `count` bytes are readable.
  @inline(__always) func has(_ count: Int) -> Bool { count <= captured }

  /// Whether the snaplen took something away.
  @inline(__always) var isCut: Bool { captured < original }

  // SAFETY for the loads: `has(offset + size)` was true, so they stay within the captured bytes.

  @inline(__always) func byte(_ offset: Int) -> UInt8 {
    assert(offset >= 0 && has(offset + 1), "a read that was not checked")
    return base.load(fromByteOffset: offset, as: UInt8.self)
  }

  /// A 16-bit field in network order.
  @inline(__always) func half(_ offset: Int) -> UInt16 {
    assert(offset >= 0 && has(offset + 2), "a read that was not checked")
    return UInt16(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// A 32-bit field in network order.
  @inline(__always) func word(_ offset: Int) -> UInt32 {
    assert(offset >= 0 && has(offset + 4), "a read that was not checked")
    return UInt32(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// 64 bits in the order of their bytes, the first one lowest.
  @inline(__always) func quad(_ offset: Int) -> UInt64 {
    assert(offset >= 0 && has(offset + 8), "a read that was not checked")
    return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// What follows the first `count` bytes. `has(count)` must be true.
  @inline(__always) func dropping(_ count: Int) -> PacketBytes {
    assert(count >= 0 && has(count), "a step that was not checked")
    return PacketBytes(base + count, captured: captured &- count, original: original &- count)
  }

  /// The first `count` bytes: what follows them is padding or another layer's trailer.
  @inline(__always) func limited(to count: Int) -> PacketBytes {
    assert(count >= 0)
    return PacketBytes(
      base, captured: captured < count ? captured : count,
      original: original < count ? original : count)
  }
}

/// Where the network layer begins in a frame, or why there is none to be read.
enum NetworkPacket {
  case ipv4(PacketBytes)
  case ipv6(PacketBytes)
  case none(PacketOutcome)

  /// For a header that is not all there: cut off, or never as long as it should be.
  @inline(__always) static func short(_ bytes: PacketBytes) -> NetworkPacket {
    .none(bytes.isCut ? .truncated : .malformed)
  }

  /// For layers that carry IP without saying which version: the header's first four bits do.
  static func byVersion(_ bytes: PacketBytes) -> NetworkPacket {
    guard bytes.has(1) else { return short(bytes) }
    switch bytes.byte(0) >> 4 {
    case 4: return .ipv4(bytes)
    case 6: return .ipv6(bytes)
    default: return .none(.malformed)
    }
  }

  /// Whether the header looks like IP's and claims no more bytes than there are: for layers that
  /// are recognised by a guess.
  var isPlausible: Bool {
    switch self {
    case .ipv4(let bytes):
      guard bytes.has(20) else { return false }
      let header = Int(bytes.byte(0) & 15) * 4
      let total = Int(bytes.half(2))
      return bytes.byte(0) >> 4 == 4 && header >= 20
        && (total == 0 || total >= header && total <= bytes.original)
    case .ipv6(let bytes):
      return bytes.has(40) && bytes.byte(0) >> 4 == 6
        && Int(bytes.half(4)) + 40 <= bytes.original
    case .none:
      return false
    }
  }
}
