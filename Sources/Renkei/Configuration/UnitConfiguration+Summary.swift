internal import Foundation
internal import Reporter

extension UnitConfiguration {
  /// How many trackers there will be.
  var trackerCount: Int {
    pipeline.trackers ?? min(64, max(1, ProcessInfo.processInfo.activeProcessorCount / 2))
  }

  /// One line for people.
  var summary: String {
    let names = interfaces.map { one in
      one.collectors == 1 ? one.name : "\(one.name) by \(one.collectors) collectors"
    }
    var parts = [names.isEmpty ? "no interface" : names.joined(separator: ", ")]
    if !filter.isEmpty { parts.append("filter '\(filter)'") }
    parts.append(trackerCount == 1 ? "1 tracker" : "\(trackerCount) trackers")
    func kept(_ seconds: Int?) -> String {
      seconds.map { Quantity.duration(seconds: Double($0)) } ?? "ever"
    }
    parts.append(
      "\(store.path) by the minute for \(kept(store.keepMinutes)), by the hour for "
        + "\(kept(store.keepHours)), by the day for \(kept(store.keepDays))"
        + (store.bytesMax.map { ", at most \(Quantity.size(bytes: $0))" } ?? ""))
    parts.append(metrics.listen.map { "metrics at http://\($0)/metrics" } ?? "no metrics")
    parts.append(
      report.service().map { "report at \($0.address(port: $0.port))" } ?? "no report service")
    return parts.joined(separator: "; ")
  }
}
