import Foundation
import ServiceMap
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Reporter

/// The service on real sockets of the loopback.
@Suite struct ReportServiceTests {
  @Test("a page with its headers; HEAD has all but the body; an unchanged one is a 304")
  func page() async throws {
    let run = try await ServiceRun()
    let page = try #require(try await run.get("/"))
    #expect(page.status == 200 && page.text == "<p>map")
    #expect(page.headers["content-type"] == "text/html; charset=utf-8")
    #expect(page.headers["cache-control"] == "private, no-cache")
    #expect(page.headers["content-security-policy"]?.hasPrefix("default-src 'none'; ") == true)
    #expect(page.headers["content-security-policy"]?.contains("unsafe") == false)
    #expect(page.headers["x-content-type-options"] == "nosniff")
    #expect(page.headers["referrer-policy"] == "no-referrer")
    #expect(page.headers["cross-origin-opener-policy"] == "same-origin")
    #expect(page.headers["cross-origin-resource-policy"] == "same-origin")
    #expect(page.headers["permissions-policy"]?.isEmpty == false)
    #expect(page.headers["strict-transport-security"] == nil)
    #expect(page.headers["vary"] == "Accept-Encoding, Accept-Language")
    let head = try #require(try await run.get("/", method: "HEAD"))
    #expect(head.status == 200 && head.headers["content-length"] == "6")
    #expect(head.headers["etag"] == page.headers["etag"])
    let tag = try #require(page.headers["etag"])
    for field in [tag, "\"x\", \(tag)", "*", String(tag.dropFirst(2))] {
      let same = try #require(try await run.get("/", ["If-None-Match: \(field)"]))
      #expect(same.status == 304 && same.headers["etag"] == tag, "\(field)")
    }
    #expect(try await run.get("/", ["If-None-Match: \"x\""])?.status == 200)
    let asset = try #require(try await run.get("/assets/x.1234.js"))
    #expect(asset.headers["cache-control"] == "private, max-age=31536000, immutable")
    let missing = try #require(try await run.get("/no"))
    #expect(missing.status == 404 && missing.headers["etag"] == nil)
    #expect(missing.headers["content-security-policy"] != nil)
  }

  @Test("pages add headers, but none of the service's own, and no lines of their own")
  func ownHeaders() async throws {
    let run = try await ServiceRun()
    let page = try #require(try await run.get("/echo?q=%3Cb%3E&q=2&lang=ja"))
    #expect(page.text == "q=<b>\nq=2\nlang=ja")
    #expect(page.headers["content-disposition"] == "attachment")
    #expect(page.headers["content-security-policy"]?.contains("'none'") == true)
    #expect(page.headers["x-evil"] == nil)
  }

