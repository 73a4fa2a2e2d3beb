internal import Glibc
internal import Splitter
internal import Wire

/// The shared memory of a run of a unit, and the processes that use it, in the order of the data.
///
/// It belongs to the supervisor, so that it outlives every process that is killed, and ends with the
/// supervisor: nothing of it has a name.
final class UnitPlan {
  /// A process as it is to be started, again and again if need be.
  struct Stage {
    enum Kind {
      case collector, splitter, tracker, merger, reporter
      /// Instead of splitter, trackers and merger, where those are other boxes of a cluster.
      case publisher
    }
    var kind: Kind
    /// "collector eth0", "tracker 2".
    var role: String
    var arguments: [String]
    var descriptors: [Int32]
    /// Its line on the board; nil where it has none.
    var line: Int?
    /// The ring that it reads from, by its place in `rings`.
    var input: Int?
  }

  let board: StatusBoard
  let stages: [Stage]
  /// Interfaces by collector.
  let interfaces: [String]
  let run: UInt64
  let mergerLine: Int
  let splitterLine: Int
  let trackerLines: Range<Int>
  let sessionsMax: Int
  /// The capture point; nil where this is no box of a cluster.
  let capturePoint: String?
  /// Whether capture files are read, once.
  let readsFiles: Bool
  private let rings: UnsafeMutablePointer<Ring>
  private let ringCount: Int
  private let addresses: SharedAddresses
  private let split: SplitMemory
  private let sessions: [SessionMemory]

  private static let slotBytes = 65536

  /// - Parameters:
  ///   - run: nanoseconds since 1970 of the start.
  ///   - packetsMax: after so many each collector ends; nil: never.
  ///   - user: whom the stages become once they have what they need; nil where they stay who they are.
  /// - Throws: `SharedMemoryError`.
  init(
    _ configuration: UnitConfiguration, run: UInt64, packetsMax: UInt64? = nil,
    user: (uid: uid_t, gid: gid_t)?
  ) throws {
    let trackers = configuration.trackerCount
    let interfaces = configuration.interfaces.flatMap {
      [String](repeating: $0.name, count: $0.collectors)
    }
    let collectors = interfaces.count
    let splits = collectors > 1 || trackers > 1
    var slots = 64
    while slots * 2 * UnitPlan.slotBytes <= configuration.pipeline.ringBytes { slots *= 2 }

    board = try StatusBoard(processes: collectors + 2 + trackers)
    addresses = try SharedAddresses(capacity: configuration.pipeline.addressesMax)
    split = try SplitMemory()
    sessions = try (0..<trackers).map {
      try SessionMemory(
        name: "renkei-sessions-\($0 + 1)", rowsMax: configuration.pipeline.sessionsMax)
    }
    // Those of the collectors, then, where there is a splitter, those of the trackers.
    ringCount = collectors + (splits ? trackers : 0)
    rings = .allocate(capacity: ringCount)
    for place in 0..<ringCount {
      (rings + place).initialize(
        to: try Ring(
          name: "renkei-ring-\(place + 1)", slotCount: slots, slotBytes: UnitPlan.slotBytes))
    }
    self.run = run
    self.interfaces = interfaces
    capturePoint = nil
    readsFiles = false
    sessionsMax = trackers * configuration.pipeline.sessionsMax
    splitterLine = collectors
    mergerLine = collectors + 1
    trackerLines = collectors + 2..<collectors + 2 + trackers

    let board = board.descriptor
    let userWords = user.map { ["--user", "\($0.uid):\($0.gid)"] } ?? []
    func words(_ name: String, line: Int) -> [String] {
      let capture = Set(interfaces).sorted().joined(separator: ",")
      return [
        "stage", name, "--capture=\(capture)", "--status-fd", "\(board)", "--process", "\(line)",
        "--parent", "\(getpid())",
      ] + userWords
    }
    func options(_ name: String, _ values: some Sequence<Int32>) -> [String] {
      values.flatMap { [name, "\($0)"] }
    }
    let descriptors = (0..<ringCount).map { [rings] in rings[$0].descriptor }
    var stages: [Stage] = []
    stages += UnitPlan.collectors(
      configuration, interfaces, packetsMax: packetsMax, board: board, rings: descriptors,
      addresses: addresses.descriptor, words: words)
    if splits {
      stages.append(
        Stage(
          kind: .splitter, role: "splitter",
          arguments: words("split", line: splitterLine)
            + options("--input-fd", descriptors[..<collectors])
            + options("--output-fd", descriptors[collectors...])
            + ["--memory-fd", "\(split.descriptor)"]
            + ["--addresses-fd", "\(addresses.descriptor)"],
          descriptors: [board, split.descriptor, addresses.descriptor] + descriptors,
          line: splitterLine, input: 0))
    }
    for (number, memory) in sessions.enumerated() {
      let input = splits ? collectors + number : 0
      stages.append(
        Stage(
          kind: .tracker, role: "tracker \(number + 1)",
          arguments: words("track", line: trackerLines.lowerBound + number) + [
            "--number", "\(number + 1)", "--input-fd", "\(descriptors[input])",
            "--memory-fd", "\(memory.descriptor)",
            "--epoch-seconds", "\(configuration.pipeline.epochSeconds)",
            "--tcp-idle-timeout-seconds", "\(configuration.pipeline.tcpIdleTimeoutSeconds)",
            "--idle-timeout-seconds", "\(configuration.pipeline.idleTimeoutSeconds)",
          ],
          descriptors: [board, descriptors[input], memory.descriptor],
          line: trackerLines.lowerBound + number, input: input))
    }
    var merge = words("merge", line: mergerLine)
    merge += ["--store=\(configuration.store.path)", "--run", "\(run)"]
    merge += options("--memory-fd", sessions.map(\.descriptor))
    merge += ["--addresses-fd", "\(addresses.descriptor)"]
    merge += interfaces.map { "--interface=\($0)" }
    if !configuration.filter.isEmpty { merge += ["--filter=\(configuration.filter)"] }
    merge += ["--links-max", "\(configuration.pipeline.linksMax)"]
    // For ever is longer than anybody waits.
    let forEver = 1 << 40
    merge += ["--keep-minutes", "\(configuration.store.keepMinutes ?? forEver)"]
    merge += ["--keep-hours", "\(configuration.store.keepHours ?? forEver)"]
    merge += ["--keep-days", "\(configuration.store.keepDays ?? forEver)"]
    merge += configuration.store.bytesMax.map { ["--bytes-max", "\($0)"] } ?? []
    stages.append(
      Stage(
        kind: .merger, role: "merger", arguments: merge,
        descriptors: [board, addresses.descriptor] + sessions.map(\.descriptor), line: mergerLine))
    if let reporter = UnitPlan.reporter(configuration, userWords) { stages.append(reporter) }
    self.stages = stages
  }

