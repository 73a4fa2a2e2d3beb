/// Memory for the sessions that are alive, in slots that are used again.
///
/// A slot number stays valid until it is freed; a pointer only until the next `allocate`, which may
/// move the memory.
struct SessionPool: ~Copyable {
  /// The slots.
  private var slots: UnsafeMutablePointer<Session>
  /// Slots there are.
  private var capacity: Int
  /// Slots that were ever used; those above are uninitialised.
  private var used = 0
  /// Slots that were freed, last in first out so that the next session finds its slot in the cache.
  private var free: [Int] = []

  /// An empty pool.
  init() {
    capacity = 1 << 12
    slots = .allocate(capacity: capacity)
  }

  deinit {
    slots.deallocate()
  }

  /// Puts a session into a slot.
  ///
  /// - Complexity: O(1), amortised.
  mutating func allocate(_ session: Session) -> Int {
    if let slot = free.popLast() {
      // SAFETY: freed slots lie below `used`, hence below `capacity`.
      slots[slot] = session
      return slot
    }
    if used == capacity { grow() }
    // SAFETY: `used` is below `capacity` here; `Session` is trivial and needs no destruction.
    (slots + used).initialize(to: session)
    used += 1
    return used - 1
  }

  /// Gives a slot back.
  mutating func release(_ slot: Int) {
    free.append(slot)
  }

  /// The session in a slot, to be read and changed in place until the next `allocate`.
  @inline(__always)
  func session(_ slot: Int) -> UnsafeMutablePointer<Session> {
    assert(slot < used)
    // SAFETY: slots come from `allocate`, so they lie below `used`.
    return slots + slot
  }

  /// Doubles the memory.
  private mutating func grow() {
    let larger = UnsafeMutablePointer<Session>.allocate(capacity: capacity * 2)
    // SAFETY: `used` sessions are initialised; the regions do not overlap.
    larger.moveInitialize(from: slots, count: used)
    slots.deallocate()
    slots = larger
    capacity *= 2
  }
}
