internal import ArgumentParser
internal import Foundation
internal import ServiceMap

struct AnonymiseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anonymise",
    abstract: "Copy a map with other addresses, to share it.",
    discussion: """
      Each address becomes another one; two that share a network still do, private ones stay private, and \
      multicast stays what it is (Crypto-PAn). Names of files and interfaces, filters and host names are \
      not in the copy; times, ports and numbers are. docs/anonymous.md says what others can still learn.

      The key stays with you: with it the same addresses become the same ones again, and who has it can \
      tell the true ones. Where there is none yet it is made.

      Examples:
        renkei anonymise --store map.db -o shared.db
        renkei anonymise --store map.db -o shared.db --key ~/renkei.key

      Exit status: 0, or 1 where it failed.
      """)

  @Option(help: ArgumentHelp("The map store.", valueName: "map.db")) var store: String

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The copy.", valueName: "shared.db"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "The file with the key. Default: renkei/anonymise.key in XDG_CONFIG_HOME or ~/.config.",
      valueName: "file"))
  var key: String?

  func run() throws {
    let path = try key ?? AnonymiseCommand.defaultKey()
    // A mistake in the name of the store is no reason to make a key.
    _ = try StoreInfo.read(path: store)
    let (key, isNew) = try AnonymousKey.readOrMake(path: path)
    if isNew {
      Terminal.standardError(
        "renkei: made the key \(Terminal.oneLine(path)); keep it to yourself\n")
    }
    try AnonymousStore.write(path: store, to: output, key: key)
  }

  /// Not beside the copy, with which it could go to others.
  private static func defaultKey() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    let base =
      environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
      ?? NSHomeDirectory() + "/.config"
    let folder = base + "/renkei"
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw RunError("\(folder): cannot be made: \((error as NSError).localizedDescription)")
    }
    return folder + "/anonymise.key"
  }
}
