internal import Foundation
internal import ServiceMap

/// What a request asks of a page, from its query and its language.
struct SiteQuery: Sendable {
  let request: SiteRequest
  let language: ReportLanguage
  /// Nil: the usual one.
  let time: MapTime?
  /// What goes along from page to page: the time and the language, where they were asked for.
  let kept: [(name: String, value: String)]

  /// The rows of a table that are asked for.
  struct Rows: Sendable {
    var search = ""
    var sort: String?
    /// From 1.
    var page = 1
    var count: Int
  }

  /// The spans that a page offers, by their name in addresses.
  static let spans = [
    ("1h", 3600), ("24h", 86_400), ("7d", 7 * 86_400), ("30d", 30 * 86_400),
  ]
  static let rowsMax = 10_000
  /// By term, in characters; other terms are words of which each is known.
  private static let lengthMax = [
    "q": 200, "name": 300, "expand": 300, "host": 45, "sort": 40, "from": 40, "to": 40,
  ]

  /// - Throws: `SiteProblem` where something means nothing.
  init(_ request: SiteRequest, now: Date) throws(SiteProblem) {
    self.request = request
    for (name, value) in request.query {
      if let most = SiteQuery.lengthMax[String(name.split(separator: ".").last ?? "")],
        value.unicodeScalars.count > most
      {
        throw .badRequest("\(name): at most \(most) characters")
      }
    }
    var kept: [(name: String, value: String)] = []
    if let asked = request.value("lang") {
      guard let known = ReportLanguage(rawValue: asked) else {
        throw .badRequest("lang: en or ja")
      }
      language = known
      kept.append(("lang", asked))
    } else {
      language = SiteQuery.language(accepting: request.acceptLanguage)
    }
    func seconds(_ name: String) throws(SiteProblem) -> Int? {
      guard let text = request.value(name), !text.isEmpty else { return nil }
      guard let date = TimeText.date(text, now: now) else {
        throw .badRequest("\(name): a time as 2026-11-21T14:05, 2026-11-21T14:05:00Z, -2h or -7d")
      }
      kept.append((name, text))
      return Int(date.timeIntervalSince1970.rounded(.down))
    }
    let (from, to) = (try seconds("from"), try seconds("to"))
    let range = request.value("range") ?? ""
    let span = SiteQuery.spans.first { $0.0 == range }
    if !range.isEmpty && range != "all" && span == nil {
      throw .badRequest("range: \(SiteQuery.spans.map(\.0).joined(separator: ", ")) or all")
    }
    if from != nil || to != nil {
      if let from, let to, from > to { throw .notFound("from: not before to") }
      // Both the same: that moment.
      time = .between(from: from, to: from == to ? to.map { $0 + 1 } : to)
    } else if !range.isEmpty {
      time = span.map { .last(seconds: $0.1) } ?? .all
      kept.append(("range", range))
    } else {
      time = nil
    }
    self.kept = kept
  }

  /// - Parameter name: of the table; nil for the one that the page is about, whose words stand alone.
  /// - Throws: `SiteProblem` where a number is none.
  func rows(of name: String?, count: Int) throws(SiteProblem) -> Rows {
    let prefix = name.map { "\($0)." } ?? ""
    func number(_ key: String, _ range: ClosedRange<Int>) throws(SiteProblem) -> Int? {
      guard let text = request.value(prefix + key) else { return nil }
      guard let value = Int(text), range.contains(value) else {
        throw .badRequest("\(prefix)\(key): \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    return Rows(
      search: name == nil ? request.value("q") ?? "" : "",
      sort: request.value(prefix + "sort").flatMap { $0.isEmpty ? nil : $0 },
      page: try number("page", 1...1_000_000) ?? 1,
      count: try number("rows", 1...SiteQuery.rowsMax) ?? count)
  }

  /// An address with what is kept and `changes`, of which an empty value takes one away.
  func href(_ path: String, _ changes: KeyValuePairs<String, String> = [:]) -> String {
    var terms = kept.filter { known in !changes.contains { $0.key == known.name } }
    terms += changes.filter { !$0.value.isEmpty }.map { (name: $0.key, value: $0.value) }
    if terms.isEmpty { return path }
    let query = terms.map { "\(SitePath.escaped($0.name))=\(SitePath.escaped($0.value))" }
      .joined(separator: "&")
    return path + (path.contains("?") ? "&" : "?") + query
  }

  /// This page with everything that was asked of it, and `changes`.
  func here(_ changes: KeyValuePairs<String, String>) -> String {
    var terms = request.query.filter { known in
      !known.value.isEmpty && !changes.contains { $0.key == known.name }
    }
    terms += changes.filter { !$0.value.isEmpty }.map { (name: $0.key, value: $0.value) }
    let path = request.path.split(separator: "/", omittingEmptySubsequences: false)
      .map { SitePath.escaped(String($0)).replacing("%3A", with: ":") }.joined(separator: "/")
    if terms.isEmpty { return path }
    return path + "?"
      + terms.map { "\(SitePath.escaped($0.name))=\(SitePath.escaped($0.value))" }
      .joined(separator: "&")
  }

  /// This page with one more term, which may be there with another value already.
  func here(adding term: (name: String, value: String)) -> String {
    let address = here([:])
    return address + (address.contains("?") ? "&" : "?")
      + "\(SitePath.escaped(term.name))=\(SitePath.escaped(term.value))"
  }

  /// This page without one value of a term.
  func here(without term: (name: String, value: String)) -> String {
    let address = here([:])
    let part = "\(SitePath.escaped(term.name))=\(SitePath.escaped(term.value))"
    let halves = address.split(separator: "?", maxSplits: 1)
    let terms = halves.count < 2 ? [] : halves[1].split(separator: "&").filter { $0 != part }
    return halves[0] + (terms.isEmpty ? "" : "?" + terms.joined(separator: "&"))
  }

  /// The same terms under another path.
  static func moved(_ address: String, to path: String) -> String {
    path + (address.firstIndex(of: "?").map { String(address[$0...]) } ?? "")
  }

  /// The likelier of the two languages (RFC 9110 12.5.4); English where neither is named.
  static func language(accepting header: String?) -> ReportLanguage {
    var best: (language: ReportLanguage, weight: Double)?
    for part in (header ?? "").split(separator: ",").prefix(20) {
      let words = part.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
      guard let tag = words.first?.lowercased().prefix(2),
        let language = ReportLanguage(rawValue: String(tag))
      else { continue }
      let weight =
        words.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
      if weight > best?.weight ?? 0 { best = (language, weight) }
    }
    return best?.language ?? .en
  }
}

/// Why a page is not shown.
enum SiteProblem: Error, Equatable {
  case badRequest(String)
  case notFound(String)
  case unavailable(String)

  var status: Int {
    switch self {
    case .badRequest: 400
    case .notFound: 404
    case .unavailable: 503
    }
  }

  var reason: String {
    switch self {
    case .badRequest(let reason), .notFound(let reason), .unavailable(let reason): reason
    }
  }
}
