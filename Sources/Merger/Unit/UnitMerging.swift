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
  private let store: UnitStore
  private let trackers: [SessionMemory]
  private let addresses: SharedAddresses
  private var periods: [UInt64: PeriodLinks] = [:]
  private var progress: RunProgress
  /// By tracker: the period of its last epoch.
  private var periodOf: [UInt64]
  /// Whether the store takes nothing; then epochs are acknowledged without being in it.
  var isStoreFull: Bool { storeProblem != nil }
  /// Why, if it does.
  private(set) var storeProblem: StoreError?
  private(set) var commits: UInt64 = 0

  init(
    _ configuration: UnitMergerConfiguration, store: UnitStore, trackers: [SessionMemory],
    addresses: SharedAddresses
  ) throws {
    self.configuration = configuration
    self.store = store
    self.trackers = trackers
    self.addresses = addresses
    periodOf = [UInt64](repeating: 0, count: trackers.count)
    progress = RunProgress(trackers: trackers.count)
    if let bytes = try store.progress(ofRun: configuration.run) {
      let found = try JSONDecoder().decode(RunProgress.self, from: Data(bytes))
      guard found.epochs.count == trackers.count && found.packets.count == trackers.count else {
        throw MergerError.otherRun
      }
      progress = found
    }
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

  var linkCount: Int { periods.values.reduce(0) { $0 + $1.links.count } }

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
        let links = try links(of: seal.period)
        progress.lastPeriod = links.period
        for entry in entries { links.book(entry) }
      }
      periodOf[number] = seal.period
      progress.epochs[number] = epoch
      progress.packets[number] = seal.packets
      isAny = true
    }
    return isAny
  }

  private func links(of period: UInt64) throws -> PeriodLinks {
    if let links = periods[period] { return links }
    // While nothing can be written, nothing is begun: time is cut coarser, and memory stays bounded.
    if isStoreFull, let links = periods[progress.lastPeriod] { return links }
    // In a flood each minute would bring as many new addresses to the store before they are joined.
    // Room is left for what stays apart, so that no more is joined than has to be.
    var linksMax = configuration.linksMax
    if let last = periods[progress.lastPeriod], last.isFlooded {
      linksMax = min(linksMax, max(linksMax / 8, 4 * last.links.count))
    }
    let links: PeriodLinks
    if let (accounting, stored) = try store.segment(beginSeconds: period * 60) {
      links = PeriodLinks(
        period: period, linksMax: linksMax, links: stored.map(unstored),
        accounting: accounting)
    } else {
      links = PeriodLinks(period: period, linksMax: linksMax)
    }
    periods[period] = links
    return links
  }

  /// A link of the store with the hosts as the stream has them.
  private func unstored(_ link: Link) -> Link {
    var link = link
    link.a = Int(value(of: store.address(of: link.a)))
    link.b = Int(value(of: store.address(of: link.b)))
    return link
  }

  private func value(of address: IPAddress) -> UInt32 {
    if address.isIPv4 && !AddressHandle.isHandle(address.v4) { return address.v4 }
    return addresses.handle(of: address) ?? 0
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
    let commit = UnitCommit(
      run: configuration.run, progress: [UInt8](try JSONEncoder().encode(progress)),
      capture: capture,
      segments: periods.values.filter(\.isDirty).sorted { $0.period < $1.period }.map { links in
        links.change { store.id(of: addresses.address(of: $0)) }
      })
    do {
      try store.commit(commit)
      for links in periods.values { links.committed() }
      storeProblem = nil
      commits += 1
      forgetPastPeriods()
    } catch let error as StoreError where error.isFull {
      storeProblem = error
    }
    for (number, memory) in trackers.enumerated()
    where memory.acknowledged < progress.epochs[number] {
      memory.acknowledge(progress.epochs[number])
    }
  }

  /// Gives the packets that are in no link to the last period.
  private func attribute(_ collected: Accounting) throws {
    guard progress.lastPeriod != 0 else { return }
    let links = try links(of: progress.lastPeriod)
    // What the capture says of itself belongs to it as well.
    links.isDirty = true
    for outcome in PacketOutcome.allCases where outcome != .mapped {
      let now = collected[outcome] &+ (outcome == .lostInCrash ? progress.lost : 0)
      let before = progress.attributed[outcome.rawValue]
      guard now > before else { continue }
      links.count(outcome, now - before)
      progress.attributed[outcome.rawValue] = now
    }
  }

  /// Periods that no tracker is in any more are the store's alone.
  private func forgetPastPeriods() {
    let inUse = Set(periodOf + [progress.lastPeriod])
    for period in periods.keys where !inUse.contains(period) { periods[period] = nil }
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
    try store.maintain(
      configuration.retention, nowSeconds: nowSeconds, budgetSeconds: budgetSeconds)
  }

  func close() { store.close() }
}
