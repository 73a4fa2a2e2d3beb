internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes

/// Watches over one connection, between the HTTP codec and the requests.
///
/// - ends it after a silence: no whole request header, or nothing taken of an answer, for so many seconds;
/// - gives every answer the security headers, those to malformed requests too, which it words;
/// - ends it after an answer with `Connection: close`, without a reset that could take the answer away
///   from a client that is still sending;
/// - ends a stream of events as soon as the client has.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let idle: TimeAmount
  private let headers: HTTPFields
  /// Takes what the log should say of a request that was no HTTP.
  private let malformed: (HTTPParserError, SocketAddress?) -> RefusedText

  /// The answer to a malformed request.
  struct RefusedText {
    let status: HTTPResponse.Status
    let text: String
  }

  // What the event loop of the connection alone touches.
  private var requestsOpen = 0
  private var isRequestWhole = true
  private var writesOpen = 0
  private var isStream = false
  private var isEnding = false
  private var error: HTTPParserError?
  private var progress = NIODeadline.now()
  private var timer: Scheduled<Void>?

  /// Between two looks at whether an answer that is being sent moves on.
  private static let sliceBytes = 64 << 10
  /// TCP_NOTSENT_LOWAT of tcp(7).
  private static let notSentLowWater: CInt = 25
  /// For a client to take an answer before its connection is closed for good.
  private static let lingerSeconds: Int64 = 2

  init(
    idleSeconds: Double, headers: HTTPFields,
    malformed: @escaping (HTTPParserError, SocketAddress?) -> RefusedText
  ) {
    idle = .nanoseconds(Int64(idleSeconds * 1e9))
    self.headers = headers
    self.malformed = malformed
  }

  // MARK: - Silence

  func handlerAdded(context: ChannelHandlerContext) {
    progress = .now()
    // Otherwise the kernel takes megabytes at once, and says nothing until a third of them has gone: a
    // client on a slow line would look like one that takes nothing.
    _ = context.channel.setOption(
      ChannelOptions.tcpOption(.init(rawValue: ConnectionGuard.notSentLowWater)),
      value: 2 * ConnectionGuard.sliceBytes)
    watch(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
  }

  private func watch(_ context: ChannelHandlerContext) {
    let own = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(deadline: max(progress + idle, .now())) {
      let (guardian, context) = own.value
      guardian.look(context)
    }
  }

  private func look(_ context: ChannelHandlerContext) {
    guard context.channel.isActive || requestsOpen == 0 else { return }
    // An answer that is being made has a limit of its own; a stream has its signs of life.
    if writesOpen == 0, isRequestWhole, requestsOpen > 0 { progress = .now() }
    if progress + idle <= .now() {
      context.close(promise: nil)
    } else {
      watch(context)
    }
  }

  // MARK: - Requests

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // Whatever else it sends: the last answer has been given.
    if isEnding { return }
    switch unwrapInboundIn(data) {
    case .head:
      requestsOpen += 1
      isRequestWhole = false
      progress = .now()
    case .body: break
    case .end: isRequestWhole = true
    }
    context.fireChannelRead(data)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let error = error as? HTTPParserError, self.error == nil { self.error = error }
    isRequestWhole = true
    context.fireErrorCaught(error)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed = event as? ChannelEvent, isStream || isEnding {
      context.close(promise: nil)
    }
    context.fireUserInboundEventTriggered(event)
  }

  // MARK: - Answers

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(var head):
      var text: ByteBuffer?
      // The server words this one itself, once all requests before it are answered.
      if requestsOpen == 0, let error {
        let answer = malformed(error, context.remoteAddress)
        head.status = answer.status
        head.headerFields[.contentType] = "text/plain; charset=utf-8"
        head.headerFields[.contentLength] = "\(answer.text.utf8.count)"
        head.headerFields[.cacheControl] = "no-store"
        text = ByteBuffer(string: answer.text)
        requestsOpen = 1
      }
      head.headerFields.append(contentsOf: headers)
      if head.headerFields[.connection] == "close" { isEnding = true }
      isStream = head.headerFields[.contentType] == EventStream.mediaType
      send(.head(head), context, promise)
      if let text { send(.body(text), context, nil) }
    case .body(var buffer):
      // In slices, so that a client on a slow line is seen to take them.
      while buffer.readableBytes > ConnectionGuard.sliceBytes,
        let slice = buffer.readSlice(length: ConnectionGuard.sliceBytes)
      {
        send(.body(slice), context, nil)
      }
      send(.body(buffer), context, promise)
    case .end(let trailer):
      requestsOpen -= 1
      send(.end(trailer), context, promise)
      if isEnding { endSoon(context) }
    }
  }

  private func send(
    _ part: HTTPResponsePart, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
  ) {
    let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
    writesOpen += 1
    let own = NIOLoopBound(self, eventLoop: context.eventLoop)
    promise.futureResult.whenComplete { _ in
      own.value.writesOpen -= 1
      own.value.progress = .now()
    }
    context.write(wrapOutboundOut(part), promise: promise)
  }

  private func endSoon(_ context: ChannelHandlerContext) {
    context.flush()
    context.close(mode: .output, promise: nil)
    let own = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.eventLoop.scheduleTask(in: .seconds(ConnectionGuard.lingerSeconds)) {
      own.value.close(promise: nil)
    }
  }
}
