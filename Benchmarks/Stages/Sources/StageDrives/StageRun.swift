internal import Glibc

/// What one run of a stage took.
public struct StageRun: Sendable {
  /// Packets, records or rows that went through.
  public var items: Int
  public var wallSeconds: Double
  /// Of the stage's thread alone.
  public var cpuSeconds: Double

  /// Items a second of wall time.
  public var itemsPerSecond: Double { Double(items) / wallSeconds }
  /// Picoseconds of wall time an item: whole numbers that a threshold can be.
  public var picosecondsPerItem: Int { Int(wallSeconds * 1e12 / Double(items)) }
}

/// Runs `body` and nothing else, and tells the time it took; the items are the caller's to fill in.
///
/// A function of its own, and never inlined, because callgrind switches on at its entry and off at
/// its exit by its name (`--toggle-collect=*renkeiMeasured*`).
@inline(never)
func renkeiMeasured(_ body: () throws -> Void) rethrows -> StageRun {
  let wall = seconds(CLOCK_MONOTONIC)
  let cpu = seconds(CLOCK_THREAD_CPUTIME_ID)
  try body()
  return StageRun(
    items: 0, wallSeconds: seconds(CLOCK_MONOTONIC) - wall,
    cpuSeconds: seconds(CLOCK_THREAD_CPUTIME_ID) - cpu)
}

/// What a clock says.
func seconds(_ clock: clockid_t) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
