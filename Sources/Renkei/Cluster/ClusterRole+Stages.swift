internal import Cluster
internal import Glibc
internal import Merger
internal import ServiceMap
internal import Tracker

/// What trackers and mergers of a cluster are told.
extension ClusterRole {
  /// - Throws: `ClusterError` where waiting helps nothing.
  static func track(
    _ configuration: ClusterConfiguration, _ link: NATSLink, _ isStopping: () -> Bool
  ) throws {
    let pipeline = configuration.unit.pipeline
    var tracker = TrackerConfiguration()
    tracker.tcpIdleTimeoutSeconds = pipeline.tcpIdleTimeoutSeconds
    tracker.idleTimeoutSeconds = pipeline.idleTimeoutSeconds
    tracker.sessionsMax = pipeline.sessionsMax
    let settings = ClusterTrackerSettings(
      name: configuration.name, shards: configuration.cluster.shards, tracker: tracker,
      epochSeconds: pipeline.epochSeconds, host: ClusterConfiguration.host,
      version: RenkeiCommand.version)
    try ClusterTrackerService.run(settings, log: link, isStopping: isStopping)
  }

  /// - Throws: `ClusterError` where waiting helps nothing; `StoreError`, `MergerError`.
  static func merge(
    _ configuration: ClusterConfiguration, _ link: NATSLink, _ isStopping: () -> Bool
  ) throws {
    guard let layout = try awaitLayout(configuration, link, isStopping) else { return }
    let unit = configuration.unit
    var settings = ClusterMergerSettings(
      name: configuration.name, layout: layout, store: unit.store.path)
    settings.linksMax = unit.pipeline.linksMax
    settings.addressesMax = unit.pipeline.addressesMax
    // For ever is longer than anybody waits.
    let forEver = 1 << 40
    settings.retention = Retention(
      minutesSeconds: unit.store.keepMinutes ?? forEver,
      hoursSeconds: unit.store.keepHours ?? forEver,
      daysSeconds: unit.store.keepDays ?? forEver, bytesMax: unit.store.bytesMax)
    settings.host = ClusterConfiguration.host
    settings.version = RenkeiCommand.version
    try ClusterMergerService.run(settings, log: link, isStopping: isStopping)
  }

  /// The cluster's layout, which it has to be there for; nil where this process is to stop before.
  private static func awaitLayout(
    _ configuration: ClusterConfiguration, _ link: NATSLink, _ isStopping: () -> Bool
  ) throws -> ClusterLayout? {
    while !isStopping() {
      do {
        let layout = try ClusterCheck.layout(of: link)
        try ClusterCheck.check(layout, configuration)
        return layout
      } catch ClusterError.unreachable {
        usleep(200_000)
      }
    }
    return nil
  }
}
