internal import CLinux
internal import Glibc

/// Zeros that take memory only where they are touched; for `munmap`.
///
/// Not huge pages: rows are touched in their order, and the host of a virtual machine may take a
/// millisecond to find a huge page that nobody used yet.
func mapZeros<T: BitwiseCopyable>(_ count: Int, of type: T.Type) -> UnsafeMutablePointer<T> {
  let bytes = count * MemoryLayout<T>.stride
  let memory = mmap(
    nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
  guard let memory, memory != MAP_FAILED else {
    fatalError("no memory for a session table of \(bytes) bytes")
  }
  return memory.bindMemory(to: T.self, capacity: count)
}

/// Finds the numbers of rows, from 1, by 64-bit hashes.
///
/// Open addressing over 8-byte slots, at most half full. A slot is 0, or the upper half of the hash
/// above the number. The place follows from the hash's uppermost bits, so that a larger index is made
/// from a smaller one front to back and without a look at the rows.
struct SessionIndex: ~Copyable {
  /// Numbers of rows have 32 bits, and so have places.
  static let countMax = 1 << 31

  private static let firstLog2 = 14

  private var slots: UnsafeMutablePointer<UInt64>
  /// Slots less one, a power of two less one; and the shift from a hash to its place.
  private var mask: Int
  private var shift: UInt64
  private var count = 0

  /// A place in the index and what the slots of a hash look like.
  struct Probe {
    fileprivate var place: Int
    fileprivate let tag: UInt64
  }

  init() {
    mask = 1 << SessionIndex.firstLog2 - 1
    shift = UInt64(64 - SessionIndex.firstLog2)
    slots = mapZeros(mask + 1, of: UInt64.self)
  }

  deinit { munmap(slots, (mask + 1) * MemoryLayout<UInt64>.stride) }

  @inline(__always)
  private func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> shift) }

  /// Asks for the cache line in which `hash` is looked for first.
  @inline(__always)
  func prefetch(_ hash: UInt64) { renkei_prefetch(slots + place(hash)) }

  /// The number in the first slot of `hash`, which may belong to another; 0 where there is none.
  @inline(__always)
  func first(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: slots[place(hash)] & 0xFFFF_FFFF) }

  @inline(__always)
  func probe(_ hash: UInt64) -> Probe { Probe(place: place(hash), tag: hash >> 32) }

  /// The next number entered with the same upper half of the hash; nil where there is no more.
  @inline(__always)
  func next(_ probe: inout Probe) -> Int? {
    while true {
      let slot = slots[probe.place]
      if slot == 0 { return nil }
      probe.place = (probe.place &+ 1) & mask
      if slot >> 32 == probe.tag { return Int(truncatingIfNeeded: slot & 0xFFFF_FFFF) }
    }
  }

  /// - Complexity: O(1) amortised.
  @inline(__always)
  mutating func enter(_ hash: UInt64, number: Int) {
    put((hash & ~0xFFFF_FFFF) | UInt64(number))
    count &+= 1
    if count &* 2 > mask { grow() }
  }

  @inline(__always)
  private func put(_ slot: UInt64) {
    var place = place(slot)
    while slots[place] != 0 { place = (place &+ 1) & mask }
    slots[place] = slot
  }

  private mutating func grow() {
    let old = slots
    let oldCount = mask + 1
    mask = 2 * oldCount - 1
    shift -= 1
    slots = mapZeros(mask + 1, of: UInt64.self)
    for place in 0..<oldCount where old[place] != 0 { put(old[place]) }
    munmap(old, oldCount * MemoryLayout<UInt64>.stride)
  }

  mutating func removeAll() {
    slots.update(repeating: 0, count: mask + 1)
    count = 0
  }
}
