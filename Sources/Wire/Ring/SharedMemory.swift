internal import CLinux
internal import Glibc

/// A mapping of an anonymous memory file that a parent creates and its children inherit.
///
/// Nothing has a name in the file system, so nothing is left behind in /dev/shm after a crash: the
/// kernel frees the memory with its last user (memfd_create(2)).
struct SharedMemory: ~Copyable, @unchecked Sendable {
  // @unchecked Sendable because the mapping is shared by design; `Ring` and `StatusBoard` make
  // every access to it atomic or owned by one side.
  let bytes: UnsafeMutableRawBufferPointer
  /// The memory file, for handing to a child.
  let descriptor: Int32

  /// Creates a memory file of `byteCount` zero bytes and maps it.
  init(name: String, byteCount: Int) throws(SharedMemoryError) {
    let descriptor = renkei_memory_file(name, UInt64(byteCount))
    guard descriptor >= 0 else {
      throw SharedMemoryError(action: "create", byteCount: byteCount, errno: -descriptor)
    }
    try self.init(mapping: descriptor, byteCount: byteCount)
  }

  /// Maps the memory file that was inherited as `descriptor`, and owns it from then on.
  init(inherited descriptor: Int32) throws(SharedMemoryError) {
    var facts = stat()
    guard fstat(descriptor, &facts) == 0 else {
      throw SharedMemoryError(action: "inspect", byteCount: 0, errno: errno)
    }
    try self.init(mapping: descriptor, byteCount: Int(facts.st_size))
  }

  private init(mapping descriptor: Int32, byteCount: Int) throws(SharedMemoryError) {
    guard let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      base != MAP_FAILED
    else {
      let reason = errno
      close(descriptor)
      throw SharedMemoryError(action: "map", byteCount: byteCount, errno: reason)
    }
    bytes = UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    self.descriptor = descriptor
  }

  deinit {
    munmap(bytes.baseAddress, bytes.count)
    close(descriptor)
  }
}

/// Shared memory could not be had.
public struct SharedMemoryError: Error, CustomStringConvertible {
  public let action: String
  public let byteCount: Int
  public let errno: Int32

  public var description: String {
    "could not \(action) \(byteCount) bytes of shared memory: \(String(cString: strerror(errno)))"
  }
}
