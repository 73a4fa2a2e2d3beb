/// What a file is, going by its first bytes.
enum CaptureFormat: Equatable {
  /// Classic pcap with microseconds or nanoseconds, of either byte order.
  case pcap
  case pcapng
  case gzip
  case zstd
  case lz4
  /// A compression or archive that renkei does not undo; the program that does.
  case otherCompression(String)
  case unknown

  /// - Parameter bytes: as many of the first bytes as there are; four decide.
  init(beginning bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 4 else {
      self = .unknown
      return
    }
    switch UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)) {
    case 0xA1B2_C3D4, 0xD4C3_B2A1, 0xA1B2_3C4D, 0x4D3C_B2A1: self = .pcap
    case 0x0A0D_0D0A: self = .pcapng
    case 0x28B5_2FFD: self = .zstd
    case 0x0422_4D18: self = .lz4
    // A skippable frame (RFC 8878 section 3.1.2), with which pzstd begins its files.
    case let word where word & 0xF0FF_FFFF == 0x502A_4D18: self = .zstd
    case let word where word >> 16 == 0x1F8B: self = .gzip
    case let word where word >> 8 == 0x42_5A68: self = .otherCompression("bunzip2")
    case 0xFD37_7A58: self = .otherCompression("unxz")
    case 0x504B_0304: self = .otherCompression("unzip")
    case 0x0221_4C18: self = .otherCompression("lz4 -d")
    default: self = .unknown
    }
  }

  /// Whether `bytes` begin a gzip member (RFC 1952 section 2.3.1).
  static func isGzip(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
  }

  /// Why a file that begins with `bytes` is not read, for a person.
  static func objection(beginning bytes: UnsafeRawBufferPointer) -> String {
    if case .otherCompression(let program) = CaptureFormat(beginning: bytes) {
      return "is compressed in a way that renkei does not read; use \(program) first"
    }
    let start = bytes.prefix(24)
    let isText = !start.isEmpty && start.allSatisfy { $0 >= 32 && $0 < 127 || 9...13 ~= $0 }
    let looks =
      isText
      ? "looks like text" : "begins with " + start.prefix(4).map(hexadecimal).joined(separator: " ")
    return "is not a capture file (it \(looks)); renkei reads pcap and pcapng, "
      + "plain or compressed with gzip, zstd or lz4"
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.count < 2 ? "0" + digits : digits
  }
}
