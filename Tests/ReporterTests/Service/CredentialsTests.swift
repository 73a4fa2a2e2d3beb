import Foundation
import Synchronization
import Testing
import Wire

@testable import Reporter

/// A users file with one user and one token, made once: hashing is slow on purpose.
enum SampleUsers {
  static let password = "correct horse: battery"
  static let line = UsersFile.line(name: "aiko", password: password) ?? ""
  static let token = UsersFile.token(name: "dashboard")

  static func write(to path: String) throws {
    _ = FileManager.default.createFile(
      atPath: path, contents: Data("# people\n\(line):Aiko\n\(token.line)\n".utf8),
      attributes: [.posixPermissions: 0o640])
  }

  static func basic(_ name: String, _ password: String) -> String {
    "Basic " + Data("\(name):\(password)".utf8).base64EncodedString()
  }
}

@Suite struct UsersFileTests {
  @Test("reads what it wrote; comments and empty lines mean nothing")
  func reads() throws {
    let text = "# a\n\n\(SampleUsers.line):Aiko: of sales\r\n\(SampleUsers.token.line)\n"
    let file = UsersFile(text: text)
    #expect(file.problems.isEmpty)
    #expect(file.entries.map(\.name) == ["aiko", "dashboard"])
    #expect(file.entries.map(\.isToken) == [false, true])
    #expect(file.entries[0].comment == "Aiko: of sales")
    #expect(SampleUsers.line.hasPrefix("aiko:$y$"))
    #expect(SampleUsers.token.token.hasPrefix("rk_") && SampleUsers.token.token.count == 46)
    #expect(!SampleUsers.token.line.contains(SampleUsers.token.token))
    #expect(UsersFile.token(name: "x").token != UsersFile.token(name: "x").token)
  }

  @Test(
    "names what is wrong by line; that line lets nobody in",
    arguments: [
      ("aiko", "expected name:hash"), ("aiko:", "expected name:hash"), ("a b:$y$x", "a name is"),
      (":x", "a name is"), ("aiko:plain", "not a hash"), ("aiko:ab01FAX.bQRSU", "not a hash"),
      ("aiko:$1$abc$defghijklmnopqrstuvw.", "not a hash"), ("aiko:$sha256$12", "64 hex"),
      ("aiko:$sha256$" + String(repeating: "+1", count: 32), "64 hex"), ("aiko:*", "not a hash"),
      ("aiko:!", "not a hash"), (String(repeating: "n", count: 65) + ":$y$x", "a name is"),
    ])
  func problems(line: String, part: String) {
    let file = UsersFile(text: "\n\(line)\n")
    #expect(file.entries.isEmpty)
    #expect(file.problems.count == 1)
    #expect(file.problems.first?.hasPrefix("line 2: ") == true)
    #expect(file.problems.first?.contains(part) == true, "\(file.problems)")
  }

  @Test("of a name that is there twice the first counts")
  func twice() {
    let other = UsersFile.token(name: "aiko").line
    let file = UsersFile(text: "\(SampleUsers.line)\n\(other)\n")
    #expect(file.entries.count == 1 && file.entries.first?.isToken == false)
    #expect(file.problems.count == 1)
  }

  @Test("passwords are verified, whatever they are made of")
  func passwords() throws {
    #expect(PasswordHash.verify(SampleUsers.password, String(SampleUsers.line.dropFirst(5))))
    let long = String(repeating: "パ", count: 170)
    let hash = try #require(PasswordHash.make(long))
    #expect(PasswordHash.verify(long, hash))
    #expect(!PasswordHash.verify(long + "x", hash))
    #expect(!PasswordHash.verify(String(long.dropLast()), hash))
    #expect(PasswordHash.make(String(repeating: "x", count: 512)) == nil)
    #expect(PasswordHash.make("with\0zero") == nil)
    #expect(!PasswordHash.verify("", "") && !PasswordHash.verify("x", "*0"))
  }

