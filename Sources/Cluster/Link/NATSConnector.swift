internal import CNATS
internal import Foundation
internal import Wire

/// Makes the connection and, when it is lost, the next one, on a thread of its own: no call of the link waits for that.
///
/// libnats' own reconnecting is off: when a certificate has expired or a password was changed it tries for ever, and
/// says nothing. Here every attempt goes the same way, reads the files again, and gives its reason.
enum NATSConnector {
  private static let attemptSecondsMax = 2.0
  /// A connection that is cut off is noticed after three of these.
  private static let pingSeconds = 1.5

  /// Begins; ends with `mailbox.stop()`.
  static func start(_ settings: NATSSettings, _ mailbox: NATSMailbox) {
    let thread = Thread { run(settings, mailbox) }
    thread.name = "renkei-nats"
    thread.start()
  }

  private static func run(_ settings: NATSSettings, _ mailbox: NATSMailbox) {
    // libnats' threads may call back at any later time: the mailbox stays for ever. It is small, and a process has few.
    let closure = Unmanaged.passRetained(mailbox).toOpaque()
    while !mailbox.isStopped {
      do {
        let connection = try connect(settings, closure)
        mailbox.connected(connection)
        while connection.isOpen, !mailbox.isStopped { mailbox.watch(seconds: 0.25) }
        let why = lastError(of: connection)
        natsConnection_Close(connection.pointer)
        mailbox.disconnected(why)
        mailbox.pause(seconds: .random(in: 0.02...0.2))
      } catch {
        mailbox.failed(error)
        // Not all of a cluster at the same moment; and a wrong password costs the server a tenth of a second each time.
        if case .unreachable = error {
          mailbox.pause(seconds: .random(in: 0.2...0.5))
        } else {
          mailbox.pause(seconds: .random(in: 2...3))
        }
      }
    }
  }

  private static func lastError(of connection: NATSConnection) -> String {
    var text: UnsafePointer<CChar>?
    let status = natsConnection_GetLastError(connection.pointer, &text)
    let words = text.map { String(cString: $0) } ?? ""
    if !words.isEmpty { return words }
    return status == NATS_OK ? "the server ended the connection" : NATSFailure.text(of: status)
  }

  /// One attempt with every server, in any order.
  private static func connect(_ settings: NATSSettings, _ closure: UnsafeMutableRawPointer)
    throws(ClusterError) -> NATSConnection
  {
    var failures: [ClusterError] = []
    for server in settings.servers.shuffled() {
      do {
        return try connect(to: server, settings, closure)
      } catch {
        guard NATSFailure.isSilence(error), settings.isSecure else {
          failures.append(error)
          continue
        }
      }
      // So ends a connection whose certificate is not taken, and any other one when the server stops in its midst; that
      // one is not there a second time.
      do {
        return try connect(to: server, settings, closure)
      } catch {
        failures.append(
          NATSFailure.isSilence(error) ? .refused(certificateProblem(server, settings)) : error)
      }
    }
    // That one of them refuses us says more than that another one is down.
    let refusals = failures.filter { if case .unreachable = $0 { false } else { true } }
    throw refusals.first ?? failures.last ?? .misconfigured("no server is named")
  }

  private static func certificateProblem(_ server: String, _ settings: NATSSettings) -> String {
    guard let path = settings.certificateFile else {
      return "\(server): the server wants a certificate, and none is set"
    }
    let dates = (try? read(path)).flatMap { CertificateDates(pem: $0) }
    let now = Clock.wallSeconds()
    if let dates, dates.notAfter < now {
      return "\(server): our certificate \(path) has expired"
    }
    if let dates, dates.notBefore > now {
      return "\(server): our certificate \(path) is not valid yet"
    }
    return
      "\(server): the server does not take our certificate \(path); most likely it does not know its authority"
  }

