internal import Wire

/// A change of a session as the map counts it: each packet once, its hosts as the merger knows them, the smaller true
/// address first. So it is the same, whatever numbers the trackers gave to addresses, and in every life of the merger.
struct CountedSession {
  let entry: SessionMemory.Entry
  let elsewhere: (before: UInt64, after: UInt64)

  /// - Parameters:
  ///   - addresses: what the handles in the rows stand for.
  ///   - values: the merger's 32 bits for them.
  /// - Complexity: O(capture points); allocates nothing.
  init(_ entry: EpochReport.Entry, addresses: [IPAddress], values: [UInt32]) {
    let before = entry.before.counted(once: entry.sightingsBefore)
    let after = entry.after.counted(once: entry.sightingsAfter)
    func address(_ value: UInt32) -> IPAddress {
      AddressHandle.isHandle(value)
        ? addresses[Int(value - AddressHandle.first)] : IPAddress(v4: value)
    }
    func own(_ value: UInt32) -> UInt32 {
      AddressHandle.isHandle(value) ? values[Int(value - AddressHandle.first)] : value
    }
    let (a, b) = (address(after.row.a), address(after.row.b))
    let isTurned = (b, after.row.bPort) < (a, after.row.aPort)
    func told(_ row: SessionRow) -> SessionRow {
      guard row.kind != SessionRow.free else { return SessionRow() }
      var row = isTurned ? row.exchanged : row
      row.a = own(row.a)
      row.b = own(row.b)
      return row
    }
    self.entry = SessionMemory.Entry(
      number: UInt64(entry.number), before: told(before.row), after: told(after.row))
    elsewhere = (before.elsewhere, after.elsewhere)
  }

  /// Packets that the map counts, more than before.
  var packets: UInt64 {
    UInt64(entry.after.packetsAB) + UInt64(entry.after.packetsBA)
      &- UInt64(entry.before.packetsAB) &- UInt64(entry.before.packetsBA)
  }
}

extension SessionRow {
  /// The same session with A and B exchanged.
  var exchanged: SessionRow {
    var row = self
    (row.a, row.aPort) = (b, bPort)
    (row.b, row.bPort) = (a, aPort)
    row.events = events.exchanged
    (row.packetsAB, row.packetsBA) = (packetsBA, packetsAB)
    (row.bytesAB, row.bytesBA) = (bytesBA, bytesAB)
    return row
  }
}
