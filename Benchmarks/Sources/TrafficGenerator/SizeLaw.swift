/// How a count varies from one session to the next: a bounded Pareto law.
///
/// Sizes in networks are heavy tailed: most transfers are small, a few carry most packets. One law
/// with three numbers describes a constant (minimum = maximum), a mild spread and an elephant.
struct SizeLaw {
  /// The smallest and most frequent value.
  let minimum: Double
  /// One over the tail exponent α; a mean exists below 1. Kept inverted to multiply, not divide.
  let inverseAlpha: Double
  /// No draw is larger.
  let maximum: Double

  /// Always `value`.
  static func exactly(_ value: Double) -> SizeLaw {
    SizeLaw(minimum: value, inverseAlpha: 0, maximum: value)
  }

  /// From `minimum` up to `maximum`, with tail exponent `alpha` (the smaller, the heavier).
  static func pareto(_ minimum: Double, alpha: Double, upTo maximum: Double) -> SizeLaw {
    SizeLaw(minimum: minimum, inverseAlpha: 1 / alpha, maximum: maximum)
  }

  /// Draws a value, at most `cap`.
  ///
  /// - Parameter cap: the packets that one burst may have in this run: without it a single elephant
  ///   would fill a small file.
  @inline(__always)
  func draw(_ random: inout RandomSource, cap: Double) -> UInt32 {
    guard minimum < maximum else { return UInt32(minimum) }
    let exponent = min(40, Logarithm.negativeLog2(random.next()) * inverseAlpha)
    return UInt32(min(minimum * Logarithm.exp2(exponent), min(maximum, max(cap, minimum))))
  }
}
