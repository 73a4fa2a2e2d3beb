import Foundation
import TestSupport
import Testing
import Wire

@testable import Renkei

/// The built commands, as their users run them.
@Suite struct UnitCommandsTests {
  private func written(_ change: (inout UnitStatus) -> Void = { _ in }) throws -> TemporaryDirectory
  {
    let folder = try TemporaryDirectory()
    var status = UnitStatus.sample
    status.pid = getpid()
    status.writtenAtSeconds = Clock.wallSeconds()
    change(&status)
    try status.write(to: folder.path)
    return folder
  }

  @Test("status of a running unit: text, JSON, exit status 0")
  func running() throws {
    let folder = try written()
    let text = try Command.run(["status", "--directory", folder.path, "--lang", "en"])
    #expect(text.status == 0 && text.errors == "")
    #expect(text.text.contains("capturing"))
    let japanese = try Command.run(
      ["status", "--directory", folder.path], environment: ["LC_ALL": "ja_JP.UTF-8"])
    #expect(japanese.text.contains("キャプチャ中"))
    let json = try Command.run(["status", "--directory", folder.path, "--format", "json"])
    #expect(json.json?["isRunning"] as? Bool == true)
    #expect(json.json?["links"] as? Int == 4321)
    #expect(json.json?["reason"] == nil)
  }

  @Test("status of a unit that does not run: said, exit status 3")
  func notRunning() throws {
    let ended = try written { $0.state = .ended }
    let dead = try written { $0.pid = Int32.max }
    let stale = try written { $0.writtenAtSeconds -= 60 }
    let missing = try TemporaryDirectory()
    for (folder, words) in [
      (ended, "it ended"), (dead, "gone without an end"), (stale, "hangs"),
      (missing, "there is no"),
    ] {
      let text = try Command.run(["status", "--directory", folder.path, "--lang", "en"])
      #expect(text.status == 3)
      #expect(text.text.contains(words), "\(text.text)")
      let json = try Command.run(["status", "--directory", folder.path, "--format", "json"])
      #expect(json.status == 3)
      #expect(json.json?["isRunning"] as? Bool == false)
      #expect(json.json?["reason"] as? String != nil)
    }
    let broken = try TemporaryDirectory()
    _ = try broken.write("x".utf8, to: "status.json")
    let result = try Command.run(["status", "--directory", broken.path])
    #expect(result.status == 1 && result.errors.contains("not a status"))
  }

  @Test("status finds its directory in the configuration")
  func byConfiguration() throws {
    let folder = try written()
    let file = try folder.write("run: {directory: \(folder.path)}".utf8, to: "c.yaml")
    #expect(try Command.run(["status", "-c", file]).status == 0)
    #expect(try Command.run(["status", "-c", folder.path("no.yaml")]).status == 1)
    #expect(try Command.run(["status", "-c", file, "--directory", folder.path]).status == 2)
  }

