internal import Glibc

/// Tells the service manager how the unit is, as sd_notify(3) does, without libsystemd.
///
/// Where nobody waits for it (`$NOTIFY_SOCKET` is not set), nothing is sent. A message that can't be sent is
/// lost: a manager that doesn't listen is no reason to stop capturing.
struct SdNotify: Sendable {
  /// A path, or "@" and an abstract name (unix(7)); nil: nobody waits.
  let socketPath: String?
  /// How often the manager wants a sign of life; it ends a service that gives none for this long. nil: never.
  let watchdogSeconds: Double?

  init(socketPath: String?, watchdogSeconds: Double? = nil) {
    self.socketPath = socketPath.flatMap { $0.isEmpty ? nil : $0 }
    self.watchdogSeconds = watchdogSeconds
  }

  /// What the environment of a process says (sd_notify(3), sd_watchdog_enabled(3)).
  ///
  /// - Parameter pid: of this process; the watchdog may be meant for another.
  init(environment: [String: String], pid: Int32) {
    let isMine = environment["WATCHDOG_PID"].map { Int32($0) == pid } ?? true
    let microseconds = environment["WATCHDOG_USEC"].flatMap { UInt64($0) } ?? 0
    self.init(
      socketPath: environment["NOTIFY_SOCKET"],
      watchdogSeconds: isMine && microseconds > 0 ? Double(microseconds) / 1e6 : nil)
  }

  /// Takes the variables out of this process's environment, so that no child speaks for the service.
  static func hideFromChildren() {
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsetenv(name) }
  }

  /// Puts back what `hideFromChildren` took out: for a process that takes the place of this one.
  func showToChildren() {
    if let socketPath { setenv("NOTIFY_SOCKET", socketPath, 1) }
    if let watchdogSeconds { setenv("WATCHDOG_USEC", "\(UInt64(watchdogSeconds * 1e6))", 1) }
  }

  /// The start is done: packets are captured.
  @discardableResult func ready(_ text: String = "") -> Bool { send("READY=1" + status(text)) }

  /// How it is going, for `systemctl status`.
  @discardableResult func status(_ text: String) -> Bool {
    send(String(status(text).dropFirst()))
  }

  /// The configuration is read again; `ready` ends it (sd_notify(3), Type=notify-reload).
  @discardableResult func reloading() -> Bool {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let microseconds = UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    return send("RELOADING=1\nMONOTONIC_USEC=\(microseconds)")
  }

  /// The unit drains and ends.
  @discardableResult func stopping(_ text: String = "") -> Bool {
    send("STOPPING=1" + status(text))
  }

  /// A sign of life; due at least every half of `watchdogSeconds`.
  @discardableResult func watchdog() -> Bool { send("WATCHDOG=1") }

  /// The ending may take this much longer than TimeoutStopSec.
  @discardableResult func extendTimeout(seconds: Double) -> Bool {
    send("EXTEND_TIMEOUT_USEC=\(UInt64(max(0, seconds) * 1e6))")
  }

  /// A line of its own; the text on one line, since line feeds separate assignments.
  private func status(_ text: String) -> String {
    text.isEmpty
      ? "" : "\nSTATUS=" + text.map { $0.isNewline ? " " : String($0) }.joined()
  }

  /// Whether the message was handed over.
  private func send(_ message: String) -> Bool {
    guard let socketPath, socketPath.first == "/" || socketPath.first == "@" else { return false }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var name = [UInt8](socketPath.utf8)
    let isAbstract = name[0] == UInt8(ascii: "@")
    if isAbstract { name[0] = 0 }
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard name.count < room else { return false }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    // An abstract name is as long as it is; a path ends with a NUL.
    let length =
      MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + name.count + (isAbstract ? 0 : 1)
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var text = message
    return text.withUTF8 { bytes in
      withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          // Never waits: a full queue of the manager must not hold up the capture.
          sendto(
            descriptor, bytes.baseAddress, bytes.count,
            Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), $0, socklen_t(length))
            == bytes.count
        }
      }
    }
  }
}
