/// What is kept of a process of a cluster: its entry, and of a merger how far it has come.
public enum ClusterMember {
  /// Key of its status.
  public static func statusKey(_ role: ProcessStatus.Role, _ name: String) -> String {
    "\(role.rawValue).\(name)"
  }

  /// Up to where a merger has committed; as long as it is there, the streams are kept for it.
  public static func watermarkKey(_ merger: String) -> String { "watermark.\(merger)" }

  /// Takes a process that will not come back out of the cluster.
  ///
  /// - Returns: whether there was anything of it.
  /// - Throws: `ClusterError`.
  public static func forget(
    _ role: ProcessStatus.Role, _ name: String, in log: some ClusterLog
  ) throws(ClusterError) -> Bool {
    var found = false
    if try log.get(statusKey(role, name), in: .status) != nil {
      try log.delete(statusKey(role, name), in: .status)
      found = true
    }
    if role == .merger, try log.get(watermarkKey(name), in: .cluster) != nil {
      try log.delete(watermarkKey(name), in: .cluster)
      found = true
    }
    return found
  }
}
