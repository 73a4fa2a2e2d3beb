internal import ArgumentParser
internal import Foundation
internal import Reporter
internal import ServiceMap

/// Which time of a store is asked for.
struct TimeOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The map of that moment, as fine as it is stored: 2026-11-21T14:05, 14:05 (today), -90m, -2h, "
        + "-7d, yesterday. Local time unless it ends in Z or +09:00.", valueName: "time"))
  var at: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The map from that time on.", valueName: "time"))
  var from: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The map up to that time.", valueName: "time"))
  var to: String?

  func validate() throws {
    if at != nil && (from != nil || to != nil) {
      throw ValidationError("--at or --from and --to, not both")
    }
    _ = try range()
  }

  var isGiven: Bool { at != nil || from != nil || to != nil }

  /// Nil where none was asked for.
  ///
  /// - Throws: `ValidationError` that shows how it is meant.
  func range(now: Date = Date()) throws -> TimeRange? {
    guard isGiven else { return nil }
    func seconds(_ option: String, _ text: String?) throws -> Int? {
      guard let text else { return nil }
      guard let date = TimeText.date(text, now: now) else {
        throw ValidationError(
          "\(option) \(Terminal.oneLine(text)): no time; write 2026-11-21T14:05, 2026-11-21, "
            + "14:05, -90m, -2h, -7d, now, today or yesterday")
      }
      return Int(date.timeIntervalSince1970.rounded(.down))
    }
    if let at = try seconds("--at", at) { return .at(at) }
    let range = TimeRange(from: try seconds("--from", from), to: try seconds("--to", to))
    if let from = range.from, let to = range.to, from >= to {
      throw ValidationError("--from \(self.from ?? ""): not before --to \(self.to ?? "")")
    }
    return range
  }

  /// One line where the map is of more time than was asked for; nil where it is not.
  static func note(_ coverage: MapStore.Coverage?, asked range: TimeRange?) -> String? {
    guard let coverage, let range,
      coverage.beginSeconds < range.from ?? .min || coverage.endSeconds > range.to ?? .max
    else { return nil }
    let span = "\(TimeText.text(coverage.beginSeconds)) to \(TimeText.text(coverage.endSeconds))"
    return "the map is of \(span): what is stored for that time can't be cut"
  }
}
