internal import Cluster
internal import Foundation
internal import Yams

/// Of a cluster's configuration file what `renkei cluster` needs: how to reach the servers. The file may be that of any
/// role; what else is in it is not read.
struct ClusterConnection: Equatable {
  static let defaultPath = "/etc/renkei/cluster.yaml"

  var settings: NATSSettings
  /// nil where the file does not say.
  var shards: Int?

  /// - Throws: `ConfigurationError`.
  static func load(path: String) throws(ConfigurationError) -> ClusterConnection {
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw ConfigurationError(
        path: path,
        problems: [.init(line: nil, text: "cannot be read: \(error.localizedDescription)")])
    }
    return try parse(text, path: path)
  }

  /// - Throws: `ConfigurationError`.
  static func parse(_ text: String, path: String) throws(ConfigurationError) -> ClusterConnection {
    func failed(_ line: Int?, _ text: String) -> ConfigurationError {
      ConfigurationError(path: path, problems: [.init(line: line, text: text)])
    }
    let root: Node?
    do {
      root = try compose(yaml: text)
    } catch {
      throw failed(nil, "\(error)".split(separator: "\n").joined(separator: " "))
    }
    guard let cluster = root?.mapping?["cluster"] else {
      throw failed(nil, "there is no section cluster")
    }
    guard let section = cluster.mapping else {
      throw failed(cluster.line, "cluster: expected keys and values, found \(cluster.found)")
    }
    let servers = section["servers"]?.sequence?.compactMap(\.word) ?? []
    guard !servers.isEmpty else {
      throw failed(cluster.line, "cluster: servers: expected a list such as [tls://nats-1:4222]")
    }
    for server in servers where !server.hasPrefix("nats://") && !server.hasPrefix("tls://") {
      throw failed(
        section["servers"]?.line,
        "cluster: servers: \(server): expected tls://HOST:PORT or nats://HOST:PORT")
    }
    var settings = NATSSettings(servers: servers, name: "renkei cluster")
    settings.user = section["user"]?.word
    settings.passwordFile = section["password-file"]?.word
    settings.seedFile = section["seed-file"]?.word
    settings.caFile = section["ca"]?.word
    settings.certificateFile = section["certificate"]?.word
    settings.keyFile = section["key"]?.word
    return ClusterConnection(
      settings: settings, shards: section["shards"]?.word.flatMap { Int($0) })
  }

  /// A link that is connected.
  ///
  /// - Throws: `ClusterError`.
  func link() throws -> NATSLink {
    let link = NATSLink(settings)
    try link.connect(withinSeconds: 8)
    return link
  }
}
