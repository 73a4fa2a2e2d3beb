internal import Glibc

/// Why pages can't be served.
public enum PageServiceError: Error, Equatable, CustomStringConvertible {
  /// The address can be reached from outside, and there are no credentials yet.
  case notLoopback(host: String, port: Int)
  case cannotListen(host: String, port: Int, reason: Reason)

  public enum Reason: Equatable, Sendable {
    case inUse
    case notPermitted
    case other(String)

    init(errorNumber: Int32) {
      switch errorNumber {
      case EADDRINUSE: self = .inUse
      case EACCES, EPERM: self = .notPermitted
      default: self = .other(String(cString: strerror(errorNumber)).lowercased())
      }
    }
  }

  public var description: String {
    switch self {
    case .notLoopback(let host, let port):
      "metrics.listen \(host):\(port): only addresses of the loopback (127.0.0.1, ::1, localhost), "
        + "because whoever reaches the service may read it"
    case .cannotListen(let host, let port, let reason):
      switch reason {
      case .inUse:
        "metrics.listen \(host):\(port): another program listens there; choose another port or end it"
      case .notPermitted:
        "metrics.listen \(host):\(port): not permitted; choose a port from 1024 on"
      case .other(let text): "metrics.listen \(host):\(port): \(text)"
      }
    }
  }
}
