internal import ArgumentParser

/// Where the configuration of a cluster's box is.
struct ClusterOptions: ParsableArguments {
  @Option(
    name: [.customShort("c"), .customLong("config")],
    help: ArgumentHelp(
      "The cluster's configuration. Default: \(ClusterConfiguration.defaultPath).",
      valueName: "file"))
  var path = ClusterConfiguration.defaultPath

  /// - Throws: `ConfigurationError`.
  func load() throws -> ClusterConfiguration { try ClusterConfiguration.load(path: path) }
}
