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
    let flows = (0..<flowCount).map { index in
      Flow(
        firsts[index],
        UInt64(addressesOfSeconds[index]) | UInt64(portsOfSeconds[index]) << 32)
    }
    guard flows.allSatisfy({ $0.isKnown(of: addresses) }) else { throw .inconsistent }
    let kinds = try reader.column(kindCount, as: UInt32.self)
    guard kinds.allSatisfy({ $0 >> UInt32(kindBits) == 0 }) else { throw .inconsistent }
    let distanceTable = try PrefixTable(lengths: try reader.take(magnitudes))
    let kindTable = try PrefixTable(lengths: try reader.take(kindCount + 1))
    let tickTable = try PrefixTable(lengths: try reader.take(magnitudes))
    let bytes = try reader.take(try reader.count(max: WireEnvelope.bodyBytesMax, bytesEach: 1))
    // Three bits a record at least: nothing is made of a count alone.
    guard 3 * count <= 8 * bytes.count, count > 0 || bytes.isEmpty else { throw .inconsistent }

    var flowOfRecord = [UInt16](repeating: 0, count: count)
    let records = [UInt8](unsafeUninitializedCapacity: count * PacketRecord.bytes) {
      buffer, filled in
      // SAFETY: the array was made for `count` records.
      guard var target = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
      let start = target
      var bits = BitReader(bytes)
      var known = 0
      var tick: UInt16 = 0
      flowOfRecord.withUnsafeMutableBufferPointer { flowOfRecord in
        for place in 0..<count {
          guard let distance = number(&bits, distanceTable), let symbol = kindTable.next(&bits)
          else { return }
          let kind =
            symbol < kindCount ? kinds[symbol] : UInt32(truncatingIfNeeded: bits.take(kindBits))
          guard let ticks = number(&bits, tickTable), distance <= place else { return }
          var flow = known
          if distance == 0 {
            guard known < flowCount else { return }
            known += 1
          } else {
            flow = Int(flowOfRecord[place &- distance])
          }
          flowOfRecord[place] = UInt16(truncatingIfNeeded: flow)
          tick &+= UInt16(truncatingIfNeeded: ticks)
          flows[flow].record(kind, tick).write(to: target)
          target += PacketRecord.bytes
        }
      }
      // What is only half read is not there.
      if known == flowCount && bits.isAtEnd { filled = target - start }
    }
    guard records.count == count * PacketRecord.bytes else { throw .inconsistent }
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

/// A flow of which records are made.
private struct Flow {
  private let first: UInt64
  private let second: UInt64

  /// - Parameter first: the smaller endpoint as in `RecordView`, with protocol and flags above it.
  init(_ first: UInt64, _ second: UInt64) {
    self.first = first
    self.second = second
  }

  /// Whether each handle is one of the first `count` addresses.
  func isKnown(of count: Int) -> Bool {
    AddressHandle.isKnown(UInt32(truncatingIfNeeded: first), of: count)
      && AddressHandle.isKnown(UInt32(truncatingIfNeeded: second), of: count)
  }

  @inline(__always) func record(_ kind: UInt32, _ tick: UInt16) -> PacketRecord {
    let isBack = kind >> 24 == 1
    let (source, destination) = isBack ? (second, first) : (first, second)
    return PacketRecord(
      destination: UInt32(truncatingIfNeeded: destination),
      destinationPort: UInt16(truncatingIfNeeded: destination >> 32),
      source: UInt32(truncatingIfNeeded: source),
      sourcePort: UInt16(truncatingIfNeeded: source >> 32),
      protocolNumber: UInt8(truncatingIfNeeded: first >> 48),
      flags: RecordFlags(rawValue: UInt8(truncatingIfNeeded: first >> 56)),
      tcpFlags: TCPFlags(rawValue: UInt8(truncatingIfNeeded: kind >> 16)),
      lengthBytes: UInt16(truncatingIfNeeded: kind), tick: tick)
  }
}
