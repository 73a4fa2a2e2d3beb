import ServiceMap
import Testing
import Wire

@testable import Reporter

@Suite struct PageGraphTests {
  private func page(_ map: ServiceMap, _ language: ReportLanguage) throws -> String {
    let folder = TemporaryFolder()
    let reporter = MapReport(
      map: map, serviceNames: FakeMap.serviceNames, language: language, version: "test")
    try reporter.write(.html, to: folder["map.html"])
    return try folder.text("map.html")
  }

  @Test("has the graph in both languages, shows its own", arguments: ReportLanguage.allCases)
  func languages(language: ReportLanguage) throws {
    let page = try page(FakeMap.small(), language)
    for other in ReportLanguage.allCases {
      let hidden = other == language ? "" : " hidden"
      #expect(page.contains("<div class=\"graphbox\" data-only=\"\(other.rawValue)\"\(hidden)>"))
    }
    #expect(page.contains(">Outside</text>") && page.contains(">組織外</text>"))
    let ids = page.matches(of: /\bid="([^"]+)"/).map { String($0.output.1) }
    #expect(Set(ids).count == ids.count, "no id occurs twice")
  }

  @Test("leads from the graph's nodes to their hosts")
  func links() throws {
    let page = try page(FakeMap.small(), .en)
    #expect(page.contains("<a href=\"#view=hosts&amp;q=10.0.0.0/24\">"))
    #expect(!page.contains("q=\"><"), "nothing leads to a group without a name")
  }

  @Test("a map without services has an empty graph, and says so")
  func empty() throws {
    let map = ServiceMap(capture: CaptureReport(files: []), addresses: [], relations: [])
    #expect(try page(map, .en).contains("Nothing to draw"))
  }
}
