internal import Glibc
internal import Reporter

/// Passwords from the keyboard or from standard input.
enum PasswordPrompt {
  /// Asks on the terminal twice, without showing what is typed.
  ///
  /// - Throws: `RunError` where there is no terminal, or the two are not the same.
  static func ask(for name: String) throws -> String {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
    guard terminal >= 0 else {
      throw RunError("there is no terminal to ask for the password; give it with --stdin")
    }
    defer { close(terminal) }
    let least = PasswordHash.passwordLengthMin
    let first = try hidden("Password of \(name) (at least \(least) characters): ", terminal)
    if let problem = problem(of: first) { throw RunError(problem) }
    guard try hidden("Again: ", terminal) == first else {
      throw RunError("the two passwords are not the same")
    }
    return first
  }

  /// The first line of standard input.
  ///
  /// - Throws: `RunError` where there is none.
  static func line() throws -> String { try line(from: STDIN_FILENO) }

  /// Why it can't be a password; nil where it can.
  static func problem(of password: String) -> String? {
    let least = PasswordHash.passwordLengthMin
    if password.count < least { return "a password has at least \(least) characters" }
    if password.utf8.count > PasswordHash.passwordBytesMax {
      return "a password has at most \(PasswordHash.passwordBytesMax) bytes"
    }
    // RFC 7617 2: what Basic could not carry.
    if password.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
      return "a password has no control characters"
    }
    return nil
  }

  private static func hidden(_ question: String, _ terminal: Int32) throws -> String {
    var before = termios()
    guard tcgetattr(terminal, &before) == 0 else { throw RunError("/dev/tty is no terminal") }
    var silent = before
    silent.c_lflag &= ~tcflag_t(ECHO)
    // Ctrl-C must not leave a terminal that shows nothing: it interrupts the read instead.
    var taken = sigaction()
    taken.__sigaction_handler.sa_handler = { number in PasswordPrompt.interrupted = number }
    var old = sigaction()
    interrupted = 0
    sigaction(SIGINT, &taken, &old)
    tcsetattr(terminal, TCSAFLUSH, &silent)
    defer {
      tcsetattr(terminal, TCSAFLUSH, &before)
      sigaction(SIGINT, &old, nil)
      if interrupted != 0 { raise(interrupted) }
    }
    write(question, to: terminal)
    let answer = try line(from: terminal)
    write("\n", to: terminal)
    return answer
  }

  /// Written by the handler of SIGINT alone, while one thread waits in read(2).
  nonisolated(unsafe) private static var interrupted: Int32 = 0

  private static func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }

  private static func line(from descriptor: Int32) throws -> String {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while bytes.count <= PasswordHash.passwordBytesMax + 1 {
      let count = read(descriptor, &byte, 1)
      if count < 0, errno == EINTR, interrupted == 0 { continue }
      guard count == 1 else { break }
      if byte == UInt8(ascii: "\n") { return try text(bytes) }
      bytes.append(byte)
    }
    guard !bytes.isEmpty else { throw RunError("no password") }
    return try text(bytes)
  }

  private static func text(_ bytes: [UInt8]) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw RunError("the password is not in UTF-8")
    }
    return text
  }
}