  /// The collector's box of a cluster: collectors, and a publisher instead of all that comes behind them.
  ///
  /// - Parameters:
  ///   - path: of the configuration, from which the publisher takes how the cluster is reached.
  ///   - files: capture files to read once, instead of the interfaces.
  /// - Throws: `SharedMemoryError`.
  init(
    _ configuration: ClusterConfiguration, path: String, run: UInt64, files: [String] = [],
    user: (uid: uid_t, gid: gid_t)?
  ) throws {
    let unit = configuration.unit
    let interfaces =
      files.isEmpty
      ? unit.interfaces.flatMap { [String](repeating: $0.name, count: $0.collectors) }
      : [files.count > 1 ? "\(files[0]) and \(files.count - 1) more" : files[0]]
    let collectors = interfaces.count
    var slots = 64
    while slots * 2 * UnitPlan.slotBytes <= unit.pipeline.ringBytes { slots *= 2 }
    board = try StatusBoard(processes: collectors + 2)
    addresses = try SharedAddresses(capacity: unit.pipeline.addressesMax)
    split = try SplitMemory()
    sessions = []
    ringCount = collectors
    rings = .allocate(capacity: ringCount)
    for place in 0..<ringCount {
      (rings + place).initialize(
        to: try Ring(
          name: "renkei-ring-\(place + 1)", slotCount: slots, slotBytes: UnitPlan.slotBytes))
    }
    self.run = run
    self.interfaces = interfaces
    capturePoint = configuration.name
    readsFiles = !files.isEmpty
    sessionsMax = 0
    splitterLine = collectors
    // Stays empty.
    mergerLine = collectors + 1
    trackerLines = collectors + 2..<collectors + 2

    let board = board.descriptor
    let userWords = user.map { ["--user", "\($0.uid):\($0.gid)"] } ?? []
    func words(_ name: String, line: Int) -> [String] {
      let capture = Set(interfaces).sorted().joined(separator: ",")
      return [
        "stage", name, "--capture=\(capture)", "--status-fd", "\(board)", "--process", "\(line)",
        "--parent", "\(getpid())",
      ] + userWords
    }
    let descriptors = (0..<ringCount).map { [rings] in rings[$0].descriptor }
    var stages: [Stage]
    if files.isEmpty {
      stages = UnitPlan.collectors(
        unit, interfaces, packetsMax: nil, board: board, rings: descriptors,
        addresses: addresses.descriptor, words: words)
    } else {
      var arguments = words("collect", line: 0)
      arguments += ["--output-fd", "\(descriptors[0])"]
      arguments += ["--addresses-fd", "\(addresses.descriptor)"] + files.map { "--read=\($0)" }
      if !unit.capture.decapsulate { arguments.append("--no-decapsulate") }
      if !unit.capture.deduplicate { arguments.append("--no-deduplicate") }
      if !unit.filter.isEmpty { arguments += ["--", unit.filter] }
      stages = [
        Stage(
          kind: .collector, role: "collector", arguments: arguments,
          descriptors: [board, descriptors[0], addresses.descriptor], line: 0)
      ]
    }
    var publish = words("publish", line: splitterLine)
    publish += ["--config=\(path)", "--point", configuration.name, "--run", "\(run)"]
    publish += ["--shards", "\(configuration.cluster.shards)"]
    publish += ["--spool=\(configuration.cluster.spoolPath)"]
    publish += ["--spool-bytes-max", "\(configuration.cluster.spoolBytesMax)"]
    publish += interfaces.map { "--interface=\($0)" }
    if !unit.filter.isEmpty { publish += ["--filter=\(unit.filter)"] }
    if readsFiles { publish.append("--until-sent") }
    publish += descriptors.flatMap { ["--input-fd", "\($0)"] }
    publish += ["--memory-fd", "\(split.descriptor)", "--addresses-fd", "\(addresses.descriptor)"]
    stages.append(
      Stage(
        kind: .publisher, role: "publisher", arguments: publish,
        descriptors: [board, split.descriptor, addresses.descriptor] + descriptors,
        line: splitterLine, input: 0))
    // Its pages are the reporter's box's; here only metrics and health.
    var served = unit
    served.report.listen = nil
    if files.isEmpty, let reporter = UnitPlan.reporter(served, userWords) {
      stages.append(reporter)
    }
    self.stages = stages
  }

