import Foundation
import TestSupport
import Testing

/// The driver itself: what it does not see, no other test here can.
extension InChromium {
  @Suite struct BrowserDriverTests {
    private let page: BrowserPage
    private let folder: TemporaryDirectory

    init() throws {
      page = try Browser().open()
      folder = try TemporaryDirectory()
    }

    /// Opens a document with this body.
    private func open(_ body: String, head: String = "") throws {
      let path = try folder.write(
        Array("<!DOCTYPE html><title>t</title><meta charset=utf-8>\(head)\(body)".utf8),
        to: "page.html")
      try page.navigate("file://\(path)")
    }

    @Test("sees errors, warnings, exceptions and what the content security policy forbids")
    func errors() throws {
      try open("<p>quiet</p><script>console.log('no error')</script>")
      #expect(page.consoleErrors.isEmpty, "\(page.consoleErrors)")
      try open("<script>console.error('one', 2); console.warn('two')</script>")
      #expect(page.consoleErrors == ["console.error: one 2", "console.warning: two"])
      page.forgetErrors()
      try open("<script>setTimeout(() => nothing.there)</script>")
      try page.waitFor("document.readyState === 'complete'")
      _ = try page.evaluate("new Promise((done) => setTimeout(done, 50))")
      #expect(page.consoleErrors.contains { $0.contains("nothing is not defined") })
      page.forgetErrors()
      try open(
        "<script>window.ran = true</script>",
        head: "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">")
      #expect(try page.evaluate("window.ran") == nil)
      #expect(
        page.consoleErrors.contains { $0.contains("Content Security Policy") },
        "\(page.consoleErrors)")
    }

    @Test("sees what cannot be loaded, and reaches no other machine")
    func missing() throws {
      try open("<img src=nothing.png><script src='https://example.com/x.js'></script>")
      #expect(page.consoleErrors.contains { $0.contains("nothing.png") }, "\(page.consoleErrors)")
      #expect(page.consoleErrors.contains { $0.contains("example.com") }, "\(page.consoleErrors)")
      #expect(throws: BrowserError.self) { try page.navigate("http://127.0.0.1:1/") }
    }

    @Test("sees dialogs and goes on")
    func dialogs() throws {
      try open("<script>alert('hello'); window.after = confirm('sure?')</script>")
      #expect(page.dialogs == ["hello", "sure?"])
      #expect(try page.value("window.after") == true)
    }

    @Test("tells harm that hostile names do")
    func harm() throws {
      try open("<p>text</p>")
      #expect(try HostileName.harm(in: page) == nil)
      try open("<p>\(HostileName.all[0])</p>")
      #expect(try HostileName.harm(in: page) != nil)
      try open("<p>a <bdi>\u{202E}b</bdi> c</p><p>\u{202E}alone</p>")
      #expect(try HostileName.unisolated(in: page) == [])
      try open("<p>a <span>\u{202E}b</span> c</p>")
      #expect(try HostileName.unisolated(in: page).count == 1)
    }

    @Test("clicks and types as a reader would")
    func hands() throws {
      try open(
        """
        <input id=q><button id=b onclick="window.clicked = event.isTrusted">b</button>
        <div style="height: 3000px"></div><a href="#x" id=far>far</a>
        <div style="position: fixed; inset: 40px 0 0 0" hidden id=over></div>
        """)
      try page.click("#b")
      #expect(try page.value("window.clicked") == true)
      try page.click("#q")
      try page.type("日本 <x>")
      #expect(try page.value("document.getElementById('q').value") == "日本 <x>")
      try page.press("Tab")
      #expect(try page.value("document.activeElement.id") == "b")
      try page.press("Tab", shift: true)
      #expect(try page.value("document.activeElement.id") == "q")
      try page.click("#far")
      #expect(try page.value("location.hash") == "#x")
      try page.evaluate("document.getElementById('over').hidden = false")
      #expect(throws: BrowserError.self) { try page.click("#far") }
      #expect(throws: BrowserError.self) { try page.click("#nowhere") }
      #expect(throws: BrowserError.self) { try page.waitFor("false", seconds: 0.2) }
      #expect(throws: BrowserError.self) { try page.evaluate("nothing.there") }
    }

    @Test(
      "has a width, a colour scheme, scripts or none, paper and a tree for assistive technology")
    func media() throws {
      let body = """
        <noscript>none</noscript><script>document.title = "ran"</script>
        <table aria-label="hosts"><tr><th scope=col>name<tr><td>x</table>
        """
      try page.setWindow(width: 400, dark: true)
      try open(body)
      #expect(try page.value("innerWidth") == 400)
      #expect(try page.value("matchMedia('(prefers-color-scheme: dark)').matches") == true)
      #expect(try page.value("document.title") == "ran")
      #expect(try page.overflow() == 0)
      try open(body + "<p style='width: 500px'>wide")
      #expect(try page.overflow() > 100)
      try page.setWindow(width: 1440, javascript: false)
      try open(body)
      #expect(try page.value("document.title") == "t")
      #expect(try page.text().contains("none"))
      let tree = try page.accessibilityTree()
      #expect(tree.contains { $0.role == "table" && $0.name == "hosts" })
      #expect(tree.contains { $0.role == "columnheader" && $0.name == "name" })
      #expect(try page.pdf().starts(with: Data("%PDF-".utf8)))
      try page.screenshot(folder.path("x.png"))
      #expect(TemporaryDirectory.size(folder.path("x.png")) > 1000)
    }
  }
}
