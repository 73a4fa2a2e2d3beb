internal import Foundation
internal import Glibc
internal import Wire

/// 制御部: starts the stages of a unit, starts again what dies, and ends them in the order of the data.
///
/// Signals are blocked and waited for, never handled (sigtimedwait(2)).
final class UnitSupervisor {
  /// How a unit ended that was not interrupted.
  enum End {
    case drained
    /// SIGHUP: the configuration is to be read again.
    case reload
  }

  let plan: UnitPlan
  let configuration: UnitConfiguration
  private var slots: [Slot]
  private var awaited = sigset_t()
  private(set) var state = UnitStatus.State.starting
  private var isReloading = false
  private let startedAt = Clock.seconds()
  private let log: (String) -> Void

  /// A stage and the process that does its work.
  struct Slot {
    var stage: UnitPlan.Stage
    var pid: pid_t?
    var startedAt = 0.0
    /// When to start it again; nil while it runs or is done.
    var startAt: Double?
    /// Starts that were followed by a quick end, in a row.
    var quickEnds = 0
    var restarts = 0
    var lastEnd: String?
    /// Its work is done.
    var isDone = false
  }

  /// A process that ran so long was no failure to start.
  private static let steadySeconds = 30.0
  /// After so many quick ends in a row a process counts as failed; it is still tried.
  static let quickEndsMax = 5
  /// While a unit is this young, a stage that can't do its work at all ends it.
  private static let youngSeconds = 5.0

