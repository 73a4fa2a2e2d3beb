internal import Glibc

/// Notices when somebody sets the clock by which packets are stamped.
///
/// It compares that clock with one that nobody can set, at least each second; the difference of the two drifts by
/// 0.5 ms a second at most (adjtimex(2)). That other clock goes on while the machine sleeps, which is no step.
struct ClockWatch {
  /// More than a step of this size is told.
  static let stepNsMin: Int64 = 500_000_000

  private var offsetNs: Int64?

  /// - Parameters:
  ///   - wallNs: CLOCK_REALTIME.
  ///   - bootNs: CLOCK_BOOTTIME at the same moment.
  /// - Returns: by how much the clock was set since the last look; nil where it was not.
  mutating func look(wallNs: Int64, bootNs: Int64) -> Int64? {
    let offset = wallNs - bootNs
    defer { offsetNs = offset }
    guard let before = offsetNs, abs(offset - before) > ClockWatch.stepNsMin else { return nil }
    return offset - before
  }

  /// Both clocks now; nil where this thread was held up between the two.
  static func now() -> (wallNs: Int64, bootNs: Int64)? {
    let before = read(CLOCK_BOOTTIME)
    let wall = read(CLOCK_REALTIME)
    let after = read(CLOCK_BOOTTIME)
    return after - before < 10_000_000 ? (wall, before) : nil
  }

  /// Nanoseconds.
  static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
