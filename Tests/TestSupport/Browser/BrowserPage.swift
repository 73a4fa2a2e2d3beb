public import Foundation

/// A page (tab) of a `Browser`, used as a reader would: with mouse, keyboard, window and paper.
public final class BrowserPage {
  /// What the browser's console shows: errors and warnings of scripts, violations of the content
  /// security policy, exceptions that nobody caught, parts of the page that could not be loaded.
  public private(set) var consoleErrors: [String] = []
  /// The texts of alert, confirm, prompt and beforeunload dialogs, which were dismissed.
  public private(set) var dialogs: [String] = []
  /// The HTTP status of the page itself; nil for a file.
  public private(set) var status: Int?

  private let browser: Browser
  private let session: String
  private var loads = 0
  private var isScripted = true
  private var answering: ((_ url: String, _ headers: [String: String]) -> Answer)?

  init(_ browser: Browser, session: String) {
    self.browser = browser
    self.session = session
  }

  @discardableResult
  func command(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
    try browser.command(method, parameters, session: session)
  }

  public func forgetErrors() { consoleErrors = [] }

  // MARK: - Going somewhere

  /// Goes to `url` and waits until it is loaded.
  ///
  /// - Throws: `BrowserError` where there is nothing, or not in time.
  public func navigate(_ url: String) throws {
    let before = loads
    status = nil
    let answer = try command("Page.navigate", ["url": url])
    if let error = answer["errorText"] as? String { throw BrowserError("\(url): \(error)") }
    if answer["loaderId"] != nil {
      try awaitLoad(after: before, url)
    } else if isScripted {
      // The same document, at another place in it: its scripts are told a moment later.
      try evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    }
  }

  /// Does what leads to another document, such as a click on a link, and waits until that is loaded.
  public func awaitNavigation(_ body: () throws -> Void) throws {
    let before = loads
    try body()
    try awaitLoad(after: before, "the next page")
  }

  private func awaitLoad(after before: Int, _ what: String) throws {
    let end = Date() + browser.limitSeconds
    while loads == before {
      guard try browser.takeIn(until: end) || Date() < end else {
        throw BrowserError("\(what): not loaded within \(browser.limitSeconds) s")
      }
    }
  }

  /// Header fields that go with every request, such as Accept-Language.
  public func setHeaders(_ headers: [String: String]) throws {
    try command("Network.setExtraHTTPHeaders", ["headers": headers])
  }

  /// What is answered to a request: status, header fields, body.
  public typealias Answer = (status: Int, headers: [(String, String)], body: Data)

  /// Answers the requests to addresses of a pattern ("http://127.0.0.1:1/*") in the place of the network.
  public func answer(
    _ pattern: String, by body: @escaping (_ url: String, _ headers: [String: String]) -> Answer
  ) throws {
    answering = body
    try command("Fetch.enable", ["patterns": [["urlPattern": pattern]]])
  }

  private func answer(_ event: [String: Any]) throws {
    let request = event["request"] as? [String: Any] ?? [:]
    guard let answering, let id = event["requestId"] else { return }
    let answer = answering(
      request["url"] as? String ?? "", request["headers"] as? [String: String] ?? [:])
    let fields = answer.headers.map { ["name": $0.0, "value": $0.1] }
    try browser.post(
      "Fetch.fulfillRequest",
      [
        "requestId": id, "responseCode": answer.status, "responseHeaders": fields,
        "body": answer.body.base64EncodedString(),
      ], session: session)
  }

