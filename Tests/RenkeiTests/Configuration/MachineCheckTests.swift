import Glibc
import TestSupport
import Testing

@testable import Renkei

@Suite struct MachineCheckTests {
  private func directory(uid: uid_t, gid: gid_t, mode: mode_t) -> stat {
    var status = stat()
    status.st_uid = uid
    status.st_gid = gid
    status.st_mode = S_IFDIR | mode
    return status
  }

  @Test("who may make files in a directory: the first of owner, group and others that fits decides")
  func mayWrite() {
    let user = SystemUser(name: "u", uid: 5, gid: 6, groups: [6, 7])
    #expect(user.mayWrite(directory(uid: 5, gid: 1, mode: 0o300)))
    #expect(!user.mayWrite(directory(uid: 5, gid: 6, mode: 0o077)))
    #expect(user.mayWrite(directory(uid: 1, gid: 6, mode: 0o030)))
    #expect(user.mayWrite(directory(uid: 1, gid: 7, mode: 0o030)))
    #expect(!user.mayWrite(directory(uid: 1, gid: 7, mode: 0o703)))
    #expect(user.mayWrite(directory(uid: 1, gid: 1, mode: 0o003)))
    #expect(!user.mayWrite(directory(uid: 1, gid: 1, mode: 0o772)))
    let root = SystemUser(name: "root", uid: 0, gid: 0, groups: [0])
    #expect(root.mayWrite(directory(uid: 1, gid: 1, mode: 0)))
  }

  @Test("finds root with its groups, and nobody of another name")
  func users() throws {
    let root = try #require(SystemUser(name: "root"))
    #expect(root.uid == 0 && root.groups.contains(0))
    #expect(SystemUser(name: "no-such-user-here") == nil)
  }

  @Test("warns of what the machine lacks, and finds nothing wrong with what fits")
  func warnings() throws {
    let folder = try TemporaryDirectory()
    var configuration = UnitConfiguration()
    configuration.interfaces = [.init(name: "lo"), .init(name: "any")]
    configuration.store.path = folder.path("map.db")
    configuration.run = .init(user: nil, directory: folder.path)
    #expect(MachineCheck(configuration).warnings == [])
    #expect(MachineCheck(configuration).problems == [])

    configuration.interfaces = [.init(name: "lo"), .init(name: "nosuch0")]
    configuration.store.path = folder.path("no/map.db")
    configuration.run.directory = try folder.write([], to: "file")
    configuration.names = [folder.path("names")]
    configuration.filter = "tcp porte"
    let check = MachineCheck(configuration)
    #expect(check.problems.count == 1)
    #expect(check.problems.first?.contains("tcp porte") == true)
    let parts = ["\"nosuch0\"", "store.path", "is no directory", "names"]
    #expect(check.warnings.count == parts.count)
    for part in parts {
      #expect(check.warnings.contains { $0.contains(part) }, "\(part) in \(check.warnings)")
    }
    configuration.interfaces = []
    #expect(MachineCheck(configuration).warnings.first?.hasPrefix("interfaces: none") == true)
  }

  @Test(
    "only the loopback is the loopback",
    arguments: [
      ("127.0.0.1:1", true), ("127.9.9.9:1", true), ("[::1]:1", true), ("LocalHost:1", true),
      ("10.0.0.1:1", false), ("0.0.0.0:1", false), ("[::]:1", false), ("[::ffff:1.2.3.4]:1", false),
      ("localhost.example.org:1", false), ("128.0.0.1:1", false),
    ])
  func loopback(text: String, isLoopback: Bool) throws {
    let address = try #require(ListenAddress(text))
    #expect(address.isLoopback == isLoopback)
    #expect(address.description.lowercased() == text.lowercased())
  }

  @Test(
    "what is no address to listen on",
    arguments: ["", ":1", "a", "a:", "a:0", "a:65536", "a:-1", "::1:80", "[a]:1x", "a b:1", "[x:1"])
  func noAddress(text: String) {
    #expect(ListenAddress(text) == nil)
  }
}
