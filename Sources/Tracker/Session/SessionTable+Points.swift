internal import CLinux
internal import Wire

// A cluster's table: the packets of a shard from all of its capture points.
//
// The points see the same packets, or others, one after the other. What comes first decides what a session is,
// as in a table with one point; what comes behind its time, because another point was faster, is only counted. So where
// all points see the same, the sessions are those that one of them alone would have had.
extension SessionTable {
  /// Points whose packets the table takes.
  var pointCount: Int { 1 + (columns?.sightings.count ?? 0) }

  /// Books `count` records of the point with number `point`, which belong to the minute `period`.
  ///
  /// - Complexity: O(1) a packet amortised; no allocation except when the index grows.
  mutating func track(
    _ payload: UnsafeRawPointer, count packets: Int, baseTick: UInt64, point: Int, period: UInt32
  ) {
    self.period = period
    guard pointCount > 1 else {
      var none = NoSink()
      return track(payload, count: packets, baseTick: baseTick, into: &none)
    }
    let sightings = point == 0 ? nil : columns?.sightings[point - 1].now
    var position = payload
    var left = packets
    while left > 0 {
      let now = min(left, SessionTable.window)
      for number in 0..<now {
        // SAFETY: the caller has so many records at `payload`.
        let packet = SessionPacket(
          RecordView(position), baseTick: baseTick, meaning: meaning, hash: hash)
        position += PacketRecord.bytes
        ahead[number] = packet
        index.prefetch(packet.hash)
      }
      for number in 0..<now {
        // SAFETY: an address that is never read through: one before the rows where nothing was found.
        renkei_prefetch(rows + index.first(ahead[number].hash) - 1)
      }
      for number in 0..<now {
        let packet = UnsafePointer(ahead + number)
        let place = book(packet, of: point)
        guard let sightings else { continue }
        // SAFETY: the columns have a place for each row.
        SessionTable.count(packet, in: sightings + place)
      }
      left -= now
    }
  }

  /// Books one packet and answers the place of its row.
  @inline(__always)
  private mutating func book(_ packet: UnsafePointer<SessionPacket>, of point: Int) -> Int {
    var probe = index.probe(packet.pointee.hash)
    while let number = index.next(&probe) {
      // SAFETY: the index only ever holds numbers of rows, from 1.
      let row = rows + number - 1
      guard SessionTable.isKey(of: row, packet.pointee.a, packet.pointee.b) else { continue }
      if isPlain(packet, in: row) {
        SessionTable.count(packet, in: row)
        row.pointee.events.formUnion(packet.pointee.events)
        row.pointee.lastTick = packet.pointee.tick
        return number - 1
      }
      return packet.pointee.tick < row.pointee.lastTick
        ? takeLate(packet, number - 1, of: point) : takeInOrder(packet, number - 1, of: point)
    }
    var none = NoSink()
    beginNew(packet, into: &none)
    return count - 1
  }

  @inline(never)
  private mutating func takeInOrder(
    _ packet: UnsafePointer<SessionPacket>, _ place: Int, of point: Int
  ) -> Int {
    let row = rows + place
    putOnRecord(row)
    // At the very tick of the last packet it may be that packet, seen by another point.
    let isCopy =
      packet.pointee.tick == row.pointee.lastTick && isRepeated(packet, place, of: point)
    if !isCopy && isEnded(row.pointee, before: packet) {
      end(row, packet.pointee.hash)
      beginRow(packet)
      return count - 1
    }
    var none = NoSink()
    add(packet, to: row, into: &none)
    return place
  }

  /// A packet that is older than the last one of its five-tuple: it begins and ends nothing, and belongs to the
  /// session that there was at its time.
  @inline(never)
  private mutating func takeLate(
    _ packet: UnsafePointer<SessionPacket>, _ newest: Int, of point: Int
  ) -> Int {
    guard let columns else { return newest }
    let tick = packet.pointee.tick
    var place = newest
    while tick < rows[place].firstTick {
      let before = Int(columns.previous[place])
      // Where it came well behind that session's end, it is rather the first of the one after it.
      guard before > 0, rows[before - 1].lastTick &+ SessionTable.silenceTicks >= tick else {
        break
      }
      place = before - 1
    }
    let row = rows + place
    putOnRecord(row)
    if tick < row.pointee.firstTick || !isRepeated(packet, place, of: point) {
      // Nobody has seen it yet: what can still be said of the handshake and the beginning is said.
      var none = NoSink()
      add(packet, to: row, into: &none)
    } else {
      SessionTable.count(packet, in: row)
      row.pointee.events.formUnion(packet.pointee.events)
    }
    return place
  }

  /// Whether another point has already seen more packets of the session in this direction than this one: then this
  /// packet is most likely one of them.
  ///
  /// - Complexity: O(points).
  private func isRepeated(
    _ packet: UnsafePointer<SessionPacket>, _ place: Int, of point: Int
  ) -> Bool {
    guard let columns else { return false }
    let isFromB = packet.pointee.fromB != 0
    var first = isFromB ? rows[place].packetsBA : rows[place].packetsAB
    var own: UInt32 = 0
    var most: UInt32 = 0
    for (number, one) in columns.sightings.enumerated() {
      let seen = isFromB ? one.now[place].packetsBA : one.now[place].packetsAB
      first &-= seen
      if number + 1 == point { own = seen } else { most = max(most, seen) }
    }
    if point == 0 { own = first } else { most = max(most, first) }
    return most > own
  }

  /// Counts in what a point saw as in the row itself.
  @inline(__always)
  private static func count(
    _ packet: UnsafePointer<SessionPacket>, in sighting: UnsafeMutablePointer<PointSighting>
  ) {
    let back = UInt32(packet.pointee.fromB)
    sighting.pointee.packetsAB &+= 1 &- back
    sighting.pointee.packetsBA &+= back
    let length = UInt64(packet.pointee.lengthBytes)
    let bytesBA = length & (0 &- UInt64(packet.pointee.fromB))
    sighting.pointee.bytesAB &+= length &- bytesBA
    sighting.pointee.bytesBA &+= bytesBA
  }
}

/// A table that reports by epochs exports nothing.
struct NoSink: ~Copyable, SessionSink {
  mutating func export(_ row: SessionRow) {}
}
