/// What an interface description block says about the packets of its interface.
///
/// Source: draft-ietf-opsawg-pcapng section 4.2.
struct PcapngInterface {
  var linkType: LinkType
  var capturedLengthMax: Int
  /// The most bytes of a packet that were captured; 0: no limit.
  var snaplen: Int
  var clock = Clock()

  /// How the interface counts time.
  struct Clock: Equatable {
    private enum Unit: Equatable {
      case multiply(UInt64)
      case divide(UInt64)
      case shift(UInt64)
    }
    private var unit = Unit.multiply(1000)
    /// Nanoseconds to add, from if_tsoffset.
    private var offsetNs: Int64 = 0

    /// if_tsresol: a negative power of ten, or of two where the top bit is set.
    mutating func setResolution(_ byte: UInt8) {
      let exponent = UInt64(byte & 0x7F)
      if byte & 0x80 != 0 {
        unit = .shift(exponent)
      } else if exponent <= 9 {
        unit = .multiply(Clock.power(of: 10, 9 - exponent))
      } else {
        // 10^19 is the largest power of ten in 64 bits; finer clocks show as 0.
        unit = exponent <= 28 ? .divide(Clock.power(of: 10, exponent - 9)) : .shift(128)
      }
    }

    /// if_tsoffset: seconds to add.
    mutating func setOffset(seconds: Int64) {
      let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
      offsetNs = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// Nanoseconds since 1970, kept within 0 and 2⁶³-1 (the year 2262).
    ///
    /// - Complexity: O(1), one multiplication for the usual resolutions.
    @inline(__always)
    func nanoseconds(_ ticks: UInt64) -> UInt64 {
      let most = UInt64(Int64.max)
      var result: UInt64
      switch unit {
      case .multiply(let factor):
        let product = ticks.multipliedFullWidth(by: factor)
        result = product.high == 0 ? min(product.low, most) : most
      case .divide(let divisor):
        result = min(ticks / divisor, most)
      case .shift(let bits):
        let product = ticks.multipliedFullWidth(by: 1_000_000_000)
        if bits >= 64 {
          result = bits >= 128 ? 0 : product.high >> (bits - 64)
        } else if bits == 0 {
          result = product.high == 0 ? product.low : most
        } else {
          result =
            product.high >> bits == 0 ? product.high << (64 - bits) | product.low >> bits : most
        }
        result = min(result, most)
      }
      if offsetNs != 0 {
        let (sum, overflow) = Int64(result).addingReportingOverflow(offsetNs)
        result = overflow ? (offsetNs < 0 ? 0 : most) : UInt64(max(0, sum))
      }
      return result
    }

    /// Nanoseconds in a tick, where that and nothing else is needed for `nanoseconds`.
    var factor: UInt64? {
      guard case .multiply(let factor) = unit, offsetNs == 0 else { return nil }
      return factor
    }

    private static func power(of base: UInt64, _ exponent: UInt64) -> UInt64 {
      (0..<exponent).reduce(1) { value, _ in value &* base }
    }
  }

  /// Reads the block whose body (after type and length, before the second length) is `body`; at
  /// least 8 bytes. Options that do not fit the block end the list of options.
  init(body: UnsafeRawBufferPointer, isSwapped: Bool) {
    func half(_ offset: Int) -> UInt16 {
      let value = body.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
      return isSwapped ? value.byteSwapped : value
    }
    func word(_ offset: Int) -> UInt32 {
      let value = body.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
      return isSwapped ? value.byteSwapped : value
    }
    let number = UInt32(half(0))
    linkType = LinkType(number: number)
    capturedLengthMax = LinkType.capturedLengthMax(number: number)
    snaplen = Int(word(4))
    var offset = 8
    while offset + 4 <= body.count {
      let code = half(offset)
      let length = Int(half(offset + 2))
      offset += 4
      if code == PcapngInterface.endOfOptions || offset + length > body.count { break }
      if code == PcapngInterface.resolutionOption && length == 1 {
        clock.setResolution(body[offset])
      } else if code == PcapngInterface.offsetOption && length == 8 {
        let first = UInt64(word(offset))
        let second = UInt64(word(offset + 4))
        let isLittle = isSwapped == (UInt32(1).bigEndian == 1)
        let bits = isLittle ? second << 32 | first : first << 32 | second
        clock.setOffset(seconds: Int64(bitPattern: bits))
      }
      offset += (length + 3) & ~3
    }
  }

  private static let endOfOptions: UInt16 = 0
  private static let resolutionOption: UInt16 = 9
  private static let offsetOption: UInt16 = 14
}
