internal import Glibc

/// Why pages can't be served. Each says what to do about it.
public enum ServiceError: Error, Equatable, CustomStringConvertible {
  /// The address can be reached from outside, and this service has no credentials to ask for.
  case notLoopback(name: String, address: String)
  /// The address can be reached from outside, and there is nobody who may come in.
  case noUsers(name: String, address: String, file: String)
  /// The address can be reached from outside, and passwords would cross the network in the clear.
  case noCertificate(name: String, address: String)
  /// A certificate without its key, or a key without its certificate.
  case halfCertificate(missing: String)
  /// The certificate or the key can't be used.
  case certificate(path: String, reason: String)
  /// The users file can't be used.
  case users(path: String, reason: String)
  /// The access log can't be written.
  case accessLog(path: String, reason: String)
  case cannotListen(name: String, address: String, reason: Reason)

  public enum Reason: Equatable, Sendable {
    case inUse
    case notPermitted
    case notHere
    case other(String)

    init(errorNumber: Int32) {
      switch errorNumber {
      case EADDRINUSE: self = .inUse
      case EACCES, EPERM: self = .notPermitted
      case EADDRNOTAVAIL: self = .notHere
      default: self = .other(String(cString: strerror(errorNumber)).lowercased())
      }
    }
  }

  public var description: String {
    switch self {
    case .notLoopback(let name, let address):
      "\(name) \(address): only addresses of the loopback (127.0.0.1, ::1, localhost), "
        + "because whoever reaches the service may read it"
    case .noUsers(let name, let address, let file):
      "\(name) \(address): others can reach this address, and \(file) names nobody who may read; "
        + "`renkei user add NAME --file \(file)` makes a user; or listen on the loopback (127.0.0.1)"
    case .noCertificate(let name, let address):
      "\(name) \(address): others can reach this address, and without a certificate passwords would "
        + "cross the network in the clear; name a certificate and its key, or listen on the loopback "
        + "(127.0.0.1), or spell out `insecure` (--insecure) where another program does the TLS"
    case .halfCertificate(let missing):
      "a certificate and its key go together: the \(missing) is missing"
    case .certificate(let path, let reason), .users(let path, let reason),
      .accessLog(let path, let reason):
      "\(path): \(reason)"
    case .cannotListen(let name, let address, let reason):
      switch reason {
      case .inUse:
        "\(name) \(address): another program listens there; choose another port or end it"
      case .notPermitted: "\(name) \(address): not permitted; choose a port from 1024 on"
      case .notHere: "\(name) \(address): this machine has no such address"
      case .other(let text): "\(name) \(address): \(text)"
      }
    }
  }
}
