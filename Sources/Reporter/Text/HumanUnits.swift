internal import Wire

/// Figures as people read them. SI prefixes (1 kB = 1000 B), thousands by comma.
package enum HumanUnits {
  /// 1234567 as 1,234,567.
  package static func count(_ value: UInt64) -> String { value.grouped }

  package static func count(_ value: Int) -> String { count(UInt64(max(0, value))) }

  /// 1234567 as 1.23 MB.
  package static func bytes(_ value: UInt64) -> String { scaled(Double(value), "B") }

  /// 1234567 as 1.23 Mbit/s.
  package static func bitsPerSecond(_ value: Double) -> String { scaled(value, "bit/s") }

  /// Three significant digits and an SI prefix.
  private static func scaled(_ value: Double, _ unit: String) -> String {
    let prefixes = ["", "k", "M", "G", "T", "P", "E"]
    var rest = value
    var power = 0
    // 999.5 would round to 1000 of the smaller unit.
    while rest >= 999.5, power < prefixes.count - 1 {
      rest /= 1000
      power += 1
    }
    return "\(significant(rest, isWhole: power == 0 && unit == "B")) \(prefixes[power])\(unit)"
  }

  /// Three significant digits.
  package static func significant(_ value: Double, isWhole: Bool = false) -> String {
    if isWhole || value >= 99.95 { return count(UInt64(value + 0.5)) }
    let decimals = value >= 9.995 ? 1 : 2
    let scale = decimals == 1 ? 10 : 100
    let scaled = Int(value * Double(scale) + 0.5)
    let fraction = String(scaled % scale)
    return "\(scaled / scale)."
      + String(repeating: "0", count: decimals - fraction.count) + fraction
  }

  /// 1 d 2 h, 3 min 4 s, 1.25 s, 12 ms.
  package static func duration(ns: UInt64) -> String {
    let seconds = ns / 1_000_000_000
    if seconds >= 86_400 { return "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h" }
    if seconds >= 3600 { return "\(seconds / 3600) h \(seconds % 3600 / 60) min" }
    if seconds >= 60 { return "\(seconds / 60) min \(seconds % 60) s" }
    if seconds >= 1 { return "\(significant(Double(ns) / 1e9)) s" }
    if ns >= 1_000_000 { return "\(significant(Double(ns) / 1e6)) ms" }
    return "\(significant(Double(ns) / 1e3)) µs"
  }

  /// A confidence in hundredths, rounded down: 0.999 is not 1.
  static func confidence(_ value: Double) -> String {
    let hundredths = Self.hundredths(value)
    return "\(hundredths / 100).\(hundredths % 100 / 10)\(hundredths % 10)"
  }

  /// A confidence as it is shown, for decisions that have to agree with what is shown.
  static func hundredths(_ value: Double) -> Int { Int(max(0, min(1, value)) * 100 + 1e-6) }

  /// 0.9921 as 99.2 %.
  static func percent(_ ratio: Double) -> String { "\(significant(ratio * 100)) %" }

  /// 992 of 1000 as 99.2 %. Nothing but nothing is 0 %, and nothing but all is 100 %. Without a space
  /// that a line could be broken at.
  package static func share(_ part: UInt64, of whole: UInt64) -> String {
    if part == 0 || whole == 0 { return "0\u{A0}%" }
    if part >= whole { return "100\u{A0}%" }
    let tenths = Int(Double(part) / Double(whole) * 1000 + 0.5)
    if tenths == 0 { return "<\u{A0}0.1\u{A0}%" }
    if tenths == 1000 { return ">\u{A0}99.9\u{A0}%" }
    return "\(tenths / 10).\(tenths % 10)\u{A0}%"
  }
}