  @Test("gzip for those who take it, and then the same page")
  func gzip() async throws {
    let run = try await ServiceRun()
    let plain = try #require(try await run.get("/large"))
    #expect(plain.text == FakePages.large && plain.headers["content-encoding"] == nil)
    for _ in 0..<2 {
      let packed = try #require(try await run.get("/large", ["Accept-Encoding: br, gzip"]))
      #expect(packed.headers["content-encoding"] == "gzip")
      #expect(packed.body.count < plain.body.count / 3)
      #expect(packed.headers["etag"] == plain.headers["etag"])
      let folder = try TemporaryDirectory()
      let file = try folder.write(packed.body, to: "page.gz")
      let unpacked = try Tool("gzip").run(["-dc", file])
      #expect(unpacked.text == FakePages.large)
    }
    let head = try #require(
      try await run.get("/large", method: "HEAD", ["Accept-Encoding: gzip"]))
    #expect(head.headers["content-encoding"] == "gzip")
    #expect(try await run.get("/", ["Accept-Encoding: gzip"])?.headers["content-encoding"] == nil)
    #expect(
      try await run.get("/huge", ["Accept-Encoding: gzip"])?.headers["content-encoding"] == nil)
  }

  @Test("a large answer arrives whole, also at somebody slow, as long as they take it")
  func slowReader() async throws {
    let run = try await ServiceRun { $0.limits.idleSeconds = 2 }
    let bytes = try await run.client { client -> Int in
      client.send("GET /huge HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
      var count = 0
      // 6 s in all, thrice the silence that would end it.
      for _ in 0..<12 {
        usleep(500_000)
        count += client.read(64 << 10)?.count ?? 0
      }
      while let more = client.read(1 << 20), !more.isEmpty { count += more.count }
      return count
    }
    #expect(bytes > 8 << 20)
  }

  @Test("who takes nothing of an answer is cut off")
  func stuckReader() async throws {
    let run = try await ServiceRun { $0.limits.idleSeconds = 1 }
    let count = try await run.client { client -> Int in
      client.send("GET /huge HTTP/1.1\r\nHost: localhost\r\n\r\n")
      // However long the answer takes to begin: the silence is after that.
      var count = client.read(1)?.count ?? 0
      sleep(8)
      while let more = client.read(1 << 20), !more.isEmpty { count += more.count }
      return count
    }
    #expect(count > 0 && count < 8 << 20)
  }

  @Test("every way out of the pages is a 400, and logged", arguments: RequestTargetTests.traversals)
  func traversal(target: String) async throws {
    let run = try await ServiceRun()
    let status = try await run.status(
      of: Array("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
    #expect(status == 400)
    #expect(run.pages.paths.isEmpty)
    #expect(await ServiceRun.wait { run.lines.count == 1 })
    #expect(run.lines.first?.status == 400 && run.lines.first?.reason?.isEmpty == false)
  }

  @Test(
    "what is no HTTP is a 4xx with the security headers, and logged",
    arguments: [
      "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
      "hello\r\n\r\n", "GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\u{0}b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "a", count: 20_000))\r\n\r\n",
      "GET /\(String(repeating: "a", count: 5000)) HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET /\(String(repeating: "a", count: 50_000)) HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\n"
        + (0..<100).map { "X\($0): y\r\n" }.joined() + "\r\n",
    ])
  func malformed(text: String) async throws {
    let run = try await ServiceRun()
    let answer = try await run.client { client in
      client.send(text)
      client.finish()
      return client.answer()
    }
    let status = try #require(answer?.status)
    #expect((400..<500).contains(status), "\(status)")
    #expect(answer?.headers["content-security-policy"] != nil)
    #expect(run.pages.paths.isEmpty)
    #expect(await ServiceRun.wait { run.lines.contains { $0.status == status } })
  }

  @Test("limits have their own status: 414, 431, 413, 405, 421")
  func limits() async throws {
    let run = try await ServiceRun()
    let most = "/" + String(repeating: "a", count: RequestTarget.bytesMax - 1)
    #expect(try await run.get(most)?.status == 404)
    #expect(try await run.get(most + "a")?.status == 414)
    let large = "X: " + String(repeating: "a", count: 17 << 10)
    #expect(try await run.get("/", [large])?.status == 431)
    #expect(try await run.get("/", ["Content-Length: 5"])?.status == 413)
    #expect(try await run.get("/", ["Content-Length: 0"])?.status == 200)
    #expect(try await run.get("/", ["Transfer-Encoding: chunked"])?.status == 413)
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"] {
      let answer = try await run.get(method == "CONNECT" ? "localhost:80" : "/", method: method)
      #expect(answer?.status == 405, "\(method)")
      #expect(answer?.headers["allow"] == "GET, HEAD")
    }
    for host in ["evil.example", "10.0.0.1", "localhost.evil.example", "127.0.0.1.evil", "[::2]"] {
      #expect(try await run.get("/", host: host)?.status == 421, "\(host)")
    }
    for host in ["localhost", "LOCALHOST:9478", "127.0.0.1:1", "[::1]:9478", "127.1.2.3"] {
      #expect(try await run.get("/", host: host)?.status == 200, "\(host)")
    }
    let refused = run.lines.filter { $0.status >= 400 && $0.status != 404 }
    #expect(refused.count == 16 && refused.allSatisfy { $0.reason != nil })
  }

  @Test("a body is not waited for, and the answer arrives all the same")
  func body() async throws {
    let run = try await ServiceRun()
    let began = Date()
    let (status, ended) = try await run.client { client -> (Int?, Bool) in
      client.send("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
      for _ in 0..<100 { client.send([UInt8](repeating: 65, count: 10_000)) }
      let status = client.answer()?.status
      return (status, client.rest() != nil)
    }
    #expect(status == 413 && ended)
    #expect(Date().timeIntervalSince(began) < 12)
  }

  @Test("a refusal speaks the reader's language")
  func languages() async throws {
    let run = try await ServiceRun()
    let target = "/%2e%2e"
    #expect(
      try await run.get(target, ["Accept-Language: ja,en;q=0.8"])?.text.contains("アドレス") == true)
    #expect(
      try await run.get(target, ["Accept-Language: en,ja;q=0.8"])?.text.contains("address") == true)
    #expect(try await run.get(target)?.text.contains("address") == true)
  }

  @Test("requests in one go are answered in their order; junk after them is a 400")
  func pipelined() async throws {
    let run = try await ServiceRun()
    let text = try await run.client { client in
      let one = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
      client.send(one + one.replacing("GET /", with: "GET /no") + one + "junk junk junk\r\n\r\n")
      return client.rest()
    }
    let statuses = try #require(text).matches(of: /HTTP\/1\.1 (\d+)/).compactMap { Int($0.1) }
    #expect(statuses == [200, 404, 200, 400])
  }

  @Test("a header that doesn't end, and a connection that says nothing, are given up")
  func silence() async throws {
    let run = try await ServiceRun { $0.limits.idleSeconds = 1 }
    for text in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: localhost\r\nX: "] {
      let began = Date()
      let rest = try await run.client { client in
        client.send(text)
        // A byte now and then is no header.
        for _ in 0..<20 where text.hasSuffix(" ") {
          usleep(100_000)
          client.send("a")
        }
        return client.rest()
      }
      #expect(rest == "")
      #expect(Date().timeIntervalSince(began) < 8)
    }
  }

  @Test("300 connections at a time: all are answered, sooner or later")
  func crowd() async throws {
    let run = try await ServiceRun { $0.limits.idleSeconds = 4 }
    let answered = try await run.client { _ -> Int in
      let clients = try (0..<300).map { _ in try RawClient(port: run.port) }
      for client in clients { client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") }
      return clients.filter { $0.answer()?.status == 200 }.count
    }
    #expect(answered == 300)
  }

  @Test("pages that take too long are a 503")
  func late() async throws {
    let run = try await ServiceRun { $0.limits.answerSeconds = 0.3 }
    let began = Date()
    let answer = try await run.get("/slow")
    #expect(answer?.status == 503 && answer?.headers["retry-after"] != nil)
    #expect(Date().timeIntervalSince(began) < 10)
    #expect(try await run.get("/")?.status == 200)
  }

  @Test("networks that are not allowed get a 403 and nothing else")
  func allowed() async throws {
    let run = try await ServiceRun {
      $0.allow = ["10.0.0.0/8", "2001:db8::/32"].compactMap { .init($0) }
    }
    let answer = try await run.get("/../x", method: "POST", host: "evil.example")
    #expect(answer?.status == 403 && answer?.headers["connection"] == "close")
    #expect(run.pages.paths.isEmpty)
    #expect(run.lines.map(\.reason) == ["network"])
    let open = try await ServiceRun { $0.allow = ["127.0.0.0/8"].compactMap { .init($0) } }
    #expect(try await open.get("/")?.status == 200)
  }

  @Test("whoever is asked says who they are: by password or by token")
  func credentials() async throws {
    let folder = TemporaryFolder()
    try SampleUsers.write(to: folder["users"])
    let run = try await ServiceRun { $0.users = folder["users"] }
    let asked = try #require(try await run.get("/user"))
    #expect(asked.status == 401)
    #expect(asked.headers["www-authenticate"]?.hasPrefix("Basic realm=\"renkei\"") == true)
    #expect(asked.headers["cache-control"] == "no-store")
    let basic = "Authorization: " + SampleUsers.basic("aiko", SampleUsers.password)
    let bearer = "Authorization: Bearer " + SampleUsers.token.token
    #expect(try await run.get("/user", [basic])?.text == "aiko")
    // With credentials any name will do: a proxy's.
    #expect(try await run.get("/user", [bearer], host: "renkei.example")?.text == "dashboard")
    // A password costs time on purpose; with ten of them a busy machine may not stay within the minute.
    for number in 0..<10 {
      let wrong =
        number == 0
        ? "Authorization: " + SampleUsers.basic("aiko", "wrong")
        : "Authorization: Bearer rk_wrong\(number)"
      #expect(try await run.get("/events", [wrong])?.status == 401)
    }
    let locked = try #require(try await run.get("/user", [basic]))
    #expect(locked.status == 429)
    #expect((1...60).contains(Int(locked.headers["retry-after"] ?? "") ?? 0))
    #expect(run.lines.filter { $0.user == "aiko" }.map(\.status) == [200])
    #expect(run.lines.last?.reason == "lockedOut")
  }

  @Test("without what it takes the service does not start on an address that others can reach")
  func refusesToStart() throws {
    let folder = TemporaryFolder()
    try SampleUsers.write(to: folder["users"])
    try SampleUsers.write(to: folder["empty"])
    try Data("# nobody\n".utf8).write(to: URL(fileURLWithPath: folder["empty"]))
    func error(_ host: String, _ change: (inout ServiceConfiguration) -> Void) -> String? {
      var configuration = ServiceConfiguration(host: host, port: 9478)
      change(&configuration)
      do {
        _ = try ReportService(configuration, pages: FakePages())
        return nil
      } catch {
        return "\(error)"
      }
    }
    for host in ["0.0.0.0", "::", "10.1.2.3", "example.org"] {
      #expect(error(host) { $0.users = folder["users"] }?.contains("without a certificate") == true)
      #expect(
        error(host) {
          $0.isInsecure = true
          $0.users = folder["no"]
        }?.contains("`renkei user add NAME") == true)
      #expect(
        error(host) {
          $0.isInsecure = true
          $0.users = folder["empty"]
        }?.contains("names nobody") == true)
      #expect(
        error(host) {
          $0.isInsecure = true
          $0.users = folder["users"]
        } == nil)
      #expect(error(host) { $0.isForLoopbackOnly = true }?.contains("loopback") == true)
    }
    #expect(error("127.0.0.1") { _ in } == nil)
    #expect(error("::1") { $0.key = "x" }?.contains("certificate is missing") == true)
    #expect(error("::1") { $0.certificate = "x" }?.contains("key is missing") == true)
    #expect(error("localhost") { $0.users = folder["no"] } != nil)
  }

  @Test("an address that is taken, or is not this machine's, is said")
  func cannotListen() async throws {
    let run = try await ServiceRun()
    for (host, part) in [
      ("127.0.0.1", "another program listens"), ("192.0.2.1", "no such address"),
    ] {
      do {
        _ = try await ServiceRun(host: host) {
          $0.port = run.port
          $0.isInsecure = true
          $0.users = host == "127.0.0.1" ? nil : try? users()
        }
        Issue.record("it started")
      } catch {
        #expect("\(error)".contains(part), "\(error)")
      }
    }
  }

  private let folder = TemporaryFolder()
  private func users() throws -> String {
    try SampleUsers.write(to: folder["users"])
    return folder["users"]
  }
}

