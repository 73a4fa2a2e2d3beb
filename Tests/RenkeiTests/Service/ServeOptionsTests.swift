import ArgumentParser
import Foundation
import Reporter
import ServiceMap
import TestSupport
import Testing

@testable import Renkei

@Suite struct ServeOptionsTests {
  @Test(
    "where to listen",
    arguments: [
      ("9478", "127.0.0.1", 9478), ("0.0.0.0:80", "0.0.0.0", 80), ("[::1]:1", "::1", 1),
      ("localhost:9", "localhost", 9),
    ])
  func listen(text: String, host: String, port: Int) throws {
    let service = try ServeOptions.parse(["--listen", text]).configuration()
    #expect(service == ServiceConfiguration(host: host, port: port, name: "--listen"))
  }

  @Test(
    "what is no address or no network, or goes without --listen, is refused",
    arguments: [
      ["--listen", "0"], ["--listen", "70000"], ["--listen", "::1"], ["--listen", ""],
      ["--listen", "9478", "--allow", "10"], ["--users", "u"], ["--insecure"],
      ["--allow", "10.0.0.0/8"], ["--access-log", "a"], ["--key", "k"],
    ])
  func refused(words: [String]) {
    #expect(throws: (any Error).self) { try ServeOptions.parse(words) }
  }

  @Test("the configuration's words for the reporter's process say what it says")
  func words() throws {
    var report = UnitConfiguration.Report()
    #expect(try ServeOptions.parse(report.words).configuration()?.host == "127.0.0.1")
    report.listen = ListenAddress(host: "::", port: 443)
    report.users = "-u --x"
    report.certificate = "c"
    report.key = "k"
    report.insecure = true
    report.allow = ["10.0.0.0/8", "2001:db8::/32"].compactMap { Prefix($0) }
    report.accessLog = "a b"
    var service = try #require(try ServeOptions.parse(report.words).configuration())
    service.name = "report.listen"
    #expect(service == report.service())
    report.listen = nil
    #expect(report.words.isEmpty && report.service() == nil)
  }

  @Test("run refuses at once, with the reason, what the reporter could not serve")
  func run() throws {
    let folder = try TemporaryDirectory()
    let text = """
      interfaces: [lo]
      store: {path: \(folder.path)/m.db}
      run: {directory: \(folder.path), user: null}
      report: {listen: "0.0.0.0:9478", insecure: true, users: \(folder.path)/users}
      """
    let file = try folder.write(text.utf8, to: "c.yaml")
    let result = try Command.run(["run", "-c", file], limitSeconds: 20)
    #expect(result.status == 1)
    #expect(result.errors.contains("users: is not there; `renkei user add NAME"))
    let checked = try Command.run(["check", "-c", file])
    #expect(checked.status == 0 && checked.errors.contains("warning: \(folder.path)/users"))
  }
}
