internal import ServiceMap
internal import Wire

/// The periods that a merger books into, and the store behind them: what a unit's merger and a cluster's have in common.
///
/// Periods are made when somebody books into them, from what the store has of them; they are written with
/// `commit`, and given up again when nobody is in them any more.
final class PeriodBook {
  let store: UnitStore
  /// What the hosts of the links stand for.
  private(set) var addresses: SharedAddresses
  private let linksMax: Int
  private var periods: [UInt64: PeriodLinks] = [:]
  /// By period: how many commits there were when it was last booked into.
  private var bookedAt: [UInt64: UInt64] = [:]
  /// The period of the last packets, minutes since 1970; 0 where there were none.
  var lastPeriod: UInt64 = 0
  /// Why the store takes nothing at the moment; nil where it does.
  private(set) var storeProblem: StoreError?
  private(set) var commits: UInt64 = 0

  /// - Parameter linksMax: links that a period may have before those are joined that may be.
  init(store: UnitStore, linksMax: Int, addresses: SharedAddresses) {
    self.store = store
    self.linksMax = linksMax
    self.addresses = addresses
  }

  /// Whether the store takes nothing; what is booked then stays in memory until there is room.
  var isStoreFull: Bool { storeProblem != nil }

  var linkCount: Int { periods.values.reduce(0) { $0 + $1.links.count } }

  /// The links of a period, to book into.
  ///
  /// - Throws: `StoreError`.
  /// - Complexity: O(1), but where the store has to be asked: O(links of the period).
  func links(of period: UInt64) throws -> PeriodLinks {
    bookedAt[period] = commits
    if let links = periods[period] { return links }
    // While nothing can be written, nothing is begun: time is cut coarser, and memory stays bounded.
    if isStoreFull, let links = periods[lastPeriod] { return links }
    // In a flood each minute would bring as many new addresses to the store before they are joined.
    // Room is left for what stays apart, so that no more is joined than has to be.
    var linksMax = linksMax
    if let last = periods[lastPeriod], last.isFlooded {
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
    link.a = Int(value(of: store.address(of: link.a)) ?? 0)
    link.b = Int(value(of: store.address(of: link.b)) ?? 0)
    return link
  }

  /// The 32 bits that stand for an address in the links; nil where the address book is full.
  func value(of address: IPAddress) -> UInt32? {
    if address.isIPv4 && !AddressHandle.isHandle(address.v4) { return address.v4 }
    return addresses.handle(of: address)
  }

  /// Writes all that was booked, in one transaction.
  ///
  /// - Parameters:
  ///   - run: names the run in the store.
  ///   - progress: what the run needs to go on from here.
  ///   - capture: of the run so far.
  /// - Returns: whether it is in the store: false where that is full.
  /// - Throws: `StoreError`, but where the store is full.
  func commit(run: UInt64, progress: [UInt8], capture: CaptureReport) throws -> Bool {
    let commit = UnitCommit(
      run: run, progress: progress, capture: capture,
      segments: periods.values.filter(\.isDirty).sorted { $0.period < $1.period }.map { links in
        links.change { store.id(of: addresses.address(of: $0)) }
      })
    do {
      try store.commit(commit)
    } catch let error as StoreError where error.isFull {
      storeProblem = error
      return false
    }
    for links in periods.values { links.committed() }
    storeProblem = nil
    commits += 1
    return true
  }

  /// Gives the packets that are in no link to the last period.
  ///
  /// - Parameters:
  ///   - counted: how many there are by now, by outcome.
  ///   - attributed: how many of them are in a period already, by `PacketOutcome.rawValue`.
  /// - Throws: `StoreError`.
  func attribute(_ counted: Accounting, attributed: inout [UInt64]) throws {
    guard lastPeriod != 0 else { return }
    let links = try links(of: lastPeriod)
    // What the capture says of itself belongs to it as well.
    links.isDirty = true
    for outcome in PacketOutcome.allCases where outcome != .mapped {
      let before = attributed[outcome.rawValue]
      guard counted[outcome] > before else { continue }
      links.count(outcome, counted[outcome] - before)
      attributed[outcome.rawValue] = counted[outcome]
    }
  }

  /// Gives up the periods, all committed, that are the store's alone from now on.
  func forgetPeriods(but inUse: Set<UInt64>) {
    for period in periods.keys where !inUse.contains(period) {
      periods[period] = nil
      bookedAt[period] = nil
    }
  }

  /// Gives up the periods, all committed, into which nothing was booked lately: well before the store may think
  /// of compacting them, which it does not before 60 commits.
  func forgetQuietPeriods(commits quiet: UInt64 = 5) {
    for (period, last) in bookedAt where last + quiet < commits {
      periods[period] = nil
      bookedAt[period] = nil
    }
  }

  /// Begins a new address book where the old one has become more than half full of addresses of old periods.
  /// All must be committed: the periods are taken from the store again.
  ///
  /// - Throws: `SharedMemoryError`.
  func renewAddresses(capacity: Int) throws {
    guard addresses.count > capacity / 2 else { return }
    addresses = try SharedAddresses(capacity: capacity)
    periods = [:]
    bookedAt = [:]
  }

  /// A slice of the store's upkeep; answers whether there is more to do.
  func maintain(
    _ retention: Retention, nowSeconds: UInt64, budgetSeconds: Double
  ) throws -> Bool {
    try store.maintain(retention, nowSeconds: nowSeconds, budgetSeconds: budgetSeconds)
  }
}
