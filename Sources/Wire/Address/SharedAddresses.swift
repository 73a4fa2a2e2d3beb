internal import CLinux
internal import Synchronization

/// The address book of a unit: what all its collectors' handles stand for, in shared memory, so that it
/// outlives each of the processes that use it.
///
/// Several collectors enter addresses at the same time, and each may be killed at any moment: an address is
/// written before the slot that leads to it, with compare-and-swap; what a killed writer leaves is a number
/// that nobody uses.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 8 | magic |
/// | 8 | 8 | capacity |
/// | 16 | 8 | seed of the hash |
/// | 64 | 8 | numbers given |
/// | 4096 | 4 × slots | by hash: the number, from 1; 0 is free |
/// | … | 16 × capacity | addresses by number |
///
/// Slots are a power of two, at least twice the capacity. Only what is used takes memory.
public final class SharedAddresses: Sendable {
  private let memory: SharedMemory
  private let capacity: Int
  private let slotCount: Int
  private let seed: UInt64

  private static let magic: UInt64 = 0x0001_4B4F_4F42_4B52
  private static let slotsOffset = 4096

  /// - Parameter capacity: addresses that get a number; `handle(of:)` answers nil past it.
  public init(capacity: Int) throws(SharedMemoryError) {
    precondition((1...Int(AddressHandle.count)).contains(capacity), "more addresses than handles")
    let slotCount = SharedAddresses.slots(for: capacity)
    memory = try SharedMemory(
      name: "renkei-addresses",
      byteCount: SharedAddresses.slotsOffset + 4 * slotCount + 16 * capacity)
    seed = UInt64.random(in: .min ... .max)
    memory.bytes.storeBytes(of: SharedAddresses.magic, as: UInt64.self)
    memory.bytes.storeBytes(of: UInt64(capacity), toByteOffset: 8, as: UInt64.self)
    memory.bytes.storeBytes(of: seed, toByteOffset: 16, as: UInt64.self)
    self.capacity = capacity
    self.slotCount = slotCount
  }

  /// - Throws: `RingError.otherLayout` where it is no address book of this version; `SharedMemoryError`.
  public init(inherited descriptor: Int32) throws {
    let memory = try SharedMemory(inherited: descriptor)
    guard memory.bytes.count > SharedAddresses.slotsOffset,
      memory.bytes.load(as: UInt64.self) == SharedAddresses.magic
    else { throw RingError.otherLayout }
    let capacity = Int(
      clamping: memory.bytes.load(fromByteOffset: 8, as: UInt64.self))
    guard (1...Int(AddressHandle.count)).contains(capacity) else { throw RingError.otherLayout }
    let slotCount = SharedAddresses.slots(for: capacity)
    guard memory.bytes.count == SharedAddresses.slotsOffset + 4 * slotCount + 16 * capacity else {
      throw RingError.otherLayout
    }
    seed = memory.bytes.load(fromByteOffset: 16, as: UInt64.self)
    self.memory = memory
    self.capacity = capacity
    self.slotCount = slotCount
  }

  private static func slots(for capacity: Int) -> Int {
    var count = 1024
    while count < 2 * capacity { count *= 2 }
    return count
  }

  /// The memory file, for handing to a child.
  public var descriptor: Int32 { memory.descriptor }

  /// How many numbers were given.
  public var count: Int { min(capacity, Int(given.pointee.load(ordering: .relaxed))) }

  // SAFETY for the three: the offsets are those of the table above, which both initialisers have checked
  // against the size of the mapping, which is never empty.

  private var given: UnsafeMutablePointer<Atomic<UInt64>> {
    (memory.bytes.baseAddress! + 64).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  private func slot(_ place: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    (memory.bytes.baseAddress! + SharedAddresses.slotsOffset + 4 * place)
      .assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  private func entry(_ number: Int) -> UnsafeMutablePointer<IPAddress> {
    (memory.bytes.baseAddress! + SharedAddresses.slotsOffset + 4 * slotCount + 16 * (number - 1))
      .assumingMemoryBound(to: IPAddress.self)
  }

  /// The handle of `address`, which is given one where it has none; nil when the book is full.
  ///
  /// - Complexity: O(1), two cache lines; allocates nothing.
  public func handle(of address: IPAddress) -> UInt32? {
    let hash = (address.high ^ seed).multipliedFullWidth(by: address.low ^ ~seed)
    var place = Int(truncatingIfNeeded: hash.high ^ hash.low) & (slotCount - 1)
    var mine: UInt32 = 0
    while true {
      var found = slot(place).pointee.load(ordering: .acquiring)
      if found == 0 {
        if mine == 0 {
          let number = given.pointee.wrappingAdd(1, ordering: .relaxed).newValue
          guard number <= UInt64(capacity) else { return nil }
          mine = UInt32(number)
          entry(Int(mine)).pointee = address
        }
        let (exchanged, original) = slot(place).pointee.compareExchange(
          expected: 0, desired: mine, ordering: .acquiringAndReleasing)
        found = exchanged ? mine : original
      }
      if entry(Int(found)).pointee == address { return AddressHandle.first + found - 1 }
      place = (place + 1) & (slotCount - 1)
    }
  }

  /// The true address behind a record's 32 bits.
  ///
  /// - Complexity: O(1).
  @inline(__always)
  public func address(of value: UInt32) -> IPAddress {
    guard AddressHandle.isHandle(value) else { return IPAddress(v4: value) }
    let number = Int(value - AddressHandle.first) + 1
    return number <= capacity ? entry(number).pointee : IPAddress(v4: value)
  }
}
