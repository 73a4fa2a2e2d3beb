internal import Foundation
public import ServiceMap
internal import Synchronization

/// The pages of a map: HTML for people, JSON and CSV of the same for programs.
public struct ReportSite: SitePages {
  private let source: MapSource
  private let frame: SiteFrame
  private let usual: MapTime
  private let health: @Sendable (ReportLanguage) -> SiteHealth?
  private let cache = PageCache()
  private let drawings = GraphDrawings()
  private let hearings = Hearings()

  /// - Parameters:
  ///   - usual: the time that is shown unless asked; nil: what suits the store as it is now.
  ///   - version: of the program, for the foot of the pages.
  ///   - health: how the pipeline is that writes the map; nil where none is known.
  /// - Throws: where an embedded template is broken, which a test would have shown.
  public init(
    source: MapSource, usual: MapTime? = nil, version: String,
    health: @escaping @Sendable (ReportLanguage) -> SiteHealth? = { _ in nil }
  ) throws {
    self.source = source
    frame = try SiteFrame(version: version)
    self.usual = usual ?? source.usualTime()
    self.health = health
    Task { [drawings] in await source.setPreparation { await drawings.renew($0, $1) } }
  }

  public func events() -> AsyncStream<String> { source.events() }

  /// What a page is written as, by its address.
  private enum Form: Equatable {
    case html, json, csv
    case graph(String)
  }

  public func answer(_ request: SiteRequest) async -> ServicePage {
    if let asset = frame.assets[request.path] { return asset }
    if request.path == "/api/openapi.yaml" {
      return ServicePage(type: "application/yaml", body: PackageResources.openapi_yaml)
    }
    let (form, parts) = ReportSite.form(of: request.path)
    let query: SiteQuery
    do {
      query = try SiteQuery(request, now: Date())
    } catch {
      return problem(error, form, try? SiteQuery(SiteRequest(path: request.path), now: Date()))
    }
    do {
      return try await page(form, parts, query)
    } catch let error as SiteProblem {
      return problem(error, form, query)
    } catch let error as StoreError where error.isOutOfTime {
      return problem(.notFound(error.reason), form, query)
    } catch {
      return problem(.unavailable("\(error)"), form, query)
    }
  }

  private static func form(of path: String) -> (Form, [String]) {
    var parts = path.split(separator: "/").map(String.init)
    if parts.starts(with: ["api", "v1"]) { return (.json, Array(parts.dropFirst(2))) }
    if parts.first?.hasPrefix("graph.") == true, parts.count == 1 {
      return (.graph(String(parts[0].dropFirst(6))), ["graph"])
    }
    if let last = parts.last, last.hasSuffix(".csv") {
      parts[parts.count - 1] = String(last.dropLast(4))
      return (.csv, parts)
    }
    return (.html, parts)
  }

  private func page(
    _ form: Form, _ parts: [String], _ query: SiteQuery
  ) async throws -> ServicePage {
    let phrases = SitePhrases.of(query.language)
    if parts == ["health"] { return try healthPage(form, query, phrases) }
    let snapshot = try await source.snapshot(query.time ?? usual)
    let key = PageCache.Key(
      map: snapshot.number, path: query.request.path,
      query: query.request.query.map { "\($0.name)=\($0.value)" }, language: query.language)
    if let known = cache[key] { return known }
    let maker = PageMaker(snapshot: snapshot, query: query, phrases: phrases)
    let page: SitePage
    if parts == ["graph"] {
      let options = try maker.graphOptions()
      if case .graph(let ending) = form {
        return try graph(ending, snapshot, options, query, phrases)
      }
      page = maker.graphPage(
        await drawings.drawing(of: snapshot, options, query.language), options)
    } else if parts.first == "why", parts.count == 4 {
      let endpoint = try maker.endpoint(ofWhy: parts)
      let explanation = await hearings.explanation(of: endpoint, snapshot)
      page = try maker.why(explanation, endpoint)
      if form == .json, let explanation {
        return ServicePage(
          type: "application/json", body: Array(ExplanationReport([explanation]).json().utf8))
      }
    } else {
      page = try maker.page(parts)
    }
    var answer: ServicePage
    switch form {
    case .html:
      answer = ServicePage(
        type: "text/html; charset=utf-8",
        body: try PageHTML(snapshot: snapshot, query: query, phrases: phrases, frame: frame)
          .bytes(of: page), headers: [("Vary", "Accept-Language")])
    case .json:
      answer = ServicePage(
        type: "application/json",
        body: try PageJSON(snapshot: snapshot, query: query).bytes(of: page),
        headers: [("Vary", "Accept-Language")])
    case .csv: answer = try csv(page, snapshot, query)
    case .graph: throw SiteProblem.notFound(phrases["site.noPage"])
    }
    answer = answer.withDigest()
    cache[key] = answer
    return answer
  }

