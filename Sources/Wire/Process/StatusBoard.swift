internal import Synchronization

/// What each process of a run tells about itself, in shared memory: the supervisor reads it for
/// the progress bar.
///
/// Shape: one line of 64 bytes a process, so that no two share a cache line; in it 64-bit counters
/// in the order of `Field`.
public struct StatusBoard: ~Copyable {
  private let memory: SharedMemory
  private static let lineBytes = 64

  public enum Field: Int, Sendable {
    /// Bytes of input read, and in all; 0 where the end is unknown.
    case inputBytes
    case inputBytesTotal
    /// Packets, records or rows handled.
    case items
  }

  /// - Parameter processes: how many lines there are.
  public init(processes: Int) throws(SharedMemoryError) {
    memory = try SharedMemory(
      name: "renkei-status", byteCount: max(4096, processes * StatusBoard.lineBytes))
  }

  public init(inherited descriptor: Int32) throws(SharedMemoryError) {
    memory = try SharedMemory(inherited: descriptor)
  }

  public var descriptor: Int32 { memory.descriptor }

  private func word(_ process: Int, _ field: Field) -> UnsafeMutablePointer<Atomic<UInt64>> {
    let offset = process * StatusBoard.lineBytes + field.rawValue * 8
    precondition(offset >= 0 && offset + 8 <= memory.bytes.count, "no such line on the board")
    // SAFETY: a mapping is never empty, and the word lies in it: checked just above.
    return (memory.bytes.baseAddress! + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// Only the process whose line it is may set it.
  public func set(_ field: Field, of process: Int, to value: UInt64) {
    word(process, field).pointee.store(value, ordering: .relaxed)
  }

  public func get(_ field: Field, of process: Int) -> UInt64 {
    word(process, field).pointee.load(ordering: .relaxed)
  }
}
