/// Durations and sizes as people write them, and back.
enum Quantity {
  private static let durations: [(unit: String, seconds: Double)] = [
    ("ms", 0.001), ("s", 1), ("m", 60), ("min", 60), ("h", 3600), ("d", 86_400), ("w", 604_800),
  ]
  private static let sizes: [(unit: String, bytes: Double)] = [
    ("B", 1), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("KiB", 0x1p10),
    ("MiB", 0x1p20), ("GiB", 0x1p30), ("TiB", 0x1p40),
  ]

  /// `90`, `90s`, `1.5h`, `14d` in seconds. nil where it is no duration.
  static func seconds(_ text: String) -> Double? {
    value(text) { unit in unit.isEmpty ? 1 : durations.first { $0.unit == unit }?.seconds }
  }

  /// `4096`, `64MiB`, `2GB`, `1.5 GiB` in bytes; the case of the unit says nothing. nil where it is no
  /// whole number of bytes.
  static func bytes(_ text: String) -> Int? {
    let value = value(text) { unit in
      unit.isEmpty ? 1 : sizes.first { $0.unit.lowercased() == unit.lowercased() }?.bytes
    }
    return value.flatMap { Int(exactly: $0) }
  }

  private static func value(_ text: String, factor: (Substring) -> Double?) -> Double? {
    let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." }
    var unit = text.dropFirst(digits.count)
    if unit.first == " " { unit = unit.dropFirst() }
    // Double would read "1." and ".5" as well.
    guard let first = digits.first, first != ".", digits.last != ".",
      let number = Double(digits), let factor = factor(unit)
    else { return nil }
    return number * factor
  }

  /// 21,600 s as 6h: the largest unit of which it is a whole number.
  static func duration(seconds: Double) -> String {
    let whole = durations.last {
      $0.unit != "m" && $0.unit != "w" && seconds >= $0.seconds
        && (seconds / $0.seconds).rounded() * $0.seconds == seconds
    }
    guard let whole else { return "\(number(seconds))s" }
    // As a configuration writes it: minutes are "m", not "min".
    return "\(number(seconds / whole.seconds))\(whole.unit == "min" ? "m" : whole.unit)"
  }

  /// 67,108,864 as 64MiB: the largest unit of which it is a whole number.
  static func size(bytes: Int) -> String {
    let whole = sizes.filter { bytes >= Int($0.bytes) && bytes % Int($0.bytes) == 0 }
      .max { $0.bytes < $1.bytes }
    guard bytes > 0, let whole, whole.unit != "B" else { return "\(bytes)" }
    return "\(bytes / Int(whole.bytes))\(whole.unit)"
  }

  private static func number(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? "\(value)"
  }
}
