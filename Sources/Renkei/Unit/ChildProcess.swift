internal import Glibc

/// A stage as a child process of this one, of the same executable.
///
/// posix_spawn(3) directly, because the child must inherit the memory files of its rings.
struct ChildProcess {
  /// Who it is in messages: "collector", "tracker 2".
  let role: String
  let pid: pid_t

  /// - Parameters:
  ///   - arguments: the subcommand and its options; visible in ps(1).
  ///   - descriptors: memory files that the child keeps, under the same numbers.
  ///   - keepsStandardInput: else it reads from /dev/null.
  static func start(
    role: String, arguments: [String], descriptors: [Int32], keepsStandardInput: Bool = false
  ) throws -> ChildProcess {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // A descriptor duplicated onto itself loses close-on-exec (POSIX.1-2024 posix_spawn).
    for descriptor in descriptors {
      posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor)
    }
    if !keepsStandardInput {
      posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    }
    // The supervisor blocks signals, and whoever started it may have; a stage blocks none.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var texts = (["renkei"] + arguments).map { strdup($0) } + [nil]
    defer { for text in texts { free(text) } }
    var pid: pid_t = 0
    let status = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, &texts, environ)
    guard status == 0 else {
      throw RunError("could not start the \(role): \(String(cString: strerror(status)))")
    }
    return ChildProcess(role: role, pid: pid)
  }
}

/// How a child ended.
struct ChildEnd {
  let pid: pid_t
  let status: Int32

  /// A child that has ended; nil where there is none at the moment.
  static func next() -> ChildEnd? {
    var status: Int32 = 0
    let pid = waitpid(-1, &status, WNOHANG)
    return pid > 0 ? ChildEnd(pid: pid, status: status) : nil
  }

  /// The signal that ended it, if one did (wait(2) WTERMSIG).
  var signal: Int32? { status & 0x7F == 0 ? nil : status & 0x7F }
  /// The exit status (WEXITSTATUS).
  var code: Int32 { status >> 8 & 0xFF }
  var isSuccess: Bool { status == 0 }
}

/// An operating error of the command line itself, in one line.
struct RunError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
