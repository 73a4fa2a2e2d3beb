internal import CLinux
internal import Wire

/// Takes the sessions that leave the table.
protocol SessionSink: ~Copyable {
  mutating func export(_ row: SessionRow)
}

/// The A/B session table of figure 5 of Takara (2008): rows of 64 bytes in the order in which their
/// sessions began, and an index of 8 bytes a slot that finds them by hash.
///
/// Sessions that go on at the same time began at about the same time, so the rows in use lie close
/// together, however many there are in all; and no row is ever moved to make room. Cost per packet: one
/// cache line of the index and one of the rows, both brought in ahead by prefetch. Memory: 77 to 90 bytes
/// a session; only touched pages count. Over `sessionsMax` the idle ones are exported.
///
/// A unit has its rows in a `SessionMemory`. There a session that ends stays where it is until the next
/// compaction, and the one that follows it gets a row of its own; nothing is exported, since the merger sees each
/// row that was changed.
struct SessionTable: ~Copyable {
  /// Room for one more than `sessionsMax`, of which the first `count` are sessions. nil in a unit.
  private let pages: ZeroPages<SessionRow>?
  /// nil for captures from files.
  private let memory: SessionMemory?
  private var log: SessionMemory.Log?
  private(set) var rows: UnsafeMutablePointer<SessionRow>
  private(set) var count = 0
  /// The state from which on a row's next packet may be plain: in a unit, that it is on record.
  private let plainState: UInt8
  /// Of a unit: rows of sessions that are over.
  private(set) var endedCount = 0
  var index = RowIndex()
  let hash = WordsHash()
  let meaning = FlagMeaning()
  /// Sessions exported before their end because there were too many.
  private(set) var exportedEarly: UInt64 = 0
  private let tcpIdleTicks: UInt64
  private let idleTicks: UInt64
  private let activeUnits: UInt32
  /// Shorter than any silence that means something.
  private let quietTicks: UInt64
  private let sessionsMax: Int
  let ahead: UnsafeMutablePointer<SessionPacket>
  /// What a cluster's table knows beside its rows; nil in an audit and in a unit. Its first two columns again, so that
  /// the packet path has them at hand.
  let columns: TableColumns?
  private let previous: UnsafeMutablePointer<UInt32>?
  private let periods: UnsafeMutablePointer<UInt32>?
  /// Of a cluster: minutes since 1970 to which the packets belong that are being booked.
  var period: UInt32 = 0

  /// Packets prepared before the first of them is looked up: enough to hide a miss to memory (about
  /// 100 ns), few enough for the line-fill buffers.
  static let window = 32
  /// Longer than a server takes to answer, shorter than a person to ask again.
  static let silenceTicks = Tick.seconds(1)
  /// Rows: a megabyte.
  private static let drainedTogether = 1 << 14
  /// Shift from ticks to the unit of `SessionRow.reportedAt`.
  static let reportedAtShift: UInt64 = 18

  init(_ configuration: TrackerConfiguration) {
    tcpIdleTicks = Tick.seconds(configuration.tcpIdleTimeoutSeconds)
    idleTicks = Tick.seconds(configuration.idleTimeoutSeconds)
    activeUnits = UInt32(
      Tick.seconds(configuration.activeTimeoutSeconds) >> SessionTable.reportedAtShift)
    quietTicks = min(SessionTable.silenceTicks, tcpIdleTicks, idleTicks)
    sessionsMax = min(max(1, configuration.sessionsMax), RowIndex.countMax - 1)
    precondition(MemoryLayout<SessionRow>.stride == SessionRow.bytes)
    let pages = ZeroPages<SessionRow>(sessionsMax + 1)
    rows = pages.rows
    self.pages = consume pages
    memory = nil
    plainState = 0
    ahead = .allocate(capacity: SessionTable.window)
    columns = nil
    previous = nil
    periods = nil
  }

