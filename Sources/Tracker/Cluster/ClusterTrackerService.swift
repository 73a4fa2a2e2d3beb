public import Cluster
internal import Foundation
internal import Glibc
internal import Wire

/// 連携追跡部 of a cluster: takes the records of its virtual shards from the stream, keeps their sessions, and reports them in
/// epochs.
///
/// Any number of them share the shards. One may be killed at any moment, or go on when it is thought to be dead:
/// what it reported counts once, and what it did not report the next one takes from the stream again.
public enum ClusterTrackerService {
  /// Runs until `isStopping` says so, then reports what it has and gives its shards up.
  ///
  /// - Throws: `ClusterError` where waiting helps nothing: `.refused`, `.misconfigured`; `SharedMemoryError`.
  public static func run(
    _ settings: ClusterTrackerSettings, log: any ClusterLog, isStopping: () -> Bool
  ) throws {
    guard try awaitLayout(settings, log, isStopping) else { return }
    let tracking = try ClusterTracking(settings, log: log)
    defer { tracking.stop(nowSeconds: Clock.seconds()) }
    while !isStopping() {
      if try !tracking.turn(nowSeconds: Clock.seconds()) { usleep(5000) }
    }
  }

  /// Waits until the cluster can be reached, and sees to it that both mean the same by a shard.
  ///
  /// - Returns: false where it was stopped before.
  private static func awaitLayout(
    _ settings: ClusterTrackerSettings, _ log: any ClusterLog, _ isStopping: () -> Bool
  ) throws -> Bool {
    while !isStopping() {
      do {
        guard let value = try log.get("layout", in: .cluster),
          let layout = try? JSONDecoder().decode(ClusterLayout.self, from: Data(value.value))
        else {
          throw ClusterError.misconfigured("it has no layout; `renkei cluster init` makes it")
        }
        guard layout.version == ClusterLayout(createdNs: 0, shards: 1).version else {
          throw ClusterError.misconfigured("its layout is of version \(layout.version)")
        }
        guard layout.shards == settings.shards else {
          throw ClusterError.misconfigured(
            "it has \(layout.shards) shards, and the configuration says \(settings.shards)")
        }
        return true
      } catch ClusterError.unreachable {
        usleep(200_000)
      }
    }
    return false
  }
}
