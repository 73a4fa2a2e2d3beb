internal import Glibc
internal import Synchronization

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
final class Supervision {
  private var running: [pid_t: ChildProcess] = [:]

  /// Set by the handler; a handler may only touch what is lock-free.
  private static let signalSeen = Atomic<Int32>(0)

  init() {
    var ours = sigset_t()
    sigemptyset(&ours)
    sigaddset(&ours, SIGINT)
    sigaddset(&ours, SIGTERM)
    sigaddset(&ours, SIGHUP)
    sigprocmask(SIG_UNBLOCK, &ours, nil)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      var before = sigaction()
      sigaction(number, nil, &before)
      // nohup(1) had its reason.
      if number == SIGHUP && Supervision.isIgnored(before) { continue }
      var action = sigaction()
      action.__sigaction_handler.sa_handler = {
        Supervision.signalSeen.store($0, ordering: .relaxed)
      }
      // Without SA_RESTART, so that waitpid returns.
      action.sa_flags = 0
      sigaction(number, &action, nil)
    }
  }

  private static func isIgnored(_ action: sigaction) -> Bool {
    // SIG_IGN is a macro of a cast that Swift can't import: the pointer 1 (signal.h).
    unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
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
    while !running.isEmpty {
      let end = ChildEnd.next()
      let signal = Supervision.signalSeen.load(ordering: .relaxed)
      if signal != 0 && failure == nil {
        failure = Interrupted(signal: signal)
        endAll()
      }
      guard let end, let child = running.removeValue(forKey: end.pid) else { continue }
      if end.isSuccess || failure != nil { continue }
      if let number = end.signal {
        failure = StageFailed(
          description: "the \(child.role) (process \(end.pid)) was ended by signal \(number), "
            + "\(String(cString: strsignal(number))); no report was written", alreadySaid: false)
      } else {
        failure = StageFailed(
          description: "the \(child.role) failed", alreadySaid: true)
      }
      endAll()
    }
    return failure
  }

  private func endAll() {
    // What they make is temporary, and a stopped process hears nothing else.
    for pid in running.keys { kill(pid, SIGKILL) }
  }
}
