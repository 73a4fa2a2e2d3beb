/// What a host is for. A kind of service is provided by one group and requested by another.
enum HostGroup: Int, CaseIterable {
  /// Domain controllers: DNS, NTP, LDAP, Kerberos, RPC.
  case domain
  /// Web proxies.
  case proxy
  /// Web servers.
  case web
  /// File servers.
  case file
  /// Database servers; each runs one of four products.
  case database
  /// Key-value caches.
  case cache
  /// Application servers, which call databases and caches.
  case application
  /// Mail servers.
  case mail
  /// Log collectors.
  case log
  /// Monitoring hosts, each of which asks many.
  case monitor
  /// Backup servers.
  case backup
  /// Printers.
  case printer
  /// Telephony servers.
  case voice
  /// Remote desktops.
  case terminal
  /// Servers with public addresses, for QUIC and HTTPS.
  case edge
  /// Servers of in-house programs on ports that no list knows.
  case inHouse
  /// The client PCs.
  case clients
  /// Every server, whatever its group.
  case anyServer
  /// Every client PC and server.
  case everyone
  /// No host: a multicast or broadcast address.
  case group
  /// No host: an address in a server network that nobody has.
  case nobody

  /// Hosts of this group at full size; the server groups add up to 382.
  ///
  /// The totals (285 networks, 16,075 clients, 382 servers) are those of a published study of an
  /// enterprise; how the servers divide into groups is a guess.
  var countAtFullSize: Int {
    switch self {
    case .domain, .voice: 8
    case .proxy: 4
    case .web, .application: 80
    case .file, .inHouse: 24
    case .database: 48
    case .cache: 12
    case .mail: 6
    case .log, .backup: 3
    case .monitor: 2
    case .printer: 36
    case .terminal: 28
    case .edge: 16
    case .clients: 16_075
    case .anyServer, .everyone, .group, .nobody: 0
    }
  }

  /// True for the groups that are a part of the servers.
  var isServerGroup: Bool {
    rawValue < HostGroup.clients.rawValue
  }
}

/// An operating system, for what it shows in packet headers.
enum OperatingSystem: UInt8 {
  /// Windows since Vista: ephemeral ports 49152–65535 in order, time to live 128.
  case windows
  /// Linux: ephemeral ports 32768–60999 in no visible order, time to live 64.
  case linux
  /// Old Windows and BSD: ephemeral ports 1024–5000 in order, time to live 128.
  case old

  /// First ephemeral port.
  var firstPort: UInt32 {
    switch self {
    case .windows: 49_152
    case .linux: 32_768
    case .old: 1024
    }
  }

  /// Number of ephemeral ports.
  var portCount: UInt32 {
    switch self {
    case .windows: 16_384
    case .linux: 28_232
    case .old: 3977
    }
  }

  /// Distance from one ephemeral port to the next, modulo `portCount`; no divisor in common with
  /// it, so that all are used before one comes again.
  var portStride: UInt32 {
    self == .linux ? 9973 : 1
  }

  /// Time to live of packets that leave such a host.
  var timeToLive: UInt8 {
    self == .linux ? 64 : 128
  }
}
