public import Cluster
internal import Foundation

/// A directory as a NATS server of a cluster has it: certificates, users and passwords made by the scripts in cluster/,
/// and the configurations that lie there.
public final class LabCertificates: Sendable {
  public static var isInstalled: Bool {
    NATSServer.isInstalled && Tool("openssl").isInstalled && Tool("perl").isInstalled
  }

  public let directory: TemporaryDirectory
  /// The capture points that have a user.
  public static let points = ["a", "b"]

  /// - Parameter expired: the role whose certificate has expired.
  public init(nodes: [String] = ["nats-1,localhost,127.0.0.1"], expired: String? = nil) throws {
    directory = try TemporaryDirectory()
    let scripts = Command.root + "/cluster"
    let certificates = try Command.run(
      scripts + "/make-certificates",
      ["-d", directory.path("tls")] + nodes.flatMap { ["-n", $0] }
        + (expired.map { ["--expired", $0] } ?? []))
    let users = try Command.run(
      scripts + "/make-users", ["-d", directory.path] + LabCertificates.points)
    guard certificates.status == 0, users.status == 0 else {
      throw CocoaError(
        .executableLoad, userInfo: ["errors": certificates.errors + users.errors])
    }
    for file in ["permissions.conf", "nats-1.conf", "nats-3.conf"] {
      try FileManager.default.copyItem(
        atPath: scripts + "/" + file, toPath: directory.path(file))
    }
  }

  /// A server of one node with all of it.
  public func server() throws -> NATSServer {
    let port = try NATSServer.freePort()
    let text = try String(contentsOfFile: directory.path("nats-1.conf"), encoding: .utf8)
    _ = try directory.write(
      text.replacing("0.0.0.0:4222", with: "127.0.0.1:\(port)").utf8, to: "nats.conf")
    return try NATSServer(in: directory, port: port)
  }

  /// What a process of that user has in its configuration.
  ///
  /// - Parameter user: "tracker", "collector-a".
  public func settings(_ user: String, port: Int) -> NATSSettings {
    var settings = NATSSettings(servers: ["tls://localhost:\(port)"], name: user)
    let role = String(user.prefix { $0 != "-" })
    settings.user = user
    settings.passwordFile = directory.path("\(user).password")
    settings.caFile = directory.path("tls/ca.pem")
    settings.certificateFile = directory.path("tls/\(role).pem")
    settings.keyFile = directory.path("tls/\(role).key")
    return settings
  }
}
