public import Foundation

/// A stage of the built `renkei` with descriptors that it inherits, as its supervisor would start it.
public final class StageProcess: @unchecked Sendable {
  // @unchecked Sendable because `status` is written by one thread before it signals `ended`.
  public private(set) var pid: pid_t = 0
  private var status: Int32 = 0
  private let started = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let directory: TemporaryDirectory

  /// - Parameters:
  ///   - prefix: a command that executes the rest.
  ///   - arguments: "stage", which one, and its options; what every stage is told is added.
  ///   - descriptors: kept under the same numbers.
  public init(
    prefix: [String], _ arguments: [String], statusDescriptor: Int32, process: Int = 0,
    descriptors: [Int32]
  ) throws {
    directory = try TemporaryDirectory()
    let errors = try directory.write([], to: "stderr")
    let words =
      prefix + [Command.renkei] + arguments.prefix(2)
      + [
        "--capture=test", "--status-fd", "\(statusDescriptor)", "--process", "\(process)",
        "--parent", "\(getpid())",
      ] + arguments.dropFirst(2)
    let kept = descriptors + [statusDescriptor]
    // A thread of its own that stays: a stage ends with the thread that started it (prctl(2)).
    let thread = Thread { [self] in
      pid = StageProcess.spawn(words, keeping: kept, errors: errors)
      started.signal()
      if pid > 0 { waitpid(pid, &status, 0) }
      ended.signal()
    }
    thread.start()
    started.wait()
    guard pid > 0 else { throw CocoaError(.executableLoad) }
  }

  private static func spawn(_ words: [String], keeping: [Int32], errors: String) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, O_WRONLY, 0)
    // Onto itself: the descriptor loses close-on-exec.
    for descriptor in keeping {
      posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor)
    }
    var texts = words.map { strdup($0) } + [nil]
    defer { for text in texts { free(text) } }
    var pid: pid_t = 0
    return posix_spawnp(&pid, words[0], &actions, nil, &texts, environ) == 0 ? pid : -1
  }

  deinit { if ended.wait(timeout: .now()) != .success { kill(pid, SIGKILL) } }

  public func send(signal: Int32) { kill(pid, signal) }

  /// Waits for its end, at most `limitSeconds`; then it is killed.
  ///
  /// - Returns: the exit status, or the negative number of the signal that ended it.
  public func wait(limitSeconds: Double = 20) -> Int32 {
    if ended.wait(timeout: .now() + limitSeconds) != .success {
      kill(pid, SIGKILL)
      ended.wait()
    }
    ended.signal()
    return status & 0x7F != 0 ? -(status & 0x7F) : status >> 8 & 0xFF
  }

  /// What it wrote to its standard error.
  public var errors: String {
    (try? String(contentsOfFile: directory.path("stderr"), encoding: .utf8)) ?? ""
  }
}
