public import Cluster
internal import FoundationEssentials
public import Wire

extension SplitterService {
  /// Runs as a cluster's collector box until all inputs have ended: the records of several collectors go to the cluster, by
  /// virtual shard, or to the spool. May be killed at any moment; another one with the same `memory` and rings then
  /// goes on, and every record goes out once.
  ///
  /// On `status` the collectors' lines come first, then this process's.
  ///
  /// - Parameters:
  ///   - inputs: how many rings there are; `input` opens them.
  ///   - identity: this process, as the cluster's status is to show it.
  ///   - usage: resident bytes and seconds of processor time of this process.
  /// - Throws: what `input` throws, `BatchError` where an input is not batches, `PublisherError`.
  public static func publish(
    _ settings: PublisherSettings, inputs: Int, input: (Int) throws -> Ring, memory: SplitMemory,
    addresses: SharedAddresses, log: any ClusterLog, spool: Spool, identity: ProcessStatus,
    usage: () -> (memoryBytes: UInt64, cpuSeconds: Double), status: borrowing StatusBoard
  ) throws {
    let line = settings.interfaces.count
    let publishing = try ShardPublishing(
      settings, inputs: inputs, input: input, memory: memory, addresses: addresses, log: log,
      spool: spool)
    let itemsBefore = status.get(.items, of: line)
    let disconnectsBefore = status.get(.disconnects, of: line)
    var identity = identity
    var toldAt = 0.0
    var endedAt: Double?
    func tell(_ publishing: ShardPublishing) {
      var lost = Accounting()
      lost[.droppedBySpool] = publishing.published.dropped
      status.set(lost, of: line)
      status.set(.items, of: line, to: itemsBefore + publishing.records)
      if publishing.newestTick > 0 { status.set(.newestTick, of: line, to: publishing.newestTick) }
      status.set(.batches, of: line, to: publishing.published.batches.reduce(0, &+))
      status.set(.batchBytes, of: line, to: publishing.published.bytes)
      status.set(.spooledRecords, of: line, to: publishing.published.spooled)
      status.set(.spoolBytes, of: line, to: UInt64(max(0, spool.waitingBytes)))
      status.set(.spoolDamaged, of: line, to: spool.damaged)
      status.set(.disconnects, of: line, to: disconnectsBefore + publishing.disconnects)
      status.set(
        .clusterState, of: line, to: publishing.problem == nil && log.isConnected ? 1 : 2)
    }
    tell(publishing)
    while true {
      let now = Clock.seconds()
      let isStepped = try publishing.step(now: now) { progress in
        // What was dropped before this step belongs to it.
        var lost = Accounting()
        lost[.droppedBySpool] = memory.published(shards: settings.shards).dropped
        status.set(lost, of: line)
        return try report(settings, progress, status)
      }
      // Never so long that the rings fill meanwhile.
      let isSent = publishing.fillMax < 0.5 && publishing.drain(now: Clock.seconds())
      tell(publishing)
      if now >= toldAt + 1 {
        toldAt = now
        put(&identity, publishing, settings, usage, log, status)
      }
      if publishing.isOver {
        let since = endedAt ?? now
        endedAt = since
        let isTimeOver = settings.drainSecondsMax.map { now > since + $0 } ?? false
        if spool.isEmpty || isTimeOver { break }
      }
      if !isStepped && !isSent { publishing.rest() }
    }
    spool.sync(now: Clock.seconds(), isNow: true)
    tell(publishing)
    identity.collector?.isEnded = true
    put(&identity, publishing, settings, usage, log, status)
  }

  /// The capture's report as JSON: of an interface as the board has it, of files as their collector ended it.
  private static func report(
    _ settings: PublisherSettings, _ progress: ShardPublishing.Progress,
    _ status: borrowing StatusBoard
  ) throws -> [UInt8] {
    var report = status.captureReport(interfaces: settings.interfaces, filter: settings.filter)
    if let text = progress.reports.first,
      let ofFiles = try? JSONDecoder().decode(CaptureReport.self, from: Data(text))
    {
      // What the publisher dropped is on the board only.
      let accounting = report.accounting
      report = ofFiles
      let dropped = accounting[PacketOutcome.droppedBySpool.name] ?? 0
      let mapped = ofFiles.accounting[PacketOutcome.mapped.name] ?? 0
      report.accounting[PacketOutcome.mapped.name] = mapped - min(mapped, dropped)
      report.accounting[PacketOutcome.droppedBySpool.name] = dropped
    }
    if !progress.isLast {
      // The board may be behind the rings.
      let mapped = report.accounting[PacketOutcome.mapped.name] ?? 0
      report.accounting[PacketOutcome.mapped.name] = max(mapped, progress.records)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return [UInt8](try encoder.encode(report))
  }

  /// Says in the cluster how this process is, if that is there. A status that does not arrive is no loss.
  private static func put(
    _ identity: inout ProcessStatus, _ publishing: ShardPublishing,
    _ settings: PublisherSettings, _ usage: () -> (memoryBytes: UInt64, cpuSeconds: Double),
    _ log: any ClusterLog, _ status: borrowing StatusBoard
  ) {
    let line = settings.interfaces.count
    let isEnded = identity.collector?.isEnded ?? false
    var collector = ProcessStatus.Collector()
    let sum = status.collected(collectors: line)
    for outcome in PacketOutcome.allCases where sum[outcome] > 0 {
      collector.accounting[outcome.name] = sum[outcome]
    }
    collector.captured = sum.captured
    collector.interfaces = Set(settings.interfaces).sorted()
    collector.batches = status.get(.batches, of: line)
    collector.bytes = status.get(.batchBytes, of: line)
    collector.records = publishing.published.records.reduce(0, &+)
    collector.spoolBytes = status.get(.spoolBytes, of: line)
    collector.spoolBytesMax = UInt64(publishing.spool.bytesMax)
    collector.spooledRecords = publishing.published.spooled
    collector.disconnects = status.get(.disconnects, of: line)
    collector.lastDisconnect = publishing.problem ?? identity.collector?.lastDisconnect
    collector.isEnded = isEnded
    identity.collector = collector
    identity.problem = publishing.spoolProblem ?? publishing.problem
    identity.items = status.get(.items, of: line)
    identity.newestTick = status.get(.newestTick, of: line)
    if publishing.spool.damaged > 0 {
      identity.refused["spoolDamaged"] = publishing.spool.damaged
    }
    (identity.memoryBytes, identity.cpuSeconds) = usage()
    identity.writtenAtSeconds = Clock.wallSeconds()
    // While the cluster does not answer, each try would take its time.
    guard log.isConnected, publishing.problem == nil,
      let text = try? JSONEncoder().encode(identity)
    else { return }
    try? log.put([UInt8](text), for: "collector.\(settings.point)", in: .status)
  }
}