@Suite struct EventStreamTests {
  @Test("readers get a line whenever the map is renewed, and signs of life between")
  func events() async throws {
    let run = try await ServiceRun { $0.limits.keepAliveSeconds = 0.2 }
    let text = try await run.client { client -> String in
      client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
      guard let head = client.answer(hasBody: false), head.status == 200,
        head.headers["content-type"] == "text/event-stream",
        head.headers["content-security-policy"] != nil
      else { return "no stream" }
      var text = ""
      while !text.contains("retry: 5000\n\n") {
        text += String(decoding: client.read(4096) ?? [], as: UTF8.self)
      }
      run.pages.renew("{\"version\":7}")
      run.pages.renew("two\nlines")
      while !text.contains("lines"), text.utf8.count < 4096 {
        text += String(decoding: client.read(4096) ?? [], as: UTF8.self)
      }
      while !text.contains(":\n\n"), text.utf8.count < 4096 {
        text += String(decoding: client.read(4096) ?? [], as: UTF8.self)
      }
      return text
    }
    #expect(text.contains("event: map\ndata: {\"version\":7}\n\n"))
    #expect(text.contains("event: map\ndata: two\ndata: lines\n\n"))
    // The client has gone: noticed, counted, logged.
    #expect(
      await ServiceRun.wait { run.lines.contains { $0.target == "/events" && $0.bytes > 20 } })
  }

  @Test("a hundred readers and no more; a seat is free again once its reader has gone")
  func seats() async throws {
    let run = try await ServiceRun { $0.eventStreamsMax = 3 }
    let statuses = try await run.client { _ -> [Int?] in
      let clients = try (0..<5).map { _ in try RawClient(port: run.port) }
      return clients.map { client in
        client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return client.answer(hasBody: false)?.status
      }
    }
    #expect(statuses == [200, 200, 200, 503, 503])
    // Long before the next sign of life, which would show it as well.
    #expect(await ServiceRun.wait { run.lines.filter { $0.status == 200 }.count == 3 })
    let again = try await run.client { client -> Int? in
      client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
      return client.answer(hasBody: false)?.status
    }
    #expect(again == 200)
    let none = try await ServiceRun { $0.eventStreamsMax = 0 }
    #expect(try await none.get("/events")?.status == 404)
  }
}

