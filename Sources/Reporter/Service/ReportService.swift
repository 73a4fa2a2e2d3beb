internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Wire

/// Serves pages over HTTP/1.1: on the loopback to whoever is there, elsewhere by TLS to those who can
/// identify themselves.
///
/// Nothing but GET and HEAD; at most 256 connections, 16 KiB and 64 fields of header, 4 KiB of target, no
/// body, 15 s of silence, 30 s for an answer. docs/report-service.md has it at length.
public struct ReportService: Sendable {
  private let configuration: ServiceConfiguration
  private let responder: ServiceResponder
  private let security: TLSConfiguration?

  private static let headerBytesMax = 16 << 10
  private static let headerFieldsMax = 64

  /// - Parameters:
  ///   - log: takes what is to be said of each request, on any thread.
  ///   - note: takes what the operator should know while the service runs, in one line.
  /// - Throws: `ServiceError`: why the service may not start, or could not.
  public init(
    _ configuration: ServiceConfiguration, pages: any SitePages,
    log: @escaping @Sendable (AccessLine) -> Void = { _ in },
    note: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(ServiceError) {
    let security = try ReportService.security(of: configuration)
    let authenticator = try ReportService.authenticator(of: configuration, note: note)
    self.configuration = configuration
    self.security = security
    responder = ServiceResponder(
      configuration: configuration, pages: pages, authenticator: authenticator, log: log,
      streams: Seats(configuration.eventStreamsMax))
  }

  /// Looks whether a service could start, but for its address being free.
  ///
  /// - Throws: `ServiceError`.
  public static func check(_ configuration: ServiceConfiguration) throws(ServiceError) {
    _ = try security(of: configuration)
    _ = try authenticator(of: configuration) { _ in }
  }

  private static func security(
    of configuration: ServiceConfiguration
  ) throws(ServiceError) -> TLSConfiguration? {
    if let contradiction = configuration.contradiction { throw contradiction }
    guard let certificate = configuration.certificate, let key = configuration.key else {
      return nil
    }
    return try TransportSecurity.configuration(certificate: certificate, key: key)
  }

  private static func authenticator(
    of configuration: ServiceConfiguration, note: @escaping @Sendable (String) -> Void
  ) throws(ServiceError) -> Authenticator? {
    guard let file = configuration.usersFile else { return nil }
    let authenticator = try Authenticator(path: file, note: note)
    guard authenticator.hasUsers else {
      throw .noUsers(name: configuration.name, address: configuration.address, file: file)
    }
    return authenticator
  }

  /// Serves until the task is cancelled.
  ///
  /// - Parameter onReady: called with the port once requests are answered.
  /// - Throws: `ServiceError.cannotListen`.
  public func run(onReady: @escaping @Sendable (Int?) -> Void = { _ in }) async throws {
    // Each request is in the client's hands; what goes wrong in one is in the access log.
    let logger = Logger(label: "renkei", factory: { _ in SwiftLogNoOpLogHandler() })
    let limits = configuration.limits
    let headers = ServiceResponder.securityHeaders(isEncrypted: security != nil)
    let log = responder.log
    let plain = HTTPServerBuilder.http1(
      configuration: .init(
        additionalChannelHandlers: [
          ConnectionGuard(idleSeconds: limits.idleSeconds, headers: headers) { error, remote in
            ReportService.refuse(error, from: remote, log: log)
          }
        ],
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: ReportService.headerBytesMax,
          maxHeaderListSize: ReportService.headerBytesMax,
          maxHeaderFieldCount: ReportService.headerFieldsMax)))
    let application = Application(
      responder: responder,
      server: try security.map { try .tls(plain, tlsConfiguration: $0) } ?? plain,
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port), backlog: 256,
        availableConnectionsDelegate: MaximumAvailableConnections(
          limits.connectionsMax, logger: logger)),
      onServerRunning: { onReady($0.localAddress?.port) },
      logger: logger)
    do {
      try await application.run()
    } catch let error as IOError {
      throw failed(.init(errorNumber: error.errnoCode))
    } catch let error as SocketAddressError {
      throw failed(.other("the host is not known: \(error)"))
    }
  }

  private func failed(_ reason: ServiceError.Reason) -> ServiceError {
    .cannotListen(name: configuration.name, address: configuration.address, reason: reason)
  }

  /// Words the answer to what is no HTTP.
  private static func refuse(
    _ error: HTTPParserError, from remote: SocketAddress?, log: @Sendable (AccessLine) -> Void
  ) -> ConnectionGuard.RefusedText {
    let refusal = error == .headerOverflow ? ServiceRefusal.longHeader : .malformed
    let text = refusal.text(.en) + "\n"
    log(
      AccessLine(
        timeNs: Clock.wallNs(), remote: remote.flatMap(IPAddress.init(socket:)), user: nil,
        method: "", target: "", status: refusal.status, bytes: text.utf8.count, milliseconds: 0,
        reason: refusal.key))
    return .init(status: .init(code: refusal.status), text: text)
  }
}
