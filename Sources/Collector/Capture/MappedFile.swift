internal import Glibc

/// A whole file, mapped for reading.
///
/// If another program shortens the file meanwhile, the kernel ends this process with SIGBUS; the
/// supervisor then reports the collector as failed.
struct MappedFile: ~Copyable {
  let bytes: UnsafeRawBufferPointer

  /// Maps the open file `descriptor` of `byteCount` bytes (at least one) and asks the kernel to read
  /// ahead. The descriptor may be closed afterwards.
  ///
  /// - Returns: nil where the file cannot be mapped; `errno` says why.
  init?(descriptor: Int32, byteCount: Int) {
    guard let base = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0),
      base != MAP_FAILED
    else { return nil }
    madvise(base, byteCount, MADV_SEQUENTIAL)
    bytes = UnsafeRawBufferPointer(start: base, count: byteCount)
  }

  deinit {
    munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
  }
}