@Suite struct AccessLogTests {
  private func line(_ status: Int, target: String = "/") -> AccessLine {
    AccessLine(
      timeNs: 1_795_300_466_123_999_999, remote: .init("2001:db8::1"), user: nil, method: "GET",
      target: target, status: status, bytes: 5, milliseconds: 1.26, reason: nil)
  }

  @Test("a line is one line of JSON in ASCII, whatever was asked")
  func json() throws {
    #expect(
      line(200).json
        == #"{"time":"2026-11-21T22:34:26.123Z","remote":"2001:db8::1","user":null,"method":"GET","#
        + #""target":"/","status":200,"bytes":5,"ms":1.3,"reason":null}"# + "\n")
    let hostile = "/\u{1B}[2J\"\\\n\r\u{202E}名\u{1F600}\u{0}\u{7F}"
    let text = line(404, target: hostile).json
    #expect(text.utf8.dropLast().allSatisfy { (0x20...0x7E).contains($0) })
    let read = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    #expect(read?["target"] as? String == hostile)
    #expect(line(404, target: String(repeating: "a", count: 20_000)).json.utf8.count < 5000)
  }

  @Test("at most so many refused lines a second, and the number of those left out")
  func rate() {
    var rate = LineRate(linesMax: 2)
    #expect(rate.take(now: 0) == .write(dropped: 0))
    #expect(rate.take(now: 0.1) == .write(dropped: 0))
    #expect(rate.take(now: 0.2) == .drop)
    #expect(rate.take(now: 0.9) == .drop)
    #expect(rate.take(now: 1) == .write(dropped: 2))
    #expect(rate.take(now: 1.1) == .write(dropped: 0))
  }

