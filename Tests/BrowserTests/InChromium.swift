import Foundation
import TestSupport
import Testing

/// All suites with a browser: one at a time, so that their waits mean the same on a busy machine.
///
/// `RENKEI_SCREENSHOTS=FOLDER` keeps pictures of what was opened.
@Suite(.serialized, .enabled(if: Browser.isInstalled, Comment(rawValue: Browser.hint)))
enum InChromium {
  /// The widths of a desk and of a telephone.
  static let widths = [1440, 400]

  static let screenshots = ProcessInfo.processInfo.environment["RENKEI_SCREENSHOTS"]

  /// Keeps a picture of the page under a name, where pictures are wanted.
  static func keep(_ page: BrowserPage, _ name: String) throws {
    guard let screenshots else { return }
    try FileManager.default.createDirectory(
      atPath: screenshots, withIntermediateDirectories: true)
    let plain = name.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" }
    try page.screenshot("\(screenshots)/\(String(plain).prefix(100)).png", fullPage: true)
  }

  /// What the texts of a column are, from the top.
  static func column(_ number: Int, of table: String, in page: BrowserPage) throws -> [String] {
    let cells = BrowserPage.quoted("\(table) tbody tr > :nth-child(\(number))")
    return try page.value(
      "[...document.querySelectorAll(\(cells))].map((cell) => cell.innerText.trim())")
  }
}

/// Names as an attacker writes them into his DNS, or a joker into the names file. Each sets
/// `window.pwned`, opens a dialog or leaves its place if it is not taken for text.
enum HostileName {
  /// Without what ends a field in a names file.
  static let all = [
    "<img src=x onerror=window.pwned=1>",
    "\"><script>window.pwned=2</script>",
    "</script><script>window.pwned=3</script><script>",
    "' onmouseover='window.pwned=4' autofocus onfocus='alert(4)' x='",
    "\" onmouseover=\"window.pwned=5\" autofocus onfocus=\"alert(5)\" x=\"",
    "javascript:window.pwned=6",
    "</td></tr></table></main></body></html><h1>broken</h1>",
    "<!-- --!><style>*{display:none}</style>",
    "</title></textarea></noscript></svg><svg onload=window.pwned=7>",
    "${window.pwned=8}{{texts}}{{{data}}}",
    "<b>bold</b>",
    "bell \u{7} escape \u{1B}[31m backspace \u{8} delete \u{7F} next \u{85}",
    "\u{202E}moc.live\u{2066}\u{2067}",
    "\u{FEFF}\u{200B}\u{2028}\u{2029}line",
    "\\u003cimg src=x onerror=alert(9)\\u003e\\",
    String(repeating: "W", count: 10_240),
    String(repeating: "long-", count: 100) + "<img src=x onerror=alert(10)>",
    "受付の<img src=x onerror=alert(11)>プリンター",
  ]

  /// Whether a script of one of them has run or its markup was taken for markup; nil where all is well.
  static func harm(in page: BrowserPage) throws -> String? {
    if !page.dialogs.isEmpty { return "dialogs: \(page.dialogs)" }
    if let pwned = try page.evaluate("window.pwned") { return "pwned: \(pwned)" }
    let strange: [String] = try page.value(
      """
      [...document.querySelectorAll(
        "img, body b, h1 ~ h1, svg[onload], [autofocus], [onfocus], [onmouseover], [onerror]")]
        .map((node) => node.outerHTML.slice(0, 100))
      """)
    return strange.isEmpty ? nil : "\(strange)"
  }

  /// The parts of the page that a long name makes higher than a window.
  static func towering(in page: BrowserPage) throws -> [String] {
    try page.value(
      """
      [...document.querySelectorAll("main tr, main h2, main dl, main svg text")]
        .filter((node) => !node.querySelector("table, details") && node.offsetHeight > 600)
        .map((node) => node.offsetHeight + " pixels: " + node.outerHTML.slice(0, 100))
      """)
  }

  /// The texts on the page in which a right-to-left override reaches beyond the name: it is inline, and
  /// nothing isolates it.
  static func unisolated(in page: BrowserPage) throws -> [String] {
    try page.value(
      """
      (() => {
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
        for (let node; (node = walk.nextNode());) {
          if (!/[\\u202E\\u2066\\u2067]/.test(node.data)) continue;
          if (node.parentElement.closest("script, style, title")) continue;
          let one = node.parentElement, isApart = false;
          // Up to the box of its own: what else is in that is turned around too.
          for (; getComputedStyle(one).display === "inline"; one = one.parentElement) {
            isApart ||= /isolate|plaintext/.test(getComputedStyle(one).unicodeBidi);
          }
          if (!isApart && one.textContent.trim() !== node.data.trim()) {
            found.push(one.outerHTML.slice(0, 200));
          }
        }
        return found;
      })()
      """)
  }
}
