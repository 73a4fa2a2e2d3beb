internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore

/// Serves pages over HTTP/1.1 on the loopback: the unit's metrics, its status and its health.
///
/// Nothing but GET and HEAD; at most 32 connections, 16 KiB of header, 15 s of silence. Without credentials,
/// so it takes no address that others can reach, and no request that names another host: a page in a
/// browser could send those by a name of its own for 127.0.0.1.
public struct PageService: Sendable {
  private let host: String
  private let port: Int
  private let page: @Sendable (_ path: String) -> ServicePage?

  private static let connectionsMax = 32
  private static let idleTimeoutSeconds: Int64 = 15
  private static let headerBytesMax = 16 << 10
  private static let headerFieldsMax = 64

  /// - Parameters:
  ///   - host: an address of the loopback.
  ///   - page: the answer for a path; nil where there is none.
  /// - Throws: `PageServiceError.notLoopback`.
  public init(
    host: String, port: Int, page: @escaping @Sendable (_ path: String) -> ServicePage?
  ) throws(PageServiceError) {
    guard Loopback.contains(host) else { throw .notLoopback(host: host, port: port) }
    self.host = host
    self.port = port
    self.page = page
  }

  /// Serves until the task is cancelled.
  ///
  /// - Parameter onReady: called with the port once requests are answered; for port 0 the kernel chooses.
  /// - Throws: `PageServiceError.cannotListen`.
  public func run(onReady: @escaping @Sendable (Int?) -> Void = { _ in }) async throws {
    // Each request is in the client's hands; what goes wrong in one is no news for the operator.
    let logger = Logger(label: "renkei", factory: { _ in SwiftLogNoOpLogHandler() })
    let application = Application(
      responder: PageResponder(page: page),
      server: .http1(
        configuration: .init(
          idleTimeout: .seconds(PageService.idleTimeoutSeconds),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: PageService.headerBytesMax,
            maxHeaderListSize: PageService.headerBytesMax,
            maxHeaderFieldCount: PageService.headerFieldsMax))),
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: port), backlog: 64,
        availableConnectionsDelegate: MaximumAvailableConnections(
          PageService.connectionsMax, logger: logger)),
      onServerRunning: { onReady($0.localAddress?.port) },
      logger: logger)
    do {
      try await application.run()
    } catch let error as IOError {
      throw PageServiceError.cannotListen(
        host: host, port: port, reason: .init(errorNumber: error.errnoCode))
    }
  }
}

/// Answers one request.
struct PageResponder: HTTPResponder {
  let page: @Sendable (_ path: String) -> ServicePage?

  func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
    if let authority = request.head.authority,
      !Loopback.contains(Loopback.host(ofAuthority: authority))
    {
      return response(
        ServicePage(status: 421, text: "this service answers for the loopback only\n"), to: request)
    }
    guard request.method == .get || request.method == .head else {
      var answer = response(ServicePage(status: 405, text: "only GET and HEAD\n"), to: request)
      answer.headers[.allow] = "GET, HEAD"
      return answer
    }
    return response(
      page(request.uri.path) ?? ServicePage(status: 404, text: "no such page\n"), to: request)
  }

  private func response(_ page: ServicePage, to request: Request) -> Response {
    var headers = HTTPFields()
    headers[.contentType] = page.type
    headers[.contentLength] = "\(page.body.count)"
    headers[.cacheControl] = "no-store"
    headers[.xContentTypeOptions] = "nosniff"
    return Response(
      status: .init(code: page.status), headers: headers,
      body: request.method == .head ? .init() : .init(byteBuffer: ByteBuffer(bytes: page.body)))
  }
}
