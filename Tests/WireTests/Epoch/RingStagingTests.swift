import Glibc
import TestSupport
import Testing

@testable import Wire

/// Slots that are filled and not yet published, and read and not yet released.
@Suite struct RingStagingTests {
  private func fill(_ writer: inout RingWriter, _ number: UInt64) {
    writer.reserve().storeBytes(of: number, as: UInt64.self)
  }

  @Test("what is staged is nobody's until it is published")
  func staged() throws {
    let descriptor = try makeRing(slots: 8)
    defer { close(descriptor) }
    var writer = RingWriter(try openRing(descriptor))
    var reader = RingReader(try openRing(descriptor))
    for number in 0..<3 {
      fill(&writer, UInt64(number))
      writer.stage()
    }
    #expect(writer.position == 3)
    #expect(reader.waiting() == 0)
    writer.publish(upTo: 2)
    #expect(reader.waiting() == 2)
    // Again, or less: nothing happens.
    writer.publish(upTo: 1)
    #expect(reader.waiting() == 2)
    fill(&writer, 3)
    writer.publish()
    #expect(reader.waiting() == 4)
    for number in 0..<4 as Range<UInt64> {
      #expect(reader.next()?.load(as: UInt64.self) == number)
      reader.release()
    }
  }

  @Test("the next writer writes again what a dead one had staged, or publishes it")
  func successor() throws {
    let descriptor = try makeRing(slots: 8)
    defer { close(descriptor) }
    do {
      var first = RingWriter(try openRing(descriptor))
      fill(&first, 10)
      first.publish()
      for number in 11..<14 as Range<UInt64> {
        fill(&first, number)
        first.stage()
      }
    }
    var second = RingWriter(try openRing(descriptor))
    #expect(second.position == 1)
    second.publish(upTo: 3)
    fill(&second, 99)
    second.publish()
    second.close()
    let numbers = try drain(try openRing(descriptor)).map { slot in
      slot.withUnsafeBytes { $0.load(as: UInt64.self) }
    }
    #expect(numbers == [10, 11, 12, 99])
  }

  @Test("staged slots take room, and so do slots that were read and not released")
  func room() throws {
    let descriptor = try makeRing(slots: 4)
    defer { close(descriptor) }
    var writer = RingWriter(try openRing(descriptor))
    for number in 0..<4 as Range<UInt64> {
      fill(&writer, number)
      writer.stage()
    }
    #expect(writer.tryReserve() == nil)
    writer.publish(upTo: 4)
    var reader = RingReader(try openRing(descriptor))
    for _ in 0..<4 {
      _ = reader.next()
      reader.advance()
    }
    #expect(reader.unreleased == 4 && reader.position == 4)
    #expect(writer.tryReserve() == nil)
    reader.release(upTo: 1)
    #expect(reader.unreleased == 3)
    #expect(writer.tryReserve() != nil)
  }

  @Test("a reader that takes the place of a dead one gets again what was not released")
  func again() throws {
    let descriptor = try makeRing(slots: 8)
    defer { close(descriptor) }
    var writer = RingWriter(try openRing(descriptor))
    for number in 0..<6 as Range<UInt64> {
      fill(&writer, number)
      writer.publish()
    }
    do {
      var first = RingReader(try openRing(descriptor))
      for _ in 0..<5 {
        _ = first.next()
        first.advance()
      }
      first.release(upTo: 2)
    }
    var second = RingReader(try openRing(descriptor))
    #expect(second.position == 2 && second.waiting() == 4)
    #expect(second.next()?.load(as: UInt64.self) == 2)
    // What was committed without being released need not be read again.
    second.seek(to: 4)
    #expect(second.next()?.load(as: UInt64.self) == 4)
    second.release()
    #expect(second.unreleased == 0)
  }
}
