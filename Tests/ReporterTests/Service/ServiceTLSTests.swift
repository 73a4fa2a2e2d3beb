import Foundation
import TestSupport
import Testing

@testable import Reporter

/// TLS with certificates that openssl(1) makes for the test.
@Suite(.enabled(if: Tool("openssl").isInstalled, "openssl is not installed"))
struct ServiceTLSTests {
  private let folder = TemporaryFolder()

  private func make(_ name: String) throws {
    let result = try Tool("openssl").run([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
      "-keyout", folder["\(name).key"], "-out", folder["\(name).pem"],
    ])
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test("pages by TLS 1.2 and 1.3, none below; with Strict-Transport-Security")
  func pages() async throws {
    try make("own")
    try SampleUsers.write(to: folder["users"])
    let run = try await ServiceRun(host: "0.0.0.0") {
      $0.certificate = folder["own.pem"]
      $0.key = folder["own.key"]
      $0.users = folder["users"]
    }
    let basic = "Authorization: " + SampleUsers.basic("aiko", SampleUsers.password)
    let request =
      "GET /user HTTP/1.1\r\nHost: renkei.example\r\n\(basic)\r\nConnection: close\r\n\r\n"
    let port = run.port
    func ask(_ words: String) async throws -> Command.Result {
      let authority = folder["own.pem"]
      return try await run.client { _ in
        try Command.run(
          "/bin/sh",
          [
            "-c",
            "(printf '%s' \"$0\"; sleep 2) | openssl s_client -connect localhost:\(port) -quiet "
              + "-verify_return_error -CAfile '\(authority)' -servername localhost \(words)",
            request,
          ])
      }
    }
    for version in ["-tls1_2", "-tls1_3"] {
      let answer = try await ask(version)
      #expect(answer.text.hasPrefix("HTTP/1.1 200 OK"), "\(answer.errors)")
      #expect(answer.text.contains("Strict-Transport-Security: max-age=31536000"))
      #expect(answer.text.hasSuffix("\r\n\r\naiko"))
    }
    let old = try await ask("-tls1_1 -cipher ALL:@SECLEVEL=0")
    #expect(old.output.isEmpty)
    // Somebody who speaks HTTP to it gets no page.
    let plain = try await run.client { client in
      client.send(request)
      client.finish()
      return client.rest()
    }
    #expect(plain?.contains("200 OK") != true)
  }

  @Test("files that can't be used are named with the reason")
  func unusable() throws {
    try make("own")
    try make("other")
    try Data("hello".utf8).write(to: URL(fileURLWithPath: folder["text"]))
    func problem(_ certificate: String, _ key: String) -> String {
      do {
        _ = try TransportSecurity.configuration(
          certificate: folder[certificate], key: folder[key])
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(problem("own.pem", "own.key") == "")
    #expect(problem("own.pem", "other.key").contains("is not the key of"))
    #expect(problem("no.pem", "own.key").contains("no.pem: cannot be read: no such file"))
    #expect(problem("own.pem", "no.key").contains("no.key: cannot be read: no such file"))
    #expect(problem("text", "own.key").contains("no certificate in PEM"))
    #expect(problem("own.pem", "text").contains("no private key in PEM"))
    #expect(problem("own.key", "own.key").contains("no certificate in PEM"))
  }
}
