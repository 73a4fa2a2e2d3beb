internal import ArgumentParser
internal import Collector

/// Where an audit captures from, and when it ends by itself.
struct LiveOptions: ParsableArguments {
  @Option(
    name: [.customShort("i"), .customLong("interface")], parsing: .singleValue,
    help: ArgumentHelp(
      "Capture from INTERFACE (\"any\": all of them). May be given several times.",
      valueName: "interface"))
  var interfaces: [String] = []

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("With -i: end after that time: 90s, 10m, 1h.", valueName: "time"))
  var duration: String?

  @Option(
    help: ArgumentHelp("With -i: end after so many packets.", valueName: "packets"))
  var count: UInt64?

  var isLimited: Bool { duration != nil || count != nil }

  func validate() throws {
    _ = try limitSeconds()
    for (place, name) in interfaces.enumerated() where interfaces[..<place].contains(name) {
      throw ValidationError("-i \(name): is named twice; its packets would count twice")
    }
    guard count ?? 1 > 0 else { throw ValidationError("--count: at least 1") }
  }

  /// - Throws: `ValidationError`.
  func limitSeconds() throws -> Double? {
    guard let duration else { return nil }
    guard let seconds = Quantity.seconds(duration), seconds > 0, seconds < 1e8 else {
      throw ValidationError("--for \(duration): write a time such as 90s, 10m, 1h")
    }
    return seconds
  }

  /// A unit for this one audit.
  ///
  /// - Throws: `CollectorError` where the filter is wrong.
  func configuration(_ capture: CaptureOptions) throws -> UnitConfiguration {
    var configuration = UnitConfiguration()
    configuration.interfaces = interfaces.map { UnitConfiguration.Interface(name: $0) }
    configuration.filter = capture.filter.joined(separator: " ")
    try CaptureFilter.check(configuration.filter)
    configuration.capture.decapsulate = !capture.noDecapsulate
    configuration.capture.deduplicate = !capture.noDeduplicate
    configuration.pipeline.trackers = capture.trackers
    configuration.metrics.listen = nil
    return configuration
  }
}
