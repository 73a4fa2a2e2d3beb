internal import CLinux
internal import Synchronization

/// The shape of a ring and the words that both sides share.
///
/// | offset | bytes | field | written by |
/// |---|---|---|---|
/// | 0 | 8 | magic and layout version | creator |
/// | 8 | 4 | slots | creator |
/// | 12 | 4 | bytes a slot | creator |
/// | 128 | 8 | head: slots published since creation | writer |
/// | 192 | 4 | 1 while the writer waits for room; it sleeps on this word | both |
/// | 256 | 8 | tail: slots released since creation | reader |
/// | 320 | 4 | 1 while the reader waits for a slot; it sleeps on this word | both |
/// | 384 | 4 | 0 open, 1 closed | writer |
/// | 4096 | … | the slots | writer |
///
/// In the byte order of the machine. Each word that changes has a cache line of its own. The
/// reader's position lives in the mapping, so that a restarted reader goes on where the dead one
/// had released.
///
/// Who waits sets its word to 1, looks at the ring once more, and sleeps while the word is 1. Who
/// changes the ring looks at the word afterwards, clears it, and wakes. All four are sequentially
/// consistent, so either the one sees the change or the other sees the 1; and since what is slept
/// on is the word that is cleared, a wake-up that comes before the sleep is not lost.
struct RingWords {
  static let magic: UInt64 = 0x0001_474E_4952_4B52
  static let slotsOffset = 4096

  let base: UnsafeMutableRawPointer

  // SAFETY for both: the offsets are those of the table above, multiples of the words' sizes, and
  // the mapping is longer than `slotsOffset`. What is not atomic is never read as such.

