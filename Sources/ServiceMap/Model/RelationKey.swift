/// What tells relations apart, in the map's order: services first, then the other kinds; server,
/// protocol, port; client, and its port where that is kept.
struct RelationKey: Hashable, Sendable {
  /// Group of kinds, server `hostBits`, protocol 8, port 16; client, its port 16.
  let high: UInt64
  let low: UInt64

  /// - Parameters:
  ///   - group: 0 for services, else the kind.
  ///   - hostBits: as many as the number of a host needs, so that there is less to sort by.
  @inline(__always) init(
    group: UInt8, server: UInt32, protocolNumber: UInt8, port: UInt16, client: UInt32,
    clientPort: UInt16, hostBits: Int = UInt32.bitWidth
  ) {
    high =
      (UInt64(group) << UInt64(hostBits) | UInt64(server)) << 24 | UInt64(protocolNumber) << 16
      | UInt64(port)
    low = UInt64(client) << 16 | UInt64(clientPort)
  }

  /// Which relations of links are one: a request that failed and one that did not are, what is
  /// undecided or a notice is kept apart from what is provided at the same endpoint.
  init(_ one: Relation) {
    self.init(
      group: RelationKey.mergingGroup(of: one.kind), server: UInt32(one.server),
      protocolNumber: one.protocolNumber, port: one.port, client: UInt32(one.client),
      clientPort: one.clientPort)
  }

  /// For numbers of hosts below `count`.
  static func hostBits(count: Int) -> Int { Int.bitWidth - count.leadingZeroBitCount }

  static func mergingGroup(of kind: RelationKind) -> UInt8 {
    kind.isService || kind == .failed ? 0 : kind.rawValue
  }

  /// As a map lists them.
  static func listingGroup(of kind: RelationKind) -> UInt8 { kind.isService ? 0 : kind.rawValue }
}

/// A key with the number of what has it.
struct KeyedNumber: Sendable {
  var key: RelationKey
  var number: UInt32

  /// Sorts by key, equal keys in their order: a radix sort over those bits in which keys differ.
  ///
  /// - Complexity: O(n) for each 16 such bits; 24 bytes more an element.
  static func sort(_ numbers: inout [KeyedNumber]) {
    guard let first = numbers.first else { return }
    var (high, low): (UInt64, UInt64) = (0, 0)
    for one in numbers {
      high |= one.key.high ^ first.key.high
      low |= one.key.low ^ first.key.low
    }
    // A pass costs as much with large digits as with small ones, but for the counters.
    let digitBits = numbers.count < 1 << 14 ? 8 : 16
    var other = numbers
    for digit in digits(in: low, digitBits) {
      distribute(numbers, into: &other, digitBits) { $0.key.low >> digit }
      swap(&numbers, &other)
    }
    for digit in digits(in: high, digitBits) {
      distribute(numbers, into: &other, digitBits) { $0.key.high >> digit }
      swap(&numbers, &other)
    }
  }

  /// The lowest bits of digits that cover all bits of `varying`.
  private static func digits(in varying: UInt64, _ digitBits: Int) -> [UInt64] {
    var digits: [UInt64] = []
    var rest = varying
    while rest != 0 {
      let shift = UInt64(rest.trailingZeroBitCount)
      digits.append(shift)
      let end = Int(shift) + digitBits
      rest = end < 64 ? rest & (UInt64.max << UInt64(end)) : 0
    }
    return digits
  }

  /// One pass: `digit` gives a number whose lowest bits count.
  @inline(__always) private static func distribute(
    _ source: [KeyedNumber], into target: inout [KeyedNumber], _ digitBits: Int,
    by digit: (KeyedNumber) -> UInt64
  ) {
    let mask = (UInt64(1) << UInt64(digitBits)) - 1
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1 << digitBits) { starts in
      source.withUnsafeBufferPointer { source in
        target.withUnsafeMutableBufferPointer { target in
          starts.initialize(repeating: 0)
          for one in source { starts[Int(digit(one) & mask)] += 1 }
          var start: UInt32 = 0
          for index in starts.indices {
            (starts[index], start) = (start, start + starts[index])
          }
          for one in source {
            let place = Int(digit(one) & mask)
            target[Int(starts[place])] = one
            starts[place] += 1
          }
        }
      }
    }
  }
}
