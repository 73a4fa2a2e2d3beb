import TestSupport

@testable import Wire

/// Batches and reports with whatever a field can hold.
enum WireSamples {
  /// Records as in a network: some flows, both directions, rising times. `isWild`: any bytes at all.
  static func batch(
    records count: Int, addresses: Int = 0, isWild: Bool = false, _ generator: inout SeededGenerator
  ) -> RecordBatch {
    var batch = RecordBatch()
    batch.point =
      ["", "core-1", "拠点-東京", String(repeating: "x", count: 255)]
      .randomElement(using: &generator) ?? ""
    batch.run = generator.next()
    batch.shard = generator.next()
    batch.shardCount = generator.next()
    batch.sequence = generator.next()
    batch.recordsBefore = generator.next()
    batch.baseTick = generator.next()
    batch.period = generator.next()
    batch.reachedTick = generator.next()
    batch.isLast = Bool.random(using: &generator)
    batch.report = bytes(Int.random(in: 0...300, using: &generator), &generator)
    batch.addresses = self.addresses(addresses, &generator)
    let flows = (0..<max(1, count / 8)).map { _ in
      record(addresses: addresses, isWild: isWild, &generator)
    }
    var tick: UInt16 = 0
    for _ in 0..<count {
      var one =
        isWild
        ? record(addresses: addresses, isWild: true, &generator)
        : flows.randomElement(using: &generator) ?? flows[0]
      if !isWild {
        if Bool.random(using: &generator) {
          (one.source, one.destination) = (one.destination, one.source)
          (one.sourcePort, one.destinationPort) = (one.destinationPort, one.sourcePort)
        }
        one.lengthBytes = [40, 52, 1500, generator.next()].randomElement(using: &generator) ?? 0
        tick &+= UInt16.random(in: 0...40, using: &generator)
        one.tick = tick
      }
      batch.records += bytes(of: one)
    }
    return batch
  }

  static func bytes(of record: PacketRecord) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: PacketRecord.bytes) { buffer, count in
      // SAFETY: the buffer has room for a record.
      if let start = buffer.baseAddress { record.write(to: UnsafeMutableRawPointer(start)) }
      count = PacketRecord.bytes
    }
  }

  static func bytes(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
    (0..<count).map { _ in generator.next() }
  }

  static func addresses(_ count: Int, _ generator: inout SeededGenerator) -> [IPAddress] {
    (0..<count).map { _ in IPAddress(high: generator.next(), low: generator.next()) }
  }

  /// An address, or a handle of one of the first `handles`.
  static func address(handles: Int, _ generator: inout SeededGenerator) -> UInt32 {
    if handles > 0 && Bool.random(using: &generator) {
      return AddressHandle.first + UInt32.random(in: 0..<UInt32(handles), using: &generator)
    }
    let value = UInt32.random(in: .min ... .max, using: &generator)
    return AddressHandle.isHandle(value) ? .max : value
  }

  private static func record(
    addresses: Int, isWild: Bool, _ generator: inout SeededGenerator
  ) -> PacketRecord {
    PacketRecord(
      destination: address(handles: addresses, &generator), destinationPort: generator.next(),
      source: address(handles: addresses, &generator), sourcePort: generator.next(),
      protocolNumber: isWild ? generator.next() : 6,
      flags: RecordFlags(rawValue: isWild ? generator.next() : 0),
      tcpFlags: TCPFlags(rawValue: isWild ? generator.next() : 16), lengthBytes: generator.next(),
      tick: generator.next())
  }

  static func report(
    entries count: Int, addresses: Int = 0, points: Int = 2, _ generator: inout SeededGenerator
  ) -> EpochReport {
    var report = EpochReport()
    report.kind = Bool.random(using: &generator) ? .changes : .snapshot
    report.shard = generator.next()
    report.shardCount = generator.next()
    report.owner = "tracker-\(UInt8.random(in: 0...255, using: &generator))"
    report.incarnation = generator.next()
    report.epoch = generator.next()
    report.part = generator.next()
    report.isLastPart = Bool.random(using: &generator)
    report.recordsSequence = generator.next()
    report.newestTick = generator.next()
    report.exportedEarly = generator.next()
    for name in ["brokenChecksum", "replayed", "", "ふるい", "otherShard"].shuffled(using: &generator)
    {
      if Bool.random(using: &generator) { report.refused[name] = generator.next() }
    }
    report.points = (0..<points).map { number in
      var point = EpochReport.Point()
      point.name = "point-\(number)"
      point.run = generator.next()
      point.sequence = generator.next()
      point.packets = generator.next()
      point.missing = generator.next()
      point.recordsOfRun = generator.next()
      point.reachedTick = generator.next()
      point.isEnded = Bool.random(using: &generator)
      point.report = bytes(Int.random(in: 0...200, using: &generator), &generator)
      point.pastReports = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        bytes(Int.random(in: 0...50, using: &generator), &generator)
      }
      return point
    }
    report.addresses = self.addresses(addresses, &generator)
    report.entries = (0..<count).map { _ in
      var entry = EpochReport.Entry()
      entry.number = generator.next()
      entry.previous = generator.next()
      entry.period = generator.next()
      entry.after = row(addresses: addresses, &generator)
      if report.kind == .changes && Bool.random(using: &generator) {
        entry.before = row(addresses: addresses, &generator)
      }
      entry.sightingsBefore = sightings(&generator)
      entry.sightingsAfter = sightings(&generator)
      return entry
    }
    return report
  }

  private static func row(addresses: Int, _ generator: inout SeededGenerator) -> SessionRow {
    var row = SessionRow()
    row.a = address(handles: addresses, &generator)
    row.aPort = generator.next()
    row.protocolNumber = generator.next()
    row.state = generator.next()
    row.b = address(handles: addresses, &generator)
    row.bPort = generator.next()
    row.events = SessionEvents(rawValue: generator.next())
    row.packetsAB = generator.next()
    row.packetsBA = generator.next()
    row.bytesAB = generator.next()
    row.bytesBA = generator.next()
    row.firstTick = generator.next()
    row.lastTick = generator.next()
    row.handshakeTicks = generator.next()
    row.reportedAt = generator.next()
    return row
  }

  private static func sightings(_ generator: inout SeededGenerator) -> [PointSighting] {
    (0..<Int.random(in: 0...2, using: &generator)).map { _ in
      var sighting = PointSighting()
      sighting.packetsAB = generator.next()
      sighting.packetsBA = generator.next()
      sighting.bytesAB = generator.next()
      sighting.bytesBA = generator.next()
      return sighting
    }
  }
}
