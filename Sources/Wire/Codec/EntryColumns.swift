/// The entries of an epoch report by columns.
///
/// What was before is written as differences from what is after, and only where there was something.
enum EntryColumns {
  typealias Entry = EpochReport.Entry

  /// - Complexity: O(entries).
  static func write(_ entries: [Entry], newestTick: UInt64, to body: inout WireWriter) {
    precondition(entries.count <= EpochReport.entriesMax, "too many entries for a message")
    body.count(entries.count)
    var last: UInt32 = 0
    body.column(
      entries.map { entry in
        defer { last = entry.number }
        return entry.number &- last
      })
    body.column(entries.map(\.previous))
    last = 0
    body.column(
      entries.map { entry in
        defer { last = entry.period }
        return entry.period &- last
      })
    let free = SessionRow()
    body.column(entries.map { $0.before == free ? 0 : 1 as UInt8 })
    write(entries.map { $0.after.told(from: newestTick) }, to: &body)
    write(
      entries.filter { $0.before != free }.map { $0.before.less($0.after) }, to: &body)
    body.column(entries.map { count($0.sightingsBefore) })
    body.column(entries.map { count($0.sightingsAfter) })
    write(entries.flatMap(\.sightingsAfter), to: &body)
    write(entries.flatMap { differences($0.sightingsBefore, from: $0.sightingsAfter) }, to: &body)
  }

  /// - Parameter addresses: how many handles there are.
  static func read(
    _ reader: inout WireReader, newestTick: UInt64, addresses: Int
  ) throws(WireError) -> [Entry] {
    let count = try reader.count(max: EpochReport.entriesMax, bytesEach: entryBytesMin)
    let numbers = try reader.column(count, as: UInt32.self)
    let previous = try reader.column(count, as: UInt32.self)
    let periods = try reader.column(count, as: UInt32.self)
    let hasBefore = try reader.column(count, as: UInt8.self)
    guard hasBefore.allSatisfy({ $0 <= 1 }) else { throw .inconsistent }
    let after = try rows(&reader, count)
    let before = try rows(&reader, hasBefore.reduce(0) { $0 + Int($1) })
    let countsBefore = try reader.column(count, as: UInt8.self)
    let countsAfter = try reader.column(count, as: UInt8.self)
    let sightingsAfter = try sightings(&reader, countsAfter.reduce(0) { $0 + Int($1) })
    let sightingsBefore = try sightings(&reader, countsBefore.reduce(0) { $0 + Int($1) })

    var entries: [Entry] = []
    entries.reserveCapacity(count)
    var entry = Entry()
    var (rowsBefore, placeAfter, placeBefore) = (0, 0, 0)
    let free = SessionRow()
    for index in 0..<count {
      entry.number &+= numbers[index]
      entry.previous = previous[index]
      entry.period &+= periods[index]
      entry.after = after[index].untold(from: newestTick)
      entry.before = free
      if hasBefore[index] == 1 {
        entry.before = before[rowsBefore].less(entry.after)
        rowsBefore += 1
      }
      guard entry.after.isKnown(of: addresses), entry.before.isKnown(of: addresses) else {
        throw .inconsistent
      }
      let endAfter = placeAfter + Int(countsAfter[index])
      entry.sightingsAfter = Array(sightingsAfter[placeAfter..<endAfter])
      placeAfter = endAfter
      let endBefore = placeBefore + Int(countsBefore[index])
      entry.sightingsBefore = differences(
        Array(sightingsBefore[placeBefore..<endBefore]), from: entry.sightingsAfter)
      placeBefore = endBefore
      entries.append(entry)
    }
    return entries
  }

  /// Number, previous, period, whether there is a row before, the row after, two counts of sightings.
  private static let entryBytesMin = 12 + 1 + SessionRow.bytes + 2

  private static func count(_ sightings: [PointSighting]) -> UInt8 {
    precondition(sightings.count < EpochReport.pointsMax, "too many capture points for a message")
    return UInt8(sightings.count)
  }

  /// The same again gives what was before.
  private static func differences(
    _ before: [PointSighting], from after: [PointSighting]
  ) -> [PointSighting] {
    before.enumerated().map { index, before in
      guard index < after.count else { return before }
      var difference = PointSighting()
      difference.packetsAB = after[index].packetsAB &- before.packetsAB
      difference.packetsBA = after[index].packetsBA &- before.packetsBA
      difference.bytesAB = after[index].bytesAB &- before.bytesAB
      difference.bytesBA = after[index].bytesBA &- before.bytesBA
      return difference
    }
  }

  private static func write(_ rows: [SessionRow], to body: inout WireWriter) {
    body.column(rows.map(\.a))
    body.column(rows.map(\.aPort))
    body.column(rows.map(\.protocolNumber))
    body.column(rows.map(\.state))
    body.column(rows.map(\.b))
    body.column(rows.map(\.bPort))
    body.column(rows.map(\.events.rawValue))
    body.column(rows.map(\.packetsAB))
    body.column(rows.map(\.packetsBA))
    body.column(rows.map(\.bytesAB))
    body.column(rows.map(\.bytesBA))
    body.column(rows.map(\.firstTick))
    body.column(rows.map(\.lastTick))
    body.column(rows.map(\.handshakeTicks))
    body.column(rows.map(\.reportedAt))
  }

