public import ArgumentParser
internal import Foundation
public import Reporter

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

  @OptionGroup var map: MapOptions

  @Option(help: "Language of the report: en or ja. Default: from LANG. The page can switch.")
  var lang: ReportLanguage?

  var language: ReportLanguage { lang ?? .ofEnvironment }

  /// The same options as words, for the reporter's process.
  func words(outputs: [OutputPlan.Report]) -> [String] {
    ["--lang", language.rawValue] + map.words
      + outputs.map { "--write=\($0.format.rawValue):\($0.path)" }
  }
}
