/// When the next session begins.
///
/// Sessions come as a Poisson process. How many packets one brings is known only afterwards, and the
/// long ones take time to get going, so the rate is steered: what remains to be sent, over the time
/// that remains, decides. The capture then lasts as long as planned and its load is level.
struct ArrivalClock {
  /// Planned length of the capture in microseconds.
  let durationUs: Double
  /// Packets planned.
  private let packetCount: Double
  /// Whether the load follows the hours of a week instead of being level.
  private let followsHours: Bool
  /// Begin of the next session, in microseconds since the capture began.
  private(set) var nextUs: UInt64 = 0

  /// Length of a capture of `fullDurationPackets` and more: 61 minutes, in microseconds.
  private static let fullDurationUs = 3_660e6
  /// From here on the capture has its full length and more packets mean a higher rate; below, the
  /// rate stays at some 2,700 packets a second and the capture gets shorter.
  private static let fullDurationPackets = 10e6
  /// No capture is planned to be shorter, in microseconds: polls and pauses need some time.
  private static let durationMinUs = 60e6
  /// Packets that a session has on average; steering makes up for the difference.
  static let packetsPerSession = 26.0
  /// The same in this run.
  private let packetsPerSession: Double

  /// A clock for the ordinary traffic of a capture.
  init(options: Options) {
    packetCount = Double(options.ordinaryPacketCount)
    packetsPerSession =
      options.sessionCount.map { [packetCount] in packetCount / Double($0) }
      ?? ArrivalClock.packetsPerSession
    followsHours = options.days != nil
    if let days = options.days {
      durationUs = Double(days) * 86_400e6
      return
    }
    let share = min(1, packetCount / ArrivalClock.fullDurationPackets)
    durationUs = max(ArrivalClock.durationMinUs, ArrivalClock.fullDurationUs * share)
  }

  /// Draws the time of the session after the one that begins now.
  ///
  /// - Parameter packetsSent: packets generated so far.
  mutating func advance(packetsSent: Int, random: inout RandomSource) {
    let level = packetCount / durationUs
    if followsHours {
      // Not steered: a run of more days begins with the very packets of a run of fewer.
      let rate = level * ArrivalClock.load(atUs: nextUs) / packetsPerSession
      nextUs += UInt64(random.exponential(mean: 1 / rate))
      return
    }
    let left = packetCount - Double(packetsSent)
    let needed = left / max(durationUs - Double(nextUs), durationUs / 50)
    let rate = min(max(needed, level * 0.4), level * 2.5) / packetsPerSession
    nextUs += UInt64(random.exponential(mean: 1 / rate))
  }

  /// Load of each hour of a working day from midnight, in per cent of the busiest: an office, and
  /// servers that back up at night.
  private static let hours: [Double] = [
    18, 24, 24, 18, 12, 12, 14, 28, 62, 92, 100, 98, 78, 84, 98, 96, 92, 82, 54, 34, 24, 20, 18, 18,
  ]
  /// Load of a day at the weekend beside a working day.
  private static let weekend = 0.2
  /// Mean of the hours over a week, in the same unit.
  private static let hoursMean = hours.reduce(0, +) / 24 * (5 + 2 * weekend) / 7

  /// Load beside the mean of a week. Captures begin on a Monday at 09:00.
  private static func load(atUs timeUs: UInt64) -> Double {
    let hour = Int(timeUs / 3_600_000_000) + 9
    let isWeekend = hour / 24 % 7 >= 5
    return hours[hour % 24] * (isWeekend ? weekend : 1) / hoursMean
  }
}
