/// Where the servers are, and who we are to them.
public struct NATSSettings: Equatable, Sendable {
  /// `nats://host:4222` or `tls://host:4222`; any of them will do.
  public var servers: [String]
  /// What the servers' logs call this connection.
  public var name: String
  /// The user, and a file with its password (its first line).
  public var user: String?
  public var passwordFile: String?
  /// Instead of a password: a file with an NKey seed in one line and its public key in the next one, as
  /// `nk -gen user -pubout` prints them.
  public var seedFile: String?
  /// PEM: the authority that signed the servers' certificates; our own certificate and its key.
  public var caFile: String?
  public var certificateFile: String?
  public var keyFile: String?

  public init(servers: [String], name: String) {
    self.servers = servers
    self.name = name
  }

  /// The first words of the subjects on which answers come. Every user has his own, so that permissions can keep one
  /// from reading another one's answers.
  public var inboxPrefix: String {
    let words = (user ?? "").map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
    return words.isEmpty ? "_INBOX" : "_INBOX_\(String(words))"
  }

  /// Whether the connection must be encrypted.
  public var isSecure: Bool {
    caFile != nil || certificateFile != nil || servers.contains { $0.hasPrefix("tls://") }
  }
}