  @Test("check: ok and a summary, or the problems line by line")
  func check() throws {
    let folder = try TemporaryDirectory()
    let good = try folder.write(
      "interfaces: lo\nstore: {path: \(folder.path)/m}".utf8, to: "g.yaml")
    let ok = try Command.run(["check", "-c", good])
    #expect(ok.status == 0)
    #expect(ok.text.hasPrefix("\(good): ok: lo;"))
    let printed = try Command.run(["check", "-c", good, "--print"])
    #expect(try UnitConfiguration.parse(printed.text).interfaces == [.init(name: "lo")])
    let bad = try folder.write("interfcaes: lo\ncapture: {snaplenBytes: 1}".utf8, to: "b.yaml")
    let problems = try Command.run(["check", "-c", bad])
    #expect(problems.status == 1 && problems.output.isEmpty)
    #expect(problems.errors.split(separator: "\n").count == 2)
    #expect(
      problems.errors.contains("line 1: unknown key \"interfcaes\"; the nearest is \"interfaces\""))
    let filter = try folder.write("filter: tcp porte".utf8, to: "f.yaml")
    #expect(try Command.run(["check", "-c", filter]).status == 1)
  }

  @Test("serve: pages, methods, health, and its end")
  func serve() throws {
    let folder = try written()
    let port = try freePort()
    let pagesPort = try freePort()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Command.renkei)
    process.arguments = [
      "serve", "--parent", "\(getpid())", "--directory", folder.path, "--metrics",
      "127.0.0.1:\(port)", "--listen=127.0.0.1:\(pagesPort)", "--store", "x", "--status-fd", "9",
      "--process", "4",
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    defer { process.terminate() }
    var metrics: String?
    let began = Date()
    while metrics == nil, Date().timeIntervalSince(began) < 20 {
      metrics = request("GET /metrics HTTP/1.1\r\nHost: localhost:\(port)", port)
      usleep(50_000)
    }
    #expect(metrics?.hasPrefix("HTTP/1.1 200 OK\r\n") == true)
    #expect(metrics?.contains("text/plain; version=0.0.4") == true)
    #expect(metrics?.contains("\nrenkei_links 4321\n") == true)
    func answer(_ head: String, host: String = "127.0.0.1") -> String {
      request("\(head) HTTP/1.1\r\nHost: \(host)", port) ?? ""
    }
    #expect(answer("GET /status.json").contains("\"links\" : 4321"))
    #expect(answer("GET /healthz").hasSuffix("\r\n\r\nok\n"))
    let head = answer("HEAD /healthz")
    #expect(head.contains("Content-Length: 3\r\n") && head.hasSuffix("\r\n\r\n"))
    #expect(answer("GET /").hasPrefix("HTTP/1.1 404 "))
    #expect(answer("POST /metrics").hasPrefix("HTTP/1.1 405 "))
    #expect(answer("GET /metrics", host: "evil.example").hasPrefix("HTTP/1.1 421 "))
    let long = String(repeating: "a", count: 20_000)
    #expect(answer("GET /metrics HTTP/1.1\r\nX: \(long)\r\nY: z").contains(" 431 "))
    // The pages: those of the unit need no store.
    let page = request("GET /health HTTP/1.1\r\nHost: localhost", pagesPort)
    #expect(page?.hasPrefix("HTTP/1.1 200 OK\r\n") == true && page?.contains("tracker 1") == true)
    #expect(page?.contains("Content-Security-Policy: default-src 'none'") == true)
    let map = request("GET /hosts HTTP/1.1\r\nHost: localhost", pagesPort)
    #expect(map?.hasPrefix("HTTP/1.1 503 ") == true && map?.contains("no such file") == true)

    var status = try UnitStatus.read(from: folder.path)
    status.writtenAtSeconds = Clock.wallSeconds()
    status.processes[1].state = .failed
    try status.write(to: folder.path)
    let ill = answer("GET /healthz")
    #expect(ill.hasPrefix("HTTP/1.1 503 ") && ill.hasSuffix("failed: tracker 1\n"))
    status.writtenAtSeconds -= 100
    try status.write(to: folder.path)
    #expect(answer("GET /healthz").contains("no status for 10"))
    try FileManager.default.removeItem(atPath: folder.path("status.json"))
    #expect(answer("GET /metrics").hasPrefix("HTTP/1.1 503 "))

    let second = try Command.run(
      ["serve", "--parent", "\(getpid())", "--directory", "x", "--metrics", "127.0.0.1:\(port)"],
      limitSeconds: 20)
    #expect(second.status == 1)
    #expect(second.errors.contains("another program listens there"))
    // Ctrl-C is for the supervisor; SIGTERM is for this one.
    kill(process.processIdentifier, SIGINT)
    #expect(!answer("GET /healthz").isEmpty)
    process.terminate()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
  }

  @Test("serve takes no address that others can reach", arguments: ["0.0.0.0", "[::]", "10.1.2.3"])
  func notLoopback(host: String) throws {
    let result = try Command.run(
      ["serve", "--parent", "\(getpid())", "--directory", "x", "--metrics", "\(host):9477"],
      limitSeconds: 20)
    #expect(result.status == 1)
    #expect(result.errors.contains("loopback"))
  }

  @Test("serve dies with its parent")
  func orphan() throws {
    let port = try freePort()
    let folder = try written()
    let shell = try Command.run(
      "/bin/sh",
      [
        "-c",
        "'\(Command.renkei)' serve --parent $$ --directory \(folder.path) "
          + "--metrics 127.0.0.1:\(port) 2>/dev/null & echo $!; sleep 1; kill -9 $$",
      ])
    let pid = try #require(Int32(shell.text.split(separator: "\n").first ?? ""))
    let began = Date()
    // In the test's sandbox nobody may reap it; a zombie is dead enough.
    func isGone() -> Bool {
      guard UnitCondition.isAlive(pid) else { return true }
      let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ") Z"
      return stat.contains(") Z")
    }
    while !isGone(), Date().timeIntervalSince(began) < 10 { usleep(20_000) }
    #expect(isGone())
  }

  // MARK: - Sockets

  /// A port of the loopback that nobody listens on now.
  private func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) + getsockname(descriptor, $0, &length)
      }
    }
    guard status == 0 else { throw CocoaError(.fileWriteUnknown) }
    return UInt16(bigEndian: address.sin_port)
  }

  private func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  /// The whole answer to one request; nil where nobody listens.
  private func request(_ head: String, _ port: UInt16) -> String? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = loopback(port)
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { return nil }
    let text = [UInt8]("\(head)\r\nConnection: close\r\n\r\n".utf8)
    guard send(descriptor, text, text.count, Int32(MSG_NOSIGNAL)) == text.count else { return "" }
    var answer: [UInt8] = []
    var bytes = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &bytes, bytes.count, 0)
      guard count > 0 else { break }
      answer += bytes[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
  }
}