  /// The graph for another program.
  private func graph(
    _ ending: String, _ snapshot: MapSnapshot, _ options: GraphOptions, _ query: SiteQuery,
    _ phrases: Phrases
  ) throws(SiteProblem) -> ServicePage {
    guard let format = GraphFormat.allCases.first(where: { $0.fileExtension == ending }) else {
      throw .notFound(phrases["site.noPage"])
    }
    let graph = DependencyGraph(
      map: snapshot.map, labels: snapshot.labels, grouping: snapshot.grouping, options: options)
    return ServicePage(
      type: format.mediaType,
      body: format.text(of: graph, text: GraphText(query.language), usesGraphviz: false),
      headers: [("Content-Disposition", "attachment; filename=\"map.\(ending)\"")])
  }

  /// The table that the query names, or the one that the page is about.
  private func csv(
    _ page: SitePage, _ snapshot: MapSnapshot, _ query: SiteQuery
  ) throws(SiteProblem) -> ServicePage {
    let asked = query.request.value("table")
    let tables = page.tables
    let usual = tables.first(where: { $0.place == .main }) ?? tables.first
    guard
      let found = asked == nil ? usual : tables.first(where: { $0.table.name == asked })
    else {
      throw .badRequest("table: one of " + tables.map(\.table.name).joined(separator: ", "))
    }
    return ServicePage(
      type: "text/csv; charset=utf-8; header=present",
      body: try PageCSV(snapshot: snapshot, query: query).bytes(of: found.table, found.place),
      headers: [("Content-Disposition", "attachment; filename=\"\(found.table.name).csv\"")])
  }

  private func healthPage(
    _ form: Form, _ query: SiteQuery, _ phrases: Phrases
  ) throws -> ServicePage {
    let health =
      health(query.language)
      ?? SiteHealth(problems: [], summary: phrases["site.noUnit"], tables: [])
    let page = health.page(title: phrases["site.health"])
    let snapshot = MapSnapshot.empty
    switch form {
    case .html:
      return ServicePage(
        type: "text/html; charset=utf-8",
        body: try PageHTML(snapshot: snapshot, query: query, phrases: phrases, frame: frame)
          .bytes(of: page))
    case .json:
      return ServicePage(
        type: "application/json",
        body: try PageJSON(snapshot: snapshot, query: query).bytes(of: page))
    case .csv: return try csv(page, snapshot, query)
    case .graph: throw SiteProblem.notFound(phrases["site.noPage"])
    }
  }

  /// - Parameter query: for the language; nil where even that can't be told.
  private func problem(_ problem: SiteProblem, _ form: Form, _ query: SiteQuery?) -> ServicePage {
    let headers = problem.status == 503 ? [(name: "Retry-After", value: "5")] : []
    if form == .html, let query,
      let body = try? PageHTML(
        snapshot: .empty, query: query, phrases: SitePhrases.of(query.language), frame: frame
      ).bytes(
        of: SitePage(
          view: "", title: SitePhrases.of(query.language)["site.status.\(problem.status)"],
          sections: [.note(.init(.warn, problem.reason))]))
    {
      return ServicePage(
        status: problem.status, type: "text/html; charset=utf-8", body: body, headers: headers)
    }
    if form == .json {
      var out = PageBytes()
      out.raw("{\"error\":")
      out.json(problem.reason)
      out.raw("}\n")
      return ServicePage(
        status: problem.status, type: "application/json", body: out.bytes, headers: headers)
    }
    return ServicePage(status: problem.status, text: problem.reason + "\n", headers: headers)
  }
}

/// Pages that were made already: a page of a map is always the same.
final class PageCache: Sendable {
  struct Key: Hashable, Sendable {
    let map: UInt64
    let path: String
    let query: [String]
    let language: ReportLanguage
  }

  private struct Pages {
    var pages: [Key: ServicePage] = [:]
    var bytes = 0
  }

  /// What all pages together may take.
  private static let bytesMax = 64 << 20
  private let pages = Mutex(Pages())

  subscript(key: Key) -> ServicePage? {
    get { pages.withLock { $0.pages[key] } }
    set {
      guard let newValue, newValue.body.count < PageCache.bytesMax / 8 else { return }
      pages.withLock {
        // Most of them are of maps that are no longer shown.
        if $0.bytes + newValue.body.count > PageCache.bytesMax { $0 = Pages() }
        if $0.pages.updateValue(newValue, forKey: key) == nil {
          $0.bytes += newValue.body.count + 256
        }
      }
    }
  }
}
