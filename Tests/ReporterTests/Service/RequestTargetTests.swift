import Testing
import Wire

@testable import Reporter

@Suite struct RequestTargetTests {
  @Test(
    "decodes paths and queries",
    arguments: [
      ("/", "/", ""), ("/hosts/10.0.0.1?lang=ja&q=a+b", "/hosts/10.0.0.1", "lang=ja;q=a b"),
      ("/hosts/fe80::1", "/hosts/fe80::1", ""), ("/h%6Fsts", "/hosts", ""),
      ("/%E5%90%8D?q=%E5%90%8D%26x", "/名", "q=名&x"), ("/hosts/", "/hosts/", ""),
      ("/a?q=..%2F..&q=%5c&r", "/a", "q=../..;q=\\;r="), ("/a?&&x=1=2", "/a", "x=1=2"),
      ("/networks/10.1.2.0_24", "/networks/10.1.2.0_24", ""), ("/a...b", "/a...b", ""),
      ("/a?q=%3Cscript%3E", "/a", "q=<script>"), ("/a?q=100%25", "/a", "q=100%"),
    ])
  func decodes(target: String, path: String, query: String) {
    let decoded = RequestTarget(target)
    #expect(decoded?.path == path)
    #expect(decoded?.query.map { "\($0.name)=\($0.value)" }.joined(separator: ";") == query)
  }

  /// What has been used against servers to get at what is outside of their pages.
  static let traversals = [
    "/../etc/passwd", "/..", "/a/../b", "/a/..", "/./a", "/a/.", "/%2e%2e/etc/passwd",
    "/%2e%2e%2fetc%2fpasswd", "/..%2fetc", "/.%2e/etc", "/%2E./etc", "/a/%2e%2e", "/..%5cetc",
    "/..\\etc", "/%5c..%5cetc", "/%252e%252e/etc", "/%25%32%65%25%32%65/etc", "/a%252fb",
    "/%c0%ae%c0%ae/etc", "/%c0%af", "/%e0%80%ae/", "/a%00.html", "/%00", "//etc/passwd", "/a//b",
    "/a/%2fb", "/%2f%2fetc", "/a%0d%0aSet-Cookie:x", "/a%7f", "/a\u{7F}", "/a%", "/a%2", "/a%zz",
    "/a%ff", "a", "", "*", "?q", "http:x", "/a#b", "/a b", "/\u{E9}", "/a?q=%", "/a?q=%00",
    "/a?%00=1", "/a?q=%ff", "/a?q=%c0%80",
  ]

  @Test("refuses what is no address, and every way out of the pages", arguments: traversals)
  func refuses(target: String) { #expect(RequestTarget(target) == nil) }

  @Test("whatever is let through is clean, whatever came")
  func random() {
    var generator = SystemRandomNumberGenerator()
    let pieces = [
      "/", ".", "..", "%2e", "%2f", "%5c", "\\", "%00", "%25", "a", "?", "&", "=", "%", "%c0", "+",
    ]
    var passed = 0
    for _ in 0..<20_000 {
      let target = "/" + (0..<6).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
      guard let decoded = RequestTarget(target) else { continue }
      passed += 1
      let parts = decoded.path.split(separator: "/", omittingEmptySubsequences: false)
      #expect(
        decoded.path.hasPrefix("/") && !parts.contains("..") && !parts.contains(".")
          && !decoded.path.contains("//") && !decoded.path.contains("%")
          && !decoded.path.contains("\\") && !decoded.path.utf8.contains(0), "\(target)")
    }
    #expect(passed > 100)
  }
}