  @inline(__always)
  func word64(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @inline(__always)
  func word32(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    (base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  var head: UnsafeMutablePointer<Atomic<UInt64>> { word64(128) }
  var writerWaits: UnsafeMutablePointer<Atomic<UInt32>> { word32(192) }
  var tail: UnsafeMutablePointer<Atomic<UInt64>> { word64(256) }
  var readerWaits: UnsafeMutablePointer<Atomic<UInt32>> { word32(320) }
  var phase: UnsafeMutablePointer<Atomic<UInt32>> { word32(384) }

  static let open: UInt32 = 0
  static let closed: UInt32 = 1

  /// Sleeps while `flag` is 1, which its owner has set before looking at the ring a last time.
  ///
  /// 100 ms at most: a peer that was killed wakes nobody.
  func sleep(on flag: UnsafeMutablePointer<Atomic<UInt32>>) {
    _ = renkei_futex_wait(flag, 1, 100)
  }

  /// Wakes whoever sleeps on `flag`, or is about to.
  func wake(_ flag: UnsafeMutablePointer<Atomic<UInt32>>) {
    flag.pointee.store(0, ordering: .sequentiallyConsistent)
    _ = renkei_futex_wake(flag)
  }

  /// How often to look again before sleeping: about 1 µs, less than a futex costs.
  static let spins = 32
}

/// Shared memory between one writer process and one reader process, in fixed-size slots.
public struct Ring: ~Copyable {
  let memory: SharedMemory
  let words: RingWords
  public let slotCount: Int
  public let slotBytes: Int

  /// Creates a ring.
  ///
  /// - Parameters:
  ///   - slotCount: a power of two.
  ///   - slotBytes: a multiple of 4,096.
  public init(name: String, slotCount: Int, slotBytes: Int) throws(SharedMemoryError) {
    precondition(slotCount > 0 && slotCount & (slotCount - 1) == 0, "slots: a power of two")
    precondition(slotBytes >= 4096 && slotBytes % 4096 == 0, "a slot: whole pages")
    memory = try SharedMemory(
      name: name, byteCount: RingWords.slotsOffset + slotCount * slotBytes)
    memory.bytes.storeBytes(of: RingWords.magic, as: UInt64.self)
    memory.bytes.storeBytes(of: UInt32(slotCount), toByteOffset: 8, as: UInt32.self)
    memory.bytes.storeBytes(of: UInt32(slotBytes), toByteOffset: 12, as: UInt32.self)
    // SAFETY: a mapping is never empty.
    words = RingWords(base: memory.bytes.baseAddress!)
    self.slotCount = slotCount
    self.slotBytes = slotBytes
  }

  /// Takes over a ring that was inherited as `descriptor`.
  ///
  /// - Throws: `RingError.otherLayout` where it is not a ring of this version; `SharedMemoryError`.
  public init(inherited descriptor: Int32) throws {
    let memory = try SharedMemory(inherited: descriptor)
    guard memory.bytes.count > RingWords.slotsOffset,
      memory.bytes.load(as: UInt64.self) == RingWords.magic
    else { throw RingError.otherLayout }
    let slotCount = Int(memory.bytes.load(fromByteOffset: 8, as: UInt32.self))
    let slotBytes = Int(memory.bytes.load(fromByteOffset: 12, as: UInt32.self))
    // Two numbers of 32 bits: their product may be too large for an `Int`.
    let (slotsBytes, overflow) = slotCount.multipliedReportingOverflow(by: slotBytes)
    guard slotCount > 0, slotCount & (slotCount - 1) == 0, !overflow,
      slotsBytes == memory.bytes.count - RingWords.slotsOffset
    else { throw RingError.otherLayout }
    // SAFETY: a mapping is never empty.
    words = RingWords(base: memory.bytes.baseAddress!)
    self.memory = memory
    self.slotCount = slotCount
    self.slotBytes = slotBytes
  }

  /// The memory file, for handing to a child.
  public var descriptor: Int32 { memory.descriptor }

  /// The share of slots that are published and not yet released, 0 to 1; for the status.
  public var fill: Double {
    let tail = words.tail.pointee.load(ordering: .acquiring)
    let head = words.head.pointee.load(ordering: .acquiring)
    return Double(head - min(head, tail)) / Double(slotCount)
  }

  @inline(__always)
  func slot(_ position: UInt64) -> UnsafeMutableRawBufferPointer {
    // SAFETY: the index is below slotCount, and the mapping holds that many slots: both
    // initialisers see to it.
    let index = Int(truncatingIfNeeded: position) & (slotCount - 1)
    let start = words.base + RingWords.slotsOffset + index * slotBytes
    return UnsafeMutableRawBufferPointer(start: start, count: slotBytes)
  }
}

public enum RingError: Error, CustomStringConvertible {
  /// The descriptor is not a ring of this version.
  case otherLayout

  public var description: String {
    "the shared memory is not a ring of this version of renkei; all stages must be the same program"
  }
}

/// The writing end. One at a time.
///
/// A writer that died is followed by another that goes on behind what was published.
public struct RingWriter: ~Copyable {
  private let ring: Ring
  /// Slots filled since creation: published ones, then staged ones.
  private var head: UInt64
  private var tailSeen: UInt64

  public init(_ ring: consuming Ring) {
    head = ring.words.head.pointee.load(ordering: .acquiring)
    tailSeen = ring.words.tail.pointee.load(ordering: .acquiring)
    self.ring = ring
  }

  public var slotBytes: Int { ring.slotBytes }
  public var slotCount: Int { ring.slotCount }

  /// Slots filled since the ring's creation, staged ones included: what `publish(upTo:)` takes.
  public var position: UInt64 { head }

  /// The next slot to fill, or nil where the ring is full: never waits.
  ///
  /// - Complexity: O(1).
  public mutating func tryReserve() -> UnsafeMutableRawBufferPointer? {
    if head - tailSeen >= UInt64(ring.slotCount) {
      tailSeen = ring.words.tail.pointee.load(ordering: .acquiring)
      if head - tailSeen >= UInt64(ring.slotCount) { return nil }
    }
    return ring.slot(head)
  }

  /// Whether so many slots can be filled without waiting.
  public mutating func hasRoom(slots: Int) -> Bool {
    if head - tailSeen + UInt64(slots) > UInt64(ring.slotCount) {
      tailSeen = ring.words.tail.pointee.load(ordering: .acquiring)
    }
    return head - tailSeen + UInt64(slots) <= UInt64(ring.slotCount)
  }

  /// Keeps the reserved slot for a later `publish`: whoever dies before that has not written it.
  public mutating func stage() { head += 1 }

  /// The next slot to fill; waits until there is one. The same slot until `publish` or `stage`.
  ///
  /// - Complexity: O(1); sleeps on a futex while the ring is full.
  public mutating func reserve() -> UnsafeMutableRawBufferPointer {
    var spins = 0
    while head - tailSeen >= UInt64(ring.slotCount) {
      tailSeen = ring.words.tail.pointee.load(ordering: .acquiring)
      if head - tailSeen < UInt64(ring.slotCount) { break }
      spins += 1
      if spins < RingWords.spins {
        renkei_pause()
        continue
      }
      ring.words.writerWaits.pointee.store(1, ordering: .sequentiallyConsistent)
      let tail = ring.words.tail.pointee.load(ordering: .sequentiallyConsistent)
      if head - tail >= UInt64(ring.slotCount) { ring.words.sleep(on: ring.words.writerWaits) }
    }
    return ring.slot(head)
  }

  /// Hands the reserved slot to the reader, and what was staged before it.
  public mutating func publish() { publish(upTo: head + 1) }

  /// Hands all slots below `position` to the reader; nothing where it has them.
  ///
  /// What a dead writer had staged is still in the slots: its successor may publish it.
  public mutating func publish(upTo position: UInt64) {
    guard position > ring.words.head.pointee.load(ordering: .relaxed) else { return }
    head = max(head, position)
    ring.words.head.pointee.store(position, ordering: .sequentiallyConsistent)
    if ring.words.readerWaits.pointee.load(ordering: .sequentiallyConsistent) == 1 {
      ring.words.wake(ring.words.readerWaits)
    }
  }

  /// Says that nothing follows. The reader gets what is left, then nil.
  public mutating func close() {
    ring.words.phase.pointee.store(RingWords.closed, ordering: .sequentiallyConsistent)
    ring.words.wake(ring.words.readerWaits)
  }
}

/// The reading end. One at a time.
///
/// It reads at its cursor and releases behind it, at once or later: what is not released is still there for the
/// reader that takes the place of one that died.
public struct RingReader: ~Copyable {
  private let ring: Ring
  private var cursor: UInt64
  private var tail: UInt64
  private var headSeen: UInt64

  public init(_ ring: consuming Ring) {
    tail = ring.words.tail.pointee.load(ordering: .acquiring)
    cursor = tail
    headSeen = ring.words.head.pointee.load(ordering: .acquiring)
    self.ring = ring
  }

  /// Slots read since the ring's creation; the next one has this position.
  public var position: UInt64 { cursor }
  /// Slots read and not released.
  public var unreleased: Int { Int(cursor - tail) }
  public var slotCount: Int { ring.slotCount }
  /// Slots published and not yet read.
  public mutating func waiting() -> Int {
    headSeen = ring.words.head.pointee.load(ordering: .acquiring)
    return Int(headSeen - cursor)
  }

  /// Goes on at `position`, which is not released yet.
  public mutating func seek(to position: UInt64) {
    precondition(position >= tail, "these slots were given back")
    cursor = position
  }

  /// The slot at the cursor; waits until there is one. nil after the writer closed the ring and everything was
  /// read. The same slot until `release` or `advance`.
  ///
  /// - Complexity: O(1); sleeps on a futex while the ring is empty.
  public mutating func next() -> UnsafeRawBufferPointer? {
    while true {
      switch poll() {
      case .slot(let slot): return slot
      case .ended: return nil
      case .empty: wait()
      }
    }
  }

  /// What `poll` found.
  public enum Poll {
    case slot(UnsafeRawBufferPointer)
    /// Nothing yet.
    case empty
    /// The writer closed the ring and everything was read.
    case ended
  }

  /// Like `next`, but never waits; for a stage that has something else to do.
  ///
  /// - Complexity: O(1).
  @inline(__always)
  public mutating func poll() -> Poll {
    if headSeen <= cursor {
      // The phase is read before the head: a writer that closes has published everything by then.
      let phase = ring.words.phase.pointee.load(ordering: .sequentiallyConsistent)
      headSeen = ring.words.head.pointee.load(ordering: .acquiring)
      if headSeen <= cursor { return phase == RingWords.closed ? .ended : .empty }
    }
    return .slot(UnsafeRawBufferPointer(ring.slot(cursor)))
  }

  /// Waits until there is a slot, the ring is closed, or 100 ms are over.
  public mutating func wait() {
    for _ in 0..<RingWords.spins {
      if ring.words.head.pointee.load(ordering: .acquiring) != cursor { return }
      renkei_pause()
    }
    ring.words.readerWaits.pointee.store(1, ordering: .sequentiallyConsistent)
    let head = ring.words.head.pointee.load(ordering: .sequentiallyConsistent)
    let stillOpen =
      ring.words.phase.pointee.load(ordering: .sequentiallyConsistent) == RingWords.open
    if head == cursor && stillOpen { ring.words.sleep(on: ring.words.readerWaits) }
  }

  /// Gives the slot at the cursor, and all before it, back to the writer.
  public mutating func release() {
    cursor += 1
    release(upTo: cursor)
  }

  /// Goes to the next slot; this one stays.
  public mutating func advance() { cursor += 1 }

  /// Gives all slots below `position` back to the writer.
  ///
  /// A sleeping writer is woken only when a quarter of the ring is free: a wake-up for each slot
  /// would make the two take turns instead of running side by side.
  public mutating func release(upTo position: UInt64) {
    precondition(position >= tail && position <= cursor, "slots that were not read")
    tail = position
    ring.words.tail.pointee.store(tail, ordering: .sequentiallyConsistent)
    guard ring.words.writerWaits.pointee.load(ordering: .sequentiallyConsistent) == 1 else {
      return
    }
    let head = ring.words.head.pointee.load(ordering: .sequentiallyConsistent)
    if head - tail <= UInt64(ring.slotCount - max(1, ring.slotCount / 4)) {
      ring.words.wake(ring.words.writerWaits)
    }
  }
}
