internal import Foundation

/// A file system of a few megabytes that a test fills up; it goes with the object.
public final class SmallDisk: Sendable {
  public let path: String

  /// - Parameter path: where it is mounted; the directory is made.
  /// - Returns: nil, and says so, where nothing may be mounted.
  public init?(_ path: String, megabytes: Int) throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    let mount = try Command.run(
      "/bin/mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path])
    guard mount.status == 0 else {
      print("skipped: no tmpfs can be mounted here (root only): \(mount.errors)")
      return nil
    }
  }

  deinit { _ = try? Command.run("/bin/umount", ["-l", path]) }

  private var ballast: String { path + "/ballast" }

  /// Writes until nothing more fits.
  public func fill() throws {
    let descriptor = open(ballast, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
    let block = [UInt8](repeating: 1, count: 4096)
    while write(descriptor, block, block.count) == block.count {}
    close(descriptor)
  }

  /// Takes away what `fill` wrote.
  public func makeRoom() throws { try FileManager.default.removeItem(atPath: ballast) }
}
