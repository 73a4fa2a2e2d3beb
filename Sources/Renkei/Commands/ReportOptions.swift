public import ArgumentParser
internal import Foundation
public import Reporter
internal import ServiceMap

extension ReportFormat: ExpressibleByArgument {}
extension ReportLanguage: ExpressibleByArgument {
  /// That of the locale: Japanese, or English for all others.
  static var ofEnvironment: ReportLanguage {
    let environment = ProcessInfo.processInfo.environment
    let locale =
      ["LC_ALL", "LC_MESSAGES", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty }
    return locale?.hasPrefix("ja") == true ? .ja : .en
  }
}

/// What `audit` and `report` have in common: how the map is shown.
struct ReportOptions: ParsableArguments {
  @Option(
    name: [.customShort("o"), .customLong("output")], parsing: .singleValue,
    help: ArgumentHelp(
      "Write to OUT; \"-\" is standard output. The ending tells the format (.html .json .csv .txt), "
        + ".db keeps the map itself. May be given several times.", valueName: "out"))
  var outputs: [String] = []

  @Option(help: "html (default), json, csv or text.")
  var format: ReportFormat?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Host names: a hosts file (address name) or CSV (address,name). /etc/hosts is read as well.",
      valueName: "file"))
  var names: [String] = []

  @OptionGroup var rolesOption: RolesOption

  @Flag(help: "Ask the DNS for the names of hosts that have none. Without it nothing is looked up.")
  var resolve = false

  @Option(help: "Language of the report: en or ja. Default: from LANG. The page can switch.")
  var lang: ReportLanguage?

  @Option(help: ArgumentHelp("Prefix length that makes an IPv4 network.", valueName: "bits"))
  var ipv4Prefix = 24

  @Option(help: ArgumentHelp("Prefix length that makes an IPv6 network.", valueName: "bits"))
  var ipv6Prefix = 64

  func validate() throws {
    guard (0...32).contains(ipv4Prefix) else { throw ValidationError("--ipv4-prefix: 0 to 32") }
    guard (0...128).contains(ipv6Prefix) else { throw ValidationError("--ipv6-prefix: 0 to 128") }
  }

  var language: ReportLanguage { lang ?? .ofEnvironment }

  /// The names that were asked for.
  ///
  /// - Throws: `RunError` where a names file can't be read.
  func hostNames() throws -> HostNames {
    var hostNames = HostNames()
    for file in names {
      do {
        try hostNames.add(file: file)
      } catch {
        throw RunError(
          "--names \(file): cannot be read: \((error as NSError).localizedDescription)")
      }
    }
    try? hostNames.add(file: "/etc/hosts")
    return hostNames
  }

  /// The same options as words, for the reporter's process.
  func words(outputs: [OutputPlan.Report]) -> [String] {
    var words = ["--lang", language.rawValue]
    words += ["--ipv4-prefix", "\(ipv4Prefix)", "--ipv6-prefix", "\(ipv6Prefix)"]
    words += names.map { "--names=\($0)" } + (resolve ? ["--resolve"] : [])
    words += rolesOption.roles.map { ["--roles=\($0)"] } ?? []
    return words + outputs.map { "--write=\($0.format.rawValue):\($0.path)" }
  }
}
