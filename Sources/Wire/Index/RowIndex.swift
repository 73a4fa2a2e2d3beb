public import CLinux
internal import Glibc

/// Zeros that take memory only where they are touched.
///
/// Not huge pages: rows are touched in their order, and the host of a virtual machine may take a
/// millisecond to find a huge page that nobody used yet.
public struct ZeroPages<Row: BitwiseCopyable>: ~Copyable {
  public let rows: UnsafeMutablePointer<Row>
  private let bytes: Int

  /// - Parameter count: rows; no more than a quarter of the address space.
  public init(_ count: Int) {
    bytes = count * MemoryLayout<Row>.stride
    let memory = mmap(
      nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory, memory != MAP_FAILED else {
      fatalError("no memory for a table of \(bytes) bytes")
    }
    rows = memory.bindMemory(to: Row.self, capacity: count)
  }

  deinit { munmap(rows, bytes) }

  /// Gives the memory of `range` back, but for pages that hold other rows too; it reads as zeros then.
  public func giveBack(_ range: Range<Int>) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let begin = (range.lowerBound * MemoryLayout<Row>.stride + page - 1) & ~(page - 1)
    let end = range.upperBound * MemoryLayout<Row>.stride & ~(page - 1)
    // SAFETY: whole pages of the mapping, which is private and anonymous.
    if end > begin { madvise(UnsafeMutableRawPointer(rows) + begin, end - begin, MADV_DONTNEED) }
  }
}

/// The hash of two words: the halves of their product, to which every bit of both contributes.
///
/// Seeded by the process, so that nobody can send what all falls into one place. Nothing that is
/// reported may depend on places.
@frozen public struct WordsHash: Sendable {
  @usableFromInline let one = UInt64.random(in: .min ... .max)
  @usableFromInline let other = UInt64.random(in: .min ... .max)

  public init() {}

  @inlinable @inline(__always)
  public func callAsFunction(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = (a ^ one).multipliedFullWidth(by: b ^ other)
    return product.high ^ product.low
  }
}

/// Finds the numbers of rows, from 1, by 64-bit hashes.
///
/// Open addressing over 8-byte slots, five eighths full at most. A slot is 0, or the upper half of the hash
/// above the number. The place follows from the hash's uppermost bits, so that a larger index is made
/// from a smaller one front to back and without a look at the rows.
///
/// Lookups come in three steps, so that many of them wait for memory together: `prefetch`, then `first`
/// and a prefetch of that row, then `probe` and `next`.
@frozen public struct RowIndex: ~Copyable {
  /// Numbers of rows have 32 bits, and so have places.
  public static let countMax = 1 << 31

  @usableFromInline static let firstLog2 = 14

  @usableFromInline var slots: UnsafeMutablePointer<UInt64>
  /// Slots less one, a power of two less one; and the shift from a hash to its place.
  @usableFromInline var mask: Int
  @usableFromInline var shift: UInt64
  @usableFromInline var count = 0

  /// A place in the index and what the slots of a hash look like.
  @frozen public struct Probe {
    @usableFromInline var place: Int
    @usableFromInline let tag: UInt64

    @inlinable @inline(__always) init(place: Int, tag: UInt64) {
      self.place = place
      self.tag = tag
    }
  }

  public init() {
    mask = 1 << RowIndex.firstLog2 - 1
    shift = UInt64(64 - RowIndex.firstLog2)
    slots = RowIndex.zeros(mask + 1)
  }

  deinit { slots.deallocate() }

  private static func zeros(_ count: Int) -> UnsafeMutablePointer<UInt64> {
    // From so many bytes on calloc takes fresh pages, and touches none.
    calloc(count, MemoryLayout<UInt64>.stride).bindMemory(to: UInt64.self, capacity: count)
  }

  @inlinable @inline(__always)
  func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> shift) }

  /// Asks for the cache line in which `hash` is looked for first.
  @inlinable @inline(__always)
  public func prefetch(_ hash: UInt64) { renkei_prefetch(slots + place(hash)) }

  /// The number in the first slot of `hash`, which may belong to another; 0 where there is none.
  @inlinable @inline(__always)
  public func first(_ hash: UInt64) -> Int {
    Int(truncatingIfNeeded: slots[place(hash)] & 0xFFFF_FFFF)
  }

  @inlinable @inline(__always)
  public func probe(_ hash: UInt64) -> Probe { Probe(place: place(hash), tag: hash >> 32) }

  /// The next number entered with the same upper half of the hash; nil where there is no more.
  @inlinable @inline(__always)
  public func next(_ probe: inout Probe) -> Int? {
    while true {
      let slot = slots[probe.place]
      if slot == 0 { return nil }
      probe.place = (probe.place &+ 1) & mask
      if slot >> 32 == probe.tag { return Int(truncatingIfNeeded: slot & 0xFFFF_FFFF) }
    }
  }

  /// - Complexity: O(1) amortised.
  @inlinable @inline(__always)
  public mutating func enter(_ hash: UInt64, number: Int) {
    put((hash & ~0xFFFF_FFFF) | UInt64(number))
    count &+= 1
    if count &* 8 > mask &* 5 { grow() }
  }

  @inlinable @inline(__always)
  func put(_ slot: UInt64) {
    var place = place(slot)
    while slots[place] != 0 { place = (place &+ 1) & mask }
    slots[place] = slot
  }

  /// Lets what led to `number` lead to `other`, which has the same hash.
  ///
  /// - Complexity: O(1).
  public mutating func replace(_ hash: UInt64, number: Int, by other: Int) {
    var place = place(hash)
    let old = (hash & ~0xFFFF_FFFF) | UInt64(number)
    while slots[place] != old {
      precondition(slots[place] != 0, "a number that was never entered")
      place = (place &+ 1) & mask
    }
    slots[place] = (hash & ~0xFFFF_FFFF) | UInt64(other)
  }

  @usableFromInline
  mutating func grow() {
    let old = slots
    let oldCount = mask + 1
    mask = 2 * oldCount - 1
    shift -= 1
    slots = RowIndex.zeros(mask + 1)
    for place in 0..<oldCount where old[place] != 0 { put(old[place]) }
    old.deallocate()
  }

  public mutating func removeAll() {
    slots.update(repeating: 0, count: mask + 1)
    count = 0
  }
}
