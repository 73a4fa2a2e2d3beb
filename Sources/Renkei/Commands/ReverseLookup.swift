internal import ServiceMap
internal import Wire

/// Names from the DNS for one report, only where the user said `--resolve`.
enum ReverseLookup {
  /// How long all lookups together may take; what is not answered by then stays an address.
  static let timeLimitSeconds = 20.0
  /// Lookups at the same time: a resolver's courtesy, not a storm.
  static let parallel = 16

  /// Asks for the names of the active hosts that have none.
  static func names(of map: ServiceMap) -> [IPAddress: String] {
    let open = map.hosts.filter { $0.isActive && $0.name == nil && $0.prefixBits == nil }
      .map(\.address)
    var limits = NameCache.Limits()
    // Somebody waits for it.
    limits.perSecond = nil
    limits.parallel = parallel
    limits.capacity = max(1, open.count)
    let cache = NameCache(limits: limits)
    _ = cache.names(for: open)
    cache.wait(seconds: timeLimitSeconds)
    cache.stop()
    return cache.names(for: open)
  }
}
