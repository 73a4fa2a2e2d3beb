import Foundation
import Reporter
import TestSupport
import Testing

@testable import Renkei

/// The built command, as operators run it.
@Suite struct UserCommandTests {
  private let folder: TemporaryDirectory
  private let file: String

  init() throws {
    folder = try TemporaryDirectory()
    file = folder.path("users")
  }

  private func user(_ words: [String], input: String = "") throws -> Command.Result {
    try Command.run(["user"] + words + ["--file", file], input: Data(input.utf8))
  }

  private func mode() -> mode_t {
    var status = stat()
    return stat(file, &status) == 0 ? status.st_mode & 0o777 : 0
  }

  @Test("add, list and remove: a password that mkpasswd's kind of hash is kept of")
  func password() throws {
    let added = try user(["add", "aiko", "--stdin"], input: "correct horse battery\n")
    #expect(added.status == 0 && added.text == "", "\(added.errors)")
    let text = String(decoding: try TemporaryDirectory.read(file), as: UTF8.self)
    #expect(text.hasPrefix("aiko:$y$") && text.hasSuffix("\n") && !text.contains("correct"))
    #expect(mode() & 0o137 == 0)
    #expect(try user(["list"]).text == "aiko  password\n")
    let again = try user(["add", "aiko", "--stdin"], input: "another password\n")
    #expect(again.status == 1 && again.errors.contains("--replace"))
    let replaced = try user(["add", "aiko", "--stdin", "--replace"], input: "another password")
    #expect(replaced.status == 0)
    #expect(String(decoding: try TemporaryDirectory.read(file), as: UTF8.self) != text)
    #expect(try user(["remove", "aiko"]).status == 0)
    #expect(try user(["remove", "aiko"]).status == 1)
    #expect(try user(["list"]).text == "")
  }

  @Test("a token is printed once, and its hash kept")
  func token() throws {
    let added = try user(["add", "dash-board", "--token"])
    #expect(added.status == 0)
    let token = added.text.trimmingCharacters(in: .newlines)
    #expect(token.hasPrefix("rk_") && token.utf8.count == 46)
    let text = String(decoding: try TemporaryDirectory.read(file), as: UTF8.self)
    #expect(text.hasPrefix("dash-board:$sha256$") && !text.contains(token))
    #expect(try user(["list"]).text == "dash-board  token\n")
  }

  @Test(
    "passwords and names that won't do are refused, and the file is not made",
    arguments: [
      ("aiko", "eleven chrs", 1), ("aiko", "", 1), ("aiko", "with\u{7}control chars", 1),
      ("aiko", String(repeating: "x", count: 600), 1), ("a:b", "correct horse battery", 2),
      ("", "correct horse battery", 2), ("a b", "correct horse battery", 2),
      (String(repeating: "n", count: 65), "correct horse battery", 2),
    ])
  func refused(name: String, password: String, status: Int32) throws {
    let result = try user(["add", name, "--stdin"], input: password + "\n")
    #expect(result.status == status, "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: file))
  }

  @Test("without a terminal there is nobody to ask")
  func noTerminal() throws {
    let result = try Command.run(
      "/usr/bin/setsid", ["--wait", Command.renkei, "user", "add", "aiko", "--file", file])
    #expect(result.status == 1 && result.errors.contains("--stdin"), "\(result.errors)")
  }

  @Test(
    "asked on the terminal twice, without showing it",
    .enabled(if: Tool("python3").isInstalled))
  func terminal() throws {
    // A pseudo-terminal that types: what comes back is all that a person would see.
    let script = """
      import os, pty, sys, time
      pid, terminal = pty.fork()
      if pid == 0:
          os.execv(sys.argv[1], ["renkei", "user", "add", "aiko", "--file", sys.argv[2]])
      seen = b""
      for word in sys.argv[3:]:
          while not seen.endswith(b": "): seen += os.read(terminal, 1000)
          seen += b"|"
          os.write(terminal, word.encode() + b"\\n")
      try:
          while True:
              more = os.read(terminal, 1000)
              if not more: break
              seen += more
      except OSError: pass
      print(seen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
      """
    func ask(_ words: [String]) throws -> String {
      try Command.run("/usr/bin/env", ["python3", "-c", script, Command.renkei, file] + words).text
    }
    let differs = try ask(["correct horse battery", "correct horse batterx"])
    #expect(differs.contains("not the same") && differs.hasSuffix(" 1\n"), "\(differs)")
    let right = try ask(["correct horse battery", "correct horse battery"])
    #expect(right.contains("at least 12 characters") && right.hasSuffix(" 0\n"), "\(right)")
    #expect(!right.contains("horse"))
    #expect(try user(["list"]).text == "aiko  password\n")
  }

  @Test("list says what is wrong in the file")
  func problems() throws {
    FileManager.default.createFile(
      atPath: file, contents: Data("aiko:plain\n".utf8), attributes: [.posixPermissions: 0o600])
    let result = try user(["list"])
    #expect(result.status == 1 && result.errors.contains("line 1: aiko: not a hash"))
  }
}
