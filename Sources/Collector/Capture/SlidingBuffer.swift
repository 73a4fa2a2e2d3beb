/// A window that moves over a byte source: what a parser has not taken yet is carried to the front,
/// and more is read behind it.
///
/// It grows (by doubling) only when a parser needs a longer record than fits, and the parsers refuse
/// records beyond their limits, so its size is bounded by the largest of these, 128 MiB and a bit.
final class SlidingBuffer {
  private let source: any ByteSource
  private var storage: UnsafeMutableRawBufferPointer
  private var begin = 0
  private var end = 0

  /// - Parameter capacity: at first; at least 1.
  init(_ source: any ByteSource, capacity: Int = 1 << 20) {
    precondition(capacity > 0)
    self.source = source
    storage = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { storage.deallocate() }

  /// What has been read and not yet consumed.
  var window: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[begin..<end]) }

  var bytesTaken: UInt64 { source.bytesTaken }

  func consume(_ count: Int) {
    precondition(count <= end - begin, "more consumed than there was")
    begin += count
  }

  /// Reads more behind what is there; false at the end of the source.
  func fill() throws(CaptureDamage) -> Bool {
    if begin > 0 {
      storage.copyMemory(from: window)
      (begin, end) = (0, end - begin)
    }
    if end == storage.count {
      let larger = UnsafeMutableRawBufferPointer.allocate(
        byteCount: storage.count * 2, alignment: 16)
      larger.copyMemory(from: window)
      storage.deallocate()
      storage = larger
    }
    let got = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: storage[end...]))
    end += got
    return got > 0
  }
}