  private static func connect(
    to server: String, _ settings: NATSSettings, _ closure: UnsafeMutableRawPointer
  ) throws(ClusterError) -> NATSConnection {
    func check(_ status: natsStatus, _ what: String) throws(ClusterError) {
      guard status != NATS_OK else { return }
      throw NATSFailure.error(status, NATSFailure.lastText, server: server, what: what)
    }
    var made: OpaquePointer?
    try check(natsOptions_Create(&made), "options")
    guard let options = made else { throw .unreachable("no memory") }
    defer { natsOptions_Destroy(options) }
    try check(natsOptions_SetURL(options, server), "the address")
    try check(natsOptions_SetName(options, settings.name), "the name")
    try check(natsOptions_SetAllowReconnect(options, false), "options")
    try check(natsOptions_SetTimeout(options, Int64(attemptSecondsMax * 1000)), "options")
    try check(natsOptions_SetPingInterval(options, Int64(pingSeconds * 1000)), "options")
    try check(natsOptions_SetMaxPingsOut(options, 2), "options")
    try check(natsOptions_SetWriteDeadline(options, 3000), "options")
    try check(natsOptions_SetSendAsap(options, true), "options")
    try check(natsOptions_SetErrorHandler(options, NATSCallbacks.error, closure), "options")
    try check(natsOptions_SetClosedCB(options, NATSCallbacks.closed, closure), "options")
    try check(natsOptions_SetDisconnectedCB(options, NATSCallbacks.closed, closure), "options")
    try authenticate(options, settings, check)
    if settings.isSecure { try secure(options, settings, check) }

    var connected: OpaquePointer?
    try check(natsConnection_Connect(&connected, options), "")
    guard let connected else { throw .unreachable("\(server): no connection") }
    let inbox = "\(settings.inboxPrefix).\(String(UInt64.random(in: .min ... .max), radix: 36))"
    var subscription: OpaquePointer?
    let status = natsConnection_Subscribe(
      &subscription, connected, inbox + ".*", NATSCallbacks.message, closure)
    guard status == NATS_OK, let subscription else {
      natsConnection_Destroy(connected)
      throw NATSFailure.error(status, NATSFailure.lastText, server: server, what: "")
    }
    _ = natsSubscription_SetPendingLimits(subscription, -1, -1)
    return NATSConnection(connected, subscription: subscription, inbox: inbox)
  }

  private typealias Check = (natsStatus, String) throws(ClusterError) -> Void

  private static func authenticate(
    _ options: OpaquePointer, _ settings: NATSSettings, _ check: Check
  ) throws(ClusterError) {
    if let path = settings.seedFile {
      let words = try read(path).split(whereSeparator: \.isWhitespace)
      guard let key = words.first(where: { $0.hasPrefix("U") && $0.count == 56 }) else {
        throw .misconfigured("\(path) has no public key (U…) behind the seed")
      }
      try check(natsOptions_SetNKeyFromSeed(options, String(key), path), path)
    } else if let user = settings.user {
      var password = ""
      if let path = settings.passwordFile {
        password = String(try read(path).split(whereSeparator: \.isNewline).first ?? "")
      }
      try check(natsOptions_SetUserInfo(options, user, password), "user and password")
    }
  }

  private static func secure(
    _ options: OpaquePointer, _ settings: NATSSettings, _ check: Check
  ) throws(ClusterError) {
    try check(natsOptions_SetSecure(options, true), "TLS")
    if let path = settings.caFile {
      _ = try read(path)
      try check(natsOptions_LoadCATrustedCertificates(options, path), path)
    }
    if let path = settings.certificateFile, let key = settings.keyFile {
      _ = try (read(path), read(key))
      try check(natsOptions_LoadCertificatesChain(options, path, key), "\(path), \(key)")
    }
  }

  private static func read(_ path: String) throws(ClusterError) -> String {
    do {
      return try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw .refused("can't read \(path): \(error.localizedDescription)")
    }
  }
}
