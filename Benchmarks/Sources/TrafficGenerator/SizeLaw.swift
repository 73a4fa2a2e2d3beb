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

  /// Draws a value, as large as it is in this run.
  @inline(__always)
  func draw(_ random: inout RandomSource, _ scale: SizeScale) -> UInt32 {
    guard minimum < maximum else { return scale.apply(UInt32(minimum)) }
    let exponent = min(40, Logarithm.negativeLog2(random.next()) * inverseAlpha)
    let capped = min(minimum * Logarithm.exp2(exponent), min(maximum, max(scale.burstMax, minimum)))
    return scale.apply(UInt32(capped))
  }
}

/// What the sizes of the catalogue are in one run.
struct SizeScale {
  /// Most packets in one request or response: without it a single elephant would fill a small file.
  let burstMax: Double
  /// What a size is multiplied by; 1 unless the user wants another number of sessions.
  let factor: Double

  /// The size in this run. Nothing stays nothing, and something at least one.
  @inline(__always)
  func apply(_ size: UInt32) -> UInt32 {
    if factor == 1 || size == 0 { return size }
    return UInt32(min(max(1, Double(size) * factor), max(burstMax, Double(size))))
  }

  /// The same for numbers of exchanges, which are never more: their pauses would not fit the run.
  var rounds: SizeScale {
    factor > 1 ? SizeScale(burstMax: burstMax, factor: 1) : self
  }
}
