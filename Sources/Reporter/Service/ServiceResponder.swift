internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NIOHTTP1
internal import ServiceMap
internal import Synchronization
internal import Wire

/// What is known of a request but for its words: the connection it came by.
struct ServiceContext: InitializableFromSource<ApplicationRequestContextSource> {
  let channel: any Channel

  init(source: ApplicationRequestContextSource) { channel = source.channel }
}

/// Answers requests: refuses those that may not be answered, and has the others answered by the pages.
///
/// The order of the checks is that of what is cheapest and tells least: network, size, form, host,
/// credentials; the pages see only what has passed all of them.
struct ServiceResponder: HTTPResponder {
  let configuration: ServiceConfiguration
  let pages: any SitePages
  /// nil where nobody is asked who they are.
  let authenticator: Authenticator?
  let log: @Sendable (AccessLine) -> Void
  let compressor = PageCompressor()
  let streams: Seats

  /// A request on its way to its answer.
  private struct Exchange {
    let request: Request
    let channel: any Channel
    let remote: IPAddress?
    let beganNs = Clock.wallNs()
    let began = Clock.seconds()
    var user: String?
  }

  func respond(to request: Request, context: ServiceContext) async -> Response {
    var exchange = Exchange(
      request: request, channel: context.channel,
      remote: context.channel.remoteAddress.flatMap(IPAddress.init(socket:)))
    if let refusal = refusal(of: request, from: exchange.remote) {
      return refused(exchange, refusal)
    }
    guard let target = RequestTarget(request.head.path ?? "") else {
      return refused(exchange, .malformedTarget)
    }
    if let authenticator {
      let outcome = await authenticator.identify(
        request.headers[.authorization], from: exchange.remote ?? IPAddress(high: 0, low: 0))
      switch outcome {
      case .user(let name): exchange.user = name
      case .anonymous: return refused(exchange, .anonymous)
      case .refused: return refused(exchange, .credentials)
      case .lockedOut(let seconds): return refused(exchange, .lockedOut(seconds: seconds))
      case .busy: return refused(exchange, .busy)
      }
    }
    if target.path == "/events", streams.most > 0 { return events(exchange) }
    let page = await answer(
      SiteRequest(
        path: target.path, query: target.query,
        acceptLanguage: request.headers[.acceptLanguage], user: exchange.user),
      on: exchange.channel.eventLoop)
    guard let page else { return refused(exchange, .late) }
    return response(exchange, page)
  }

  // MARK: - Refusing

  /// Why a request is not answered, as far as that can be seen without asking who sent it.
  private func refusal(of request: Request, from remote: IPAddress?) -> ServiceRefusal? {
    if !configuration.allow.isEmpty {
      guard let remote, configuration.allow.contains(where: { $0.contains(remote) }) else {
        return .network
      }
    }
    if (request.head.path ?? "").utf8.count > RequestTarget.bytesMax { return .longTarget }
    let length = request.headers[.contentLength]
    if request.headers[.transferEncoding] != nil || !(length ?? "0").allSatisfy({ $0 == "0" }) {
      return .body
    }
    guard request.method == .get || request.method == .head else { return .method }
    // The first Host is the authority; any more are fields still.
    guard let authority = request.head.authority, request.headers[ServiceResponder.host] == nil
    else { return .host }
    // Without credentials a page in a browser could read the service by a name of its own for 127.0.0.1.
    if authenticator == nil, !Loopback.contains(Loopback.host(ofAuthority: authority)) {
      return .otherHost
    }
    return nil
  }

  private static let host = HTTPField.Name("Host") ?? .accept

  private func refused(_ exchange: Exchange, _ refusal: ServiceRefusal) -> Response {
    let language = ServiceRefusal.language(of: exchange.request.headers[.acceptLanguage])
    let text = refusal.text(language) + "\n"
    var headers = HTTPFields()
    headers[.contentType] = "text/plain; charset=utf-8"
    headers[.contentLength] = "\(text.utf8.count)"
    headers[.cacheControl] = "no-store"
    for (name, value) in refusal.headers { headers[name] = value }
    let isHead = exchange.request.method == .head
    note(
      exchange, status: refusal.status, bytes: isHead ? 0 : text.utf8.count, reason: refusal.key)
    return Response(
      status: .init(code: refusal.status), headers: headers,
      body: isHead ? .init() : .init(byteBuffer: ByteBuffer(string: text)))
  }

  private func note(_ exchange: Exchange, status: Int, bytes: Int, reason: String? = nil) {
    log(
      AccessLine(
        timeNs: exchange.beganNs, remote: exchange.remote, user: exchange.user,
        method: exchange.request.method.rawValue, target: exchange.request.head.path ?? "",
        status: status, bytes: bytes, milliseconds: (Clock.seconds() - exchange.began) * 1000,
        reason: reason))
  }

  // MARK: - Answering

  /// The pages' answer; nil where they take too long. They are told to stop then, and not waited for.
  private func answer(_ request: SiteRequest, on loop: any EventLoop) async -> ServicePage? {
    return await withCheckedContinuation { continuation in
      let answer = FirstAnswer(continuation)
      let making = Task { answer.give(await pages.answer(request)) }
      let limit = TimeAmount.nanoseconds(Int64(configuration.limits.answerSeconds * 1e9))
      let timer = loop.scheduleTask(in: limit) {
        if answer.give(nil) { making.cancel() }
      }
      answer.onGiven { timer.cancel() }
    }
  }

