internal import Glibc

/// SIGTERM and SIGINT, asked for instead of handled. Made while this process has one thread: those that come after it,
/// a library's, are not interrupted either.
struct EndingSignals {
  private static let numbers = [SIGTERM, SIGINT]

  init() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in EndingSignals.numbers + [SIGHUP, SIGCHLD] { sigaddset(&signals, number) }
    // One that is ignored would never be pending.
    for number in EndingSignals.numbers { signal(number, SIG_DFL) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Whether one of them came.
  var isPending: Bool {
    var signals = sigset_t()
    sigpending(&signals)
    return EndingSignals.numbers.contains { sigismember(&signals, $0) == 1 }
  }
}
