import Foundation
import Reporter
import ServiceMap
import TestSupport
import Testing

/// Names are text, whatever they look like.
extension InChromium {
  @Suite struct HostileNameTests {
    private let page: BrowserPage

    init() throws { page = try Browser().open() }

    @Test("hosts' names do nothing to the static report", arguments: widths)
    func hosts(width: Int) throws {
      let office = try Office.hostile.get()
      try page.setWindow(width: width)
      try page.navigate(office.page)
      let views: [String] = try page.value(
        "[...document.querySelectorAll('nav [data-view]')].map((link) => link.dataset.view)")
      for view in views {
        try page.navigate("\(office.page)#view=\(view)")
        try expectNoHarm(view)
        try keep(page, "static-hostile-\(view)-\(width)")
      }
      for host in office.hosts {
        try page.navigate("\(office.page)#host=\(host)")
        try expectNoHarm(host)
      }
      // It is there, and as it was written.
      try page.navigate("\(office.page)#view=hosts")
      #expect(try page.text("#lists").contains(HostileName.all[0]))
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    private func expectNoHarm(_ place: String) throws {
      #expect(try HostileName.harm(in: page) == nil, "\(place)")
      #expect(try HostileName.unisolated(in: page) == [], "\(place)")
      #expect(try page.overflow() <= 0, "\(place)")
      #expect(try HostileName.towering(in: page) == [], "\(place)")
    }

    @Test("hosts' names do nothing to the service's pages", arguments: widths)
    func sitePages(width: Int) throws {
      let office = try Office.hostile.get()
      try page.setWindow(width: width)
      let site = try Site(store: office.store, names: office.names)
      try SiteCrawl(page, at: site.address, each: 3).visit { place in
        try expectNoHarm(place)
        try keep(page, "site-hostile-\(SiteCrawl.kind(of: place))-\(width)")
      }
      for host in office.hosts {
        try page.navigate("\(site.address)/hosts/\(host)")
        try expectNoHarm(host)
      }
      // As suggestions, which a script makes.
      try page.navigate(site.address + "/")
      try page.click("#q")
      try page.type("pwned")
      try page.waitFor("document.querySelectorAll('#suggestions a').length > 0")
      try expectNoHarm("suggestions")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("what is asked of the service's pages is text as well")
    func sitePlaces() throws {
      let office = try Office.shared.get()
      let site = try Site(store: office.store)
      for name in HostileName.all where name.count < 1000 {
        let word = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        for place in [
          "/\(word)", "/hosts/\(word)", "/services/tcp/\(word)", "/network?name=\(word)",
          "/search?q=\(word)", "/hosts?q=\(word)", "/hosts?sort=\(word)", "/hosts?from=\(word)",
          "/hosts?lang=\(word)", "/hosts?range=\(word)", "/?\(word)=\(word)",
        ] {
          try page.navigate(site.address + place)
          #expect([200, 400, 404].contains(page.status), "\(place): \(page.status ?? 0)")
          #expect(try HostileName.harm(in: page) == nil, "\(place)")
          #expect(try page.overflow() <= 0, "\(place)")
        }
      }
      #expect(page.dialogs.isEmpty)
    }

    @Test("services' names do nothing to the static report", arguments: widths)
    func services(width: Int) throws {
      let office = try Office.shared.get()
      let folder = try TemporaryDirectory()
      let map = try MapStore.read(path: office.store).map()
      // services(5) has no room for spaces and '#'.
      let names = HostileName.all.map {
        $0.filter { !$0.isWhitespace && $0 != "#" }.replacing("<img", with: "<img/")
      }
      let ports = [443, 80, 53, 25, 22, 5432, 389, 445, 9100, 123, 5353, 514, 993, 3306, 8080]
      let lines = ports.enumerated().flatMap { place, port in
        ["tcp", "udp"].map { "\(names[place % names.count]) \(port)/\($0)\n" }
      }
      let report = MapReport(
        map: map, serviceNames: ServiceNames(text: lines.joined()), language: .en, version: "test")
      try report.write(.html, to: folder.path("services.html"))
      try page.setWindow(width: width)
      for view in ["overview", "hosts", "services", "failures", "groups", "undecided"] {
        try page.navigate("file://\(folder.path("services.html"))#view=\(view)")
        try expectNoHarm(view)
        try keep(page, "static-hostile-services-\(view)-\(width)")
      }
      for (host, _) in zip(office.hosts, 0..<10) {
        try page.navigate("file://\(folder.path("services.html"))#host=\(host)")
        try expectNoHarm(host)
      }
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }

    @Test("what an address of the page says is text as well")
    func places() throws {
      let office = try Office.shared.get()
      for name in HostileName.all {
        let word = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        for key in ["host", "service", "view", "q", "sort", "lang"] {
          try page.navigate("\(office.page)#\(key)=\(word)")
          try page.evaluate("new Promise((done) => requestAnimationFrame(done))")
        }
        #expect(try HostileName.harm(in: page) == nil, "\(name.prefix(100))")
      }
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
    }
  }
}
