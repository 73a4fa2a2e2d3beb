internal import Glibc
internal import Synchronization
internal import Wire

/// One line on the terminal, drawn over itself: percent, packets, rate and time left.
///
/// Silent where standard error is no terminal.
final class ProgressBar: Sendable {
  private let isDone = Atomic<Bool>(false)
  private static let redrawMicroseconds: UInt32 = 100_000

  /// Draws until `finish`, from a thread of its own.
  func start(_ status: borrowing StatusBoard, collector: Int) {
    guard Terminal.isInteractive else { return }
    // The thread maps the board itself, so that it borrows nothing from this one.
    let descriptor = dup(status.descriptor)
    let thread = ProgressThread(bar: self, descriptor: descriptor, collector: collector)
    thread.start()
  }

  func finish() {
    isDone.store(true, ordering: .relaxed)
    Terminal.clearLine()
  }

  fileprivate func draw(_ descriptor: Int32, collector: Int) {
    guard let board = try? StatusBoard(inherited: descriptor) else { return }
    let began = Clock.seconds()
    while !isDone.load(ordering: .relaxed) {
      usleep(ProgressBar.redrawMicroseconds)
      let line = ProgressBar.line(
        bytes: board.get(.inputBytes, of: collector),
        total: board.get(.inputBytesTotal, of: collector),
        packets: board.get(.items, of: collector), seconds: Clock.seconds() - began)
      if !isDone.load(ordering: .relaxed) { Terminal.standardError("\r\(line)\u{1B}[K") }
    }
  }

  /// The line's text. `total` 0: the end is unknown, as for standard input.
  static func line(bytes: UInt64, total: UInt64, packets: UInt64, seconds: Double) -> String {
    let rate = seconds > 0 ? Double(packets) / seconds : 0
    let counts = "\(packets.grouped) packets  \(Terminal.short(rate))pps"
    guard total > 0 else { return counts }
    let share = min(1, Double(bytes) / Double(total))
    if share >= 1 { return "100 %  \(counts)  finishing" }
    // Nothing can be said of the rest before anything is read.
    let left = share > 0 ? "  \(Int((seconds / share * (1 - share)).rounded(.up))) s left" : ""
    let width = 24
    let full = Int(share * Double(width))
    let bar = String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
    return "\(bar) \(Int(share * 100)) %  \(counts)\(left)"
  }
}

/// A detached POSIX thread that draws the bar.
private final class ProgressThread: Sendable {
  private let bar: ProgressBar
  private let descriptor: Int32
  private let collector: Int

  init(bar: ProgressBar, descriptor: Int32, collector: Int) {
    self.bar = bar
    self.descriptor = descriptor
    self.collector = collector
  }

  func start() {
    var thread = pthread_t()
    let created = pthread_create(
      &thread, nil,
      { argument in
        // SAFETY: the pointer was made by passRetained just below, once for this thread.
        let this = Unmanaged<ProgressThread>.fromOpaque(argument!).takeRetainedValue()
        this.bar.draw(this.descriptor, collector: this.collector)
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    if created == 0 { pthread_detach(thread) }
  }
}
