import Foundation
import ServiceMap
import TestSupport
import Testing
import Wire

@testable import Reporter

@Suite struct SitePagesTests {
  private let snapshot = MapSnapshot(
    map: FakeMap.small(), names: FakeMap.serviceNames, directory: HostDirectory(), number: 1)

  private func query(
    _ path: String, _ terms: KeyValuePairs<String, String> = [:], accept: String? = nil
  ) throws -> SiteQuery {
    try SiteQuery(
      SiteRequest(
        path: path, query: terms.map { (name: $0.key, value: $0.value) }, acceptLanguage: accept),
      now: Date(timeIntervalSince1970: 1_767_229_200))
  }

  private func page(
    _ path: String, _ terms: KeyValuePairs<String, String> = [:], accept: String? = nil
  ) throws -> (page: SitePage, query: SiteQuery) {
    let query = try query(path, terms, accept: accept)
    let maker = PageMaker(
      snapshot: snapshot, query: query, phrases: SitePhrases.of(query.language))
    return (try maker.page(path.split(separator: "/").map(String.init)), query)
  }

  private func html(
    _ path: String, _ terms: KeyValuePairs<String, String> = [:], accept: String? = nil
  ) throws -> String {
    let (page, query) = try page(path, terms, accept: accept)
    let writer = PageHTML(
      snapshot: snapshot, query: query, phrases: SitePhrases.of(query.language),
      frame: try SiteFrame(version: "test"))
    return String(decoding: try writer.bytes(of: page), as: UTF8.self)
  }

  private func json(
    _ path: String, _ terms: KeyValuePairs<String, String> = [:]
  ) throws -> [String: Any] {
    let (page, query) = try page(path, terms)
    let bytes = try PageJSON(snapshot: snapshot, query: query).bytes(of: page)
    return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
  }

  private static let paths = [
    "/", "/hosts", "/hosts/10.0.0.5", "/hosts/2001:db8::5", "/hosts/224.0.0.251",
    "/hosts/10.0.0.5/tcp/443", "/services", "/services/tcp/443", "/providers", "/relations",
    "/relations/10.0.0.5/tcp/443/10.0.1.7", "/networks", "/failures", "/undecided", "/groups",
    "/notices", "/completeness", "/search",
  ]

  @Test("every page is HTML in both languages", arguments: paths, ReportLanguage.allCases)
  func pages(path: String, language: ReportLanguage) throws {
    let page = try html(path, ["lang": language.rawValue, "q": path == "/search" ? "10.0" : ""])
    #expect(page.hasPrefix("<!DOCTYPE html>\n<html lang=\"\(language.rawValue)\">"))
    #expect(page.hasSuffix("</html>\n"))
    #expect(page.contains("<h1"))
    // Texts without a phrase would show their key.
    #expect(!page.contains(">site."), "a phrase is missing")
    #expect(!page.contains("style=\""), "the policy allows no style attributes")
    // One script, by address.
    #expect(page.components(separatedBy: "<script").count == 2)
    #expect(!page.contains("<img src=x"))
  }

  @Test("every page is JSON", arguments: paths)
  func api(path: String) throws {
    let page = try json(path)
    #expect(page["schema"] as? String == "renkei.page/1")
    #expect(page["map"] is [String: Any])
    #expect(page["tables"] is [String: Any])
  }

