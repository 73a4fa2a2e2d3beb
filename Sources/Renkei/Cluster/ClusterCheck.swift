internal import Cluster
internal import FoundationEssentials

/// Whether a box fits its cluster, before it begins.
enum ClusterCheck {
  /// How long a cluster is waited for that need not be there.
  private static let connectSeconds = 3.0

  /// Asks the cluster for its layout, and compares. A cluster that can't be reached is no fault: it is said, and what is
  /// collected waits on disk.
  ///
  /// - Throws: `ClusterError` where the cluster does not take this box, or is another one.
  static func run(_ configuration: ClusterConfiguration) throws {
    let link = NATSLink(configuration.link(role: "collector"))
    do {
      try link.connect(withinSeconds: connectSeconds)
      try check(layout(of: link), configuration)
    } catch ClusterError.unreachable(let why) {
      Terminal.standardError(
        "renkei: \(Terminal.oneLine("NATS can't be reached: \(why)")); packets wait in "
          + "\(Terminal.oneLine(configuration.cluster.spoolPath)) until it can\n")
    }
  }

  /// - Throws: `ClusterError`; `.misconfigured` where `renkei cluster init` has not made it.
  static func layout(of log: any ClusterLog) throws -> ClusterLayout {
    guard let value = try log.get("layout", in: .cluster) else {
      throw ClusterError.misconfigured("it has no layout; `renkei cluster init` makes it")
    }
    guard let layout = try? JSONDecoder().decode(ClusterLayout.self, from: Data(value.value)),
      layout.version == ClusterLayout(createdNs: 0, shards: 1).version
    else { throw ClusterError.misconfigured("its layout is of another version of renkei") }
    return layout
  }

  static func check(
    _ layout: ClusterLayout, _ configuration: ClusterConfiguration
  ) throws(ClusterError) {
    guard layout.shards == configuration.cluster.shards else {
      throw .misconfigured(
        "it has \(layout.shards) shards, and the configuration says "
          + "\(configuration.cluster.shards) (cluster.shards)")
    }
  }
}