  /// - Parameter log: takes a line for the operator.
  init(
    _ configuration: UnitConfiguration, _ plan: UnitPlan, log: @escaping (String) -> Void
  ) {
    self.configuration = configuration
    self.plan = plan
    self.log = log
    slots = plan.stages.map { Slot(stage: $0) }
    sigemptyset(&awaited)
    for number in [SIGCHLD, SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_DFL)
      sigaddset(&awaited, number)
    }
    pthread_sigmask(SIG_BLOCK, &awaited, nil)
  }

  var processes: [Slot] { slots }

  /// Runs until the unit has drained.
  ///
  /// - Parameters:
  ///   - limitSeconds: how long to capture; nil: until a signal comes.
  ///   - tickSeconds: how often `tick` is called.
  ///   - reload: asked after SIGHUP whether the configuration is good to be read again.
  /// - Throws: `StageFailed` where a stage can't do its work from the start, or the drained unit misses
  ///   packets; `Interrupted` after a second signal.
  func run(
    limitSeconds: Double? = nil, tickSeconds: Double = 1, reload: () -> Bool = { false },
    tick: (UnitSupervisor) -> Void
  ) throws -> End {
    for place in slots.indices { try start(place) }
    var tickAt = Clock.seconds()
    var endAt = Double.infinity
    while true {
      try reap()
      if isDrained {
        endReporters()
        tick(self)
        return isReloading ? .reload : .drained
      }
      let now = Clock.seconds()
      for place in slots.indices {
        if let startAt = slots[place].startAt, startAt <= now { try start(place) }
      }
      if state == .starting && isCapturing {
        state = .capturing
        if let limitSeconds { endAt = now + limitSeconds }
      }
      if now >= endAt { drain() }
      if collectorsAreDone && state != .draining { state = .draining }
      if now >= tickAt {
        tick(self)
        tickAt = now + tickSeconds
      }
      let next = min(
        slots.compactMap(\.startAt).min() ?? tickAt, tickAt, state == .capturing ? endAt : tickAt)
      let number = wait(seconds: max(0.001, next - Clock.seconds()))
      if number == SIGINT || number == SIGTERM {
        if state == .draining && !isReloading {
          killAll()
          throw Interrupted(signal: number)
        }
        isReloading = false
        drain()
      } else if number == SIGHUP && state != .draining && reload() {
        isReloading = true
        drain()
      }
    }
  }

  /// Runs one more process when the unit has ended, and waits for it.
  ///
  /// - Throws: `StageFailed`; `Interrupted` after SIGINT or SIGTERM.
  func runAfterwards(_ role: String, _ arguments: [String]) throws {
    let child = try ChildProcess.start(role: role, arguments: arguments, descriptors: [])
    while true {
      while let end = ChildEnd.next() {
        guard end.pid == child.pid else { continue }
        guard end.isSuccess else {
          throw StageFailed(
            description: "the \(role) \(UnitSupervisor.how(end))", alreadySaid: end.signal == nil)
        }
        return
      }
      let number = wait(seconds: 1)
      if number == SIGINT || number == SIGTERM {
        kill(child.pid, SIGKILL)
        throw Interrupted(signal: number)
      }
    }
  }

  private static func how(_ end: ChildEnd) -> String {
    end.signal.map { "was ended by signal \($0), \(String(cString: strsignal($0)))" }
      ?? "ended with status \(end.code)"
  }

  // MARK: - Children

  private func start(_ place: Int) throws {
    var stage = slots[place].stage
    if state == .draining && stage.kind == .collector {
      // It counts what the dead one had, says that nothing follows, and ends.
      stage.arguments.insert("--finish", at: 2)
    }
    let child = try ChildProcess.start(
      role: stage.role, arguments: stage.arguments, descriptors: stage.descriptors)
    slots[place].pid = child.pid
    slots[place].startAt = nil
    slots[place].startedAt = Clock.seconds()
  }

  private func reap() throws {
    while let end = ChildEnd.next() {
      guard let place = slots.firstIndex(where: { $0.pid == end.pid }) else { continue }
      slots[place].pid = nil
      let stage = slots[place].stage
      if end.isSuccess && stage.kind != .reporter {
        slots[place].isDone = true
        continue
      }
      let how = UnitSupervisor.how(end)
      slots[place].lastEnd = how
      let now = Clock.seconds()
      // Wrong from the start: the reason has been said, and will be the same again.
      if end.signal == nil && stage.kind != .reporter && end.code != UnitSupervisor.tryAgain
        && slots[place].restarts == 0 && now - startedAt < UnitSupervisor.youngSeconds
      {
        killAll()
        throw StageFailed(description: "the \(stage.role) failed", alreadySaid: true)
      }
      if end.signal == nil && [.merger, .publisher].contains(stage.kind) && isDraining(of: stage) {
        // All its input is there and it can't finish: that will not change.
        killAll()
        throw StageFailed(description: "the \(stage.role) failed", alreadySaid: true)
      }
      if stage.kind == .collector && plan.readsFiles {
        // Another one would read them from the beginning, and what was sent would count twice.
        killAll()
        throw StageFailed(
          description: "the \(stage.role) \(how); only some of the packets were sent",
          alreadySaid: false)
      }
      let isQuick = now - slots[place].startedAt < UnitSupervisor.steadySeconds
      slots[place].quickEnds = isQuick ? slots[place].quickEnds + 1 : 1
      let pause = min(
        configuration.run.restartBackoffMaxSeconds,
        configuration.run.restartBackoffSeconds
          * Double(1 << min(16, slots[place].quickEnds - 1)))
      // The first time nothing is waited for: the rings are filling.
      slots[place].startAt = now + (slots[place].quickEnds == 1 ? 0 : pause)
      slots[place].restarts += 1
      log("the \(stage.role) (process \(end.pid)) \(how); it is started again")
    }
  }

  /// The exit status of a collector that must be started anew, because it may not open its interface again
  /// itself (sysexits.h EX_TEMPFAIL).
  private static let tryAgain: Int32 = 75

  private func isDraining(of stage: UnitPlan.Stage) -> Bool {
    state == .draining
      && slots.allSatisfy { $0.isDone || $0.stage.kind == stage.kind || $0.stage.kind == .reporter }
  }

  private var isCapturing: Bool {
    plan.interfaces.indices.allSatisfy { plan.board.get(.interfaceState, of: $0) > 0 }
  }

  private var collectorsAreDone: Bool {
    slots.allSatisfy { $0.stage.kind != .collector || $0.isDone }
  }

  private var isDrained: Bool { slots.allSatisfy { $0.isDone || $0.stage.kind == .reporter } }

  /// Ends the capture; the rest follows, each stage when the one before has ended.
  private func drain() {
    guard state != .draining else { return }
    state = .draining
    for place in slots.indices where slots[place].stage.kind == .collector {
      if let pid = slots[place].pid { kill(pid, SIGTERM) }
      // Nobody waits for the end of a pause.
      if slots[place].startAt != nil { slots[place].startAt = 0 }
    }
  }

  private func endReporters() {
    state = .ended
    for place in slots.indices where slots[place].stage.kind == .reporter {
      guard let pid = slots[place].pid else { continue }
      kill(pid, SIGTERM)
      var status: Int32 = 0
      waitpid(pid, &status, 0)
      slots[place].pid = nil
      slots[place].isDone = true
    }
  }

  private func killAll() {
    for pid in slots.compactMap(\.pid) {
      kill(pid, SIGKILL)
      var status: Int32 = 0
      waitpid(pid, &status, 0)
    }
  }

  /// The next signal, or 0 when the time is over.
  private func wait(seconds: Double) -> Int32 {
    var time = timespec()
    time.tv_sec = Int(seconds)
    time.tv_nsec = Int((seconds - Double(Int(seconds))) * 1e9)
    let number = sigtimedwait(&awaited, nil, &time)
    return number > 0 ? number : 0
  }
}