  /// Collectors of interfaces.
  ///
  /// - Parameters:
  ///   - interfaces: by collector; one that several share is there several times.
  ///   - words: what every stage is told.
  private static func collectors(
    _ configuration: UnitConfiguration, _ interfaces: [String], packetsMax: UInt64?, board: Int32,
    rings: [Int32], addresses: Int32, words: (_ name: String, _ line: Int) -> [String]
  ) -> [Stage] {
    interfaces.enumerated().map { line, name in
      let shares = configuration.interfaces.first { $0.name == name }.map(\.collectors) ?? 1
      let number = interfaces[..<line].filter { $0 == name }.count + 1
      var arguments = words("collect", line)
      arguments += ["--interface", name, "--output-fd", "\(rings[line])"]
      arguments += ["--addresses-fd", "\(addresses)"]
      arguments += ["--snaplen", "\(configuration.capture.snaplenBytes)"]
      arguments += ["--buffer-bytes", "\(configuration.capture.bufferBytes)"]
      if shares > 1 {
        // One group an interface and a run; the kernel keeps them apart by network namespace.
        let first = interfaces.firstIndex(of: name) ?? 0
        arguments += ["--fanout", "\((Int(getpid()) << 6 | first) & 0xFFFF)"]
        arguments += ["--fanout-member", "\(number - 1)"]
      }
      if !configuration.capture.promiscuous { arguments.append("--no-promiscuous") }
      if !configuration.capture.decapsulate { arguments.append("--no-decapsulate") }
      if !configuration.capture.deduplicate { arguments.append("--no-deduplicate") }
      if let packetsMax { arguments += ["--count", "\(packetsMax)"] }
      if !configuration.filter.isEmpty { arguments += ["--", configuration.filter] }
      return Stage(
        kind: .collector, role: "collector \(name)" + (shares > 1 ? " \(number)" : ""),
        arguments: arguments, descriptors: [board, rings[line], addresses], line: line)
    }
  }

  /// What serves metrics and pages; nil where nothing is served.
  private static func reporter(_ configuration: UnitConfiguration, _ userWords: [String]) -> Stage?
  {
    let metrics = configuration.metrics.listen.map { ["--metrics=\($0)"] } ?? []
    var services = metrics
    if configuration.report.listen != nil {
      services += configuration.report.words
      services += configuration.names.map { "--names=\($0)" }
      services += configuration.roles.map { ["--roles=\($0)"] } ?? []
    }
    guard !services.isEmpty else { return nil }
    return Stage(
      kind: .reporter, role: "reporter",
      arguments: [
        "serve", "--parent", "\(getpid())", "--directory", configuration.run.directory,
        "--store", configuration.store.path,
      ] + services + userWords, descriptors: [])
  }

  deinit {
    rings.deinitialize(count: ringCount)
    rings.deallocate()
  }

  /// How full the ring is that a stage reads from.
  func fill(of stage: Stage) -> Double? { stage.input.map { rings[$0].fill } }

  var exportedEarly: UInt64 {
    sessions.reduce(0) { $0 + $1.seal(of: $1.sealed).exportedEarly }
  }
}
