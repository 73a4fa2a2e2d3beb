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
/// | 192 | 4 | 1 while the writer waits for room | writer sets, reader clears |
/// | 256 | 8 | tail: slots released since creation | reader |
/// | 320 | 4 | 1 while the reader waits for a slot | reader sets, writer clears |
/// | 384 | 4 | 0 open, 1 closed by the writer, 2 aborted by the supervisor | writer, supervisor |
/// | 4096 | … | the slots | writer |
///
/// Each word that changes has a cache line of its own. The reader's position lives in the mapping,
/// so that a restarted reader goes on where the dead one had released.
struct RingWords {
  static let magic: UInt64 = 0x0001_474E_4952_4B52
  static let slotsOffset = 4096

  let base: UnsafeMutableRawPointer

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
  static let aborted: UInt32 = 2

  /// Sleeps while `word`'s low half is still `seen`; woken by the peer, or after 100 ms so that an
  /// abort or a dead peer is noticed without a wake-up.
  func sleep(on word: UnsafeMutablePointer<Atomic<UInt64>>, seen: UInt64) {
    _ = renkei_futex_wait(word, UInt32(truncatingIfNeeded: seen), 100)
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
    words = RingWords(base: memory.bytes.baseAddress!)
    self.slotCount = slotCount
    self.slotBytes = slotBytes
  }

  /// Takes over a ring that was inherited as `descriptor`.
  ///
  /// - Throws: `RingError.otherLayout` where it is not a ring of this version.
  public init(inherited descriptor: Int32) throws {
    let memory = try SharedMemory(inherited: descriptor)
    guard memory.bytes.count > RingWords.slotsOffset,
      memory.bytes.load(as: UInt64.self) == RingWords.magic
    else { throw RingError.otherLayout }
    let slotCount = Int(memory.bytes.load(fromByteOffset: 8, as: UInt32.self))
    let slotBytes = Int(memory.bytes.load(fromByteOffset: 12, as: UInt32.self))
    guard slotCount > 0, slotCount & (slotCount - 1) == 0,
      RingWords.slotsOffset + slotCount * slotBytes == memory.bytes.count
    else { throw RingError.otherLayout }
    words = RingWords(base: memory.bytes.baseAddress!)
    self.memory = memory
    self.slotCount = slotCount
    self.slotBytes = slotBytes
  }

  /// The memory file, for handing to a child.
  public var descriptor: Int32 { memory.descriptor }

  /// Wakes both sides with `RingError.aborted`; for a supervisor whose other children failed.
  public func abort() {
    words.phase.pointee.store(RingWords.aborted, ordering: .sequentiallyConsistent)
    _ = renkei_futex_wake(words.head)
    _ = renkei_futex_wake(words.tail)
  }

  @inline(__always)
  func slot(_ position: UInt64) -> UnsafeMutableRawBufferPointer {
    let index = Int(truncatingIfNeeded: position) & (slotCount - 1)
    let start = words.base + RingWords.slotsOffset + index * slotBytes
    return UnsafeMutableRawBufferPointer(start: start, count: slotBytes)
  }
}

public enum RingError: Error, CustomStringConvertible {
  /// The descriptor is not a ring of this version.
  case otherLayout
  /// The supervisor ended the run.
  case aborted

  public var description: String {
    switch self {
    case .otherLayout: "the shared memory is not a ring of this version of renkei"
    case .aborted: "the run was ended"
    }
  }
}

/// The writing end. One at a time.
public struct RingWriter: ~Copyable {
  private let ring: Ring
  private var head: UInt64
  private var tailSeen: UInt64

  public init(_ ring: consuming Ring) {
    head = ring.words.head.pointee.load(ordering: .acquiring)
    tailSeen = ring.words.tail.pointee.load(ordering: .acquiring)
    self.ring = ring
  }

  public var slotBytes: Int { ring.slotBytes }

  /// The next slot to fill; waits until there is one. The same slot until `publish`.
  ///
  /// - Throws: `RingError.aborted`.
  /// - Complexity: O(1); sleeps on a futex while the ring is full.
  public mutating func reserve() throws(RingError) -> UnsafeMutableRawBufferPointer {
    var spins = 0
    while head - tailSeen >= UInt64(ring.slotCount) {
      tailSeen = ring.words.tail.pointee.load(ordering: .acquiring)
      if head - tailSeen < UInt64(ring.slotCount) { break }
      if ring.words.phase.pointee.load(ordering: .relaxed) == RingWords.aborted { throw .aborted }
      spins += 1
      if spins < RingWords.spins {
        renkei_pause()
        continue
      }
      ring.words.writerWaits.pointee.store(1, ordering: .sequentiallyConsistent)
      let tail = ring.words.tail.pointee.load(ordering: .sequentiallyConsistent)
      if head - tail >= UInt64(ring.slotCount) { ring.words.sleep(on: ring.words.tail, seen: tail) }
    }
    return ring.slot(head)
  }