  /// The table of a unit's tracker, as it was at the last seal.
  ///
  /// - Parameter columns: of a cluster's table, with room for as many rows.
  /// - Complexity: O(rows).
  init(
    _ configuration: TrackerConfiguration, memory: SessionMemory, columns: TableColumns? = nil
  ) {
    tcpIdleTicks = Tick.seconds(configuration.tcpIdleTimeoutSeconds)
    idleTicks = Tick.seconds(configuration.idleTimeoutSeconds)
    // Each epoch reports what goes on.
    activeUnits = .max
    quietTicks = min(SessionTable.silenceTicks, tcpIdleTicks, idleTicks)
    sessionsMax = memory.rowsMax
    pages = nil
    self.memory = memory
    plainState = SessionRow.changed
    ahead = .allocate(capacity: SessionTable.window)
    self.columns = columns
    previous = columns?.previous
    periods = columns?.periods
    (rows, count) = memory.recover()
    log = memory.log
    enterAll()
  }

  deinit { ahead.deallocate() }

  /// Books `count` records at `payload`.
  ///
  /// - Complexity: O(1) a packet amortised; no allocation except when the index grows.
  mutating func track(
    _ payload: UnsafeRawPointer, count packets: Int, baseTick: UInt64,
    into sink: inout some SessionSink & ~Copyable
  ) {
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
        book(ahead + number, into: &sink)
      }
      left -= now
    }
  }

  @inline(__always)
  private mutating func book(
    _ packet: UnsafePointer<SessionPacket>, into sink: inout some SessionSink & ~Copyable
  ) {
    var probe = index.probe(packet.pointee.hash)
    while let number = index.next(&probe) {
      // SAFETY: the index only ever holds numbers of rows, from 1.
      let row = rows + number - 1
      guard SessionTable.isKey(of: row, packet.pointee.a, packet.pointee.b) else { continue }
      if isPlain(packet, in: row) {
        SessionTable.count(packet, in: row)
        row.pointee.events.formUnion(packet.pointee.events)
        row.pointee.lastTick = packet.pointee.tick
      } else {
        take(packet, in: row, into: &sink)
      }
      return
    }
    beginNew(packet, into: &sink)
  }

  @inline(never)
  mutating func beginNew(
    _ packet: UnsafePointer<SessionPacket>, into sink: inout some SessionSink & ~Copyable
  ) {
    beginRow(packet)
    index.enter(packet.pointee.hash, number: count)
    if memory == nil && count > sessionsMax { exportOldest(into: &sink) }
  }

  /// Begins a session in the row behind the last.
  @inline(__always)
  mutating func beginRow(_ packet: UnsafePointer<SessionPacket>) {
    if let log { SessionMemory.save(SessionRow(), number: count + 1, to: log) }
    SessionTable.begin(rows + count, packet)
    rows[count].state |= plainState
    if let periods { periods[count] = period }
    count += 1
  }

  /// Whether the row is that of protocol and endpoint `a` and of endpoint `b`.
  @inline(__always)
  static func isKey(
    of row: UnsafeMutablePointer<SessionRow>, _ a: UInt64, _ b: UInt64
  ) -> Bool {
    // SAFETY: the two words that `SessionRow` describes.
    let words = UnsafeRawPointer(row)
    let first = words.load(as: UInt64.self) & 0x00FF_FFFF_FFFF_FFFF
    let second = words.load(fromByteOffset: 8, as: UInt64.self) & 0xFFFF_FFFF_FFFF
    return first == a && second == b
  }

  /// Whether the packet, like most, only counts: it says nothing about the session's beginning or end,
  /// comes in order and without a silence before it, and no report is due.
  @inline(__always)
  func isPlain(
    _ packet: UnsafePointer<SessionPacket>, in row: UnsafeMutablePointer<SessionRow>
  ) -> Bool {
    let plain: SessionEvents = [.progressFromA, .progressFromB, .insideTunnel, .portsUnknown]
    let now = UInt32(truncatingIfNeeded: packet.pointee.tick >> SessionTable.reportedAtShift)
    // Times before the last packet or the last report wrap around to large ones.
    return packet.pointee.tick &- row.pointee.lastTick <= quietTicks
      && now &- row.pointee.reportedAt <= activeUnits
      && packet.pointee.events.subtracting(plain).isEmpty
      && (row.pointee.packetsAB | row.pointee.packetsBA) >> 31 == 0
      && row.pointee.state >= plainState
  }

  @inline(__always)
  static func count(
    _ packet: UnsafePointer<SessionPacket>, in row: UnsafeMutablePointer<SessionRow>
  ) {
    // Without a branch: nobody can guess which side speaks next.
    let back = UInt32(packet.pointee.fromB)
    row.pointee.packetsAB &+= 1 &- back
    row.pointee.packetsBA &+= back
    let length = UInt64(packet.pointee.lengthBytes)
    let bytesBA = length & (0 &- UInt64(packet.pointee.fromB))
    row.pointee.bytesAB &+= length &- bytesBA
    row.pointee.bytesBA &+= bytesBA
  }

  /// Anything else on a known five-tuple.
  @inline(never)
  private mutating func take(
    _ packet: UnsafePointer<SessionPacket>, in row: UnsafeMutablePointer<SessionRow>,
    into sink: inout some SessionSink & ~Copyable
  ) {
    putOnRecord(row)
    if isEnded(row.pointee, before: packet) {
      if memory != nil {
        end(row, packet.pointee.hash)
        beginRow(packet)
      } else {
        sink.export(row.pointee)
        SessionTable.begin(row, packet)
      }
    } else {
      add(packet, to: row, into: &sink)
    }
  }

  @inline(__always)
  private static func begin(
    _ slot: UnsafeMutablePointer<SessionRow>, _ packet: UnsafePointer<SessionPacket>
  ) {
    var row = SessionRow()
    row.a = UInt32(truncatingIfNeeded: packet.pointee.a)
    row.aPort = UInt16(truncatingIfNeeded: packet.pointee.a >> 32)
    row.protocolNumber = UInt8(truncatingIfNeeded: packet.pointee.a >> 48)
    row.b = UInt32(truncatingIfNeeded: packet.pointee.b)
    row.bPort = UInt16(truncatingIfNeeded: packet.pointee.b >> 32)
    row.state = SessionRow.whole
    row.events = packet.pointee.events
    if packet.pointee.fromB != 0 { row.events.insert(.firstFromB) }
    row.firstTick = packet.pointee.tick
    row.lastTick = packet.pointee.tick
    row.reportedAt = UInt32(truncatingIfNeeded: packet.pointee.tick >> reportedAtShift)
    slot.pointee = row
    count(packet, in: slot)
  }

  mutating func add(
    _ packet: UnsafePointer<SessionPacket>, to slot: UnsafeMutablePointer<SessionRow>,
    into sink: inout some SessionSink & ~Copyable
  ) {
    let isFromB = packet.pointee.fromB != 0
    SessionTable.count(packet, in: slot)
    let synAck: SessionEvents = [.synAckFromA, .synAckFromB]
    if !packet.pointee.events.isDisjoint(with: synAck) && slot.pointee.handshakeTicks == 0
      && slot.pointee.events.contains(isFromB ? .synFromA : .synFromB)
      && packet.pointee.tick >= slot.pointee.firstTick
    {
      // At least one tick, since 0 means that it was not measured.
      slot.pointee.handshakeTicks = UInt32(
        clamping: max(1, packet.pointee.tick &- slot.pointee.firstTick))
    }
    slot.pointee.events.formUnion(packet.pointee.events)
    if packet.pointee.tick < slot.pointee.firstTick {
      // Stored behind what it came before: several queues, or files that overlap.
      slot.pointee.firstTick = packet.pointee.tick
      if isFromB {
        slot.pointee.events.insert(.firstFromB)
      } else {
        slot.pointee.events.remove(.firstFromB)
      }
    }
    if packet.pointee.tick > slot.pointee.lastTick {
      let ends: SessionEvents = [.finFromA, .finFromB, .rstFromA, .rstFromB]
      if packet.pointee.tick &- slot.pointee.lastTick > SessionTable.silenceTicks
        && packet.pointee.events.isDisjoint(with: ends)
      {
        slot.pointee.events.insert(isFromB ? .brokeSilenceB : .brokeSilenceA)
      }
      slot.pointee.lastTick = packet.pointee.tick
      let now = UInt32(truncatingIfNeeded: packet.pointee.tick >> SessionTable.reportedAtShift)
      // The second condition keeps the 32-bit packet counters from running over.
      if now &- slot.pointee.reportedAt > activeUnits && now > slot.pointee.reportedAt
        || (slot.pointee.packetsAB | slot.pointee.packetsBA) >> 31 != 0
      {
        if memory != nil { return goOn(slot, packet.pointee.hash) }
        var part = slot.pointee
        part.state = SessionRow.part
        sink.export(part)
        slot.pointee.packetsAB = 0
        slot.pointee.packetsBA = 0
        slot.pointee.bytesAB = 0
        slot.pointee.bytesBA = 0
        slot.pointee.reportedAt = now
      }
    }
  }

  /// Whether `packet` begins a new session on the same five-tuple.
  ///
  /// Either the silence was too long, or a SYN comes after the end of the old session. A SYN that
  /// follows a refusal within three seconds is the same attempt again: some systems try thrice.
  @inline(__always)
  func isEnded(_ row: SessionRow, before packet: UnsafePointer<SessionPacket>) -> Bool {
    let gap = packet.pointee.tick > row.lastTick ? packet.pointee.tick &- row.lastTick : 0
    let isHandshaking = SessionTable.isHandshaking(row)
    if gap > (isHandshaking ? tcpIdleTicks : idleTicks) { return true }
    let isSyn = !packet.pointee.events.isDisjoint(with: [.synFromA, .synFromB])
    guard isSyn && isHandshaking else { return false }
    let answered = !row.events.isDisjoint(with: [.synAckFromA, .synAckFromB])
    let progressed = !row.events.isDisjoint(with: [.progressFromA, .progressFromB])
    let closed = !row.events.isDisjoint(with: [.rstFromA, .rstFromB, .finFromA, .finFromB])
    if closed { return answered || progressed || gap > Tick.seconds(3) }
    // Established by what was seen, and the SYN is no late copy of its own: the ports are reused.
    return progressed && packet.pointee.tick > row.firstTick &+ Tick.seconds(1)
  }

  // MARK: - A unit's rows

  /// Before a row is changed for the first time in an epoch.
  @inline(__always)
  func putOnRecord(_ row: UnsafeMutablePointer<SessionRow>) {
    guard row.pointee.state < plainState, let log else { return }
    SessionMemory.save(row.pointee, number: row - rows + 1, to: log)
    row.pointee.state |= SessionRow.changed
    if let periods { periods[row - rows] = period }
  }

  /// Ends the session of a row that is on record; the next row has its five-tuple from now on.
  mutating func end(_ row: UnsafeMutablePointer<SessionRow>, _ hash: UInt64) {
    row.pointee.state |= SessionRow.ended
    endedCount += 1
    index.replace(hash, number: row - rows + 1, by: count + 1)
    if let previous { previous[count] = UInt32(row - rows + 1) }
  }

  /// Goes on with a session in a new row, because the counters of its row are full.
  private mutating func goOn(_ row: UnsafeMutablePointer<SessionRow>, _ hash: UInt64) {
    guard let log else { return }
    end(row, hash)
    SessionMemory.save(SessionRow(), number: count + 1, to: log)
    var rest = row.pointee
    rest.state = SessionRow.part | SessionRow.changed
    rest.packetsAB = 0
    rest.packetsBA = 0
    rest.bytesAB = 0
    rest.bytesBA = 0
    rows[count] = rest
    if let periods { periods[count] = period }
    count += 1
  }

  /// Whether so many packets more certainly find room for their sessions.
  func hasRoom(packets: Int) -> Bool { count + packets <= sessionsMax }

  /// Seals the running epoch; the one before must have been acknowledged.
  mutating func seal(_ seal: SessionMemory.Seal) {
    guard let memory else { return }
    memory.seal(seal, rowCount: count)
    log = memory.log
  }

  /// Forgets the sessions that are over, or idle for so long that their next packet would begin another one;
  /// and, where there is no room even so, the eighth that has been idle longest. Only directly after a seal.
  ///
  /// - Parameters:
  ///   - newestTick: of all packets so far. A minute more is left for packets that come late.
  ///   - heldFrom: rows whose last packet came at this tick or later stay, over or not: packets of theirs may
  ///     still come from another capture point.
  /// - Complexity: O(rows).
  mutating func compact(newestTick: UInt64, heldFrom: UInt64 = .max) {
    guard let memory else { return }
    let late = Tick.seconds(60)
    func isOver(_ row: SessionRow) -> Bool {
      if row.lastTick >= heldFrom { return false }
      if row.state & SessionRow.ended != 0 { return true }
      let idle = newestTick > row.lastTick ? newestTick - row.lastTick : 0
      return idle > (SessionTable.isHandshaking(row) ? tcpIdleTicks : idleTicks) + late
    }
    var left = 0
    for place in 0..<count where !isOver(rows[place]) { left += 1 }
    var keepAfter: UInt64 = 0
    if left > sessionsMax / 8 * 7 {
      keepAfter = tickOfOldestEighth()
    }
    var early: UInt64 = 0
    let countBefore = count
    var place = 0
    columns?.beginCompaction(rows: count)
    (rows, count) = memory.compact(
      isKept: { row in
        place += 1
        if isOver(row) { return false }
        if row.lastTick < keepAfter {
          // One that was kept although it is over has had its time.
          if row.state & SessionRow.ended == 0 { early += 1 }
          return false
        }
        columns?.keep(place)
        return true
      }, exportedEarly: { early })
    columns?.endCompaction(rowsBefore: countBefore)
    exportedEarly += early
    endedCount = 0
    enterAll()
  }

  /// Puts rows that were recovered into a table that was just made.
  mutating func restore(_ recovered: [SessionRow]) {
    precondition(count == 0 && recovered.count <= sessionsMax, "rows of a table")
    for (place, row) in recovered.enumerated() { rows[place] = row }
    count = recovered.count
    enterAll()
  }

  /// Enters all rows into an empty index.
  private mutating func enterAll() {
    index.removeAll()
    for place in 0..<count {
      if rows[place].state & SessionRow.ended == 0 {
        index.enter(hash(of: rows[place]), number: place + 1)
      } else {
        endedCount += 1
      }
    }
  }

  private func hash(of row: SessionRow) -> UInt64 {
    hash(
      UInt64(row.a) | UInt64(row.aPort) << 32 | UInt64(row.protocolNumber) << 48,
      UInt64(row.b) | UInt64(row.bPort) << 32)
  }

  private static func isHandshaking(_ row: SessionRow) -> Bool {
    row.protocolNumber == IPProtocolNumber.tcp || row.protocolNumber == IPProtocolNumber.sctp
      || row.protocolNumber == IPProtocolNumber.dccp
  }

  // MARK: - Room

  /// Exports about the eighth of the sessions that has been idle longest: at least one, and all where
  /// they are equally old.
  ///
  /// - Complexity: O(sessions); amortised O(1) a session, since the next time comes when an eighth is
  ///   new.
  private mutating func exportOldest(into sink: inout some SessionSink & ~Copyable) {
    let keepAfter = tickOfOldestEighth()
    index.removeAll()
    var kept = 0
    for place in 0..<count {
      let row = rows[place]
      if row.lastTick < keepAfter {
        sink.export(row)
        exportedEarly += 1
        continue
      }
      rows[kept] = row
      kept += 1
      index.enter(hash(of: row), number: kept)
    }
    count = kept
  }

  /// A tick before which about an eighth of the sessions were last active, from a sample.
  private func tickOfOldestEighth() -> UInt64 {
    var sample = stride(from: 0, to: count, by: max(1, count / 65536)).map { rows[$0].lastTick }
    sample.sort()
    // One tick more, so that equal times can't keep everything; the table then shrinks for sure.
    return sample.isEmpty ? .max : sample[sample.count / 8] &+ 1
  }

  /// Exports every session, in the order in which they began.
  ///
  /// Their memory is given back behind them, because the merger needs as much at that time.
  mutating func drain(into sink: inout some SessionSink & ~Copyable) {
    index = RowIndex()
    for start in stride(from: 0, to: count, by: SessionTable.drainedTogether) {
      let range = start..<min(start + SessionTable.drainedTogether, count)
      for place in range { sink.export(rows[place]) }
      pages?.giveBack(range)
    }
    count = 0
  }
}
