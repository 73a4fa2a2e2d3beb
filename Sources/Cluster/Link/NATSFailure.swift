internal import CNATS

/// What libnats, OpenSSL and the servers say, in words that tell what to do.
enum NATSFailure {
  static func text(of status: natsStatus) -> String {
    natsStatus_GetText(status).map { String(cString: $0) } ?? "error \(status.rawValue)"
  }

  /// Of the last call of this thread.
  static var lastText: String {
    var status = NATS_OK
    return nats_GetLastError(&status).map { String(cString: $0) } ?? ""
  }

  /// Parts of the texts, and what they mean. The first one that is found counts.
  private static let refusals: [(part: String, meaning: String)] = [
    ("authorization violation", "the user or the password is wrong"),
    ("authentication expired", "the credentials have expired"),
    ("certificate has expired", "the server's certificate has expired"),
    ("certificate is not yet valid", "the server's certificate is not valid yet"),
    ("unable to get local issuer", "the server's certificate is of an authority that is not known"),
    ("unable to verify the first", "the server's certificate is of an authority that is not known"),
    ("self-signed certificate", "the server's certificate is of an authority that is not known"),
    ("self signed certificate", "the server's certificate is of an authority that is not known"),
    ("hostname mismatch", "the server's certificate is for another name"),
    ("ip address mismatch", "the server's certificate is for another address"),
    ("alert certificate expired", "the server says that our certificate has expired"),
    ("alert unknown ca", "the server does not know the authority of our certificate"),
    ("certificate required", "the server wants a certificate, and none is set"),
    (
      "alert bad certificate",
      "the server does not take our certificate: none is set, it has expired, or its authority is not known"
    ),
    ("key values mismatch", "the key is not the certificate's"),
    ("certificate verify failed", "the server's certificate can't be verified"),
  ]

  /// The server ended the connection where it should have greeted.
  static func isSilence(_ error: ClusterError) -> Bool {
    if case .unreachable(let why) = error { why.contains("Expected 'PONG', got ''") } else { false }
  }

  /// - Parameter what: which part of our own settings was not taken; empty where it was the server.
  static func error(_ status: natsStatus, _ text: String, server: String, what: String)
    -> ClusterError
  {
    let said = text.isEmpty ? self.text(of: status) : text
    guard what.isEmpty else { return .refused("\(what): \(said)") }
    let lower = said.lowercased()
    if let known = refusals.first(where: { lower.contains($0.part) }) {
      return .refused("\(server): \(known.meaning)")
    }
    switch status {
    case NATS_CONNECTION_AUTH_FAILED:
      return .refused("\(server): the user or the password is wrong")
    case NATS_SECURE_CONNECTION_REQUIRED:
      return .refused("\(server): the server wants TLS, and the address begins with nats://")
    case NATS_SECURE_CONNECTION_WANTED:
      return .refused("\(server): TLS is wanted, and the server has none")
    case NATS_SSL_ERROR: return .refused("\(server): TLS: \(said)")
    default: return .unreachable("\(server): \(said)")
    }
  }
}
