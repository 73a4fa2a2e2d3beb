internal import Glibc
internal import Wire

/// Whether the unit of a status runs, which the status alone can't tell.
enum UnitCondition: Equatable, Sendable {
  case running
  /// Ended as it should, some time ago.
  case ended
  /// It says that it runs, but there is no such process.
  case dead
  /// The process is there and has not written for long.
  case stale(seconds: Double)

  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - isAlive: whether there is a process of this number.
  init(
    of status: UnitStatus, now: Double = Clock.wallSeconds(),
    isAlive: (Int32) -> Bool = UnitCondition.isAlive
  ) {
    // Whichever way the clock was set, the next status is right again.
    let age = abs(now - status.writtenAtSeconds)
    if status.state == .ended {
      self = .ended
    } else if !isAlive(status.pid) {
      self = .dead
    } else if age > StatusFile.staleAfterSeconds {
      self = .stale(seconds: age)
    } else {
      self = .running
    }
  }

  static func isAlive(_ pid: Int32) -> Bool {
    // 0 and below would mean groups of processes.
    pid > 0 && (kill(pid, 0) == 0 || errno == EPERM)
  }
}

extension UnitStatus {
  /// Why the unit is not well, in English; nil where it is.
  ///
  /// - Parameter condition: as it is now.
  func illness(_ condition: UnitCondition) -> String? {
    switch condition {
    case .ended: return "the unit ended"
    case .dead: return "the unit died: no process \(pid)"
    case .stale(let seconds):
      return "no status for \(Int(min(seconds, 1e9))) s"
    case .running: break
    }
    let failed = processes.filter { $0.state == .failed }.map(\.role)
    return failed.isEmpty ? nil : "failed: \(failed.joined(separator: ", "))"
  }
}
