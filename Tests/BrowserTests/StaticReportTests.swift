import Foundation
import TestSupport
import Testing

/// The page that a reader may keep and send: all of it is in one file.
extension InChromium {
  @Suite struct StaticReportTests {
    private let page: BrowserPage
    private let office: Office

    init() throws {
      office = try Office.shared.get()
      page = try Browser().open()
    }

    @Test("every view opens without errors, and is no wider than the window", arguments: widths)
    func views(width: Int) throws {
      try page.setWindow(width: width)
      try page.navigate(office.page)
      let views: [String] = try page.value(
        "[...document.querySelectorAll('nav [data-view]')].map((link) => link.dataset.view)")
      #expect(views.count >= 8)
      for view in views {
        try page.click("nav [data-view='\(view)']")
        try page.waitFor("location.hash === '#view=\(view)'")
        try page.waitFor(
          "document.querySelector('nav [aria-current=page]')?.dataset.view === '\(view)'")
        let shown: [String] = try page.value(
          "[...document.querySelectorAll('main > section:not([hidden])')].map((one) => one.innerText)"
        )
        #expect(shown.count == 1, "\(view)")
        #expect(shown.first?.count ?? 0 > 50, "\(view)")
        #expect(try page.overflow() <= 0, "\(view)")
        try keep(page, "static-\(view)-\(width)")
      }
      for host in office.hosts {
        try page.navigate("\(office.page)#host=\(host)")
        try page.waitFor("document.title.startsWith(\(BrowserPage.quoted(host)))")
        #expect(try page.overflow() <= 0, "\(host)")
      }
      try keep(page, "static-host-\(width)")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("a click on a column's head sorts by it, and another turns it around")
    func sorting() throws {
      try page.navigate("\(office.page)#view=hosts")
      let number = try page.value(
        """
        [...document.querySelectorAll('#lists thead th')]
          .findIndex((head) => head.innerText === 'Requests') + 1
        """, as: Int.self)
      try #require(number > 0)
      let head = "#lists thead th:nth-child(\(number))"
      for (way, isInOrder) in [("descending", { $0 >= $1 }), ("ascending", { $0 <= $1 })]
        as [(String, (Int, Int) -> Bool)]
      {
        try page.click("\(head) button")
        try page.waitFor("document.querySelector('\(head)').ariaSort === '\(way)'")
        let values = try column(number, of: "#lists", in: page).compactMap { Int($0) }
        #expect(values.count > 5)
        #expect(zip(values, values.dropFirst()).allSatisfy(isInOrder), "\(way): \(values)")
        #expect(try page.value("location.hash", as: String.self).contains("requests"))
      }
      // What the address says is what somebody else sees.
      try page.evaluate("location.reload()")
      try page.waitFor("document.querySelector('\(head)')?.ariaSort === 'ascending'")
    }

    @Test("searching shows what matches as one types, and keeps it in the address")
    func searching() throws {
      try page.navigate("\(office.page)#view=hosts")
      let all = try page.count("#lists tbody tr")
      try page.click("#q")
      try page.type("printer")
      try page.waitFor("location.hash.includes('q=printer')")
      try page.waitFor("document.querySelectorAll('#lists tbody tr').length < \(all)")
      let rows: [String] = try page.value(
        "[...document.querySelectorAll('#lists tbody tr')].map((row) => row.innerText)")
      #expect(!rows.isEmpty)
      #expect(rows.allSatisfy { $0.lowercased().contains("printer") }, "\(rows)")
      try page.type("zzz")
      try page.waitFor("document.querySelector('#lists tbody').innerText.includes('No')")
      #expect(try page.count("#lists tbody tr") == 1)
      // From the overview it leads to the hosts.
      try page.navigate(office.page + "#view=overview")
      try page.evaluate("document.getElementById('q').value = ''")
      try page.click("#q")
      try page.type("printer")
      try page.waitFor("location.hash.startsWith('#view=hosts')")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("clients and reasons open under their row, and close")
    func expanding() throws {
      try page.navigate(office.page)
      let server: String = try page.value(
        "document.querySelector('#overview table.top a[href^=\"#host=\"]').textContent")
      try page.navigate("\(office.page)#host=\(server)")
      let button = "#lists table.rows tbody button[aria-expanded]"
      let closed = try page.count("#lists tr.inner")
      try page.click(button)
      try page.waitFor("document.querySelectorAll('#lists tr.inner').length === \(closed + 1)")
      #expect(
        try page.value("document.querySelector('\(button)').ariaExpanded", as: String.self)
          == "true")
      #expect(try page.text("#lists tr.inner").count > 20)
      try page.click(button)
      try page.waitFor("document.querySelectorAll('#lists tr.inner').length === \(closed)")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("the language is changed by a click, and by the address")
    func language() throws {
      try page.navigate("\(office.page)#view=services")
      try page.click("[data-language=ja]")
      try page.waitFor("document.documentElement.lang === 'ja'")
      #expect(try page.text("nav.views").contains("ホスト"))
      #expect(try page.text("#lists h2").contains("サービス"))
      #expect(try page.value("location.hash", as: String.self).contains("lang=ja"))
      try page.navigate("about:blank")
      try page.navigate("\(office.page)#view=hosts&lang=ja")
      try page.waitFor("document.querySelector('#lists h2').innerText.includes('ホスト')")
      try page.click("[data-language=en]")
      try page.waitFor("document.querySelector('#lists h2').innerText.includes('Hosts')")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("links lead from host to service and back with the browser's buttons")
    func links() throws {
      try page.navigate("\(office.page)#view=services")
      try page.click("#lists tbody a[href^='#service=']")
      try page.waitFor("location.hash.startsWith('#service=')")
      let service: String = try page.value("location.hash")
      // The page follows its address a moment later.
      try page.waitFor("document.querySelector(\"#lists tbody a[href^='#host=']\")")
      try page.click("#lists tbody a[href^='#host=']")
      try page.waitFor("location.hash.startsWith('#host=')")
      #expect(try page.count("#lists h2") == 1)
      try page.evaluate("history.back()")
      try page.waitFor("location.hash === \(BrowserPage.quoted(service))")
      try page.navigate("\(office.page)#host=192.0.2.255")
      #expect(try page.text("#lists").contains("192.0.2.255"))
      try page.navigate("\(office.page)#host=%E0%A4%A&view=%3Cb%3E&q=%")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("is readable without scripts, in the dark, and on paper")
    func plain() throws {
      try page.setWindow(width: 1440, javascript: false)
      try page.navigate(office.page)
      #expect(try page.text("#overview").contains("https"))
      #expect(try page.count("#overview table tbody tr") > 10)
      #expect(try page.text("noscript").count > 20)
      try keep(page, "static-plain-1440")
      try page.setWindow(width: 1440, dark: true)
      try page.navigate(office.page)
      let dark = try brightness()
      try keep(page, "static-dark-1440")
      try page.setWindow(width: 1440)
      let light = try brightness()
      #expect(dark.ground < 60 && dark.text > 180, "\(dark)")
      #expect(light.ground > 220 && light.text < 80, "\(light)")
      let pdf = try page.pdf()
      #expect(pdf.starts(with: Data("%PDF-".utf8)) && pdf.count > 10_000)
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    /// Of the page's ground and its text, 0 to 255.
    private func brightness() throws -> (ground: Double, text: Double) {
      let script = """
        (() => {
          const of = (colour) => {
            const canvas = document.createElement("canvas").getContext("2d");
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
            return (red + green + blue) / 3;
          };
          const style = getComputedStyle(document.body);
          const ground = [style, getComputedStyle(document.documentElement)]
            .map((one) => one.backgroundColor).find((one) => !/, 0\\)$/.test(one)) ?? "white";
          return [of(ground), of(style.color)];
        })()
        """
      let found: [Double] = try page.value(script)
      return (found[0], found[1])
    }

    @Test("every table has a name, and heads that say how it is sorted")
    func accessibility() throws {
      for view in ["overview", "hosts", "services", "failures"] {
        try page.navigate("\(office.page)#view=\(view)")
        let tree = try page.accessibilityTree()
        let tables = tree.indices.filter { tree[$0].role == "table" }
        #expect(!tables.isEmpty, "\(view)")
        for table in tables {
          let inside = AccessibilityNode.inside(table, of: tree)
          let heads = inside.filter { $0.role == "columnheader" || $0.role == "rowheader" }
          #expect(!heads.isEmpty, "\(view): \(tree[table])")
          #expect(heads.contains { !$0.name.isEmpty }, "\(view): \(tree[table])")
          if view != "overview" { #expect(!tree[table].name.isEmpty, "\(view)") }
        }
        for node in tree where ["link", "button"].contains(node.role) {
          #expect(!node.name.isEmpty, "\(view): \(node)")
        }
      }
    }

    @Test("the keyboard reaches the way past the navigation, the search and the heads of columns")
    func keyboard() throws {
      try page.navigate("\(office.page)#view=hosts")
      var stops: [String] = []
      for _ in 0..<40 {
        try page.press("Tab")
        let stop: String = try page.value(
          """
          (() => {
            const node = document.activeElement;
            return node.closest("nav") && node.id !== "q" ? "navigation"
              : node.closest("thead") ? "head" : node.className || node.id || node.tagName;
          })()
          """)
        if stops.last != stop { stops.append(stop) }
        if stop == "head" { break }
      }
      #expect(stops.first == "skip", "\(stops)")
      let search = stops.firstIndex(of: "q")
      let navigation = stops.firstIndex(of: "navigation")
      #expect(search != nil && navigation != nil && stops.last == "head", "\(stops)")
      try page.press("Enter")
      try page.waitFor("document.activeElement.closest('th').ariaSort")
    }
  }
}
