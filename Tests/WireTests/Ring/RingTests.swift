import Foundation
import Glibc
import TestSupport
import Testing
import Wire

@Suite struct RingTests {
  @Test("hands over every slot in order, around the ring many times", arguments: [1, 2, 8])
  func order(slots: Int) throws {
    let descriptor = try makeRing(slots: slots)
    let count = 1000
    let thread = Thread {
      guard let ring = try? openRing(descriptor) else { return }
      var writer = RingWriter(ring)
      for number in 0..<count {
        guard let slot = try? writer.reserve() else { return }
        slot.storeBytes(of: UInt64(number), as: UInt64.self)
        writer.publish()
      }
      writer.close()
    }
    thread.start()
    var reader = RingReader(try openRing(descriptor))
    var seen: [UInt64] = []
    while let slot = try reader.next() {
      seen.append(slot.load(as: UInt64.self))
      reader.release()
    }
    #expect(seen == (0..<UInt64(count)).map { $0 })
  }

  @Test("a reader that restarts goes on behind the last slot released")
  func restart() throws {
    let descriptor = try makeRing(slots: 4)
    var writer = RingWriter(try openRing(descriptor))
    for number in 0..<3 {
      try writer.reserve().storeBytes(of: UInt64(number), as: UInt64.self)
      writer.publish()
    }
    var first = RingReader(try openRing(descriptor))
    _ = try first.next()
    first.release()
    _ = try first.next()  // Read, but not released: the next reader gets it again.
    var second = RingReader(try openRing(descriptor))
    #expect(try second.next()?.load(as: UInt64.self) == 1)
  }

  @Test("a writer waits while the ring is full, and goes on when a slot is released")
  func full() throws {
    let descriptor = try makeRing(slots: 2)
    var reader = RingReader(try openRing(descriptor))
    let thread = Thread {
      guard let ring = try? openRing(descriptor) else { return }
      var writer = RingWriter(ring)
      for _ in 0..<5 {
        guard (try? writer.reserve()) != nil else { return }
        writer.publish()
      }
      writer.close()
    }
    thread.start()
    usleep(50_000)
    var slots = 0
    while try reader.next() != nil {
      slots += 1
      reader.release()
      usleep(5_000)
    }
    #expect(slots == 5)
  }

  @Test("an aborted ring ends both sides with an error, waiting or not")
  func abort() throws {
    let descriptor = try makeRing(slots: 2)
    var writer = RingWriter(try openRing(descriptor))
    _ = try writer.reserve()
    writer.publish()
    var reader = RingReader(try openRing(descriptor))
    _ = try reader.next()
    reader.release()
    Thread {
      usleep(20_000)
      (try? openRing(descriptor))?.abort()
    }.start()
    #expect(throws: RingError.self) { try reader.next() }
    for _ in 0..<2 {
      _ = try writer.reserve()
      writer.publish()
    }
    #expect(throws: RingError.self) { try writer.reserve() }
  }

  @Test("polling tells a slot, nothing yet and the end apart")
  func poll() throws {
    let descriptor = try makeRing()
    var writer = RingWriter(try openRing(descriptor))
    var reader = RingReader(try openRing(descriptor))
    guard case .empty = try reader.poll() else { throw Unexpected() }
    _ = try writer.reserve()
    writer.publish()
    guard case .slot = try reader.poll() else { throw Unexpected() }
    reader.release()
    writer.close()
    guard case .ended = try reader.poll() else { throw Unexpected() }
  }

  @Test("refuses memory that is not a ring")
  func otherLayout() throws {
    let board = try StatusBoard(processes: 1)
    #expect(throws: RingError.self) { _ = try openRing(board.descriptor).slotCount }
  }

  struct Unexpected: Error {}
}
