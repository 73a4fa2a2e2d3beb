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
      assets[path] = ServicePage(type: type, body: body, isStable: true)
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
    let context = FrameContext(
      page: page, snapshot: snapshot, query: query, phrases: phrases, css: css, js: js,
      version: version, content: SiteFrame.separator)
    let text = template.render(context)
    guard let middle = text.range(of: SiteFrame.separator) else { return (text, "") }
    return (String(text[..<middle.lowerBound]), String(text[middle.upperBound...]))
  }
}

/// What site.mustache asks for, by the names it uses there.
private struct FrameContext {
  let language: String
  let css: String
  let js: String
  let version: String
  let content: String
  let title: String
  let site: String
  let skip: String
  let sections: String
  let navigation: [Item]
  let home: String
  let searchAction: String
  let searchLabel: String
  let searchHint: String
  let searchValue: String
  let hidden: [Term]
  let languageHref: String
  let languageName: String
  let languageCode: String
  let time: TimeChoice
  let isLive: Bool
  let span: Span?
  let builtBy: String
  let asOf: String
  let apiText: String
  let updating: String

  struct Item {
    let href: String
    let text: String
    let isCurrent: Bool
    /// Nil where there is nothing to count.
    let badge: String?
  }

  struct Term {
    let name: String
    let value: String
  }

  struct TimeChoice {
    let label: String
    let apply: String
    let from: String
    let fromLabel: String
    let to: String
    let toLabel: String
    let spans: [Choice]
    let hidden: [Term]
  }

  struct Choice {
    let value: String
    let text: String
    let isSelected: Bool
  }

  struct Span {
    let begin: String
    let beginText: String
    let end: String
    let endText: String
  }

  init(
    page: SitePage, snapshot: MapSnapshot?, query: SiteQuery, phrases: Phrases, css: String,
    js: String, version: String, content: String
  ) {
    language = query.language.rawValue
    self.css = css
    self.js = js
    self.version = version
    self.content = content
    title = page.title
    site = phrases["title"]
    skip = phrases["skip"]
    sections = phrases["sections"]
    let summary = snapshot?.map.summary
    func item(_ view: String, _ path: String, _ count: Int? = nil) -> Item {
      Item(
        href: query.href(path), text: phrases[view == "graph" ? "site.graph" : view],
        isCurrent: page.view == view, badge: count.map { HumanUnits.count($0) })
    }
    navigation = [
      item("overview", "/"), item("graph", "/graph"), item("hosts", "/hosts", summary?.hosts),
      item("services", "/services", snapshot?.endpoints.count),
      item("relations", "/relations", summary?.relations),
      item("networks", "/networks", summary?.networks),
      item("failures", "/failures", snapshot?.map.failed.count),
      item("completeness", "/completeness"), item("site.health", "/health"),
    ]
    home = query.href("/")
    searchAction = "/search"
    searchLabel = phrases["filter.label"]
    searchHint = phrases["filter.placeholder"]
    searchValue = page.view == "search" ? query.request.value("q") ?? "" : ""
    hidden = query.kept.map { Term(name: $0.name, value: $0.value) }
    let other: ReportLanguage = query.language == .en ? .ja : .en
    languageHref = query.here(["lang": other.rawValue])
    languageName = other == .en ? "English" : "日本語"
    languageCode = other.rawValue
    func value(_ name: String) -> String { query.request.value(name) ?? "" }
    let chosen = value("range")
    let isFixed = !value("from").isEmpty || !value("to").isEmpty
    time = TimeChoice(
      label: phrases["time"], apply: phrases["site.apply"], from: value("from"),
      fromLabel: phrases["site.from"], to: value("to"), toLabel: phrases["site.to"],
      spans: [Choice(value: "", text: phrases["site.range.usual"], isSelected: chosen.isEmpty)]
        + (SiteQuery.spans.map(\.0) + ["all"]).map {
          Choice(value: $0, text: phrases["site.range.\($0)"], isSelected: chosen == $0)
        },
      hidden: query.request.query
        .filter { !["from", "to", "range", "page"].contains($0.name) }
        .map { Term(name: $0.name, value: $0.value) })
    isLive = !isFixed
    func text(_ ns: UInt64) -> (String, String) { (PageJSON.rfc3339(ns), CivilTime(ns: ns).text) }
    if let capture = snapshot?.map.capture, let start = capture.startNs, let end = capture.endNs {
      span = Span(
        begin: text(start).0, beginText: text(start).1, end: text(end).0, endText: text(end).1)
    } else {
      span = nil
    }
    builtBy = phrases["builtBy"]
    asOf = phrases["site.asOf"]
    apiText = phrases["site.api"]
    updating = phrases["site.updated"]
  }
}
