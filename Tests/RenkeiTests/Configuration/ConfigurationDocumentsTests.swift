import Foundation
import TestSupport
import Testing

@testable import Renkei

/// The documentation and the package's file name every key, and no other.
@Suite struct ConfigurationDocumentsTests {
  private func text(_ path: String) throws -> String {
    String(decoding: try TemporaryDirectory.read("\(Command.root)/\(path)"), as: UTF8.self)
  }

  @Test("docs/configuration.md has a row for each key, in their order, with its default")
  func documentation() throws {
    let defaults = UnitConfiguration()
    let rows = try text("docs/configuration.md").split(separator: "\n")
      .compactMap { $0.firstMatch(of: /^\| `([A-Za-z.]+)` \| `([^`]*)` \| (.+) \|$/) }
    #expect(rows.map { String($0.1) } == UnitConfiguration.settings.map(\.key))
    for (row, setting) in zip(rows, UnitConfiguration.settings) {
      #expect(String(row.2) == setting.write(defaults), "\(setting.key)")
    }
  }

  @Test("the package's file is valid, and its comments show every key with its default")
  func packaged() throws {
    let packaged = try text("Packaging/renkei.yaml")
    var expected = UnitConfiguration()
    expected.interfaces = []
    #expect(try UnitConfiguration.parse(packaged) == expected)
    // "#key: value" is a setting that is commented out, "# text" a comment.
    let uncommented = packaged.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.replacing(/^(\s*)#(?=[a-z])/) { "\($0.1)" } }.joined(separator: "\n")
    #expect(try UnitConfiguration.parse(uncommented) == expected)
    for setting in UnitConfiguration.settings {
      let line = "\(setting.section == nil ? "" : "  ")\(setting.name): \(setting.write(expected))"
      #expect(uncommented.contains("\n\(line)\n"), "\(line)")
    }
  }

  @Test("docs/metrics.md has a row for each metric with its type, and no other")
  func metrics() throws {
    let documented = try text("docs/metrics.md").split(separator: "\n")
      .compactMap { $0.firstMatch(of: /^\| `(renkei_[a-z_]+)` \| (counter|gauge) \|/) }
      .map { "\($0.1) \($0.2)" }
    let written = UnitStatus.sample.metrics(version: "1").split(separator: "\n")
      .compactMap { $0.firstMatch(of: /^# TYPE (\S+) (\S+)$/) }.map { "\($0.1) \($0.2)" }
    #expect(documented == written)
  }
}
