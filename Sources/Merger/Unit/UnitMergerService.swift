internal import Glibc
public import ServiceMap
public import Wire

/// What a unit's merger is asked to do.
public struct UnitMergerConfiguration: Sendable {
  /// Names the run in the store: nanoseconds since 1970 of its start.
  public var run: UInt64
  /// Path of the store.
  public var store: String
  /// By collector: the interface, by its name; several may have the same.
  public var interfaces: [String]
  public var filter: String
  /// Links that a period may have before those are joined that may be.
  public var linksMax: Int
  public var retention: Retention

  public init(
    run: UInt64, store: String, interfaces: [String], filter: String = "",
    linksMax: Int = 1 << 20, retention: Retention = Retention()
  ) {
    self.run = run
    self.store = store
    self.interfaces = interfaces
    self.filter = filter
    self.linksMax = linksMax
    self.retention = retention
  }
}

extension MergerService {
  /// Runs as part of a unit until every tracker has said its last: books their epochs, commits them, and lets
  /// them go on. May be killed at any moment; another one then goes on, and nothing is lost or counted twice.
  ///
  /// On `status` the collectors' lines come first, then the splitter's, then this process's.
  ///
  /// - Throws: `StoreError`, but where the store is full; `MergerError` where packets are missing at the end.
  public static func run(
    _ configuration: UnitMergerConfiguration, trackers: [SessionMemory],
    addresses: SharedAddresses, status: borrowing StatusBoard, process: Int
  ) throws {
    let store = try UnitStore(path: configuration.store)
    let merging = try UnitMerging(
      configuration, store: store, trackers: trackers, addresses: addresses)
    let collectors = configuration.interfaces.count
    status.set(.setAside, of: process, to: store.setAside == nil ? 0 : 1)
    var rest = UnitRest.shortest
    // Seconds of a clock that nobody sets.
    var maintainedAt = 0.0
    var triedAt = 0.0
    var endedAt: Double?
    while !merging.isFinished {
      let isAny = try merging.book()
      let now = Clock.seconds()
      if isAny || (merging.isStoreFull && now > triedAt + 1) {
        triedAt = now
        try merging.commit(
          status.collected(collectors: collectors),
          status.captureReport(
            interfaces: configuration.interfaces, filter: configuration.filter))
        status.set(.commits, of: process, to: merging.commits)
        if !merging.isStoreFull {
          status.set(.commitNs, of: process, to: Clock.wallNs())
          status.set(.committedPackets, of: process, to: merging.committedPackets)
          status.set(.lostPackets, of: process, to: merging.lostPackets)
        }
        status.set(.storeProblem, of: process, to: merging.isStoreFull ? 1 : 0)
        status.set(.links, of: process, to: UInt64(merging.linkCount))
        rest = UnitRest.shortest
        continue
      }
      if merging.isAllBooked, let problem = merging.storeProblem {
        // Room may be made while the unit runs; but whoever ends it wants it to end.
        endedAt = endedAt ?? now
        if now > (endedAt ?? now) + UnitRest.fullAtEndSeconds { throw problem }
      }
      if !merging.isStoreFull && now > maintainedAt + 1 {
        let isMore = try merging.maintain(
          nowSeconds: Clock.wallNs() / 1_000_000_000, budgetSeconds: 0.03)
        maintainedAt = isMore ? 0 : now
      }
      usleep(rest)
      rest = min(rest * 2, UnitRest.longest)
    }
    // What was counted since the last commit.
    let all = status.collected(collectors: collectors)
    try merging.commit(
      all,
      status.captureReport(interfaces: configuration.interfaces, filter: configuration.filter))
    if let problem = merging.storeProblem { throw problem }
    status.set(.committedPackets, of: process, to: merging.committedPackets)
    merging.close()
    try merging.check(all)
  }
}

/// How long to rest when no tracker has anything; doubled while that goes on.
private enum UnitRest {
  static let shortest: UInt32 = 200
  static let longest: UInt32 = 20_000
  /// How long room for the last commit is waited for.
  static let fullAtEndSeconds = 10.0
}
