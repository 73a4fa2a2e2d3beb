internal import Foundation
internal import Wire

/// How far a shard has come with a capture point, and what only the running process needs of it.
struct PointProgress {
  var point: EpochReport.Point
  /// The minute of its last batch; 0 where that isn't known.
  var period: UInt32 = 0
  /// The newest tick of all points when it was last heard of.
  var heardTick: UInt64 = 0

  init(_ point: EpochReport.Point, heardTick: UInt64) {
    self.point = point
    self.heardTick = heardTick
  }

  /// Bytes of a collector's report that are taken at most.
  static let reportBytesMax = 1 << 19
  /// Names of files that are kept of past runs.
  private static let filesMax = 1000

  /// Whether a batch is one that was not here yet.
  func isNew(_ batch: RecordBatch) -> Bool {
    batch.run > point.run || batch.run == point.run && batch.sequence > point.sequence
  }

  /// Notes a batch that is new and whose records are being booked.
  mutating func take(_ batch: RecordBatch) {
    if batch.run > point.run { beginRun(batch.run) }
    if batch.recordsBefore > point.recordsOfRun {
      point.missing += batch.recordsBefore - point.recordsOfRun
      point.recordsOfRun = batch.recordsBefore
    }
    point.sequence = batch.sequence
    point.recordsOfRun += UInt64(batch.recordCount)
    point.packets += UInt64(batch.recordCount)
    point.reachedTick = batch.reachedTick
    point.isEnded = batch.isLast
    if !batch.report.isEmpty { point.report = batch.report }
  }

  private mutating func beginRun(_ run: UInt64) {
    if !point.report.isEmpty {
      point.pastReports.append(point.report)
      // One is enough, however often the collector was started.
      if point.pastReports.count > 1 { point.pastReports = [Self.sum(of: point.pastReports)] }
    }
    point.run = run
    point.sequence = 0
    point.recordsOfRun = 0
    point.report = []
  }

  /// Whether a report is one and not too long.
  static func isReport(_ bytes: [UInt8]) -> Bool {
    bytes.count <= reportBytesMax
      && (try? JSONDecoder().decode(CaptureReport.self, from: Data(bytes))) != nil
  }

  /// One report that says of several runs together what each said of its own.
  static func sum(of reports: [[UInt8]]) -> [UInt8] {
    var sum = CaptureReport()
    for bytes in reports {
      guard let one = try? JSONDecoder().decode(CaptureReport.self, from: Data(bytes)) else {
        continue
      }
      for file in one.files {
        if let place = sum.files.firstIndex(where: { $0.name == file.name }) {
          sum.files[place].packets &+= file.packets
          sum.files[place].warning = file.warning ?? sum.files[place].warning
        } else if sum.files.count < filesMax {
          sum.files.append(file)
        } else {
          sum.files[filesMax - 1].name = "…"
          sum.files[filesMax - 1].packets &+= file.packets
        }
      }
      sum.filter = one.filter
      if let start = one.startNs { sum.startNs = min(sum.startNs ?? start, start) }
      if let end = one.endNs { sum.endNs = max(sum.endNs ?? end, end) }
      sum.frameBytes &+= one.frameBytes
      sum.lengthSaturated &+= one.lengthSaturated
      sum.sessionsExportedEarly &+= one.sessionsExportedEarly
      sum.accounting.merge(one.accounting) { $0 &+ $1 }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // SAFETY for `try?`: numbers and strings always encode.
    return (try? encoder.encode(sum)).map { [UInt8]($0) } ?? []
  }
}
