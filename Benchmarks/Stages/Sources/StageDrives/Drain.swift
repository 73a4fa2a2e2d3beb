internal import Dispatch
internal import Glibc
internal import Wire

/// Empties the rings that a stage writes, from a thread of its own, as the next process would.
///
/// It only polls and releases, or copies to tapes where a next stage is to be fed. It looks every
/// 50 µs: a ring holds more than a millisecond of any stage's output, and a reader that slept on the
/// ring would have the stage wake it for each batch.
final class Drain: Sendable {
  private let group = DispatchGroup()

  private static let restMicroseconds: UInt32 = 50

  /// Begins. With `tapes`, one for each ring.
  init(_ files: [RingFile], tapes: [Tape] = []) {
    precondition(tapes.isEmpty || tapes.count == files.count, "a tape for each ring")
    DispatchQueue(label: "drain").async(group: group) {
      do {
        try Drain.run(files, tapes)
      } catch {
        fatalError("what a stage wrote could not be read: \(error)")
      }
    }
  }

  /// Waits until every ring has been closed and emptied.
  func wait() { group.wait() }

  private static func run(_ files: [RingFile], _ tapes: [Tape]) throws {
    let readers = UnsafeMutablePointer<RingReader>.allocate(capacity: files.count)
    for (index, file) in files.enumerated() {
      (readers + index).initialize(to: RingReader(try file.open()))
    }
    defer {
      readers.deinitialize(count: files.count)
      readers.deallocate()
    }
    var isOpen = [Bool](repeating: true, count: files.count)
    while isOpen.contains(true) {
      var isIdle = true
      for index in isOpen.indices where isOpen[index] {
        switch readers[index].poll() {
        case .slot(let slot):
          if !tapes.isEmpty { try tapes[index].append(slot) }
          readers[index].release()
          isIdle = false
        case .ended: isOpen[index] = false
        case .empty: break
        }
      }
      if isIdle { usleep(restMicroseconds) }
    }
  }
}