  @Test("where the lines go: a file, standard error, or only the refused ones there")
  func places() throws {
    let folder = TemporaryFolder()
    func lines(host: String, file: String?) throws -> (errors: Int, file: Int) {
      var configuration = ServiceConfiguration(host: host, port: 1)
      configuration.accessLog = file.map { folder[$0] }
      let errors = open(folder["errors"], O_WRONLY | O_CREAT | O_TRUNC, 0o600)
      defer { close(errors) }
      let log = try AccessLog(configuration, errors: errors)
      log.write(line(200))
      log.write(line(304))
      log.write(line(404))
      func count(_ name: String) throws -> Int {
        try folder.text(name).split(separator: "\n").count
      }
      return (try count("errors"), try file.map(count) ?? 0)
    }
    #expect(try lines(host: "127.0.0.1", file: nil) == (1, 0))
    #expect(try lines(host: "0.0.0.0", file: nil) == (3, 0))
    #expect(try lines(host: "0.0.0.0", file: "a") == (1, 3))
    #expect(try lines(host: "127.0.0.1", file: "a") == (1, 6))
    var configuration = ServiceConfiguration(host: "127.0.0.1", port: 1)
    configuration.accessLog = "/no/such/log"
    #expect(throws: ServiceError.self) { try AccessLog(configuration) }
  }
}

