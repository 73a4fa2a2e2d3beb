extension RecordColumns {
  /// - Parameter addresses: how many handles there are.
  /// - Throws: `WireError.inconsistent`.
  /// - Complexity: O(records).
  static func read(_ reader: inout WireReader, addresses: Int) throws(WireError) -> [UInt8] {
    let count = try reader.count(max: RecordBatch.recordsMax, bytesEach: 0)
    let flowCount = try reader.count(max: count, bytesEach: 14)
    let kindCount = try reader.count(max: kindsMax, bytesEach: 5)
    let firsts = try reader.column(flowCount, as: UInt64.self)
    let addressesOfSeconds = try reader.column(flowCount, as: UInt32.self)
    let portsOfSeconds = try reader.column(flowCount, as: UInt16.self)
    for flow in 0..<flowCount {
      guard AddressHandle.isKnown(UInt32(truncatingIfNeeded: firsts[flow]), of: addresses),
        AddressHandle.isKnown(addressesOfSeconds[flow], of: addresses)
      else { throw .inconsistent }
    }
    let kinds = try reader.column(kindCount, as: UInt32.self)
    guard kinds.allSatisfy({ $0 >> UInt32(kindBits) == 0 }) else { throw .inconsistent }
    let distanceTable = try PrefixTable(lengths: try reader.take(magnitudes))
    let kindTable = try PrefixTable(lengths: try reader.take(kindCount + 1))
    let tickTable = try PrefixTable(lengths: try reader.take(magnitudes))
    let bytes = try reader.take(try reader.count(max: WireEnvelope.bodyBytesMax, bytesEach: 1))
    // Three bits a record at least: nothing is made of a count alone.
    guard 3 * count <= 8 * bytes.count else { throw .inconsistent }

    var bits = BitReader(bytes)
    var isSound = true
    var flowOfRecord = [UInt16](repeating: 0, count: count)
    let records = [UInt8](unsafeUninitializedCapacity: count * PacketRecord.bytes) {
      buffer, filled in
      let target = UnsafeMutableRawBufferPointer(buffer)
      var known = 0
      var tick: UInt16 = 0
      for place in 0..<count {
        guard let distance = number(&bits, distanceTable), let symbol = kindTable.next(&bits)
        else { break }
        let kind =
          symbol < kindCount ? kinds[symbol] : UInt32(truncatingIfNeeded: bits.take(kindBits))
        guard let ticks = number(&bits, tickTable), distance <= place else { break }
        var flow = known
        if distance == 0 {
          guard known < flowCount else { break }
          known += 1
        } else {
          flow = Int(flowOfRecord[place - distance])
        }
        flowOfRecord[place] = UInt16(flow)
        tick &+= UInt16(truncatingIfNeeded: ticks)
        let first = firsts[flow]
        let firstAddress = UInt32(truncatingIfNeeded: first)
        let firstPort = UInt16(truncatingIfNeeded: first >> 32)
        let isBack = kind >> 24 == 1
        // SAFETY: the array was made for `count` records.
        PacketRecord(
          destination: isBack ? firstAddress : addressesOfSeconds[flow],
          destinationPort: isBack ? firstPort : portsOfSeconds[flow],
          source: isBack ? addressesOfSeconds[flow] : firstAddress,
          sourcePort: isBack ? portsOfSeconds[flow] : firstPort,
          protocolNumber: UInt8(truncatingIfNeeded: first >> 48),
          flags: RecordFlags(rawValue: UInt8(truncatingIfNeeded: first >> 56)),
          tcpFlags: TCPFlags(rawValue: UInt8(truncatingIfNeeded: kind >> 16)),
          lengthBytes: UInt16(truncatingIfNeeded: kind), tick: tick
        ).write(to: target.baseAddress.unsafelyUnwrapped + place * PacketRecord.bytes)
        filled = (place + 1) * PacketRecord.bytes
      }
      isSound = filled == count * PacketRecord.bytes && known == flowCount
    }
    guard isSound, bits.isAtEnd else { throw .inconsistent }
    return records
  }

  /// What `put` wrote; nil where it is no number.
  @inline(__always)
  private static func number(_ bits: inout BitReader, _ table: PrefixTable) -> Int? {
    guard let magnitude = table.next(&bits) else { return nil }
    if magnitude <= 1 { return magnitude }
    return 1 << (magnitude - 1) | Int(truncatingIfNeeded: bits.take(magnitude - 1))
  }
}
