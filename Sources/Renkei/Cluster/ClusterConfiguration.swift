internal import Cluster
internal import Glibc
internal import Wire

/// What a box of a cluster is told: the content of `cluster.yaml`. One file does for every role: what a role does not
/// need is read and checked all the same.
///
/// The keys, their meanings and their ranges are in docs/configuration.md.
struct ClusterConfiguration: Equatable, Sendable {
  /// How the cluster is reached, and who this box is in it.
  struct Membership: Equatable, Sendable {
    /// `tls://host:4222` or `nats://host:4222`; any of them will do.
    var servers: [String] = []
    /// Capture point, tracker or merger; nil: the host's name.
    var name: String?
    /// Virtual shards, as `renkei cluster init` made them.
    var shards = 16
    /// A user with a file that has the password, or a file with an NKey seed.
    var user: String?
    var passwordFile: String?
    var seedFile: String?
    /// PEM.
    var ca: String?
    var certificate: String?
    var key: String?
    /// Where a collector keeps what can't be sent, and how much of it.
    var spoolPath = "/var/lib/renkei/spool"
    var spoolBytesMax = 4 << 30
  }

  var cluster = Membership()
  /// Everything else: interfaces, capture, store, report.
  var unit = UnitConfiguration()

  /// Where the file is unless another is named.
  static let defaultPath = "/etc/renkei/cluster.yaml"

  /// The name of this capture point, tracker or merger.
  var name: String { cluster.name ?? ClusterConfiguration.hostName(Self.host) }

  /// This machine's name, as gethostname(2) has it.
  static var host: String {
    var bytes = [CChar](repeating: 0, count: 256)
    gethostname(&bytes, bytes.count - 1)
    return String(
      decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// A host's name as a word of a subject: what does not belong there is a hyphen.
  static func hostName(_ host: String) -> String {
    let name = String(
      host.unicodeScalars.prefix(32).map { scalar in
        ClusterSubject.isName(String(scalar)) ? Character(scalar) : "-"
      })
    return name.isEmpty ? "renkei" : name
  }

  /// What the link to NATS is told.
  ///
  /// - Parameter role: for the servers' logs.
  func link(role: String) -> NATSSettings {
    var settings = NATSSettings(servers: cluster.servers, name: "renkei \(role) \(name)")
    settings.user = cluster.user
    settings.passwordFile = cluster.passwordFile
    settings.seedFile = cluster.seedFile
    settings.caFile = cluster.ca
    settings.certificateFile = cluster.certificate
    settings.keyFile = cluster.key
    return settings
  }

  /// A link that is connected, for who looks at a cluster.
  ///
  /// - Throws: `ClusterError`.
  func connected() throws(ClusterError) -> NATSLink {
    let link = NATSLink(link(role: "cluster"))
    try link.connect(withinSeconds: 8)
    return link
  }
}