  /// Hands the reserved slot to the reader.
  public mutating func publish() {
    head += 1
    ring.words.head.pointee.store(head, ordering: .sequentiallyConsistent)
    if ring.words.readerWaits.pointee.load(ordering: .sequentiallyConsistent) == 1 {
      ring.words.readerWaits.pointee.store(0, ordering: .sequentiallyConsistent)
      _ = renkei_futex_wake(ring.words.head)
    }
  }

  /// Says that nothing follows. The reader gets what is left, then nil.
  public mutating func close() {
    _ = ring.words.phase.pointee.compareExchange(
      expected: RingWords.open, desired: RingWords.closed, ordering: .sequentiallyConsistent)
    _ = renkei_futex_wake(ring.words.head)
  }
}

/// The reading end. One at a time.
public struct RingReader: ~Copyable {
  private let ring: Ring
  private var tail: UInt64
  private var headSeen: UInt64

  public init(_ ring: consuming Ring) {
    tail = ring.words.tail.pointee.load(ordering: .acquiring)
    headSeen = ring.words.head.pointee.load(ordering: .acquiring)
    self.ring = ring
  }

  /// The oldest slot not yet released; waits until there is one. nil after the writer closed the
  /// ring and everything was read. The same slot until `release`.
  ///
  /// - Throws: `RingError.aborted`.
  /// - Complexity: O(1); sleeps on a futex while the ring is empty.
  public mutating func next() throws(RingError) -> UnsafeRawBufferPointer? {
    var spins = 0
    while headSeen == tail {
      // The phase is read before the head: a writer that closes has published everything by then.
      let phase = ring.words.phase.pointee.load(ordering: .sequentiallyConsistent)
      headSeen = ring.words.head.pointee.load(ordering: .acquiring)
      if headSeen != tail { break }
      if phase == RingWords.aborted { throw .aborted }
      if phase == RingWords.closed { return nil }
      spins += 1
      if spins < RingWords.spins {
        renkei_pause()
        continue
      }
      ring.words.readerWaits.pointee.store(1, ordering: .sequentiallyConsistent)
      let head = ring.words.head.pointee.load(ordering: .sequentiallyConsistent)
      let stillOpen =
        ring.words.phase.pointee.load(ordering: .sequentiallyConsistent) == RingWords.open
      if head == tail && stillOpen { ring.words.sleep(on: ring.words.head, seen: head) }
    }
    return UnsafeRawBufferPointer(ring.slot(tail))
  }

  /// What `poll` found.
  public enum Poll {
    case slot(UnsafeRawBufferPointer)
    /// Nothing yet.
    case empty
    /// The writer closed the ring and everything was read.
    case ended
  }

  /// Like `next`, but never waits; for a stage that reads several rings.
  ///
  /// - Throws: `RingError.aborted`.
  public mutating func poll() throws(RingError) -> Poll {
    if headSeen == tail {
      let phase = ring.words.phase.pointee.load(ordering: .sequentiallyConsistent)
      headSeen = ring.words.head.pointee.load(ordering: .acquiring)
      if headSeen == tail {
        if phase == RingWords.aborted { throw .aborted }
        return phase == RingWords.closed ? .ended : .empty
      }
    }
    return .slot(UnsafeRawBufferPointer(ring.slot(tail)))
  }

  /// Gives the oldest slot back to the writer.
  ///
  /// A sleeping writer is woken only when a quarter of the ring is free: a wake-up for each slot
  /// would make the two take turns instead of running side by side.
  public mutating func release() {
    tail += 1
    ring.words.tail.pointee.store(tail, ordering: .sequentiallyConsistent)
    guard ring.words.writerWaits.pointee.load(ordering: .sequentiallyConsistent) == 1 else {
      return
    }
    let head = ring.words.head.pointee.load(ordering: .sequentiallyConsistent)
    if head - tail <= UInt64(ring.slotCount - max(1, ring.slotCount / 4)) {
      ring.words.writerWaits.pointee.store(0, ordering: .sequentiallyConsistent)
      _ = renkei_futex_wake(ring.words.tail)
    }
  }
}
