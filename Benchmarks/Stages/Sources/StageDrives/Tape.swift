internal import Glibc
internal import Wire

/// A stage's output in memory, to be played to the next stage any number of times.
public final class Tape: @unchecked Sendable {
  // @unchecked Sendable because one thread records and has ended before another one plays.
  private var slots: [UnsafeMutableRawPointer] = []
  /// Records or session rows in it.
  public private(set) var items = 0

  let keepsSlots: Bool

  /// - Parameter keepsSlots: false to count the items only, for outputs that nobody plays.
  public init(keepsSlots: Bool = true) { self.keepsSlots = keepsSlots }

  deinit { for slot in slots { slot.deallocate() } }

  /// Slots in it.
  public var count: Int { slots.count }

  /// Adds a copy of a slot.
  ///
  /// - Throws: `BatchError` where it is not a batch.
  public func append(_ slot: UnsafeRawBufferPointer) throws {
    let header = try BatchHeader(reading: slot)
    if header.kind == .records || header.kind == .sessions { items += header.itemCount }
    guard keepsSlots else { return }
    let copy = UnsafeMutableRawPointer.allocate(byteCount: slot.count, alignment: 4096)
    // SAFETY: just allocated with the slot's size; a slot is never empty.
    copy.copyMemory(from: slot.baseAddress!, byteCount: slot.count)
    slots.append(copy)
  }

  /// A closed ring with all of it.
  ///
  /// A stage that reads it never waits, and no other thread is at work on its input: what is measured
  /// is the stage.
  public func ring() throws -> RingFile {
    let file = try RingFile(slotsMin: max(1, slots.count))
    var writer = RingWriter(try file.open())
    for slot in slots {
      writer.reserve().copyMemory(
        from: UnsafeRawBufferPointer(start: slot, count: RingFile.slotBytes))
      writer.publish()
    }
    writer.close()
    return file
  }
}
