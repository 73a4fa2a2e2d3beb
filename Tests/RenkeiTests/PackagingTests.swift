import Foundation
import TestSupport
import Testing

@testable import Renkei

/// What the package installs, without building it.
@Suite struct PackagingTests {
  private func text(_ name: String) throws -> String {
    String(
      decoding: try TemporaryDirectory.read("\(Command.root)/Packaging/\(name)"), as: UTF8.self)
  }

  @Test("the service's directories and user are those of the configuration's defaults")
  func service() throws {
    let lines = Set(try text("renkei.service").split(separator: "\n").map(String.init))
    let defaults = UnitConfiguration()
    #expect(lines.contains("ExecStart=/usr/bin/renkei run -c \(UnitConfiguration.defaultPath)"))
    #expect(lines.contains("User=\(defaults.run.user ?? "")"))
    #expect(lines.contains("RuntimeDirectory=renkei") && defaults.run.directory == "/run/renkei")
    #expect(lines.contains("StateDirectory=renkei"))
    #expect(MachineCheck.folder(of: defaults.store.path) == "/var/lib/renkei")
    #expect(try text("build-deb").contains("echo \(UnitConfiguration.defaultPath) >"))
  }

  @Test(
    "systemd finds the service well confined: an exposure of at most 2.0 of 10",
    .enabled(if: Tool("systemd-analyze").isInstalled))
  func confinement() throws {
    let result = try Tool("systemd-analyze").run([
      "security", "--offline=true", "--threshold=20", "--no-pager",
      "\(Command.root)/Packaging/renkei.service",
    ])
    #expect(result.status == 0, "\(result.text.split(separator: "\n").last ?? "") \(result.errors)")
  }

  @Test(
    "the package's scripts are right for sh(1)",
    arguments: ["postinst", "prerm", "postrm"])
  func scripts(name: String) throws {
    let path = "\(Command.root)/Packaging/\(name)"
    #expect(FileManager.default.isExecutableFile(atPath: path))
    let result = try Command.run("/bin/sh", ["-n", path])
    #expect(result.status == 0, "\(result.errors)")
  }
}
