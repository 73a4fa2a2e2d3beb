internal import Synchronization

extension Ring {
  /// The header of the batch published last, whether or not it was read or released since: its slot is the
  /// last one that a writer fills again. nil where there was none, or it can't be read.
  ///
  /// For a writer that takes the place of one that died, before it writes.
  public var lastPublished: BatchHeader? {
    let head = words.head.pointee.load(ordering: .acquiring)
    // A single slot is being filled again as soon as it is released.
    guard head > 0, slotCount > 1 else { return nil }
    return try? BatchHeader(reading: UnsafeRawBufferPointer(slot(head - 1)))
  }
}
