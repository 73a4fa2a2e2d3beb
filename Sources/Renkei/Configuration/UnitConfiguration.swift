internal import Reporter
internal import ServiceMap

/// What a unit is told to do: the content of `renkei.yaml`, or its defaults.
///
/// Every key has a default that works but `interfaces`, which nobody can guess. The keys, their
/// meanings and their ranges are in docs/configuration.md; how they are read is in
/// `UnitConfiguration+Settings.swift`.
struct UnitConfiguration: Equatable, Sendable {
  /// One interface to capture from.
  struct Interface: Equatable, Sendable {
    var name: String
    /// Processes that share the interface's packets (packet(7) PACKET_FANOUT).
    var collectors = 1
  }

  struct Capture: Equatable, Sendable {
    /// Whether frames for other hosts are captured, as on a mirror port.
    var promiscuous = true
    /// Bytes kept of each packet; headers need no more, payload is never kept.
    var snaplenBytes = 256
    /// The kernel's buffer for each collector.
    var bufferBytes = 256 << 20
    /// Whether the packet inside a tunnel is mapped instead of the one that carries it.
    var decapsulate = true
    /// Whether copies of packets already seen are left out of the map.
    var deduplicate = true
  }

  struct Pipeline: Equatable, Sendable {
    /// nil: half the cores, at least one.
    var trackers: Int?
    /// Each ring between two processes.
    var ringBytes = 64 << 20
    /// The length of an epoch, after which the map is committed.
    var epochSeconds = 1.0
    /// Sessions that a tracker keeps at most.
    var sessionsMax = 4_000_000
    var tcpIdleTimeoutSeconds = 3600
    var idleTimeoutSeconds = 120
    /// Links that the merger keeps in memory at most.
    var linksMax = 1 << 20
    /// IPv6 addresses that a collector numbers at most.
    var addressesMax = 4_000_000
  }

  struct Store: Equatable, Sendable {
    var path = "/var/lib/renkei/map.db"
    /// How long the map is kept by the minute, by the hour and by the day, in seconds; nil: for ever.
    var keepMinutes: Int? = 2 * 3600
    var keepHours: Int? = 14 * 86_400
    var keepDays: Int? = 400 * 86_400
    /// The size past which the oldest is given up; nil: no limit.
    var bytesMax: Int? = 10_000_000_000
  }

  struct Run: Equatable, Sendable {
    /// Whom the processes run as when the unit is started as root; nil: as root.
    var user: String? = "renkei"
    /// Where the status is written.
    var directory = "/run/renkei"
    /// The pause before a process that ended is started again; it doubles each time.
    var restartBackoffSeconds = 0.2
    /// The longest such pause.
    var restartBackoffMaxSeconds = 30.0
  }

  struct Metrics: Equatable, Sendable {
    /// Where metrics and health are served; nil: nowhere.
    var listen: ListenAddress? = ListenAddress(host: "127.0.0.1", port: 9477)
  }

  /// The pages of the map.
  struct Report: Equatable, Sendable {
    /// Where they are served; nil: nowhere.
    var listen: ListenAddress? = ListenAddress(host: "127.0.0.1", port: 9478)
    /// nil: nobody is asked on the loopback, /etc/renkei/users counts elsewhere.
    var users: String?
    /// PEM, both or none.
    var certificate: String?
    var key: String?
    /// Whether passwords may cross a network in the clear.
    var insecure = false
    /// Whose requests are answered; empty: everybody's.
    var allow: [Prefix] = []
    /// nil: standard error, and on the loopback nothing but what is refused.
    var accessLog: String?
    /// Which networks are the organisation's; empty: those that are private.
    var organisation: [Prefix] = []
    /// Whether hosts outside the organisation are shown by their networks.
    var foldOutside = false
    /// Whether the DNS is asked for names of hosts that have none.
    var resolve = false
    /// A file with names of services.
    var serviceNames: String?
  }

  var interfaces: [Interface] = []
  /// In the language of pcap-filter(7); empty keeps everything.
  var filter = ""
  var capture = Capture()
  var pipeline = Pipeline()
  var store = Store()
  var run = Run()
  var metrics = Metrics()
  var report = Report()
  /// Files with names of hosts, for reports.
  var names: [String] = []
  /// A roles file, for reports.
  var roles: String?

  /// Where the file is unless another is named.
  static let defaultPath = "/etc/renkei/renkei.yaml"
}
