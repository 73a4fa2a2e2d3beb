package import Foundation

/// Times as people write them.
package enum TimeText {
  /// Nil where it is none.
  package static func date(_ text: String, now: Date, timeZone: TimeZone = .current) -> Date? {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    let midnight = calendar.startOfDay(for: now)
    switch text {
    case "now": return now
    case "today": return midnight
    case "yesterday": return calendar.date(byAdding: .day, value: -1, to: midnight)
    default: break
    }
    if text.hasPrefix("-"), let unit = units[text.last ?? " "],
      let count = Int(text.dropFirst().dropLast()), (0...1_000_000).contains(count)
    {
      return now.addingTimeInterval(-Double(count * unit))
    }
    if let clock = text.wholeMatch(of: /(\d{2}):(\d{2})(?::(\d{2}))?/) {
      let parts = [clock.1, clock.2, clock.3 ?? "00"].compactMap { Int($0) }
      guard parts[0] < 24, parts[1] < 60, parts[2] < 60 else { return nil }
      return calendar.date(
        bySettingHour: parts[0], minute: parts[1], second: parts[2], of: midnight)
    }
    let whole =
      /(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?/
    guard let found = text.wholeMatch(of: whole) else { return nil }
    var offset = 0
    if let zone = found.7 {
      // Zones of more than 18 hours are none of Foundation's, but RFC 3339 has them.
      guard let known = seconds(ofZone: zone) else { return nil }
      offset = known
      calendar.timeZone = .gmt
    }
    let parts = [found.1, found.2, found.3, found.4 ?? "0", found.5 ?? "0", found.6 ?? "0"]
      .compactMap { Int($0) }
    let components = DateComponents(
      year: parts[0], month: parts[1], day: parts[2], hour: parts[3], minute: parts[4],
      second: parts[5])
    // Of 31 February and 25 o'clock it would make another time.
    guard let date = calendar.date(from: components),
      calendar.component(.month, from: date) == parts[1],
      calendar.component(.day, from: date) == parts[2],
      parts[3] < 24, parts[4] < 60, parts[5] < 60
    else { return nil }
    return date.addingTimeInterval(-Double(offset))
  }

  /// For people, in local time.
  package static func text(_ seconds: Int) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd HH:mm:ss"
    return formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
  }

  private static let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]

  private static func seconds(ofZone zone: Substring) -> Int? {
    if zone == "Z" { return 0 }
    let digits = zone.dropFirst().filter { $0 != ":" }
    guard let hours = Int(digits.prefix(2)), let minutes = Int(digits.suffix(2)), hours < 24,
      minutes < 60
    else { return nil }
    return (zone.first == "-" ? -1 : 1) * (hours * 3600 + minutes * 60)
  }
}
