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

  /// What is written of a record.
  private struct Item {
    /// How many records back the last one of its flow is; 0: there is none.
    var distance: UInt16 = 0
    /// Number of its kind, as `KindNumbers` gives them.
    var kind: UInt16 = 0
    /// Since the record before it, modulo 2^16.
    var ticks: UInt16 = 0
  }

  private typealias Counts = InlineArray<17, UInt32>

  private var flows = FlowNumbers()
  private var kinds = KindNumbers()
  private var items: [Item] = []
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
    flows.clear(for: count)
    kinds.clear(for: count)
    if items.count < count { items = [Item](repeating: Item(), count: count) }
    var (distanceCounts, tickCounts) = (Counts(repeating: 0), Counts(repeating: 0))
    records.withUnsafeBytes { records in
      RecordColumns.number(
        records, count, &flows, &kinds, &items, &distanceCounts, &tickCounts)
    }
    let kindCounts = kinds.choose(RecordColumns.kindsMax)
    distanceCode.fit(distanceCounts.indices.map { distanceCounts[$0] })
    kindCode.fit(kindCounts)
    tickCode.fit(tickCounts.indices.map { tickCounts[$0] })
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
  private static func number(
    _ records: UnsafeRawBufferPointer, _ count: Int, _ flows: inout FlowNumbers,
    _ kinds: inout KindNumbers, _ items: inout [Item], _ distanceCounts: inout Counts,
    _ tickCounts: inout Counts
  ) {
    var lastTick: UInt16 = 0
    items.withUnsafeMutableBufferPointer { items in
      for place in 0..<count {
        // SAFETY: the record lies within the whole number of them.
        let view = RecordView(records.baseAddress.unsafelyUnwrapped + place &* PacketRecord.bytes)
        let (source, destination) = (view.source, view.destination)
        let isBack = source > destination
        let attributes = UInt64(view.protocolNumber) << 48 | UInt64(view.flags.rawValue) << 56
        let last = flows.last(
          (isBack ? destination : source) | attributes, isBack ? source : destination, place)
        let distance = UInt16(truncatingIfNeeded: place &- last)
        let kind = kinds.number(
          UInt32(view.lengthBytes) | UInt32(view.tcpFlags.rawValue) << 16 | (isBack ? 1 << 24 : 0))
        let tick = view.tick
        items[place] = Item(distance: distance, kind: kind, ticks: tick &- lastTick)
        distanceCounts[magnitude(distance)] &+= 1
        tickCounts[magnitude(tick &- lastTick)] &+= 1
        lastTick = tick
      }
    }
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
    let kindWords = kinds.symbols.map { kindCode.words[Int($0)] }
    let rest = UInt8(kinds.chosen.count)
    let (kinds, items) = (kinds, items)
    let (distanceWords, tickWords) = (distanceCode.words, tickCode.words)
    return bits.withUnsafeMutableBytes { bits in
      // SAFETY: there is the room for that many records.
      var writer = BitWriter(bits.baseAddress.unsafelyUnwrapped)
      for item in items[..<count] {
        RecordColumns.put(item.distance, distanceWords, &writer)
        let kind = Int(item.kind)
        writer.put(kindWords[kind])
        if kinds.symbols[kind] == rest {
          writer.put(UInt64(kinds.values[kind]), RecordColumns.kindBits)
        }
        RecordColumns.put(item.ticks, tickWords, &writer)
      }
      return writer.byteCount
    }
  }

  /// A number: the symbol of its magnitude, then its bits without the first, which is 1.
  @inline(__always)
  private static func put(
    _ value: UInt16, _ words: [PrefixCode.Word], _ writer: inout BitWriter
  ) {
    let magnitude = magnitude(value)
    let word = words[magnitude]
    let extraBits = max(magnitude &- 1, 0)
    let extra = UInt64(value) & (1 &<< UInt64(extraBits) &- 1)
    writer.put(UInt64(word.bits) | extra &<< UInt64(word.length), Int(word.length) &+ extraBits)
  }
}

extension BitWriter {
  @inline(__always) fileprivate mutating func put(_ word: PrefixCode.Word) {
    put(UInt64(word.bits), Int(word.length))
  }
}
