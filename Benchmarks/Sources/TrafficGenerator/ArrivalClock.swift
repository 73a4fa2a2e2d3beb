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
  private static let packetsPerSession = 26.0

  /// A clock for a capture of so many packets.
  init(packetCount: Int) {
    self.packetCount = Double(packetCount)
    let share = min(1, Double(packetCount) / ArrivalClock.fullDurationPackets)
    durationUs = max(ArrivalClock.durationMinUs, ArrivalClock.fullDurationUs * share)
  }

  /// Draws the time of the session after the one that begins now.
  ///
  /// - Parameter packetsSent: packets generated so far.
  mutating func advance(packetsSent: Int, random: inout RandomSource) {
    let level = packetCount / durationUs
    let left = packetCount - Double(packetsSent)
    let needed = left / max(durationUs - Double(nextUs), durationUs / 50)
    let rate = min(max(needed, level * 0.4), level * 2.5) / ArrivalClock.packetsPerSession
    nextUs += UInt64(random.exponential(mean: 1 / rate))
  }
}