@Suite struct PageCompressorTests {
  @Test("what is too small, or grows, is left alone; what is compressed is remembered")
  func compresses() {
    let own = PageCompressor()
    var generator = SystemRandomNumberGenerator()
    let noise = (0..<4096).map { _ in UInt8.random(in: 0...255, using: &generator) }
    for _ in 0..<2 { #expect(own.compressed(noise, PageDigest(noise)) == nil) }
    let text = Array(FakePages.large.utf8)
    let once = own.compressed(text, PageDigest(text))
    #expect(once == PageCompressor.gzip(text) && own.compressed(text, PageDigest(text)) == once)
    #expect(!PageCompressor.gzip([]).isEmpty)
  }

  @Test(
    "who takes gzip",
    arguments: [
      ("gzip", true), ("br, gzip;q=0.5", true), ("GZIP", true), ("*", true), ("gzip;q=0", false),
      ("gzip; q=0.0, *", false), ("*;q=0", false), ("br", false), ("", false), ("identity", false),
      ("gzipped", false),
    ])
  func accepted(field: String, isAccepted: Bool) {
    #expect(PageCompressor.isAccepted(field) == isAccepted)
  }

  @Test("which types are worth it")
  func types() {
    for type in ["text/html; charset=utf-8", "application/json", "image/svg+xml", "text/csv"] {
      #expect(PageCompressor.isCompressible(type))
    }
    for type in ["image/png", "application/octet-stream", "font/woff2"] {
      #expect(!PageCompressor.isCompressible(type))
    }
  }
}

@Suite struct ServicePhrasesTests {
  @Test("every refusal has a text in both languages, and there is no other")
  func texts() {
    let all: [ServiceRefusal] = [
      .network, .longTarget, .body, .method, .host, .otherHost, .malformedTarget, .malformed,
      .longHeader, .anonymous, .credentials, .lockedOut(seconds: 1), .busy, .late, .streams,
    ]
    #expect(Set(all.map { "refused.\($0.key)" }) == Set(Phrases.serviceRows.map(\.key)))
    for refusal in all {
      #expect(refusal.text(.en) != refusal.text(.ja) && !refusal.text(.en).hasPrefix("refused"))
      #expect((400..<600).contains(refusal.status))
    }
  }

  @Test(
    "the language that a client prefers",
    arguments: [
      ("ja", ReportLanguage.ja), ("en-US,ja;q=0.9", .en), ("fr,ja;q=0.5,en;q=0.4", .ja), ("", .en),
      ("de", .en), ("ja;q=0", .en), ("ja-JP", .ja), (",;q=,,", .en),
    ])
  func language(field: String, expected: ReportLanguage) {
    #expect(ServiceRefusal.language(of: field) == expected)
  }
}
