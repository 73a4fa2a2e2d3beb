/// Logarithm and power of two in plain IEEE 754 additions and multiplications.
///
/// The C library's `log` and `exp` may differ in the last bit between versions and processors, and
/// one bit would change a whole capture. These are exact to about one in a million, which is ample
/// for drawing gaps and sizes, and give the same bits everywhere.
enum Logarithm {
  /// The natural logarithm of 2.
  static let naturalOfTwo = 0.693_147_180_559_945_3

  /// −log2(u) for u = `bits` / 2^64, from 0 to 64: an exponential variate of mean 1 / ln 2.
  @inline(__always)
  static func negativeLog2(_ bits: UInt64) -> Double {
    let word = bits | 1
    let zeros = word.leadingZeroBitCount
    let fraction = (word << UInt64(zeros &+ 1)) >> 12
    let mantissa = Double(bitPattern: 0x3FF0_0000_0000_0000 | fraction)
    return Double(zeros &+ 1) - log2OfMantissa(mantissa)
  }

  /// log2 of a positive, normal number.
  static func log2(_ value: Double) -> Double {
    Double(value.exponent) + log2OfMantissa(value.significand)
  }

  /// 2 to the power of `exponent`, which must lie between −1,000 and 1,000.
  @inline(__always)
  static func exp2(_ exponent: Double) -> Double {
    let whole = exponent.rounded(.down)
    let x = (exponent - whole) * naturalOfTwo
    // Taylor's series of e^x up to the seventh power, for 0 ≤ x < ln 2.
    let high = 1.0 / 120 + x * (1.0 / 720 + x * (1.0 / 5040))
    let series = 1 + x * (1 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24 + x * high))))
    return Double(bitPattern: UInt64(Int64(whole) &+ 1023) << 52) * series
  }

  /// log2 of a number from 1 up to 2, by the series of the inverse hyperbolic tangent.
  @inline(__always)
  private static func log2OfMantissa(_ mantissa: Double) -> Double {
    let s = (mantissa - 1) / (mantissa + 1)
    let square = s * s
    let series = 1 + square * (1.0 / 3 + square * (1.0 / 5 + square * (1.0 / 7 + square / 9)))
    return 2 * s * series / naturalOfTwo
  }
}