  @Test("files that may not be trusted are refused")
  func unreadable() throws {
    let folder = TemporaryFolder()
    func problem(_ path: String) -> String {
      do {
        _ = try UsersFile(path: path)
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(problem(folder["no"]).contains("`renkei user add NAME"))
    #expect(problem(folder.path).contains("no regular file"))
    try SampleUsers.write(to: folder["users"])
    #expect(problem(folder["users"]) == "")
    chmod(folder["users"], 0o644)
    #expect(problem(folder["users"]).contains("chmod 640"))
    try Data([0xFF]).write(to: URL(fileURLWithPath: folder["latin"]))
    chmod(folder["latin"], 0o600)
    #expect(problem(folder["latin"]).contains("UTF-8"))
  }
}

@Suite struct UsersFileEditorTests {
  private func text(_ folder: TemporaryFolder) throws -> String { try folder.text("users") }

  @Test("adds, replaces and removes lines; the others stay as they are")
  func changes() throws {
    let folder = TemporaryFolder()
    let editor = UsersFileEditor(path: folder["users"])
    try editor.apply(.add(line: "a:1", replaces: false))
    var status = stat()
    #expect(stat(folder["users"], &status) == 0 && status.st_mode & 0o137 == 0)
    try Data("# note\na:1:who\n\nb:2\nnot a line".utf8).write(
      to: URL(fileURLWithPath: folder["users"]))
    #expect(throws: ServiceError.self) { try editor.apply(.add(line: "a:9", replaces: false)) }
    #expect(throws: ServiceError.self) { try editor.apply(.remove(name: "c")) }
    let windows = folder["windows"]
    try Data("a:1\r\nb:2\r\nc:3".utf8).write(to: URL(fileURLWithPath: windows))
    try UsersFileEditor(path: windows).apply(.remove(name: "b"))
    #expect(try folder.text("windows") == "a:1\nc:3\n")
    try FileManager.default.removeItem(atPath: windows)
    try editor.apply(.add(line: "c:3", replaces: true))
    try editor.apply(.add(line: "a:9", replaces: true))
    #expect(try text(folder) == "# note\na:9\n\nb:2\nnot a line\nc:3\n")
    try editor.apply(.remove(name: "b"))
    #expect(try text(folder) == "# note\na:9\n\nnot a line\nc:3\n")
    #expect(folder.names == ["users"])
  }

  @Test("keeps the mode, but for what it allows to everybody; follows a link")
  func mode() throws {
    let folder = TemporaryFolder()
    try Data("a:1\n".utf8).write(to: URL(fileURLWithPath: folder["users"]))
    chmod(folder["users"], 0o666)
    symlink(folder["users"], folder["link"])
    try UsersFileEditor(path: folder["link"]).apply(.add(line: "b:2", replaces: false))
    var status = stat()
    #expect(lstat(folder["users"], &status) == 0 && status.st_mode & 0o777 == 0o660)
    #expect(lstat(folder["link"], &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    #expect(try text(folder) == "a:1\nb:2\n")
  }

  @Test("changes at the same time are all made")
  func together() throws {
    let folder = TemporaryFolder()
    let path = folder["users"]
    let failures = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 40) { number in
      do {
        try UsersFileEditor(path: path).apply(.add(line: "u\(number):x", replaces: false))
      } catch {
        failures.withLock { $0 += 1 }
      }
    }
    #expect(failures.withLock { $0 } == 0)
    let lines = try text(folder).split(separator: "\n")
    #expect(Set(lines) == Set((0..<40).map { "u\($0):x" }) && lines.count == 40)
  }

  @Test("where nothing can be written it is said, and nothing is left")
  func notWritable() throws {
    #expect(throws: ServiceError.self) {
      try UsersFileEditor(path: "/proc/users").apply(.add(line: "a:1", replaces: false))
    }
    #expect(throws: ServiceError.self) {
      try UsersFileEditor(path: "/no/such/users").apply(.add(line: "a:1", replaces: false))
    }
  }
}

