import Foundation
import ServiceMap
import TestSupport
import Testing

/// The pages of the report service, from the map of a whole capture.
extension InChromium {
  @Suite struct SitePageTests {
    private let page: BrowserPage
    private let site: Site
    private var home: String { site.address }

    init() throws {
      let office = try Office.shared.get()
      page = try Browser().open()
      site = try Site(store: office.store, names: office.names)
    }

    @Test(
      "every page opens without errors: at a desk, on a telephone in the dark, without scripts",
      arguments: [(1440, false, true), (400, true, true), (400, false, false)])
    func pages(width: Int, dark: Bool, javascript: Bool) throws {
      try page.setWindow(width: width, dark: dark, javascript: javascript)
      let manner = "\(width)\(dark ? "-dark" : "")\(javascript ? "" : "-plain")"
      let seen = try SiteCrawl(page, at: home).visit { place in
        #expect(page.status == 200, "\(place)")
        #expect(try page.count("h1") == 1, "\(place)")
        #expect(try page.text("main").count > 60, "\(place)")
        let overflow = try page.overflow()
        #expect(overflow <= 0, "\(place) is wider than the window")
        #expect(page.consoleErrors.isEmpty, "\(place): \(page.consoleErrors)")
        page.forgetErrors()
        // Nothing is left of what has to be filled in.
        #expect(try !page.text().contains("{{") && !page.text().contains("undefined"), "\(place)")
        try keep(page, "site-\(SiteCrawl.kind(of: place))-\(manner)")
      }
      let kinds = Set(seen.map(SiteCrawl.kind))
      for kind in [
        "", "hosts", "hosts-one", "services", "services-one", "relations", "relations-one",
        "networks", "failures", "undecided", "groups", "notices", "completeness", "health",
      ] {
        #expect(kinds.contains(kind), "no link leads to \(kind): \(kinds.sorted())")
      }
      #expect(page.dialogs.isEmpty)
    }

