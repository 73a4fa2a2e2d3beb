/// Records as they are written into a message: what they have in common in tables, and of each what it has of its own
/// in a stream of bits.
///
/// The two directions of a session are one *flow*. A record is then how far back the last record of its flow was,
/// its *kind* (length, TCP flags, direction), and the ticks since the record before: three symbols of three prefix
/// codes. Layout and measurements: docs/wire-format.md.
struct RecordColumns {
  /// Symbols of distances and of ticks: 0 for none, else the number of bits.
  static let magnitudes = 17
  /// Kinds in the table, at most; the symbol after the last one announces a kind that is not in it.
  static let kindsMax = 255
  /// Bits of a kind: 16 of length, 8 of TCP flags, 1 of direction.
  static let kindBits = 25

  private var flows = FlowNumbers()
  private var kinds = KindNumbers()
  /// The place of each flow's last record.
  private var lasts: [Int32] = []
  /// By record.
  private var distances: [UInt16] = []
  private var kindNumbers: [UInt16] = []
  private var ticks: [UInt16] = []
  private var distanceCode = PrefixCode()
  private var kindCode = PrefixCode()
  private var tickCode = PrefixCode()
  private var bits: [UInt8] = []

  /// - Complexity: O(records).
  mutating func write(_ records: [UInt8], to body: inout WireWriter) {
    let count = records.count / PacketRecord.bytes
    precondition(
      count <= RecordBatch.recordsMax && records.count % PacketRecord.bytes == 0,
      "no batch of records")
    let (distanceCounts, tickCounts) = number(records, count)
    let kindCounts = kinds.choose(RecordColumns.kindsMax)
    distanceCode.fit(distanceCounts)
    kindCode.fit(kindCounts)
    tickCode.fit(tickCounts)
    let bytes = writeBits(count)

    body.count(count)
    body.count(flows.firsts.count)
    body.count(kinds.chosen.count)
    body.column(flows.firsts)
    body.column(flows.seconds.map { UInt32(truncatingIfNeeded: $0) })
    body.column(flows.seconds.map { UInt16(truncatingIfNeeded: $0 >> 32) })
    body.column(kinds.chosen)
    body.column(distanceCode.lengths)
    body.column(kindCode.lengths)
    body.column(tickCode.lengths)
    body.bytes(bits[..<bytes])
  }

  /// Finds flow, kind and ticks of each record, and counts their symbols.
  private mutating func number(
    _ records: [UInt8], _ count: Int
  ) -> (distances: [UInt32], ticks: [UInt32]) {
    flows.clear(for: count)
    kinds.clear(for: count)
    lasts.removeAll(keepingCapacity: true)
    distances.removeAll(keepingCapacity: true)
    kindNumbers.removeAll(keepingCapacity: true)
    ticks.removeAll(keepingCapacity: true)
    var distanceCounts = [UInt32](repeating: 0, count: RecordColumns.magnitudes)
    var tickCounts = distanceCounts
    records.withUnsafeBytes { records in
      var lastTick: UInt16 = 0
      for place in 0..<count {
        // SAFETY: the record lies within the whole number of them.
        let view = RecordView(records.baseAddress.unsafelyUnwrapped + place * PacketRecord.bytes)
        let (source, destination) = (view.source, view.destination)
        let isBack = source > destination
        let attributes = UInt64(view.protocolNumber) << 48 | UInt64(view.flags.rawValue) << 56
        let flow = flows.number(
          (isBack ? destination : source) | attributes, isBack ? source : destination)
        var distance: UInt16 = 0
        if flow == lasts.count {
          lasts.append(Int32(place))
        } else {
          distance = UInt16(place - Int(lasts[flow]))
          lasts[flow] = Int32(place)
        }
        distances.append(distance)
        distanceCounts[RecordColumns.magnitude(distance)] += 1
        kindNumbers.append(
          kinds.number(
            UInt32(view.lengthBytes) | UInt32(view.tcpFlags.rawValue) << 16
              | (isBack ? 1 << 24 : 0)))
        let tick = view.tick &- lastTick
        lastTick = view.tick
        ticks.append(tick)
        tickCounts[RecordColumns.magnitude(tick)] += 1
      }
    }
    return (distanceCounts, tickCounts)
  }

  /// Bits of a number without leading zeros.
  @inline(__always) private static func magnitude(_ value: UInt16) -> Int {
    16 - value.leadingZeroBitCount
  }

  /// - Returns: how many bytes of `bits` are written.
  private mutating func writeBits(_ count: Int) -> Int {
    // Three words, 15 and 15 bits of numbers, a kind: 91 bits.
    let room = 12 * count + 16
    if bits.count < room { bits = [UInt8](repeating: 0, count: room) }
    return bits.withUnsafeMutableBytes { bits in
      // SAFETY: there is the room for that many records.
      var writer = BitWriter(bits.baseAddress.unsafelyUnwrapped)
      for place in 0..<count {
        RecordColumns.put(distances[place], distanceCode, &writer)
        let kind = Int(kindNumbers[place])
        let symbol = kinds.symbols[kind]
        writer.put(UInt64(kindCode.words[Int(symbol)]), Int(kindCode.lengths[Int(symbol)]))
        if Int(symbol) == kinds.chosen.count {
          writer.put(UInt64(kinds.values[kind]), RecordColumns.kindBits)
        }
        RecordColumns.put(ticks[place], tickCode, &writer)
      }
      return writer.byteCount
    }
  }

  /// A number: the symbol of its magnitude, then its bits without the first, which is 1.
  @inline(__always)
  private static func put(_ value: UInt16, _ code: PrefixCode, _ writer: inout BitWriter) {
    let magnitude = magnitude(value)
    let length = Int(code.lengths[magnitude])
    let extraBits = max(magnitude - 1, 0)
    let extra = UInt64(value) & (1 &<< UInt64(extraBits) &- 1)
    writer.put(UInt64(code.words[magnitude]) | extra &<< UInt64(length), length + extraBits)
  }
}
