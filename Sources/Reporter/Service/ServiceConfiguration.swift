public import ServiceMap

/// What a service of pages is told.
public struct ServiceConfiguration: Sendable, Equatable {
  /// The address to listen on: an IP address, or a name that the resolver knows.
  public var host: String
  /// 0: the kernel chooses.
  public var port: Int
  /// The users file; nil: nobody is asked on the loopback, and `defaultUsers` counts elsewhere.
  public var users: String?
  /// The certificate with its chain, and its key, in PEM; both or none.
  public var certificate: String?
  public var key: String?
  /// Whether credentials may cross a network in the clear. It does not waive the credentials.
  public var isInsecure = false
  /// Whose requests are answered at all; empty: everybody's.
  public var allow: [Prefix] = []
  /// A file that takes a line for each request; nil: standard error, and nothing of it on the loopback.
  public var accessLog: String?
  /// What the operator calls the address: the configuration's key or the option.
  public var name: String
  /// Whether only the loopback will do.
  public var isForLoopbackOnly = false
  /// Readers of `/events` at a time; 0: there is no such page.
  public var eventStreamsMax = 100
  public var limits = Limits()

  /// What a client may take. Others than the defaults are for tests.
  public struct Limits: Sendable, Equatable {
    public var connectionsMax = 256
    /// Silence of the client, or an answer that it does not take, that ends a connection.
    public var idleSeconds = 15.0
    /// Until the pages must have answered.
    public var answerSeconds = 30.0
    /// Between two signs of life in a stream of events; less than what proxies bear.
    public var keepAliveSeconds = 15.0

    public init() {}
  }

  /// The users file where none is named.
  public static let defaultUsers = "/etc/renkei/users"

  public init(host: String, port: Int, name: String = "report.listen") {
    self.host = host
    self.port = port
    self.name = name
  }

  /// Whether only this machine can reach the service.
  public var isLoopback: Bool { Loopback.contains(host) }

  /// The users file that counts; nil where nobody is asked.
  public var usersFile: String? {
    users ?? (isLoopback ? nil : ServiceConfiguration.defaultUsers)
  }

  /// Why it can't be right on any machine; nil where it can.
  public var contradiction: ServiceError? {
    if isForLoopbackOnly, !isLoopback { return .notLoopback(name: name, address: address) }
    switch (certificate, key) {
    case (nil, _?): return .halfCertificate(missing: "certificate")
    case (_?, nil): return .halfCertificate(missing: "key")
    case (nil, nil) where !isLoopback && !isInsecure:
      return .noCertificate(name: name, address: address)
    default: return nil
    }
  }

  /// `127.0.0.1:9478`, `[::1]:9478`.
  var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// `http://127.0.0.1:9478/`.
  ///
  /// - Parameter port: the port that is listened on.
  public func address(port: Int) -> String {
    let scheme = certificate == nil ? "http" : "https"
    return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)/"
  }
}
