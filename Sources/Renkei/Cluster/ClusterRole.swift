internal import ArgumentParser
internal import CLinux
internal import Cluster
internal import Glibc

/// The life of a process of a cluster that has no children: a tracker, a merger.
enum ClusterRole {
  /// - Throws: `ValidationError` where it can't name a tracker or merger.
  static func check(_ name: String?) throws {
    if let name, !ClusterSubject.isName(name) {
      throw ValidationError("--name \(name): letters, digits, - and _, at most 32")
    }
  }

  /// Reads the configuration, gives up privileges, and does `body` with a link to the cluster and a way to ask whether to
  /// stop: after SIGTERM or SIGINT.
  ///
  /// - Throws: `ConfigurationError`, `RunError`, and what `body` throws.
  static func run(
    _ role: String, _ options: ClusterOptions, name: String?,
    _ body: (ClusterConfiguration, NATSLink, () -> Bool) throws -> Void
  ) throws {
    var configuration = try options.load()
    configuration.cluster.name = name ?? configuration.name
    renkei_set_process_name("renkei-\(role)")
    let user = try UnitUser.of(configuration.unit, isByDefault: false)
    if role == "merge" { try UnitDirectory.prepareStore(configuration.unit, user: user) }
    if user != nil || geteuid() != 0 {
      let status = renkei_drop_privileges(user?.uid ?? 0, user?.gid ?? 0, user == nil ? 0 : 1)
      guard status == 0 else {
        throw RunError("could not give up privileges: \(String(cString: strerror(-status)))")
      }
    }
    let signals = EndingSignals()
    let link = NATSLink(configuration.link(role: role == "track" ? "tracker" : "merger"))
    do {
      try link.connect(withinSeconds: 5)
    } catch {
      // Both wait for a cluster that is away; what will not become better ends them.
      guard case .unreachable(let why) = error else { throw error }
      Terminal.standardError(
        "renkei: \(Terminal.oneLine("NATS can't be reached: \(why)")); waiting for it\n")
    }
    try body(configuration, link) { signals.isPending }
  }
}
