internal import Foundation

/// Debian's Chromium without a window, spoken to over the DevTools protocol.
///
/// The protocol is JSON, each message ended by a NUL, on two descriptors: 3 of the child takes commands,
/// 4 gives answers and events (`--remote-debugging-pipe`). When they close, and so also when the test
/// process is killed, Chromium ends by itself.
///
/// Blocking, and for one thread: events are taken in while something is waited for. Everything that
/// waits is bounded by `limitSeconds`. No name but 127.0.0.1 resolves, so that a page that loads
/// something from elsewhere shows it as an error.
///
/// Source: https://chromedevtools.github.io/devtools-protocol/
public final class Browser {
  /// `.enabled(if: Browser.isInstalled, Browser.hint)`
  public static var isInstalled: Bool { Tool("chromium").isInstalled }
  public static let hint = "chromium is not installed; `make test` installs it"

  /// How long an answer may take.
  public var limitSeconds = 30.0

  private let process: BrowserProcess
  /// By session. Weak, since a page keeps its browser.
  private var pages: [String: WeakPage] = [:]
  private var lastCommand = 0
  private var answers: [Int: [String: Any]] = [:]
  /// Commands whose answers nobody waits for.
  private var unawaited: Set<Int> = []

  /// Starts it.
  ///
  /// - Throws: `BrowserError` where it does not start, with what it wrote to standard error.
  public init() throws {
    process = try BrowserProcess()
    do {
      _ = try command("Browser.getVersion")
    } catch {
      throw BrowserError("chromium does not start: \(error)\n\(process.errors)")
    }
  }

  /// Opens a page of its own: empty, or at `url`.
  public func open(_ url: String? = nil) throws -> BrowserPage {
    let target = try command("Target.createTarget", ["url": "about:blank"])["targetId"]
    let attached = try command(
      "Target.attachToTarget", ["targetId": target ?? "", "flatten": true])
    guard let session = attached["sessionId"] as? String else {
      throw BrowserError("no session for a page: \(attached)")
    }
    let page = BrowserPage(self, session: session)
    pages[session] = WeakPage(page: page)
    for domain in ["Page", "Runtime", "Log", "Network"] { try page.command("\(domain).enable") }
    try page.setWindow(width: 1440)
    if let url { try page.navigate(url) }
    return page
  }

  /// Sends a command and awaits its answer's `result`.
  ///
  /// - Throws: `BrowserError` with the browser's words where it refuses; where it does not answer in
  ///   time; where it has gone.
  @discardableResult
  func command(
    _ method: String, _ parameters: [String: Any] = [:], session: String? = nil
  ) throws -> [String: Any] {
    let number = try send(method, parameters, session: session)
    let end = Date() + limitSeconds
    while true {
      if let answer = answers.removeValue(forKey: number) {
        if let error = answer["error"] as? [String: Any] {
          throw BrowserError("\(method): \(error["message"] ?? error)")
        }
        return answer["result"] as? [String: Any] ?? [:]
      }
      guard try takeIn(until: end) else {
        throw BrowserError("\(method): no answer within \(limitSeconds) s")
      }
    }
  }

  /// Sends a command whose answer nobody waits for.
  func post(_ method: String, _ parameters: [String: Any], session: String) throws {
    unawaited.insert(try send(method, parameters, session: session))
  }

  private func send(
    _ method: String, _ parameters: [String: Any], session: String?
  ) throws -> Int {
    lastCommand += 1
    var message: [String: Any] = ["id": lastCommand, "method": method, "params": parameters]
    message["sessionId"] = session
    try process.write(try JSONSerialization.data(withJSONObject: message), limitSeconds)
    return lastCommand
  }

  /// Takes in what has come, and waits for something until `end` at most.
  ///
  /// - Returns: false where nothing came.
  @discardableResult
  func takeIn(until end: Date) throws -> Bool {
    let messages = try process.read(until: end)
    for data in messages {
      guard let message = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
        throw BrowserError("not a message: \(String(decoding: data.prefix(200), as: UTF8.self))")
      }
      if let number = message["id"] as? Int {
        if unawaited.remove(number) == nil { answers[number] = message }
      } else if let method = message["method"] as? String,
        let session = message["sessionId"] as? String
      {
        try pages[session]?.page?.take(method, message["params"] as? [String: Any] ?? [:])
      }
    }
    return !messages.isEmpty
  }
}

private struct WeakPage {
  weak var page: BrowserPage?
}

/// What the browser did not do, and why.
public struct BrowserError: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
