internal import Dispatch
internal import Glibc
internal import Wire

/// Tells when a process has handled so many items, by looking at its line of the status board every
/// half millisecond from another thread.
final class ItemWatch: @unchecked Sendable {
  // @unchecked Sendable because `seconds` is written by the thread that the group waits for.
  private let board: Int32
  private let items: Int
  private let group = DispatchGroup()
  private var elapsed = 0.0

  /// - Parameter board: descriptor of the board; owned from then on.
  init(board: Int32, items: Int) {
    self.board = board
    self.items = items
  }

  /// Begins to look; the time counts from here.
  func start() {
    let began = seconds(CLOCK_MONOTONIC)
    DispatchQueue(label: "watch").async(group: group) {
      guard let status = try? StatusBoard(inherited: self.board) else { return }
      while status.get(.items, of: 0) < UInt64(self.items) { usleep(500) }
      self.elapsed = seconds(CLOCK_MONOTONIC) - began
    }
  }

  /// Waits for it.
  ///
  /// - Returns: seconds since the start.
  func wait() -> Double {
    group.wait()
    return elapsed
  }
}
