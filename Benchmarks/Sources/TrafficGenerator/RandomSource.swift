/// A small, fast, reproducible generator of random numbers: xoshiro256** seeded by SplitMix64.
///
/// The standard library's generator cannot be seeded, and a capture must be the same, byte for
/// byte, for the same seed. Period 2^256 − 1; about one nanosecond a number.
/// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021).
struct RandomSource {
  /// The 256 bits of state; never all zero, because SplitMix64 gives four different words.
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// Starts a stream.
  ///
  /// - Parameters:
  ///   - seed: the user's number; two seeds give unrelated streams.
  ///   - stream: tells apart the streams of one run (traffic, sampling), so that switching one
  ///     feature on does not change what the other one draws.
  init(seed: UInt64, stream: UInt64) {
    let origin = RandomSource.mix(seed, stream)
    state = (
      RandomSource.mix(origin, 1), RandomSource.mix(origin, 2),
      RandomSource.mix(origin, 3), RandomSource.mix(origin, 4)
    )
  }

  /// SplitMix64's output function over two numbers: a hash for choices that must be the same each
  /// time they are asked for (a client's favourite server), without a table to hold them.
  @inline(__always)
  static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    var word = left &+ (right &+ 1) &* 0x9E37_79B9_7F4A_7C15
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  /// The next 64 random bits.
  @inline(__always)
  mutating func next() -> UInt64 {
    let scrambled = state.1 &* 5
    let result = ((scrambled << 7) | (scrambled >> 57)) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = (state.3 << 45) | (state.3 >> 19)
    return result
  }

  /// A number from 0 up to, not including, `bound`; 0 for a bound of 0.
  ///
  /// The high half of a product, without rejection: the bias is below 2^-32, which no capture shows.
  @inline(__always)
  mutating func below(_ bound: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: ((next() >> 32) &* UInt64(bound)) >> 32)
  }

  /// A number from 0 up to, not including, 1, in steps of 2^-53.
  @inline(__always)
  mutating func unit() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// True in `permille` of 1,000 cases.
  @inline(__always)
  mutating func chance(permille: UInt32) -> Bool {
    below(1000) < permille
  }

  /// An exponentially distributed number with the given mean, in the mean's unit: the gaps of a
  /// Poisson process, and the time that people think.
  @inline(__always)
  mutating func exponential(mean: Double) -> Double {
    Logarithm.negativeLog2(next()) * (Logarithm.naturalOfTwo * mean)
  }
}
