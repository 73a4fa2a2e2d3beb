internal import Foundation

/// A Chromium with its connection, a profile of its own and a process group of its own; all of it goes
/// with the object.
final class BrowserProcess {
  private let folder: TemporaryDirectory
  private let pid: pid_t
  /// A socket pair in the place of both pipes: sending to one that nobody reads is an error, and no
  /// SIGPIPE, which all tests of this process and their children would have to ignore.
  private let socket: Int32
  /// Of a message whose end has not come.
  private var begun = Data()

  init() throws {
    guard let path = Tool("chromium").path else { throw BrowserError(Browser.hint) }
    folder = try TemporaryDirectory()
    let (theirs, socket) = try BrowserProcess.sockets()
    defer { close(theirs) }
    self.socket = socket
    let words =
      [
        path, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
        "--user-data-dir=\(folder.path("profile"))", "--lang=en-US", "--no-first-run",
        "--no-default-browser-check", "--disable-background-networking",
        "--disable-component-update", "--disable-extensions", "--disable-sync",
        "--disable-dev-shm-usage", "--disable-breakpad", "--force-color-profile=srgb",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
      ]
    pid = BrowserProcess.spawn(
      words, socket: theirs, errors: try folder.write([], to: "stderr"))
    guard pid > 0 else {
      close(socket)
      throw BrowserError("\(path): cannot be started: \(String(cString: strerror(errno)))")
    }
  }

  deinit {
    // Its renderers and the launcher as well. The profile is removed behind it.
    kill(-pid, SIGKILL)
    close(socket)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }

  /// What it wrote to its standard error.
  var errors: String {
    (try? String(contentsOfFile: folder.path("stderr"), encoding: .utf8)) ?? ""
  }

  /// Two ends that no child inherits, with numbers above those that the child is given.
  private static func sockets() throws -> (Int32, Int32) {
    var low: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &low) == 0 else {
      throw BrowserError("no socket pair: \(String(cString: strerror(errno)))")
    }
    let high = low.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
    for descriptor in low { close(descriptor) }
    return (high[0], high[1])
  }

  private static func spawn(_ words: [String], socket: Int32, errors: String) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, O_WRONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, socket, 3)
    posix_spawn_file_actions_adddup2(&actions, socket, 4)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)
    var texts = words.map { strdup($0) } + [nil]
    defer { for text in texts { free(text) } }
    var pid: pid_t = 0
    let status = posix_spawn(&pid, words[0], &actions, &attributes, &texts, environ)
    if status != 0 { errno = status }
    return status == 0 ? pid : -1
  }

  /// Writes a message.
  func write(_ message: Data, _ limitSeconds: Double) throws {
    let bytes = [UInt8](message) + [0]
    let end = Date() + limitSeconds
    var done = 0
    while done < bytes.count {
      let sent = bytes[done...].withUnsafeBytes {
        send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      if sent > 0 {
        done += sent
      } else if errno == EAGAIN || errno == EINTR {
        _ = wait(POLLOUT, until: end)
        guard Date() < end else { throw BrowserError("chromium takes no commands") }
      } else {
        throw BrowserError("chromium has gone: \(String(cString: strerror(errno)))")
      }
    }
  }

  /// The messages that have come; where none has, waits for some until `end`.
  func read(until end: Date) throws -> [Data] {
    var messages: [Data] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while messages.isEmpty, wait(POLLIN, until: end) {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { throw BrowserError("chromium has gone\n\(errors.suffix(2000))") }
      begun.append(contentsOf: buffer[..<count])
      var parts = begun.split(separator: 0, omittingEmptySubsequences: false)
      begun = parts.removeLast()
      messages = parts
    }
    // A slice would keep its indices, and all that was before it.
    begun = Data(begun)
    return messages
  }

  /// Whether the socket is ready before `end`.
  private func wait(_ event: Int32, until end: Date) -> Bool {
    var entry = pollfd(fd: socket, events: Int16(event), revents: 0)
    let milliseconds = max(0, min(end.timeIntervalSinceNow * 1000, 3_600_000))
    return poll(&entry, 1, Int32(milliseconds.rounded(.up))) > 0
  }
}