@Suite struct FailureTableTests {
  @Test("ten failures in a minute, and the address waits for the rest of it")
  func wait() throws {
    var table = FailureTable()
    let address = IPAddress(v4: 1)
    for count in 0..<10 {
      #expect(table.wait(address, now: 5 + Double(count)) == nil)
      table.fail(address, now: 5 + Double(count))
    }
    #expect(table.wait(address, now: 15) == 50)
    #expect(table.wait(IPAddress(v4: 2), now: 15) == nil)
    #expect(table.wait(address, now: 64.5) == 1)
    #expect(table.wait(address, now: 65) == nil)
    table.fail(address, now: 65)
    #expect(table.wait(address, now: 65) == nil)
  }

  @Test("IPv6 counts by /64")
  func sixes() throws {
    var table = FailureTable()
    for number in 1...10 {
      table.fail(try #require(.init("2001:db8::\(number)")), now: 0)
    }
    #expect(table.wait(try #require(.init("2001:db8::ffff")), now: 1) != nil)
    #expect(table.wait(try #require(.init("2001:db8:0:1::1")), now: 1) == nil)
  }

  @Test("remembers so many addresses and no more")
  func bounded() {
    var table = FailureTable()
    for number in 0..<20_000 {
      table.fail(IPAddress(v4: UInt32(number)), now: Double(number) / 1e4)
    }
    #expect((FailureTable.addressesMax / 2...FailureTable.addressesMax).contains(table.count))
    // The newest are those that are remembered.
    for _ in 0..<9 { table.fail(IPAddress(v4: 19_999), now: 2) }
    #expect(table.wait(IPAddress(v4: 19_999), now: 2) != nil)
  }
}

@Suite struct AuthenticatorTests {
  private let folder = TemporaryFolder()
  private let home = IPAddress(v4: 0x7F00_0001)
  private let clock = TestClock()

  final class TestClock: Sendable {
    private let seconds = Mutex(1000.0)
    var now: Double { seconds.withLock { $0 } }
    func advance(_ by: Double) { seconds.withLock { $0 += by } }
  }

  private func make() throws -> Authenticator {
    try SampleUsers.write(to: folder["users"])
    return try Authenticator(path: folder["users"], now: { [clock] in clock.now })
  }

