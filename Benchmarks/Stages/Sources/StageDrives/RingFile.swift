internal import Glibc
public import Wire

/// The memory file of a ring, apart from any mapping: a `Ring` has one owner and can't be handed to
/// a second thread, a descriptor can, and each side maps it for itself, as the processes of a run do.
public final class RingFile: Sendable {
  /// Open until this object goes; for a child process.
  public let descriptor: Int32

  /// 64 KiB a slot and 64 slots, as an audit has them.
  public static let slotBytes = 65_536
  public static let slotCount = 64

  /// - Parameter slotsMin: at least so many slots; the next power of two.
  public init(slotsMin: Int = slotCount) throws {
    var slots = 1
    while slots < slotsMin { slots *= 2 }
    let ring = try Ring(
      name: "renkei-benchmark", slotCount: slots, slotBytes: RingFile.slotBytes)
    descriptor = dup(ring.descriptor)
    precondition(descriptor >= 0, "too many open files")
  }

  /// Another mapping of the ring.
  public func open() throws -> Ring { try Ring(inherited: dup(descriptor)) }

  deinit { close(descriptor) }
}
