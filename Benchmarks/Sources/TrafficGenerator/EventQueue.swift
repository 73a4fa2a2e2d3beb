/// The sessions that are alive, ordered by the time of their next packet: a four-way heap.
///
/// An entry is one 64-bit word, time above slot, so that a comparison is one instruction and ties
/// are broken the same way in every run. The next packet of a session is mostly due soon, hence
/// `replaceFirst` mostly sifts down a level or two. Even with 50 million packets some 5,000 sessions
/// are alive at a time: 40 KB, which stay in the nearest caches. Measured there, the sift takes 16 %
/// of the run, and a two-way heap the same time within noise; a time wheel could not win more.
struct EventQueue: ~Copyable {
  /// The heap; entry `i` has its children at 4i + 1 … 4i + 4.
  private var entries: UnsafeMutablePointer<UInt64>
  /// Entries that fit into `entries`.
  private var capacity: Int
  /// Entries in use: the sessions alive.
  private(set) var count: Int

  /// Bits of an entry that hold the slot; the others hold microseconds, 50 days of them.
  static let slotBits: UInt64 = 22
  /// Slots there can be; more sessions at the same moment are a programming error.
  static let slotCountMax = 1 << 22

  /// An empty queue.
  init() {
    capacity = 1 << 12
    entries = .allocate(capacity: capacity)
    count = 0
  }

  deinit {
    entries.deallocate()
  }

  /// Time of the earliest event in microseconds since the capture began; `UInt64.max` if empty.
  @inline(__always)
  var firstTimeUs: UInt64 {
    // SAFETY: entry 0 is initialised whenever `count` is positive.
    count == 0 ? .max : entries[0] >> EventQueue.slotBits
  }

  /// Slot of the earliest event. The queue must not be empty.
  @inline(__always)
  var firstSlot: Int {
    slot(at: 0)
  }

  /// Slot at a position of the heap, for those who visit all sessions in no particular order.
  @inline(__always)
  func slot(at position: Int) -> Int {
    assert(position < count)
    // SAFETY: positions below `count` are initialised.
    return Int(entries[position] & UInt64(EventQueue.slotCountMax - 1))
  }

  /// Adds an event.
  ///
  /// - Complexity: O(log n); amortised, since the memory doubles when it is full.
  mutating func insert(timeUs: UInt64, slot: Int) {
    precondition(slot < EventQueue.slotCountMax, "too many sessions at the same time")
    if count == capacity { grow() }
    let entry = timeUs << EventQueue.slotBits | UInt64(slot)
    var position = count
    count += 1
    while position > 0 {
      let parent = (position - 1) >> 2
      // SAFETY: `position` and `parent` are below `count`, which is at most `capacity`.
      if entries[parent] <= entry { break }
      entries[position] = entries[parent]
      position = parent
    }
    entries[position] = entry
  }

  /// Gives the earliest event a new, not earlier time.
  @inline(__always)
  mutating func replaceFirst(timeUs: UInt64) {
    siftDown(timeUs << EventQueue.slotBits | UInt64(firstSlot))
  }

  /// Takes the earliest event out. The queue must not be empty.
  mutating func removeFirst() {
    assert(count > 0)
    count -= 1
    // SAFETY: the last entry was initialised; with a count of 0 nothing reads entry 0 again.
    if count > 0 { siftDown(entries[count]) }
  }

  /// Puts an entry in the place of the first one and lets it sink.
  @inline(__always)
  private mutating func siftDown(_ entry: UInt64) {
    var position = 0
    while true {
      let child = (position << 2) + 1
      if child >= count { break }
      var least = child
      let end = min(child + 4, count)
      // SAFETY: every index read or written here is below `count`.
      var leastEntry = entries[child]
      var other = child + 1
      while other < end {
        let candidate = entries[other]
        if candidate < leastEntry {
          least = other
          leastEntry = candidate
        }
        other += 1
      }
      if entry <= leastEntry { break }
      entries[position] = leastEntry
      position = least
    }
    entries[position] = entry
  }

  /// Doubles the memory.
  private mutating func grow() {
    let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity * 2)
    // SAFETY: both regions hold `count` words, do not overlap, and a word needs no destruction.
    larger.update(from: entries, count: count)
    entries.deallocate()
    entries = larger
    capacity *= 2
  }
}
