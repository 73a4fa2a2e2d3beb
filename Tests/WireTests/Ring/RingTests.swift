import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Wire

@Suite struct RingTests {
  @Test("hands over every slot in order, around the ring many times", arguments: [1, 2, 8])
  func order(slots: Int) throws {
    let descriptor = try makeRing(slots: slots)
    let count = 1000
    let thread = Thread {
      guard let ring = try? openRing(descriptor) else { return }
      var writer = RingWriter(ring)
      for number in 0..<count {
        writer.reserve().storeBytes(of: UInt64(number), as: UInt64.self)
        writer.publish()
      }
      writer.close()
    }
    thread.start()
    var reader = RingReader(try openRing(descriptor))
    var seen: [UInt64] = []
    while let slot = reader.next() {
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
      writer.reserve().storeBytes(of: UInt64(number), as: UInt64.self)
      writer.publish()
    }
    var first = RingReader(try openRing(descriptor))
    _ = first.next()
    first.release()
    _ = first.next()  // Read, but not released: the next reader gets it again.
    var second = RingReader(try openRing(descriptor))
    #expect(second.next()?.load(as: UInt64.self) == 1)
  }

  @Test("a writer waits while the ring is full, and goes on when a slot is released")
  func full() throws {
    let descriptor = try makeRing(slots: 2)
    var reader = RingReader(try openRing(descriptor))
    let thread = Thread {
      guard let ring = try? openRing(descriptor) else { return }
      var writer = RingWriter(ring)
      for _ in 0..<5 {
        _ = writer.reserve()
        writer.publish()
      }
      writer.close()
    }
    thread.start()
    usleep(50_000)
    var slots = 0
    while reader.next() != nil {
      slots += 1
      reader.release()
      usleep(5_000)
    }
    #expect(slots == 5)
  }

  @Test("who changes a ring clears the word that its peer sleeps on, so that no wake-up is lost")
  func wakeUps() throws {
    let descriptor = try makeRing(slots: 4)
    let ring = try openRing(descriptor)
    let words = ring.words
    var writer = RingWriter(try openRing(descriptor))
    var reader = RingReader(try openRing(descriptor))
    func fallAsleep(on word: UnsafeMutablePointer<Atomic<UInt32>>) {
      word.pointee.store(1, ordering: .sequentiallyConsistent)
    }
    func isAwake(_ word: UnsafeMutablePointer<Atomic<UInt32>>) -> Bool {
      word.pointee.load(ordering: .sequentiallyConsistent) == 0
    }
    for _ in 0..<4 {
      fallAsleep(on: words.readerWaits)
      _ = writer.reserve()
      writer.publish()
      #expect(isAwake(words.readerWaits))
    }
    fallAsleep(on: words.writerWaits)
    _ = reader.next()
    reader.release()
    #expect(isAwake(words.writerWaits))
    fallAsleep(on: words.readerWaits)
    writer.close()
    #expect(isAwake(words.readerWaits))
  }

  @Test("a writer is woken when a quarter of the ring is free, not before")
  func quarter() throws {
    let descriptor = try makeRing(slots: 8)
    let ring = try openRing(descriptor)
    var writer = RingWriter(try openRing(descriptor))
    var reader = RingReader(try openRing(descriptor))
    for _ in 0..<8 {
      _ = writer.reserve()
      writer.publish()
    }
    let waits = ring.words.writerWaits
    waits.pointee.store(1, ordering: .sequentiallyConsistent)
    for expected: UInt32 in [1, 0] {
      _ = reader.next()
      reader.release()
      #expect(waits.pointee.load(ordering: .sequentiallyConsistent) == expected)
    }
  }

  @Test("polling tells a slot, nothing yet and the end apart")
  func poll() throws {
    let descriptor = try makeRing()
    var writer = RingWriter(try openRing(descriptor))
    var reader = RingReader(try openRing(descriptor))
    guard case .empty = reader.poll() else { throw Unexpected() }
    _ = writer.reserve()
    writer.publish()
    guard case .slot = reader.poll() else { throw Unexpected() }
    reader.release()
    writer.close()
    guard case .ended = reader.poll() else { throw Unexpected() }
  }

  @Test("refuses memory that is not a ring")
  func otherLayout() throws {
    let board = try StatusBoard(processes: 1)
    #expect(throws: RingError.self) { _ = try openRing(board.descriptor).slotCount }
  }

  @Test("refuses a ring that claims another size", arguments: [0, 1, 3, 16, 1 << 31])
  func otherSize(slots: UInt32) throws {
    let descriptor = try makeRing(slots: 8)
    let ring = try openRing(descriptor)
    ring.memory.bytes.storeBytes(of: slots, toByteOffset: 8, as: UInt32.self)
    #expect(throws: RingError.self) { _ = try openRing(descriptor).slotCount }
    ring.memory.bytes.storeBytes(of: .max, toByteOffset: 12, as: UInt32.self)
    #expect(throws: RingError.self) { _ = try openRing(descriptor).slotCount }
  }

  struct Unexpected: Error {}
}
