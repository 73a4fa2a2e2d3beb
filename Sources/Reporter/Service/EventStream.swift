internal import Hummingbird
internal import NIOCore
internal import Synchronization

/// Server-sent events (HTML standard 9.2): `map` with a line whenever the map is renewed.
enum EventStream {
  static let mediaType = "text/event-stream"

  private enum Event: Sendable {
    case line(String)
    case keepAlive
  }

  /// The text of one event. A line that has several is sent as several, and read as one.
  static func text(_ line: String) -> String {
    let lines = line.split(omittingEmptySubsequences: false) { $0.isNewline }
    return "event: map\n" + lines.map { "data: \($0)\n" }.joined() + "\n"
  }

  /// A body that ends with `lines`, or with the connection.
  ///
  /// A reader that is slower than the map gets the newest 16 lines. Nothing is written but that and a comment
  /// every `keepAliveSeconds`, by which both sides and proxies between them notice that the other is gone.
  ///
  /// - Parameter onEnd: called with the bytes written, once.
  static func body(
    _ lines: AsyncStream<String>, channel: any Channel, keepAliveSeconds: Double,
    onEnd: @escaping @Sendable (_ bytes: Int) -> Void
  ) -> ResponseBody {
    ResponseBody { writer in
      let (events, continuation) = AsyncStream.makeStream(
        of: Event.self, bufferingPolicy: .bufferingNewest(16))
      let reading = Task {
        for await line in lines { continuation.yield(.line(line)) }
        continuation.finish()
      }
      let pause = TimeAmount.nanoseconds(Int64(keepAliveSeconds * 1e9))
      let clock = channel.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in
        continuation.yield(.keepAlive)
      }
      channel.closeFuture.whenComplete { _ in continuation.finish() }
      var bytes = 0
      defer {
        reading.cancel()
        clock.cancel()
        onEnd(bytes)
      }
      func send(_ text: String) async throws {
        bytes += text.utf8.count
        try await writer.write(ByteBuffer(string: text))
      }
      try await send("retry: 5000\n\n")
      for await event in events {
        switch event {
        case .line(let line): try await send(text(line))
        case .keepAlive: try await send(":\n\n")
        }
      }
      try await writer.finish(nil)
    }
  }
}

/// How many of something there are at a time.
final class Seats: Sendable {
  private let taken = Mutex(0)
  let most: Int

  init(_ most: Int) { self.most = most }

  /// Whether there was one left.
  func take() -> Bool {
    taken.withLock { taken in
      guard taken < most else { return false }
      taken += 1
      return true
    }
  }

  func giveBack() { taken.withLock { $0 -= 1 } }
}