  private func response(_ exchange: Exchange, _ page: ServicePage) -> Response {
    let request = exchange.request
    var headers = HTTPFields()
    for (name, value) in page.headers {
      guard let name = HTTPField.Name(name), !ServiceResponder.ownFields.contains(name) else {
        continue
      }
      headers[name] = value
    }
    headers[.contentType] = page.type
    headers[.cacheControl] =
      page.isStable ? "private, max-age=31536000, immutable" : "private, no-cache"
    headers[.vary] = "Accept-Encoding, Accept-Language"
    let digest = page.digest ?? PageDigest(page.body)
    if page.status == 200 {
      headers[.eTag] = digest.tag
      if digest.matches(request.headers[.ifNoneMatch]) {
        note(exchange, status: 304, bytes: 0)
        return Response(status: .notModified, headers: headers)
      }
    }
    var body = page.body
    if body.count >= PageCompressor.bytesMin, PageCompressor.isCompressible(page.type),
      PageCompressor.isAccepted(request.headers[.acceptEncoding]),
      let compressed = compressor.compressed(body, digest)
    {
      body = compressed
      headers[.contentEncoding] = "gzip"
    }
    headers[.contentLength] = "\(body.count)"
    let isHead = request.method == .head
    note(
      exchange, status: page.status, bytes: isHead ? 0 : body.count,
      reason: page.status >= 400 ? "page" : nil)
    return Response(
      status: .init(code: page.status), headers: headers,
      body: isHead ? .init() : .init(byteBuffer: ByteBuffer(bytes: body)))
  }

  /// What pages may not set.
  private static let ownFields: Set<HTTPField.Name> = Set(
    [
      .contentType, .contentLength, .contentEncoding, .transferEncoding, .connection, .cacheControl,
      .vary, .eTag, .date, .strictTransportSecurity,
    ] + ServiceResponder.securityHeaders(isEncrypted: false).map(\.name))

  private func events(_ exchange: Exchange) -> Response {
    var headers = HTTPFields()
    headers[.contentType] = EventStream.mediaType
    headers[.cacheControl] = "no-store"
    guard exchange.request.method == .get else {
      note(exchange, status: 200, bytes: 0)
      return Response(status: .ok, headers: headers)
    }
    guard streams.take() else { return refused(exchange, .streams) }
    let streams = streams
    let body = EventStream.body(
      pages.events(), channel: exchange.channel,
      keepAliveSeconds: configuration.limits.keepAliveSeconds
    ) { bytes in
      streams.giveBack()
      note(exchange, status: 200, bytes: bytes)
    }
    return Response(status: .ok, headers: headers, body: body)
  }

  // MARK: - Headers

  /// What every answer tells the browser (Fetch, CSP Level 3, HTML; RFC 6797).
  static func securityHeaders(isEncrypted: Bool) -> HTTPFields {
    let policy =
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
      + "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    var fields: [(name: String, value: String)] = [
      ("Content-Security-Policy", policy),
      ("X-Content-Type-Options", "nosniff"),
      ("Referrer-Policy", "no-referrer"),
      ("Cross-Origin-Opener-Policy", "same-origin"),
      ("Cross-Origin-Resource-Policy", "same-origin"),
      ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ]
    if isEncrypted { fields.append(("Strict-Transport-Security", "max-age=31536000")) }
    var headers = HTTPFields()
    for (name, value) in fields {
      if let name = HTTPField.Name(name) { headers[name] = value }
    }
    return headers
  }
}

/// The first of several answers to a question; the others come too late.
private final class FirstAnswer: Sendable {
  private struct State {
    var continuation: CheckedContinuation<ServicePage?, Never>?
    var onGiven: (@Sendable () -> Void)?
  }
  private let state: Mutex<State>

  init(_ continuation: CheckedContinuation<ServicePage?, Never>) {
    state = Mutex(State(continuation: continuation))
  }

  /// Whether it was the first.
  @discardableResult func give(_ page: ServicePage?) -> Bool {
    let (continuation, onGiven) = state.withLock { state in
      defer {
        state.continuation = nil
        state.onGiven = nil
      }
      return (state.continuation, state.onGiven)
    }
    onGiven?()
    continuation?.resume(returning: page)
    return continuation != nil
  }

  /// Calls `body` once it is given; at once where it has been.
  func onGiven(_ body: @escaping @Sendable () -> Void) {
    let isGiven = state.withLock { state in
      guard state.continuation != nil else { return true }
      state.onGiven = body
      return false
    }
    if isGiven { body() }
  }
}

extension IPAddress {
  /// The address of a socket; nil where it is of another family.
  init?(socket address: SocketAddress) {
    let isIPv4: Bool
    switch address {
    case .v4: isIPv4 = true
    case .v6: isIPv4 = false
    default: return nil
    }
    self = address.withSockAddr { pointer, _ in
      let bytes = UnsafeRawPointer(pointer)
      // SAFETY: sockaddr_in has its 4 bytes at 4 (ip(7)), sockaddr_in6 its 16 at 8 (ipv6(7)), in network order.
      return isIPv4
        ? IPAddress(v4: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        : IPAddress(networkBytes: bytes + 8)
    }
  }
}
