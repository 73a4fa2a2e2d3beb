import Foundation
import Reporter
import ServiceMap
import TestSupport

/// The pages of a map, for a browser.
///
/// They are made here and handed to the browser in the place of the network, with the policy that the
/// service sends; the service itself has tests of its own with real sockets.
struct Site {
  static let address = "http://127.0.0.1:9478"
  /// As `renkei report --listen` sends it.
  static let policy = """
    default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'
    """

  private let site: ReportSite

  init(store: String, names: String? = nil) throws {
    var options = MapSource.Options(path: store)
    if let names { try options.directory.add(file: names) }
    site = try ReportSite(source: MapSource(options), version: "test")
  }

  /// Writes the store of a unit: ten minutes of 60 links each.
  static func writeUnit(_ path: String) throws {
    let store = try UnitStore(path: path)
    var unit = SyntheticUnit()
    for _ in 0..<60 { try unit.commit(to: store) }
    store.close()
  }

  /// Answers all that the page asks of `address`.
  func serve(_ page: BrowserPage) throws {
    try page.answer(Site.address + "/*") { url, headers in
      let answer = answer(url, headers)
      return (
        answer.status,
        [
          ("Content-Type", answer.type), ("Content-Security-Policy", Site.policy),
          ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
        ] + answer.headers.map { ($0.name, $0.value) }, Data(answer.body)
      )
    }
  }

  private func answer(_ url: String, _ headers: [String: String]) -> ServicePage {
    guard let parts = URLComponents(string: url) else {
      return ServicePage(status: 400, text: "no address")
    }
    // A stream that never ends is not for this.
    if parts.path == "/events" { return ServicePage(status: 204, text: "") }
    let language = headers.first { $0.key.lowercased() == "accept-language" }?.value
    let query = (parts.percentEncodedQuery ?? "").split(separator: "&").map { term in
      let sides = term.split(separator: "=", maxSplits: 1).map {
        $0.replacing("+", with: " ").removingPercentEncoding ?? ""
      }
      return (name: sides.first ?? "", value: sides.count > 1 ? sides[1] : "")
    }
    let request = SiteRequest(
      path: parts.path.isEmpty ? "/" : parts.path, query: query, acceptLanguage: language)
    let found = Answer()
    Task { [site] in
      found.page = await site.answer(request)
      found.isThere.signal()
    }
    return found.isThere.wait(timeout: .now() + 30) == .success
      ? found.page : ServicePage(status: 504, text: "no answer")
  }

  /// @unchecked Sendable because the page is written before the signal and read after it.
  private final class Answer: @unchecked Sendable {
    var page = ServicePage(status: 504, text: "")
    let isThere = DispatchSemaphore(value: 0)
  }
}
