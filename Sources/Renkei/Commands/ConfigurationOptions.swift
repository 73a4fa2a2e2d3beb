internal import ArgumentParser
internal import Glibc

/// Where the configuration is.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    name: [.customShort("c"), .customLong("config")],
    help: ArgumentHelp(
      "The configuration. Default: \(UnitConfiguration.defaultPath).", valueName: "file"))
  var path: String?

  /// Also of a cluster's box, without what is of the cluster.
  ///
  /// - Throws: `ConfigurationError`.
  func load() throws -> UnitConfiguration {
    let path = path ?? UnitConfiguration.defaultPath
    if let text = try? UnitConfiguration.text(ofFile: path), ClusterConfiguration.isOne(text) {
      return try ClusterConfiguration.load(path: path).unit
    }
    return try UnitConfiguration.load(path: path)
  }

  /// The configuration, or its defaults where none was named and there is none at the usual place.
  ///
  /// - Throws: `ConfigurationError`.
  func loadOrDefault() throws -> UnitConfiguration {
    if path == nil, access(UnitConfiguration.defaultPath, F_OK) != 0, errno == ENOENT {
      return UnitConfiguration()
    }
    return try load()
  }
}
