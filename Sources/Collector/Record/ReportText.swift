internal import FoundationEssentials
internal import Wire

/// A `CaptureReport` as the text of its batch.
enum ReportText {
  /// JSON with sorted keys, of at most `bytesMax` bytes: where there are too many files for that,
  /// the last entries give way to one that says how many they were and sums up their packets.
  static func encode(_ report: CaptureReport, bytesMax: Int) throws -> [UInt8] {
    var text = try json(report)
    if text.count <= bytesMax { return text }
    // The most files that fit: by halving, because the length grows with each file.
    var fits = 0
    var tooMany = report.files.count
    while tooMany - fits > 1 {
      let middle = (fits + tooMany) / 2
      if try json(shortened(report, files: middle)).count <= bytesMax {
        fits = middle
      } else {
        tooMany = middle
      }
    }
    text = try json(shortened(report, files: fits))
    if text.count <= bytesMax { return text }
    // What is left is the filter.
    var bare = shortened(report, files: 0)
    bare.filter = String(report.filter.prefix(100)) + "…"
    return try json(bare)
  }

  private static func json(_ report: CaptureReport) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return [UInt8](try encoder.encode(report))
  }

  private static func shortened(_ report: CaptureReport, files count: Int) -> CaptureReport {
    var short = report
    let dropped = report.files.dropFirst(count)
    let damaged = dropped.count { $0.warning != nil }
    short.files = Array(report.files.prefix(count))
    short.files.append(
      CaptureReport.File(
        name: "(\(dropped.count) more files)", packets: dropped.reduce(0) { $0 + $1.packets },
        warning: damaged > 0 ? "\(damaged) of them damaged or cut off" : nil))
    return short
  }
}
