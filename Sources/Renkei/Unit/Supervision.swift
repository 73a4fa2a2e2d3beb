internal import Glibc

/// SIGINT or SIGTERM ended the run; the exit status is 128 and the signal's number, as shells do.
struct Interrupted: Error {
  let signal: Int32
}

/// A stage did not do its work. `alreadySaid`: it has told why on standard error itself.
struct StageFailed: Error, CustomStringConvertible {
  let description: String
  let alreadySaid: Bool
}

/// The children of a run.
///
/// Signals are blocked and waited for, never handled: one that comes at any moment is seen at the
/// next wait (sigwait(3)).
final class Supervision {
  private var running: [pid_t: ChildProcess] = [:]
  private var awaited = sigset_t()

  init() {
    sigemptyset(&awaited)
    for number in [SIGCHLD, SIGINT, SIGTERM, SIGHUP] {
      // A shell may have had some of them ignored; but where SIGHUP is, nohup(1) had its reason.
      if number == SIGHUP && Supervision.isIgnored(number) { continue }
      signal(number, SIG_DFL)
      sigaddset(&awaited, number)
    }
    pthread_sigmask(SIG_BLOCK, &awaited, nil)
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    // SIG_IGN is a macro of a cast that Swift can't import: the pointer 1 (signal.h).
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  func start(
    _ role: String, _ arguments: [String], _ descriptors: [Int32], keepsStandardInput: Bool = false
  ) throws {
    let child = try ChildProcess.start(
      role: role, arguments: arguments, descriptors: descriptors,
      keepsStandardInput: keepsStandardInput)
    running[child.pid] = child
  }

  /// Waits until no child is left. After the first failure the rest is ended: what they make is a
  /// temporary store that nobody will see, and one may be blocked in reading a pipe.
  ///
  /// - Returns: the first failure, or nil where all ended well.
  func waitForAll() -> (any Error)? {
    var failure: (any Error)?
    while true {
      while let end = ChildEnd.next() {
        guard let child = running.removeValue(forKey: end.pid) else { continue }
        if end.isSuccess || failure != nil { continue }
        failure = Supervision.failure(of: child, end)
        endAll()
      }
      if running.isEmpty { return failure }
      var number: Int32 = 0
      sigwait(&awaited, &number)
      if number != SIGCHLD && failure == nil {
        failure = Interrupted(signal: number)
        endAll()
      }
    }
  }

  private static func failure(of child: ChildProcess, _ end: ChildEnd) -> StageFailed {
    guard let number = end.signal else {
      return StageFailed(description: "the \(child.role) failed", alreadySaid: true)
    }
    return StageFailed(
      description: "the \(child.role) (process \(end.pid)) was ended by signal \(number), "
        + "\(String(cString: strsignal(number))); no report was written", alreadySaid: false)
  }

  private func endAll() {
    // What they make is temporary, and a stopped process hears nothing else.
    for pid in running.keys { kill(pid, SIGKILL) }
  }
}