    @Test("a column's head sorts, in place, and the browser's button takes it back")
    func sorting() throws {
      try page.navigate(home + "/hosts")
      let before: String = try page.value("location.href")
      let number: Int = try page.value(
        """
        [...document.querySelectorAll('#hosts thead th')]
          .findIndex((head) => head.innerText.trim().startsWith('Requests')) + 1
        """)
      try #require(number > 0)
      let head = "#hosts thead th:nth-child(\(number))"
      try page.evaluate("window.stays = true")
      for (way, isInOrder) in [("descending", { $0 >= $1 }), ("ascending", { $0 <= $1 })]
        as [(String, (Int, Int) -> Bool)]
      {
        try page.click(head + " a")
        try page.waitFor("document.querySelector('\(head)').ariaSort === '\(way)'")
        let values = try column(number, of: "#hosts", in: page).compactMap { Int($0) }
        #expect(values.count > 5)
        #expect(zip(values, values.dropFirst()).allSatisfy(isInOrder), "\(way): \(values)")
      }
      #expect(try page.value("window.stays") == true, "the page was not loaded anew")
      #expect(try page.value("location.search", as: String.self).contains("sort="))
      try page.evaluate("history.go(-2)")
      try page.waitFor("location.href === \(BrowserPage.quoted(before))")
      try page.waitFor("document.querySelector('\(head)').ariaSort === null")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("a table shows what matches as one types, and the focus stays")
    func tableSearch() throws {
      try page.navigate(home + "/hosts")
      let all = try page.count("#hosts tbody tr")
      try page.click("input.live")
      try page.type("print")
      try page.waitFor("location.search.includes('q=print')")
      try page.type("er")
      try page.waitFor("location.search.includes('q=printer')")
      try page.waitFor("document.querySelectorAll('#hosts tbody tr').length < \(all)")
      let rows: [String] = try page.value(
        "[...document.querySelectorAll('#hosts tbody tr')].map((row) => row.innerText)")
      #expect(!rows.isEmpty && rows.allSatisfy { $0.contains("printer") }, "\(rows)")
      #expect(try page.value("document.activeElement.value") == "printer")
      try page.type("zzz")
      try page.waitFor("document.querySelectorAll('#hosts tbody td.quiet').length === 1")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("the search suggests as one types, and arrows lead into what it found")
    func search() throws {
      try page.navigate(home + "/")
      try page.click("#q")
      try page.type("printer")
      try page.waitFor("document.querySelectorAll('#suggestions a').length > 0")
      #expect(try page.value("document.getElementById('q').ariaExpanded") == "true")
      try keep(page, "site-suggestions-1440")
      try page.press("ArrowDown")
      #expect(try page.value("document.activeElement.closest('#suggestions') !== null") == true)
      try page.awaitNavigation { try page.press("Enter") }
      #expect(try page.text("main").contains("printer"))
      // The same without a suggestion: a page of everything that was found.
      for words in ["10.20.2", "https", "tcp/443", "printer"] {
        try page.navigate(home + "/search?q=" + (words.replacing("/", with: "%2F")))
        #expect(try page.count("main tbody tr") > 0, "\(words)")
      }
      try page.navigate(home + "/")
      try page.click("#q")
      try page.type("ns.office")
      try page.awaitNavigation { try page.press("Enter") }
      #expect(try page.value("location.pathname") == "/search")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("the language is the reader's, until he asks for another")
    func language() throws {
      try page.setHeaders(["Accept-Language": "ja,en;q=0.5"])
      try page.navigate(home + "/hosts")
      #expect(try page.value("document.documentElement.lang") == "ja")
      #expect(try page.text("nav.views").contains("ホスト"))
      try page.awaitNavigation { try page.click("a.language") }
      #expect(try page.value("document.documentElement.lang") == "en")
      #expect(try page.value("location.pathname") == "/hosts")
      // And it goes along.
      try page.awaitNavigation { try page.click("#hosts tbody a") }
      #expect(try page.value("document.documentElement.lang") == "en")
      try page.setHeaders(["Accept-Language": "en"])
      try page.navigate(home + "/services?lang=ja")
      #expect(try page.value("document.documentElement.lang") == "ja")
      try keep(page, "site-services-1440-ja")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("tables have names and heads, links and fields as well; there are landmarks")
    func accessibility() throws {
      for place in ["/", "/hosts", "/services", "/relations", "/networks", "/failures"] {
        try page.navigate(home + place)
        let tree = try page.accessibilityTree()
        let tables = tree.indices.filter { tree[$0].role == "table" }
        #expect(!tables.isEmpty, "\(place)")
        for table in tables {
          #expect(!tree[table].name.isEmpty, "\(place)")
          let heads = AccessibilityNode.inside(table, of: tree)
            .filter { $0.role == "columnheader" }
          #expect(!heads.isEmpty, "\(place): \(tree[table].name)")
          #expect(heads.allSatisfy { !$0.name.isEmpty }, "\(place): \(tree[table].name)")
        }
        for node in tree
        where ["link", "button", "searchbox", "textbox", "combobox", "navigation"].contains(
          node.role)
        {
          #expect(!node.name.isEmpty, "\(place): \(node)")
        }
        for role in ["main", "navigation", "search", "banner", "heading"] {
          #expect(tree.contains { $0.role == role }, "\(place): no \(role)")
        }
      }
      try page.navigate(home + "/hosts?sort=-bytes")
      #expect(try page.count("th[aria-sort]") <= 1)
    }

    @Test("the keyboard reaches everything in the order of the page")
    func keyboard() throws {
      try page.navigate(home + "/hosts")
      var stops: [String] = []
      for _ in 0..<60 where stops.last != "head" {
        try page.press("Tab")
        let stop: String = try page.value(
          """
          (() => {
            const node = document.activeElement;
            return node.id === "q" ? "search" : node.closest("nav") ? "navigation"
              : node.closest("thead") ? "head" : node.closest("form.time") ? "time"
              : node.matches("input.live") ? "find" : node.className || node.tagName;
          })()
          """)
        if stops.last != stop { stops.append(stop) }
      }
      #expect(stops.first == "skip", "\(stops)")
      let order = ["search", "time", "navigation", "find", "head"].map { stops.firstIndex(of: $0) }
      #expect(order.allSatisfy { $0 != nil }, "\(stops)")
      #expect(order.compactMap { $0 } == order.compactMap { $0 }.sorted(), "\(stops)")
      let outline: String = try page.value(
        "(() => { const one = getComputedStyle(document.activeElement); return one.outlineStyle; })()"
      )
      #expect(outline != "none", "where the focus is can be seen")
      try page.press("Enter")
      try page.waitFor("document.querySelector('th[aria-sort]')")
    }

    @Test("the graph opens a group where it is clicked, and closes it again; it can be made larger")
    func graph() throws {
      try page.navigate(home + "/graph")
      let groups = try page.count(".picture .graph-node")
      try #require(groups > 1)
      let width: Double = try page.value("document.querySelector('.picture svg').clientWidth")
      try page.click(".zooms button:nth-child(2)")
      try page.waitFor("document.querySelector('.picture svg').clientWidth > \(width)")
      let node = ".picture .graph-node a[href*='expand=']"
      #expect(try page.count(node) == groups)
      try page.awaitNavigation { try page.click(node) }
      #expect(try page.value("location.search", as: String.self).contains("expand="))
      #expect(try page.count(".picture .graph-node") > groups)
      #expect(try page.count(".picture .graph-node a[href*='/hosts/']") > 0)
      try keep(page, "site-graph-opened-1440")
      try page.click(".links a.soft")
      try page.waitFor("document.querySelectorAll('.picture .graph-node').length === \(groups)")
      try page.setWindow(width: 1440, dark: false, javascript: false)
      try page.navigate(home + "/graph?level=host&failures=0")
      #expect(try page.count(".picture .graph-node") > groups)
      #expect(try page.count("#edges tbody tr") > 0)
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("prints", arguments: ["/", "/hosts", "/networks"])
    func paper(place: String) throws {
      try page.navigate(home + place)
      let pdf = try page.pdf()
      #expect(pdf.starts(with: Data("%PDF-".utf8)) && pdf.count > 5_000)
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("what is not there, or makes no sense, is said so")
    func problems() throws {
      for (place, status) in [
        ("/nowhere", 404), ("/hosts/192.0.2.99", 404), ("/services/tcp/1", 404),
        ("/hosts?from=nonsense", 400), ("/hosts?lang=xx", 400), ("/hosts?page=0", 400),
        ("/hosts?sort=nothing", 400),
      ] {
        try page.navigate(home + place)
        #expect(page.status == status, "\(place)")
        #expect(try page.text("main").count > 10, "\(place)")
        #expect(try page.count("nav.views a") > 5, "\(place)")
      }
    }
  }

  /// The pages of a store that a unit writes.
  @Suite struct SiteTimeTests {
    @Test("a page that is open shows what is committed meanwhile")
    func renewal() throws {
      let folder = try TemporaryDirectory()
      let store = try UnitStore(path: folder.path("map.db"))
      defer { store.close() }
      var unit = SyntheticUnit()
      for _ in 0..<12 { try unit.commit(to: store) }
      let site = try Site(store: folder.path("map.db"))
      let page = try Browser().open()
      try page.navigate(site.address + "/?range=all")
      let figures = "document.querySelector('.figures').innerText"
      let before: String = try page.value(figures)
      try page.evaluate("window.stays = true")
      for _ in 0..<12 { try unit.commit(to: store) }
      try page.waitFor("\(figures) !== \(BrowserPage.quoted(before))", seconds: 30)
      #expect(try page.value("window.stays") == true, "the page was not loaded anew")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("a time is asked for in the page, goes along, and is what is shown")
    func time() throws {
      let folder = try TemporaryDirectory()
      try Site.writeUnit(folder.path("map.db"))
      let page = try Browser().open()
      let site = try Site(store: folder.path("map.db"))
      try page.navigate(site.address + "/hosts?range=all")
      let all = try page.count("#hosts tbody tr")
      let times = "[...document.querySelectorAll('.span time')].map((one) => one.dateTime)"
      let whole: [String] = try page.value(times)
      try #require(whole.count == 2)
      let begin = Int(SyntheticUnit.begin)
      let format = ISO8601DateFormatter()
      let from = format.string(from: Date(timeIntervalSince1970: Double(begin + 120)))
      let to = format.string(from: Date(timeIntervalSince1970: Double(begin + 300)))
      try page.evaluate("document.querySelector('form.time [name=range]').value = 'all'")
      for (name, value) in [("from", from), ("to", to)] {
        try page.click("form.time [name=\(name)]")
        try page.type(value)
      }
      try page.awaitNavigation { try page.click("form.time button") }
      #expect(page.status == 200)
      // Whole minutes, or what of them was seen.
      let isWithin = """
        \(times).every((one) => Date.parse(one) >= Date.parse('\(from)')
          && Date.parse(one) <= Date.parse('\(to)'))
        """
      #expect(try page.value(isWithin) == true)
      #expect(try page.value(times, as: [String].self) != whole)
      #expect(try page.count("#hosts tbody tr") <= all)
      try page.awaitNavigation { try page.click("#hosts tbody a") }
      #expect(try page.value(isWithin) == true)
      try keep(page, "site-time-1440")
      try page.navigate(site.address + "/hosts?from=2001-01-01T00:00&to=2001-01-02T00:00")
      #expect(try page.text("main").count > 10)
      #expect(page.dialogs.isEmpty)
    }
  }
}

/// Follows the links of pages, so that a page that nobody thought of is opened too.
struct SiteCrawl {
  private let page: BrowserPage
  private let home: String
  /// Of each kind of page so many.
  private let each: Int

  init(_ page: BrowserPage, at home: String, each: Int = 2) {
    self.page = page
    self.home = home
    self.each = each
  }

  /// What a page is about: `hosts`, `hosts-one`, …
  static func kind(of place: String) -> String {
    let parts = place.prefix { $0 != "?" }.split(separator: "/")
    switch parts.count {
    case 0: return ""
    case 1: return String(parts[0])
    default: return "\(parts[0])-\(parts.count > 2 && parts[0] == "hosts" ? "service" : "one")"
    }
  }

  /// Opens the pages that are reached from the first one, and calls `body` on each.
  ///
  /// - Returns: their paths.
  @discardableResult
  func visit(_ body: (String) throws -> Void) throws -> [String] {
    var waiting = ["/"]
    var known: Set = ["/"]
    var counts: [String: Int] = ["": 1]
    var seen: [String] = []
    while !waiting.isEmpty, seen.count < 80 {
      let place = waiting.removeFirst()
      try page.navigate(home + place)
      seen.append(place)
      try body(place)
      let links: [String] = try page.value(
        """
        [...document.querySelectorAll("nav.views a, main a")].map((one) => new URL(one.getAttribute("href"), location.href))
          .filter((one) => one.origin === location.origin
            && !/\\.(csv|svg|dot|mmd|cyjs|graphml)$|^\\/api\\//.test(one.pathname))
          .map((one) => one.pathname + one.search)
        """)
      for link in links where known.insert(link).inserted {
        let kind = SiteCrawl.kind(of: link)
        // Other orders and pages of a table are no other pages.
        guard !link.contains("sort="), counts[kind, default: 0] < each else { continue }
        counts[kind, default: 0] += 1
        waiting.append(link)
      }
    }
    return seen
  }
}
