internal import Foundation
internal import Glibc

/// Whom the stages of a unit become.
enum UnitUser {
  /// nil where this process is no root, or the configuration wants it so.
  ///
  /// - Parameter isByDefault: there is no configuration; without the usual user it is whoever called sudo.
  /// - Throws: `RunError` where there is no such user.
  static func of(
    _ configuration: UnitConfiguration, isByDefault: Bool
  ) throws -> (uid: uid_t, gid: gid_t)? {
    guard geteuid() == 0, let name = configuration.run.user else { return nil }
    guard let user = SystemUser(name: name) else {
      if isByDefault { return caller() }
      throw RunError(
        "there is no user \(name) for the processes to run as: adduser --system --group \(name), or "
          + "name another under run: user in the configuration (null: stay root)")
    }
    return (user.uid, user.gid)
  }

  /// Where this process is root: whoever called sudo, or nobody.
  static func caller() -> (uid: uid_t, gid: gid_t)? {
    guard geteuid() == 0 else { return nil }
    let environment = ProcessInfo.processInfo.environment
    if let uid = environment["SUDO_UID"].flatMap({ uid_t($0) }), uid != 0,
      let gid = environment["SUDO_GID"].flatMap({ gid_t($0) })
    {
      return (uid, gid)
    }
    return SystemUser(name: "nobody").map { ($0.uid, $0.gid) }
  }
}

/// The places that a unit writes to.
enum UnitDirectory {
  /// Makes the run directory and the store's, where they are missing and may be made.
  ///
  /// - Throws: `RunError`.
  static func prepare(
    _ configuration: UnitConfiguration, user: (uid: uid_t, gid: gid_t)?
  ) throws {
    try make(configuration.run.directory, user: nil)
    try prepareStore(configuration, user: user)
  }

  /// The same for a collector's box of a cluster: the run directory, where a status is written, and the
  /// spool.
  ///
  /// - Throws: `RunError`.
  static func prepare(
    _ configuration: ClusterConfiguration, readsFiles: Bool, user: (uid: uid_t, gid: gid_t)?
  ) throws {
    if !readsFiles { try make(configuration.unit.run.directory, user: nil) }
    let spool = configuration.cluster.spoolPath
    try make(URL(fileURLWithPath: spool).deletingLastPathComponent().path, user: user)
    try make(spool, mode: 0o700, user: user)
  }

  /// Makes the store's directory, where it is missing and may be made.
  ///
  /// - Throws: `RunError`.
  static func prepareStore(
    _ configuration: UnitConfiguration, user: (uid: uid_t, gid: gid_t)?
  ) throws {
    let store = URL(fileURLWithPath: configuration.store.path).deletingLastPathComponent().path
    try make(store, user: user)
  }

  private static func make(
    _ path: String, mode: mode_t = 0o755, user: (uid: uid_t, gid: gid_t)?
  ) throws {
    if mkdir(path, mode) == 0 {
      if let user { chown(path, user.uid, user.gid) }
    } else if errno != EEXIST {
      throw RunError("\(path): cannot be made: \(String(cString: strerror(errno)))")
    }
  }
}