  @Test("knows users by password and programs by token, and nobody else")
  func identifies() async throws {
    let own = try make()
    let good = SampleUsers.basic("aiko", SampleUsers.password)
    #expect(await own.identify(nil, from: home) == .anonymous)
    #expect(await own.identify(good, from: home) == .user("aiko"))
    #expect(
      await own.identify(good.replacing("Basic", with: "bAsIc"), from: home) == .user("aiko"))
    #expect(
      await own.identify("Bearer \(SampleUsers.token.token)", from: home) == .user("dashboard"))
    var number: UInt32 = 0
    for wrong in [
      SampleUsers.basic("aiko", "wrong horse battery"), SampleUsers.basic("aiko", ""),
      SampleUsers.basic("nobody", SampleUsers.password), "Basic ???", "Basic", "", "Digest x",
      SampleUsers.basic("dashboard", SampleUsers.token.token), "Bearer rk_x", "Bearer ",
      SampleUsers.basic("AIKO", SampleUsers.password),
      "Basic " + Data([0xFF]).base64EncodedString(),
      "Bearer \(SampleUsers.line.dropFirst(5))",
    ] {
      number += 1
      #expect(await own.identify(wrong, from: IPAddress(v4: number)) == .refused, "\(wrong)")
    }
  }

  @Test("after ten failures nothing of the address is listened to for a minute")
  func lockout() async throws {
    let own = try make()
    let good = SampleUsers.basic("aiko", SampleUsers.password)
    #expect(await own.identify(good, from: home) == .user("aiko"))
    for _ in 0..<10 { #expect(await own.identify("Bearer rk_x", from: home) == .refused) }
    // Not even what is right and remembered: it would tell a guesser.
    #expect(await own.identify(good, from: home) == .lockedOut(seconds: 60))
    #expect(await own.identify(nil, from: home) == .lockedOut(seconds: 60))
    #expect(await own.identify(good, from: IPAddress(v4: 9)) == .user("aiko"))
    clock.advance(60)
    #expect(await own.identify(good, from: home) == .user("aiko"))
  }

  @Test(
    "a password is hashed once in five minutes; an unknown name costs as much as a wrong password")
  func cost() async throws {
    let own = try make()
    func seconds(_ name: String, _ password: String, _ from: UInt32) async -> Double {
      let began = Clock.seconds()
      _ = await own.identify(SampleUsers.basic(name, password), from: IPAddress(v4: from))
      return Clock.seconds() - began
    }
    let first = await seconds("aiko", SampleUsers.password, 1)
    var again: [Double] = []
    for _ in 0..<20 { again.append(await seconds("aiko", SampleUsers.password, 1)) }
    #expect(again.min() ?? 1 < first / 5)
    clock.advance(301)
    let later = await seconds("aiko", SampleUsers.password, 1)
    #expect(later > (again.min() ?? 0) * 5)
    // Shortest of several, and more of them while the machine has other things to do: what costs less stays
    // shorter however often it is measured.
    var (wrong, unknown) = (Double.infinity, Double.infinity)
    var number = 0
    repeat {
      number += 1
      wrong = min(
        wrong, await seconds("aiko", "wrong password \(number)", UInt32(1000 + number)))
      unknown = min(
        unknown, await seconds("nobody\(number)", "wrong password", UInt32(2000 + number)))
    } while number < 4 || number < 60 && !(0.5...2).contains(unknown / wrong)
    #expect((0.5...2).contains(unknown / wrong), "\(unknown / wrong)")
  }

  @Test("one is verified, eight wait, the others are told to come back")
  func queue() async throws {
    let own = try make()
    let outcomes = await withTaskGroup(of: Authenticator.Outcome.self) { group in
      for number in 0..<40 {
        group.addTask {
          await own.identify(
            SampleUsers.basic("aiko", "password number \(number)"),
            from: IPAddress(v4: UInt32(number)))
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.filter { $0 == .refused }.count >= 9)
    #expect(outcomes.contains(.busy))
    #expect(outcomes.allSatisfy { $0 == .refused || $0 == .busy })
    // The same asked many times is verified once, and nobody is sent away.
    let same = await withTaskGroup(of: Authenticator.Outcome.self) { group in
      for _ in 0..<40 {
        group.addTask { [home] in
          await own.identify(SampleUsers.basic("aiko", SampleUsers.password), from: home)
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(same == Array(repeating: .user("aiko"), count: 40))
  }

  @Test("a file that changes counts at once, and lets nobody in where it can't be read")
  func changes() async throws {
    let notes = Mutex<[String]>([])
    try SampleUsers.write(to: folder["users"])
    let own = try Authenticator(
      path: folder["users"], note: { note in notes.withLock { $0.append(note) } })
    let good = SampleUsers.basic("aiko", SampleUsers.password)
    let bearer = "Bearer \(SampleUsers.token.token)"
    #expect(await own.identify(good, from: home) == .user("aiko"))
    try UsersFileEditor(path: folder["users"]).apply(.remove(name: "aiko"))
    #expect(await own.identify(good, from: home) == .refused)
    #expect(await own.identify(bearer, from: home) == .user("dashboard"))
    try FileManager.default.removeItem(atPath: folder["users"])
    #expect(await own.identify(bearer, from: home) == .refused)
    #expect(notes.withLock { $0.last }?.contains("nobody is let in") == true)
    try SampleUsers.write(to: folder["users"])
    #expect(await own.identify(good, from: home) == .user("aiko"))
  }

  @Test("does not start on a file with a line that is wrong")
  func wrongLine() throws {
    try SampleUsers.write(to: folder["users"])
    let text = try folder.text("users") + "hana:secret\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder["users"]))
    #expect(throws: ServiceError.self) { try Authenticator(path: folder["users"]) }
  }
}
