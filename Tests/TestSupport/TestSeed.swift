internal import Foundation

/// The seed of a test with random input: `$RENKEI_TEST_SEED`, or one taken from the clock.
public enum TestSeed {
  public static let current: UInt64 =
    ProcessInfo.processInfo.environment["RENKEI_TEST_SEED"].flatMap(UInt64.init)
    ?? UInt64(Date().timeIntervalSince1970 * 1000)

  /// A generator, and its seed printed, so that a failure can be repeated.
  public static func generator(for test: String) -> SeededGenerator {
    print("\(test): RENKEI_TEST_SEED=\(current)")
    return SeededGenerator(seed: current)
  }
}
