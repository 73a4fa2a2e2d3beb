internal import Wire

/// When a session ends by itself, and how many are kept.
public struct TrackerConfiguration: Sendable {
  /// Silence after which the next packet of a TCP or SCTP session begins a new one (IPFIX
  /// flowIdleTimeout, element 37). An hour, because pooled database connections rest that long.
  public var tcpIdleTimeoutSeconds: Int
  /// The same for UDP, ICMP and all other protocols.
  public var idleTimeoutSeconds: Int
  /// After this time a session that goes on is reported, and counted as one all the same (IPFIX
  /// flowActiveTimeout, element 36).
  public var activeTimeoutSeconds: Int
  /// Sessions kept at most. Past it the longest idle are exported early, and counted.
  public var sessionsMax: Int

  public init(
    tcpIdleTimeoutSeconds: Int = 3600, idleTimeoutSeconds: Int = 120,
    activeTimeoutSeconds: Int = 1800, sessionsMax: Int = 12_000_000
  ) {
    self.tcpIdleTimeoutSeconds = tcpIdleTimeoutSeconds
    self.idleTimeoutSeconds = idleTimeoutSeconds
    self.activeTimeoutSeconds = activeTimeoutSeconds
    self.sessionsMax = sessionsMax
  }
}