  private static func rows(
    _ reader: inout WireReader, _ count: Int
  ) throws(WireError) -> [SessionRow] {
    guard count * SessionRow.bytes <= reader.remaining else { throw .inconsistent }
    var rows = [SessionRow](repeating: SessionRow(), count: count)
    func fill<T: FixedWidthInteger & UnsignedInteger>(
      _ type: T.Type, _ set: (inout SessionRow, T) -> Void
    ) throws(WireError) {
      let values = try reader.column(count, as: type)
      for index in 0..<count { set(&rows[index], values[index]) }
    }
    try fill(UInt32.self) { $0.a = $1 }
    try fill(UInt16.self) { $0.aPort = $1 }
    try fill(UInt8.self) { $0.protocolNumber = $1 }
    try fill(UInt8.self) { $0.state = $1 }
    try fill(UInt32.self) { $0.b = $1 }
    try fill(UInt16.self) { $0.bPort = $1 }
    try fill(UInt16.self) { $0.events = SessionEvents(rawValue: $1) }
    try fill(UInt32.self) { $0.packetsAB = $1 }
    try fill(UInt32.self) { $0.packetsBA = $1 }
    try fill(UInt64.self) { $0.bytesAB = $1 }
    try fill(UInt64.self) { $0.bytesBA = $1 }
    try fill(UInt64.self) { $0.firstTick = $1 }
    try fill(UInt64.self) { $0.lastTick = $1 }
    try fill(UInt32.self) { $0.handshakeTicks = $1 }
    try fill(UInt32.self) { $0.reportedAt = $1 }
    return rows
  }

  private static func write(_ sightings: [PointSighting], to body: inout WireWriter) {
    body.column(sightings.map(\.packetsAB))
    body.column(sightings.map(\.packetsBA))
    body.column(sightings.map(\.bytesAB))
    body.column(sightings.map(\.bytesBA))
  }

  private static func sightings(
    _ reader: inout WireReader, _ count: Int
  ) throws(WireError) -> [PointSighting] {
    guard count * 24 <= reader.remaining else { throw .inconsistent }
    var sightings = [PointSighting](repeating: PointSighting(), count: count)
    func fill<T: FixedWidthInteger & UnsignedInteger>(
      _ type: T.Type, _ set: (inout PointSighting, T) -> Void
    ) throws(WireError) {
      let values = try reader.column(count, as: type)
      for index in 0..<count { set(&sightings[index], values[index]) }
    }
    try fill(UInt32.self) { $0.packetsAB = $1 }
    try fill(UInt32.self) { $0.packetsBA = $1 }
    try fill(UInt64.self) { $0.bytesAB = $1 }
    try fill(UInt64.self) { $0.bytesBA = $1 }
    return sightings
  }
}

extension SessionRow {
  /// The row with its times told backwards, small numbers where they are near: the last packet before `newest`, the
  /// first before the last, the report before the last.
  fileprivate func told(from newest: UInt64) -> SessionRow {
    var row = self
    row.lastTick = newest &- lastTick
    row.firstTick = lastTick &- firstTick
    row.reportedAt = UInt32(truncatingIfNeeded: lastTick >> 18) &- reportedAt
    return row
  }

  /// The row of which this is what `told(from:)` gave.
  fileprivate func untold(from newest: UInt64) -> SessionRow {
    var row = self
    row.lastTick = newest &- lastTick
    row.firstTick = row.lastTick &- firstTick
    row.reportedAt = UInt32(truncatingIfNeeded: row.lastTick >> 18) &- reportedAt
    return row
  }

  /// What the row has less than the one after it, and in which bits it differs. The same again gives the row.
  fileprivate func less(_ after: SessionRow) -> SessionRow {
    var row = self
    row.a ^= after.a
    row.aPort ^= after.aPort
    row.protocolNumber ^= after.protocolNumber
    row.state ^= after.state
    row.b ^= after.b
    row.bPort ^= after.bPort
    row.events = SessionEvents(rawValue: events.rawValue ^ after.events.rawValue)
    row.packetsAB = after.packetsAB &- packetsAB
    row.packetsBA = after.packetsBA &- packetsBA
    row.bytesAB = after.bytesAB &- bytesAB
    row.bytesBA = after.bytesBA &- bytesBA
    row.firstTick = after.firstTick &- firstTick
    row.lastTick = after.lastTick &- lastTick
    row.handshakeTicks = after.handshakeTicks &- handshakeTicks
    row.reportedAt = after.reportedAt &- reportedAt
    return row
  }

  /// Whether each handle is one of the first `count` addresses.
  fileprivate func isKnown(of count: Int) -> Bool {
    AddressHandle.isKnown(a, of: count) && AddressHandle.isKnown(b, of: count)
  }
}
