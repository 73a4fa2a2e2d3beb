internal import Foundation
internal import ServiceMap
internal import Wire

/// What a run of a unit has committed; kept with the run in the store, so that a merger that takes the place of
/// one that died knows what it need not book again.
struct RunProgress: Codable, Equatable {
  /// By tracker: the last epoch that is in the store, and the packets up to it.
  var epochs: [UInt64]
  var packets: [UInt64]
  /// What the collectors had counted, by outcome, when that was last written to a segment.
  var attributed: [UInt64]
  /// Packets that were acknowledged and then lost, because the store took nothing when the merger was killed.
  var lost: UInt64
  /// The period of the last packets, minutes since 1970; 0 where there were none.
  var lastPeriod: UInt64 = 0

  init(trackers: Int) {
    epochs = [UInt64](repeating: 0, count: trackers)
    packets = epochs
    attributed = [UInt64](repeating: 0, count: PacketOutcome.allCases.count)
    lost = 0
  }
}

/// The merger of a unit between two looks at its trackers.
final class UnitMerging {
  private let configuration: UnitMergerConfiguration
  private let periods: PeriodBook
  private let trackers: [SessionMemory]
  private var progress: RunProgress
  /// By tracker: the period of its last epoch.
  private var periodOf: [UInt64]
  /// Whether the store takes nothing; then epochs are acknowledged without being in it.
  var isStoreFull: Bool { periods.isStoreFull }
  /// Why, if it does.
  var storeProblem: StoreError? { periods.storeProblem }
  var commits: UInt64 { periods.commits }

  init(
    _ configuration: UnitMergerConfiguration, store: UnitStore, trackers: [SessionMemory],
    addresses: SharedAddresses
  ) throws {
    self.configuration = configuration
    periods = PeriodBook(
      store: store, linksMax: configuration.linksMax, addresses: addresses)
    self.trackers = trackers
    periodOf = [UInt64](repeating: 0, count: trackers.count)
    progress = RunProgress(trackers: trackers.count)
    if let bytes = try store.progress(ofRun: configuration.run) {
      let found = try JSONDecoder().decode(RunProgress.self, from: Data(bytes))
      guard found.epochs.count == trackers.count && found.packets.count == trackers.count else {
        throw MergerError.otherRun
      }
      progress = found
    }
    periods.lastPeriod = progress.lastPeriod
    for (number, memory) in trackers.enumerated() {
      let acknowledged = memory.acknowledged
      if acknowledged < progress.epochs[number] {
        // It was killed between the commit and saying so.
        memory.acknowledge(progress.epochs[number])
      } else if acknowledged > progress.epochs[number] {
        let seal = memory.seal(of: acknowledged)
        progress.lost += seal.packets - progress.packets[number]
        progress.packets[number] = seal.packets
        progress.epochs[number] = acknowledged
      }
    }
  }

  /// Whether each tracker has said its last, and it is booked.
  var isAllBooked: Bool {
    trackers.indices.allSatisfy {
      let epoch = trackers[$0].sealed
      return epoch == progress.epochs[$0] && trackers[$0].seal(of: epoch).isLast != 0
    }
  }

  /// Whether all that is in the store.
  var isFinished: Bool { isAllBooked && !isStoreFull }

  /// Packets of the run that are in the store, if all that was booked is.
  var committedPackets: UInt64 { progress.packets.reduce(0, &+) &- progress.lost }

  /// Packets that were acknowledged and lost.
  var lostPackets: UInt64 { progress.lost }

  var linkCount: Int { periods.linkCount }

  var sessionsExportedEarly: UInt64 {
    trackers.reduce(0) { $0 + $1.seal(of: $1.sealed).exportedEarly }
  }

  /// Books the epochs that are sealed; answers whether there were any.
  func book() throws -> Bool {
    var isAny = false
    for (number, memory) in trackers.enumerated() {
      let epoch = memory.sealed
      guard epoch > progress.epochs[number] else { continue }
      let seal = memory.seal(of: epoch)
      let entries = memory.entries(of: epoch)
      if !entries.isEmpty {
        let links = try periods.links(of: seal.period)
        periods.lastPeriod = links.period
        for entry in entries { links.book(entry) }
      }
      periodOf[number] = seal.period
      progress.epochs[number] = epoch
      progress.packets[number] = seal.packets
      isAny = true
    }
    return isAny
  }

  /// Commits what was booked, and acknowledges it.
  ///
  /// - Parameters:
  ///   - collected: what became of all packets of the run, by the collectors and the splitter.
  ///   - capture: of the run so far, but for the accounting.
  /// - Throws: `StoreError`, but where the store is full: then the epochs are acknowledged all the same, and
  ///   stay in memory until there is room.
  func commit(_ collected: Accounting, _ capture: CaptureReport) throws {
    try attribute(collected)
    var capture = capture
    capture.sessionsExportedEarly = sessionsExportedEarly
    for outcome in PacketOutcome.allCases {
      capture.accounting[outcome.name] =
        outcome == .mapped
        ? committedPackets
        : collected[outcome] &+ (outcome == .lostInCrash ? progress.lost : 0)
    }
    progress.lastPeriod = periods.lastPeriod
    let isCommitted = try periods.commit(
      run: configuration.run, progress: [UInt8](try JSONEncoder().encode(progress)),
      capture: capture)
    // Periods that no tracker is in any more are the store's alone.
    if isCommitted { periods.forgetPeriods(but: Set(periodOf + [periods.lastPeriod])) }
    for (number, memory) in trackers.enumerated()
    where memory.acknowledged < progress.epochs[number] {
      memory.acknowledge(progress.epochs[number])
    }
  }

  /// Gives the packets that are in no link to the last period.
  private func attribute(_ collected: Accounting) throws {
    var counted = collected
    counted[.lostInCrash] &+= progress.lost
    try periods.attribute(counted, attributed: &progress.attributed)
  }

  /// Checks that what the collectors have sent has arrived.
  func check(_ collected: Accounting) throws {
    // What the splitter dropped was counted as mapped by the collector before.
    let merged = progress.packets.reduce(0, &+)
    guard merged == collected[.mapped] else {
      throw MergerError.lost(sent: collected[.mapped], merged: merged)
    }
  }

  /// A slice of the store's upkeep; answers whether there is more to do.
  func maintain(nowSeconds: UInt64, budgetSeconds: Double) throws -> Bool {
    try periods.maintain(
      configuration.retention, nowSeconds: nowSeconds, budgetSeconds: budgetSeconds)
  }

  func close() { periods.store.close() }
}