  @Test("the JSON of a host says what its page shows")
  func host() throws {
    let page = try json("/hosts/10.0.0.5")
    let tables = try #require(page["tables"] as? [String: [String: Any]])
    let provides = try #require(tables["provides"]?["rows"] as? [[String: Any]])
    let map = snapshot.map
    let host = try #require(map.hosts.first { "\($0.address)" == "10.0.0.5" })
    #expect(provides.count == host.provides.count && !provides.isEmpty)
    #expect(
      Set(provides.compactMap { $0["port"] as? Int })
        == Set(map.services[host.provides].map { Int($0.port) }))
    let facts = try #require(page["facts"] as? [String: Any])
    #expect(facts["bytesIn"] as? UInt64 == host.bytesIn)
  }

  @Test("tables are put in order, searched and turned over")
  func tables() throws {
    let all = try json("/hosts", ["sort": "address"])
    let hosts = try #require((all["tables"] as? [String: [String: Any]])?["hosts"])
    let rows = try #require(hosts["rows"] as? [[String: Any]])
    #expect(rows.count == snapshot.map.summary.hosts)
    let addresses = rows.compactMap { ($0["address"] as? String).flatMap { IPAddress($0) } }
    #expect(addresses == addresses.sorted() && addresses.count == rows.count)

    let down = try json("/hosts", ["sort": "-bytesIn"])
    let bytes = try #require(
      ((down["tables"] as? [String: [String: Any]])?["hosts"]?["rows"] as? [[String: Any]])?
        .compactMap { $0["bytesIn"] as? UInt64 })
    #expect(bytes == bytes.sorted(by: >))

    let found = try json("/relations", ["q": "HTTPS 10.0.1.7"])
    let relations = try #require((found["tables"] as? [String: [String: Any]])?["relations"])
    let matching = try #require(relations["rows"] as? [[String: Any]])
    #expect(relations["found"] as? Int == matching.count && !matching.isEmpty)
    for row in matching {
      #expect(row["service"] as? String == "https")
      #expect([row["client"], row["server"]].contains { $0 as? String == "10.0.1.7" })
    }

    let second = try json("/hosts", ["sort": "address", "rows": "2", "page": "2"])
    let some = try #require((second["tables"] as? [String: [String: Any]])?["hosts"])
    #expect(
      (some["rows"] as? [[String: Any]])?.compactMap { $0["address"] as? String }
        == rows[2..<4].compactMap { $0["address"] as? String })
  }

  @Test("every title has a phrase", arguments: paths)
  func titles(path: String) throws {
    let (page, query) = try page(path, ["lang": "ja", "q": "10"])
    let phrases = SitePhrases.of(query.language)
    for (table, _) in page.tables {
      #expect(phrases[table.title] != table.title)
      if let note = table.note { #expect(phrases[note] != note) }
      for column in table.columns { #expect(phrases[column.title] != column.title) }
    }
    for case .facts(let facts) in page.sections {
      for fact in facts { #expect(phrases[fact.key] != fact.key) }
    }
  }

  @Test(
    "nonsense is refused with the reason",
    arguments: [
      ("/hosts", "sort", "nothing"), ("/hosts", "page", "0"), ("/hosts", "page", "x"),
      ("/hosts", "rows", "100000"), ("/hosts", "range", "2y"), ("/hosts", "lang", "xx"),
      ("/hosts", "from", "gestern"), ("/hosts/somebody", "", ""), ("/services/tcp/99999", "", ""),
    ])
  func badRequests(path: String, name: String, value: String) throws {
    do {
      _ = try json(path, name.isEmpty ? [:] : [name: value])
      Issue.record("taken: \(path) \(name)=\(value)")
    } catch let problem as SiteProblem {
      #expect(problem.status == 400 && !problem.reason.isEmpty)
    }
  }

  @Test(
    "what the map has not is not found",
    arguments: [
      "/hosts/10.99.99.99", "/services/tcp/1", "/nothing", "/hosts/10.0.0.5/tcp/1", "/network",
      "/relations/10.0.0.5/tcp/443/10.0.9.9", "/services/nothing/80",
    ])
  func missing(path: String) throws {
    do {
      _ = try json(path)
      Issue.record("found: \(path)")
    } catch let problem as SiteProblem {
      #expect(problem.status == 404 && !problem.reason.isEmpty)
    }
  }

  @Test("CSV has the rows of the page, and no formulas")
  func csv() throws {
    let (page, query) = try page("/hosts", ["sort": "address"])
    let table = try #require(page.tables.first)
    let text = String(
      decoding: try PageCSV(snapshot: snapshot, query: query).bytes(of: table.table, table.place),
      as: UTF8.self)
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: true)
    #expect(
      lines.first
        == "address,name,network,provides,clients,requests,packetsIn,packetsOut,bytesIn,bytesOut")
    #expect(lines.count == snapshot.map.summary.hosts + 1)
    var out = PageBytes()
    out.csv("=cmd|' /C calc'!A0")
    #expect(String(decoding: out.bytes, as: UTF8.self) == "\"'=cmd|' /C calc'!A0\"")
  }

  @Test(
    "the language is that of the reader",
    arguments: [
      ("ja", ReportLanguage.ja), ("en-GB,ja;q=0.5", .en), ("de, ja;q=0.8, en;q=0.3", .ja),
      ("fr", .en), ("en;q=0.1,ja-JP;q=0.9", .ja), (";;;,q=", .en),
    ])
  func language(header: String, language: ReportLanguage) {
    #expect(SiteQuery.language(accepting: header) == language)
  }

  @Test("time and language go along from page to page")
  func kept() throws {
    let page = try html("/hosts", ["range": "1h", "lang": "ja", "q": "10"])
    #expect(page.contains("/hosts/10.0.0.5?lang=ja&amp;range=1h\""))
    #expect(page.contains("href=\"/services?lang=ja&amp;range=1h\""))
  }

  @Test("the operations of the API are those of its description")
  func described() throws {
    let text = String(decoding: PackageResources.openapi_yaml, as: UTF8.self)
    for path in Self.paths where path != "/" {
      let parts = path.split(separator: "/").map(String.init)
      let pattern =
        switch (parts[0], parts.count) {
        case ("hosts", 2): "/hosts/{address}"
        case ("hosts", 4): "/hosts/{address}/{protocol}/{port}"
        case ("services", 3): "/services/{protocol}/{port}"
        case ("relations", 5): "/relations/{server}/{protocol}/{port}/{client}"
        default: path
        }
      #expect(text.contains("\n  /api/v1\(pattern):\n"), "\(pattern)")
    }
  }
}
