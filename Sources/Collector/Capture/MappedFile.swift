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

  /// Unmaps the whole pages from `begin` to `end`, so that a large file does not fill the memory of this
  /// process. They may still be read, which maps them again. `begin`: where the call before ended, or 0.
  ///
  /// - Returns: where the next call begins.
  func giveBack(from begin: Int, to end: Int) -> Int {
    let pageEnd = end & ~(MappedFile.pageBytes - 1)
    guard pageEnd > begin else { return begin }
    // SAFETY: the mapping is private and never written to, so that nothing is lost with its pages.
    madvise(
      UnsafeMutableRawPointer(mutating: bytes.baseAddress.unsafelyUnwrapped + begin),
      pageEnd - begin, MADV_DONTNEED)
    return pageEnd
  }

  private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

  deinit {
    munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
  }
}
