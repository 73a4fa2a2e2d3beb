internal import Glibc

/// The machine's clocks.
public enum Clock {
  /// Seconds of CLOCK_MONOTONIC: for how long something takes.
  public static func seconds() -> Double {
    let time = read(CLOCK_MONOTONIC)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Nanoseconds since 1970, of the clock that packets are stamped with.
  public static func wallNs() -> UInt64 {
    let time = read(CLOCK_REALTIME)
    return UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// The same in seconds.
  public static func wallSeconds() -> Double { Double(wallNs()) / 1e9 }

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    clock_gettime(clock, &time)
    return time
  }
}
