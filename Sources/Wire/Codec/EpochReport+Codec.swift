extension EpochReport {
  /// Entries in a message, at most.
  public static let entriesMax = 4096
  /// Names of what was refused, at most.
  private static let refusedMax = 256
  /// Capture points in a message, at most.
  public static let pointsMax = 256

  /// The message; some 600 KB at most before it is compressed.
  ///
  /// Traps where it has more than `entriesMax` entries, `pointsMax` points, 65,536 addresses, names of more than 255
  /// bytes, or 32 MiB altogether.
  ///
  /// - Complexity: O(entries).
  public func encoded() -> [UInt8] {
    var body = WireWriter()
    body.integer(kind.rawValue)
    body.integer(shard)
    body.integer(shardCount)
    body.name(owner)
    body.integer(incarnation)
    body.integer(epoch)
    body.integer(part)
    body.boolean(isLastPart)
    body.integer(recordsSequence)
    body.integer(newestTick)
    body.integer(exportedEarly)
    // By their bytes, so that the same report is always the same message.
    let names = refused.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    precondition(names.count <= EpochReport.refusedMax, "too many names for a message")
    body.count(names.count)
    for name in names {
      body.name(name)
      body.integer(refused[name] ?? 0)
    }
    precondition(points.count <= EpochReport.pointsMax, "too many capture points for a message")
    body.count(points.count)
    for point in points { point.write(to: &body) }
    body.addresses(addresses)
    EntryColumns.write(entries, newestTick: newestTick, to: &body)
    var scratch: [UInt8] = []
    return WireEnvelope.seal(.epoch, body: body.bytes, scratch: &scratch)
  }

  /// - Throws: `WireError`. Any bytes may come; what is decoded is within bounds: every handle in a row has its address.
  public init(decoding message: some Collection<UInt8>) throws(WireError) {
    self = try WireEnvelope.open(message, .epoch) { reader throws(WireError) in
      try EpochReport(reading: &reader)
    }
  }

  private init(reading reader: inout WireReader) throws(WireError) {
    guard let kind = Kind(rawValue: try reader.integer()) else { throw .inconsistent }
    self.kind = kind
    shard = try reader.integer()
    shardCount = try reader.integer()
    owner = try reader.name()
    incarnation = try reader.integer()
    epoch = try reader.integer()
    part = try reader.integer()
    isLastPart = try reader.boolean()
    recordsSequence = try reader.integer()
    newestTick = try reader.integer()
    exportedEarly = try reader.integer()
    var last: String?
    for _ in 0..<(try reader.count(max: EpochReport.refusedMax, bytesEach: 9)) {
      let name = try reader.name()
      if let last {
        guard last.utf8.lexicographicallyPrecedes(name.utf8) else { throw .inconsistent }
      }
      // Two may be the same text in other bytes.
      guard refused.updateValue(try reader.integer(), forKey: name) == nil else {
        throw .inconsistent
      }
      last = name
    }
    for _ in 0..<(try reader.count(max: EpochReport.pointsMax, bytesEach: Point.bytesMin)) {
      points.append(try Point(reading: &reader))
    }
    addresses = try reader.addresses()
    entries = try EntryColumns.read(
      &reader, newestTick: newestTick, addresses: addresses.count)
  }
}

extension EpochReport.Point {
  /// Of an encoded point, at least.
  fileprivate static let bytesMin = 58

  fileprivate func write(to body: inout WireWriter) {
    body.name(name)
    body.integer(run)
    body.integer(sequence)
    body.integer(packets)
    body.integer(missing)
    body.integer(recordsOfRun)
    body.integer(reachedTick)
    body.boolean(isEnded)
    body.bytes(report)
    body.count(pastReports.count)
    for report in pastReports { body.bytes(report) }
  }

  fileprivate init(reading reader: inout WireReader) throws(WireError) {
    self.init()
    name = try reader.name()
    run = try reader.integer()
    sequence = try reader.integer()
    packets = try reader.integer()
    missing = try reader.integer()
    recordsOfRun = try reader.integer()
    reachedTick = try reader.integer()
    isEnded = try reader.boolean()
    report = try reader.bytes()
    let count = try reader.count(max: WireEnvelope.bodyBytesMax, bytesEach: 4)
    pastReports.reserveCapacity(count)
    for _ in 0..<count { pastReports.append(try reader.bytes()) }
  }
}
