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

  /// - Parameter expired: the server or role whose certificate has expired.
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

  /// The three servers of nats-3.conf, all on this machine; made with `nodes` nats-1, nats-2 and nats-3 on 127.0.0.1.
  public func threeServers() throws -> [NATSServer] {
    let clients = try (0..<3).map { _ in try NATSServer.freePort() }
    let routes = try (0..<3).map { _ in try NATSServer.freePort() }
    let text = try String(contentsOfFile: directory.path("nats-3.conf"), encoding: .utf8)
    return try (0..<3).map { place in
      var own = text.replacing("@NODE@", with: "nats-\(place + 1)")
        .replacing("0.0.0.0:4222", with: "127.0.0.1:\(clients[place])")
        .replacing("0.0.0.0:6222", with: "127.0.0.1:\(routes[place])")
      for other in 0..<3 {
        own = own.replacing(
          "nats-route://nats-\(other + 1):6222", with: "nats-route://127.0.0.1:\(routes[other])")
      }
      let home = try TemporaryDirectory()
      _ = try home.write(own.utf8, to: "nats.conf")
      for name in ["tls", "users.conf", "permissions.conf"] {
        try FileManager.default.copyItem(
          atPath: directory.path(name), toPath: home.path(name))
      }
      return try NATSServer(in: home, port: clients[place])
    }
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