  /// The size in CSS pixels, the colour scheme, and whether scripts run in pages loaded from now on.
  public func setWindow(
    width: Int, height: Int = 900, dark: Bool = false, javascript: Bool = true
  ) throws {
    try command(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": false])
    let scheme = ["name": "prefers-color-scheme", "value": dark ? "dark" : "light"]
    try command("Emulation.setEmulatedMedia", ["features": [scheme]])
    try command("Emulation.setScriptExecutionDisabled", ["value": !javascript])
    isScripted = javascript
  }

  // MARK: - Asking

  /// The value of a JavaScript expression, awaited if it is a promise; nil for null and undefined.
  ///
  /// - Throws: `BrowserError` with the exception where it throws.
  @discardableResult
  public func evaluate(_ expression: String) throws -> Any? {
    let answer = try command(
      "Runtime.evaluate",
      ["expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true])
    if let details = answer["exceptionDetails"] as? [String: Any] {
      throw BrowserError("\(expression): \(BrowserPage.text(of: details))")
    }
    let value = (answer["result"] as? [String: Any])?["value"]
    return value is NSNull ? nil : value
  }

  /// The same, of a type: `String`, `Bool`, `Int`, `Double`, `[String]`, …
  public func value<T>(_ expression: String, as type: T.Type = T.self) throws -> T {
    let value = try evaluate(expression)
    guard let found = value as? T else {
      throw BrowserError("\(expression): \(value.map { "\($0)" } ?? "nothing"), not \(type)")
    }
    return found
  }

  /// The text that a reader sees in what `selector` finds first.
  public func text(_ selector: String = "body") throws -> String {
    try value("document.querySelector(\(BrowserPage.quoted(selector))).innerText")
  }

  /// How many elements there are.
  public func count(_ selector: String) throws -> Int {
    try value("document.querySelectorAll(\(BrowserPage.quoted(selector))).length")
  }

  /// Waits until an expression is true.
  ///
  /// - Throws: `BrowserError` where it isn't within the time.
  public func waitFor(_ condition: String, seconds: Double = 10) throws {
    let end = Date() + seconds
    while try evaluate("!!(\(condition))") as? Bool != true {
      guard Date() < end else { throw BrowserError("not within \(seconds) s: \(condition)") }
      try browser.takeIn(until: Date() + 0.03)
    }
  }

  /// By how many pixels the page is wider than the window: what a reader has to scroll sideways for.
  public func overflow() throws -> Int {
    try value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
  }

  /// What a screen reader is told, in the order of the page.
  public func accessibilityTree() throws -> [AccessibilityNode] {
    try command("Accessibility.enable")
    defer { _ = try? command("Accessibility.disable") }
    let nodes = try command("Accessibility.getFullAXTree")["nodes"] as? [[String: Any]] ?? []
    return AccessibilityNode.inOrder(nodes)
  }

  // MARK: - Hands

  /// Clicks into the middle of what `selector` finds first, after scrolling there.
  ///
  /// - Throws: `BrowserError` where there is none, or something else lies over it.
  public func click(_ selector: String) throws {
    let target = BrowserPage.quoted(selector)
    // The first box: a link over two lines is not where its middle is.
    let found = try evaluate(
      """
      (() => {
        const node = document.querySelector(\(target));
        if (!node) return "there is none";
        node.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
        const box = node.getClientRects()[0];
        if (!box) return "it is not shown";
        const x = box.x + box.width / 2, y = box.y + box.height / 2;
        const top = document.elementFromPoint(x, y);
        if (!top || !(node.contains(top) || top.contains(node))) {
          return "over it is " + (top ? top.outerHTML.slice(0, 200) : "nothing");
        }
        return [x, y];
      })()
      """)
    guard let place = found as? [Double], place.count == 2 else {
      throw BrowserError("click on \(selector): \(found ?? "no answer")")
    }
    for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
      try command(
        "Input.dispatchMouseEvent",
        [
          "type": kind, "x": place[0], "y": place[1], "buttons": buttons,
          "button": kind == "mouseMoved" ? "none" : "left", "clickCount": 1,
        ])
    }
  }

  /// Types into what has the focus.
  public func type(_ text: String) throws {
    try command("Input.insertText", ["text": text])
  }

  /// Presses a key by the name that a keyboard event has for it: Tab, Enter, Escape, …
  public func press(_ key: String, shift: Bool = false) throws {
    var event: [String: Any] = ["key": key, "code": key, "modifiers": shift ? 8 : 0]
    event["windowsVirtualKeyCode"] = BrowserPage.keyCodes[key]
    if key == "Enter" { event["text"] = "\r" }
    for kind in ["keyDown", "keyUp"] {
      event["type"] = kind
      try command("Input.dispatchKeyEvent", event)
    }
  }

  private static let keyCodes = [
    "Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "Home": 36, "End": 35, "ArrowLeft": 37,
    "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
  ]

  // MARK: - Pictures

  /// Writes a PNG of the window, or of the page to its end (8,000 pixels at most).
  public func screenshot(_ path: String, fullPage: Bool = false) throws {
    var parameters: [String: Any] = ["format": "png"]
    if fullPage,
      let size = try command("Page.getLayoutMetrics")["cssContentSize"] as? [String: Any],
      let width = size["width"] as? Double, let height = size["height"] as? Double
    {
      parameters["captureBeyondViewport"] = true
      parameters["clip"] = [
        "x": 0, "y": 0, "width": width, "height": min(height, 8000), "scale": 1,
      ]
    }
    try data(of: command("Page.captureScreenshot", parameters)).write(
      to: URL(fileURLWithPath: path))
  }

  /// The page as printed: a PDF on A4.
  public func pdf() throws -> Data {
    let parameters: [String: Any] = [
      "paperWidth": 8.27, "paperHeight": 11.69, "printBackground": false,
    ]
    return try data(of: command("Page.printToPDF", parameters))
  }

  private func data(of answer: [String: Any]) throws -> Data {
    guard let data = (answer["data"] as? String).flatMap({ Data(base64Encoded: $0) }) else {
      throw BrowserError("no picture: \(answer.keys.sorted())")
    }
    return data
  }

  // MARK: - Events

  /// Takes what the browser says by itself.
  func take(_ method: String, _ event: [String: Any]) throws {
    switch method {
    case "Page.loadEventFired": loads += 1
    case "Fetch.requestPaused": try answer(event)
    case "Page.javascriptDialogOpening":
      dialogs.append(event["message"] as? String ?? "")
      // Until it is answered the page stands still.
      try browser.post("Page.handleJavaScriptDialog", ["accept": true], session: session)
    case "Runtime.consoleAPICalled":
      guard let kind = event["type"] as? String, ["error", "warning", "assert"].contains(kind)
      else { return }
      let words = (event["args"] as? [[String: Any]] ?? []).map {
        "\($0["value"] ?? $0["description"] ?? "")"
      }
      consoleErrors.append("console.\(kind): \(words.joined(separator: " "))")
    case "Runtime.exceptionThrown":
      let details = event["exceptionDetails"] as? [String: Any] ?? [:]
      consoleErrors.append("exception: \(BrowserPage.text(of: details))")
    case "Log.entryAdded":
      guard let entry = event["entry"] as? [String: Any], let level = entry["level"] as? String,
        ["error", "warning"].contains(level)
      else { return }
      consoleErrors.append(
        "\(entry["source"] ?? ""): \(entry["text"] ?? "") \(entry["url"] ?? "")")
    case "Network.responseReceived":
      guard let response = event["response"] as? [String: Any],
        let status = response["status"] as? Int
      else { return }
      if event["type"] as? String == "Document" {
        self.status = status == 0 ? nil : status
      } else if status >= 400 {
        consoleErrors.append("\(response["url"] ?? ""): status \(status)")
      }
    default: break
    }
  }

  private static func text(of details: [String: Any]) -> String {
    let exception = details["exception"] as? [String: Any]
    return "\(exception?["description"] ?? exception?["value"] ?? details["text"] ?? "")"
  }

  /// A JavaScript string literal.
  public static func quoted(_ text: String) -> String {
    // JSON's strings are JavaScript's (ECMA-262 since 2019).
    let data = try? JSONSerialization.data(withJSONObject: [text])
    return String(
      String(decoding: data ?? Data("[\"\"]".utf8), as: UTF8.self).dropFirst().dropLast())
  }
}
