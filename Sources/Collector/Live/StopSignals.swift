internal import Glibc

/// SIGTERM and SIGINT, asked for instead of handled: the capture looks after each run of packets.
struct StopSignals {
  private static let numbers = [SIGTERM, SIGINT]

  /// Holds the signals back from this process. Call while it has one thread.
  init() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in StopSignals.numbers { sigaddset(&signals, number) }
    sigprocmask(SIG_BLOCK, &signals, nil)
    // One that is ignored would never be pending.
    for number in StopSignals.numbers { signal(number, SIG_DFL) }
  }

  /// Whether one of them came.
  var isPending: Bool {
    var signals = sigset_t()
    sigpending(&signals)
    return StopSignals.numbers.contains { sigismember(&signals, $0) == 1 }
  }
}
