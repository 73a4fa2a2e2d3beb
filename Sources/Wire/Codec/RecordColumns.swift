/// Records by columns.
struct RecordColumns {
  private var slots: [UInt16] = []
  private var firsts: [UInt64] = []
  private var seconds: [UInt64] = []
  private var indexes: [UInt16] = []
  private var tcpFlags: [UInt8] = []
  private var lengths: [UInt16] = []
  private var ticks: [UInt16] = []

  /// - Complexity: O(records).
  mutating func write(_ records: [UInt8], to body: inout WireWriter) {
    let count = records.count / PacketRecord.bytes
    precondition(
      count <= RecordBatch.recordsMax && records.count % PacketRecord.bytes == 0,
      "no batch of records")
    clear(for: count)
    records.withUnsafeBytes { records in
      var last: UInt16 = 0
      for index in 0..<count {
        // SAFETY: the record lies within the whole number of them.
        let view = RecordView(records.baseAddress.unsafelyUnwrapped + index * PacketRecord.bytes)
        let isFromFirst = view.source <= view.destination
        let first = isFromFirst ? view.source : view.destination
        let second = isFromFirst ? view.destination : view.source
        let flow = number(
          first | UInt64(view.protocolNumber) << 48 | UInt64(view.flags.rawValue) << 56, second)
        indexes.append(flow << 1 | (isFromFirst ? 0 : 1))
        tcpFlags.append(view.tcpFlags.rawValue)
        lengths.append(view.lengthBytes)
        ticks.append(view.tick &- last)
        last = view.tick
      }
    }
    body.count(count)
    body.count(firsts.count)
    body.column(firsts)
    body.column(seconds)
    body.column(indexes)
    body.column(tcpFlags)
    body.column(lengths)
    body.column(ticks)
  }

  private mutating func clear(for count: Int) {
    var slotCount = 256
    while slotCount < 2 * count { slotCount *= 2 }
    slots.removeAll(keepingCapacity: true)
    slots.append(contentsOf: repeatElement(0, count: slotCount))
    firsts.removeAll(keepingCapacity: true)
    seconds.removeAll(keepingCapacity: true)
    indexes.removeAll(keepingCapacity: true)
    tcpFlags.removeAll(keepingCapacity: true)
    lengths.removeAll(keepingCapacity: true)
    ticks.removeAll(keepingCapacity: true)
  }

  /// The number of a flow, in the order in which they first appear.
  private mutating func number(_ first: UInt64, _ second: UInt64) -> UInt16 {
    var hash = (first ^ second &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
    hash ^= hash >> 32
    var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[place] != 0 {
      let found = Int(slots[place]) - 1
      if firsts[found] == first && seconds[found] == second { return UInt16(found) }
      place = (place + 1) & (slots.count - 1)
    }
    firsts.append(first)
    seconds.append(second)
    slots[place] = UInt16(firsts.count)
    return UInt16(firsts.count - 1)
  }

  /// - Parameter addresses: how many handles there are.
  static func read(_ reader: inout WireReader, addresses: Int) throws(WireError) -> [UInt8] {
    let count = try reader.count(max: RecordBatch.recordsMax, bytesEach: 0)
    let flowCount = try reader.count(max: count, bytesEach: 16)
    let firsts = try reader.column(flowCount, as: UInt64.self)
    let seconds = try reader.column(flowCount, as: UInt64.self)
    let indexes = try reader.column(count, as: UInt16.self)
    let tcpFlags = try reader.column(count, as: UInt8.self)
    let lengths = try reader.column(count, as: UInt16.self)
    let ticks = try reader.column(count, as: UInt16.self)
    for flow in 0..<flowCount {
      guard seconds[flow] >> 48 == 0,
        AddressHandle.isKnown(UInt32(truncatingIfNeeded: firsts[flow]), of: addresses),
        AddressHandle.isKnown(UInt32(truncatingIfNeeded: seconds[flow]), of: addresses)
      else { throw .inconsistent }
    }
    guard indexes.allSatisfy({ $0 >> 1 < flowCount }) else { throw .inconsistent }
    return [UInt8](unsafeUninitializedCapacity: count * PacketRecord.bytes) { buffer, filled in
      let target = UnsafeMutableRawBufferPointer(buffer)
      var tick: UInt16 = 0
      for index in 0..<count {
        let first = firsts[Int(indexes[index] >> 1)]
        let second = seconds[Int(indexes[index] >> 1)]
        let isFromFirst = indexes[index] & 1 == 0
        let (source, destination) = isFromFirst ? (first, second) : (second, first)
        tick &+= ticks[index]
        // SAFETY: the array was made for `count` records.
        PacketRecord(
          destination: UInt32(truncatingIfNeeded: destination),
          destinationPort: UInt16(truncatingIfNeeded: destination >> 32),
          source: UInt32(truncatingIfNeeded: source),
          sourcePort: UInt16(truncatingIfNeeded: source >> 32),
          protocolNumber: UInt8(truncatingIfNeeded: first >> 48),
          flags: RecordFlags(rawValue: UInt8(truncatingIfNeeded: first >> 56)),
          tcpFlags: TCPFlags(rawValue: tcpFlags[index]), lengthBytes: lengths[index], tick: tick
        ).write(to: target.baseAddress.unsafelyUnwrapped + index * PacketRecord.bytes)
      }
      filled = count * PacketRecord.bytes
    }
  }
}

extension AddressHandle {
  /// Whether a record's 32 bits are an address, or a handle of one of the first `count` addresses.
  static func isKnown(_ value: UInt32, of count: Int) -> Bool {
    !isHandle(value) || Int(value &- first) < count
  }
}
