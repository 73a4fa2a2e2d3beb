import Foundation
import Synchronization

@testable import Reporter

/// Pages made up for tests.
final class FakePages: SitePages {
  private let readers = Mutex<[AsyncStream<String>.Continuation]>([])
  private let asked = Mutex<[SiteRequest]>([])

  /// A page of a table, 60 kB as one of the map's is.
  static let large = (0..<600).map {
    "<tr><td>10.0.\($0 / 256).\($0 % 256)</td><td>host-\($0).example</td><td>\($0 * 7919)</td></tr>\n"
  }.joined()

  func answer(_ request: SiteRequest) async -> ServicePage {
    asked.withLock { $0.append(request) }
    switch request.path {
    case "/": return ServicePage(type: "text/html; charset=utf-8", body: Array("<p>map".utf8))
    case "/large":
      return ServicePage(type: "text/html; charset=utf-8", body: Array(FakePages.large.utf8))
    case "/huge":
      return ServicePage(
        type: "application/octet-stream", body: [UInt8](repeating: 7, count: 8 << 20))
    case "/slow":
      try? await Task.sleep(for: .seconds(60))
      return ServicePage(text: "late")
    case "/assets/x.1234.js":
      return ServicePage(type: "text/javascript", body: Array("1".utf8), isStable: true)
    case "/echo":
      return ServicePage(
        text: request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "\n"),
        headers: [
          ("X-Own", "a\r\nX-Evil: b"), ("Content-Security-Policy", "default-src *"),
          ("Content-Disposition", "attachment"),
        ])
    case "/user": return ServicePage(text: request.user ?? "nobody")
    default: return ServicePage(status: 404, text: "no such page")
    }
  }

  func events() -> AsyncStream<String> {
    let (stream, continuation) = AsyncStream.makeStream(of: String.self)
    readers.withLock { $0.append(continuation) }
    return stream
  }

  func renew(_ line: String) {
    for reader in readers.withLock({ $0 }) { reader.yield(line) }
  }

  var readerCount: Int { readers.withLock { $0.count } }
  /// The paths that passed all checks.
  var paths: [String] { asked.withLock { $0.map(\.path) } }
}

/// A service on a free port of the loopback, for one test.
final class ServiceRun: Sendable {
  let port: Int
  let pages: FakePages
  private let task: Task<Void, any Error>
  private let log: LineBox

  final class LineBox: Sendable {
    let lines = Mutex<[AccessLine]>([])
    let notes = Mutex<[String]>([])
  }

  /// Starts it, and waits until it listens.
  init(
    host: String = "127.0.0.1", _ change: (inout ServiceConfiguration) -> Void = { _ in }
  ) async throws {
    var configuration = ServiceConfiguration(host: host, port: 0)
    change(&configuration)
    let pages = FakePages()
    let log = LineBox()
    let service = try ReportService(
      configuration, pages: pages, log: { line in log.lines.withLock { $0.append(line) } },
      note: { note in log.notes.withLock { $0.append(note) } })
    let (ports, continuation) = AsyncStream.makeStream(of: Int?.self)
    task = Task {
      defer { continuation.finish() }
      try await service.run { continuation.yield($0) }
    }
    var found: Int?
    for await port in ports {
      found = port
      break
    }
    guard let found else {
      try await task.value
      throw CocoaError(.featureUnsupported)
    }
    port = found
    self.pages = pages
    self.log = log
  }

  deinit { task.cancel() }

  var lines: [AccessLine] { log.lines.withLock { $0 } }
  var notes: [String] { log.notes.withLock { $0 } }

  /// Runs blocking calls on a thread of their own: the service needs those of the pool.
  func client<Result: Sendable>(
    _ body: @escaping @Sendable (RawClient) throws -> Result
  ) async throws -> Result {
    let port = port
    return try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Swift.Result { try body(RawClient(port: port)) })
      }
    }
  }

  /// The answer to one request.
  func get(
    _ target: String, method: String = "GET", _ headers: [String] = [], host: String = "localhost"
  ) async throws -> RawClient.Answer? {
    let text = (["\(method) \(target) HTTP/1.1", "Host: \(host)"] + headers)
      .joined(separator: "\r\n")
    return try await client { client in
      client.send(text + "\r\n\r\n")
      return client.answer(hasBody: method != "HEAD")
    }
  }

  /// The status of the answer to a whole request, byte by byte.
  func status(of bytes: [UInt8]) async throws -> Int? {
    try await client { client in
      client.send(bytes)
      return client.answer()?.status
    }
  }

  /// Waits until `condition` holds, at most 10 s.
  static func wait(_ condition: () -> Bool) async -> Bool {
    for _ in 0..<500 {
      if condition() { return true }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return condition()
  }
}
