internal import Crypto
internal import Foundation
internal import Mustache
internal import ServiceMap
internal import Wire

/// What is around every page: head, navigation, search, time, foot; and what they load.
struct SiteFrame: Sendable {
  private let template: MustacheTemplate
  private let version: String
  /// By path.
  let assets: [String: ServicePage]
  private let css: String
  private let js: String

  /// - Throws: where the embedded template is broken, which a test would have shown.
  init(version: String) throws {
    self.version = version
    _ = ScalarHTML.registered
    template = try MustacheTemplate(
      string: ScalarHTML.pragma + HTMLReport.text(PackageResources.site_mustache))
    var assets: [String: ServicePage] = [:]
    func asset(_ name: String, _ ending: String, _ type: String, _ body: [UInt8]) -> String {
      let hash = SHA256.hash(data: body).prefix(6).map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
      let path = "/assets/\(name).\(hash).\(ending)"
      assets[path] = ServicePage(type: type, body: body, isStable: true).withDigest()
      return path
    }
    // Lengths that a style attribute would say; the policy allows none.
    let lengths = (0...100).map { ".p\($0){--w:\($0)%;--c:\($0)%;--a:\(Double($0) / 100)}" }
    css = asset(
      "site", "css", "text/css; charset=utf-8",
      PackageResources.report_css + PackageResources.site_css + Array(GraphSVG.css.utf8)
        + Array(lengths.joined(separator: "\n").utf8))
    js = asset("site", "js", "text/javascript; charset=utf-8", PackageResources.site_js)
    self.assets = assets
  }

  private static let separator = "\u{1}content\u{1}"

  /// What comes before a page's content, and after it.
  func around(
    _ page: SitePage, snapshot: MapSnapshot?, query: SiteQuery, phrases: Phrases
  ) -> (head: String, tail: String) {
    let context = context(page, snapshot, query, phrases)
    let text = template.render(context)
    guard let middle = text.range(of: SiteFrame.separator) else { return (text, "") }
    return (String(text[..<middle.lowerBound]), String(text[middle.upperBound...]))
  }

  /// What site.mustache asks for, by the names it uses there. Dictionaries, because the template engine looks
  /// into a struct by reflection, which took a quarter of a page's time.
  private func context(
    _ page: SitePage, _ snapshot: MapSnapshot?, _ query: SiteQuery, _ phrases: Phrases
  ) -> [String: Any] {
    typealias Values = [String: Any]
    let summary = snapshot?.map.summary
    func item(_ view: String, _ path: String, _ count: Int? = nil) -> Values {
      var item: Values = [
        "href": query.href(path),
        "text": phrases[["graph", "health"].contains(view) ? "site.\(view)" : view],
        "isCurrent": page.view == view,
      ]
      if let count { item["badge"] = HumanUnits.count(count) }
      return item
    }
    func hidden(_ terms: [(name: String, value: String)]) -> [Values] {
      terms.map { ["name": $0.name, "value": $0.value] }
    }
    func value(_ name: String) -> String { query.request.value(name) ?? "" }
    let chosen = value("range")
    func span(_ name: String, _ phrase: String) -> Values {
      ["value": name, "text": phrases["site.range.\(phrase)"], "isSelected": chosen == name]
    }
    let spans =
      [span("", "usual")] + (SiteQuery.spans.map(\.0) + ["all"]).map { span($0, $0) }
    let time: Values = [
      "label": phrases["time"], "apply": phrases["site.apply"], "from": value("from"),
      "fromLabel": phrases["site.from"], "to": value("to"), "toLabel": phrases["site.to"],
      "spans": spans,
      "hidden": hidden(
        query.request.query.filter { !["from", "to", "range", "page"].contains($0.name) }),
    ]
    let other: ReportLanguage = query.language == .en ? .ja : .en
    var context: Values = [
      "language": query.language.rawValue, "css": css, "js": js, "version": version,
      "content": SiteFrame.separator, "title": page.title, "site": phrases["title"],
      "skip": phrases["skip"], "sections": phrases["sections"],
      "navigation": [
        item("overview", "/"), item("graph", "/graph"), item("hosts", "/hosts", summary?.hosts),
        item("services", "/services", snapshot?.endpoints.count),
        item("relations", "/relations", summary?.relations),
        item("networks", "/networks", summary?.networks),
        item("failures", "/failures", snapshot?.map.failed.count),
        item("completeness", "/completeness"), item("health", "/health"),
      ],
      "home": query.href("/"), "searchAction": "/search", "searchLabel": phrases["filter.label"],
      "searchHint": phrases["filter.placeholder"],
      "searchValue": page.view == "search" ? value("q") : "", "hidden": hidden(query.kept),
      "languageHref": query.here(["lang": other.rawValue]),
      "languageName": other == .en ? "English" : "日本語", "languageCode": other.rawValue,
      "time": time, "isLive": value("from").isEmpty && value("to").isEmpty,
      "builtBy": phrases["builtBy"], "apiText": phrases["site.api"],
      "updating": phrases["site.updated"],
    ]
    if let capture = snapshot?.map.capture, let start = capture.startNs, let end = capture.endNs {
      context["span"] = [
        "begin": PageJSON.rfc3339(start), "beginText": CivilTime(ns: start).text,
        "end": PageJSON.rfc3339(end), "endText": CivilTime(ns: end).text,
      ]
    }
    return context
  }
}
