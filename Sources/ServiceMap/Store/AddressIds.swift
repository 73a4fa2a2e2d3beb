internal import Wire

/// The ids of addresses in a store. An id that was given stays that of its address until `forgetUnstored`,
/// whether the address is in the table at the moment or not: `isStored` knows.
///
/// About 45 bytes an address.
struct AddressIds {
  private var v4 = WordIndex()
  /// By number in `v4`.
  private var v4Ids: [UInt32] = []
  private var others: [IPAddress: UInt32] = [:]
  /// By id; meaningful where the id is given.
  private(set) var addresses: [IPAddress] = []
  /// By id.
  private(set) var isStored: [Bool] = []
  /// Ids below `addresses.count` that no address has.
  private var free: [UInt32] = []

  /// Takes an address that is in the table.
  mutating func learn(_ address: IPAddress, id: Int) {
    let gap = addresses.count..<max(addresses.count, id)
    free.append(contentsOf: gap.map { UInt32($0) })
    grow(to: id)
    addresses[id] = address
    isStored[id] = true
    enter(address, UInt32(id))
  }

  /// - Complexity: O(1) amortised.
  mutating func id(of address: IPAddress) -> Int {
    if address.isIPv4 {
      let number = v4.number(of: UInt64(address.v4))
      if number < v4Ids.count { return Int(v4Ids[number]) }
      let id = next(address)
      v4Ids.append(id)
      return Int(id)
    }
    if let id = others[address] { return Int(id) }
    let id = next(address)
    others[address] = id
    return Int(id)
  }

  /// Forgets the addresses that are not in the table; their ids are given again. Nobody may hold one of them.
  ///
  /// - Complexity: O(ids).
  mutating func forgetUnstored() {
    var kept = AddressIds()
    for (id, address) in addresses.enumerated() where isStored[id] { kept.learn(address, id: id) }
    self = kept
  }

  mutating func setStored(_ id: Int, _ value: Bool) { isStored[id] = value }

  private mutating func enter(_ address: IPAddress, _ id: UInt32) {
    guard address.isIPv4 else {
      others[address] = id
      return
    }
    let number = v4.number(of: UInt64(address.v4))
    if number == v4Ids.count { v4Ids.append(id) } else { v4Ids[number] = id }
  }

  private mutating func next(_ address: IPAddress) -> UInt32 {
    let id = free.popLast() ?? UInt32(addresses.count)
    grow(to: Int(id))
    addresses[Int(id)] = address
    return id
  }

  private mutating func grow(to id: Int) {
    while addresses.count <= id {
      addresses.append(IPAddress(v4: 0))
      isStored.append(false)
    }
  }
}
