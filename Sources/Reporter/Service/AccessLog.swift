internal import Glibc
internal import Synchronization
internal import Wire

/// Where the lines of the access log go: a file or standard error or nowhere, and the refused ones to
/// standard error in any case, at most 100 a second.
///
/// Each line is one write(2) to a descriptor in append mode, so that lines never mix.
public final class AccessLog: Sendable {
  private let file: Int32?
  private let errors: Int32
  private let isAllToErrors: Bool
  private let rate = Mutex(LineRate(linesMax: 100))

  /// - Parameter errors: the descriptor of standard error.
  /// - Throws: `ServiceError.accessLog` where the file can't be opened.
  public init(_ configuration: ServiceConfiguration, errors: Int32 = 2) throws(ServiceError) {
    self.errors = errors
    if let path = configuration.accessLog {
      let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
      guard file >= 0 else {
        throw .accessLog(path: path, reason: String(cString: strerror(errno)).lowercased())
      }
      self.file = file
      isAllToErrors = false
    } else {
      file = nil
      isAllToErrors = !configuration.isLoopback
    }
  }

  deinit { if let file { close(file) } }

  public func write(_ line: AccessLine) {
    let text = line.json
    if let file { AccessLog.write(text, to: file) }
    guard line.isRefused else {
      if isAllToErrors { AccessLog.write(text, to: errors) }
      return
    }
    switch rate.withLock({ $0.take(now: Clock.seconds()) }) {
    case .drop: break
    case .write(let dropped):
      if dropped > 0 { AccessLog.write("{\"dropped\":\(dropped)}\n", to: errors) }
      AccessLog.write(text, to: errors)
    }
  }

  private static func write(_ text: String, to descriptor: Int32) {
    var text = text
    // A log that can't be written is no reason not to answer.
    text.withUTF8 { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }
}

/// So many lines a second, and how many more there were.
struct LineRate {
  let linesMax: Int
  private var second = -Double.infinity
  private var lines = 0
  private var dropped = 0

  enum Action: Equatable {
    /// After saying that so many were dropped.
    case write(dropped: Int)
    case drop
  }

  init(linesMax: Int) { self.linesMax = linesMax }

  /// - Parameter now: seconds of a clock that goes forwards.
  mutating func take(now: Double) -> Action {
    if now - second >= 1 {
      second = now
      lines = 0
    }
    guard lines < linesMax else {
      dropped += 1
      return .drop
    }
    lines += 1
    defer { dropped = 0 }
    return .write(dropped: dropped)
  }
}
