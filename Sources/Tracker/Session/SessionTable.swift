internal import CLinux
internal import Glibc
internal import Wire

/// Takes the sessions that leave the table.
protocol SessionSink: ~Copyable {
  mutating func export(_ row: SessionRow)
}

/// The A/B session table of figure 5 of Takara (2008): open addressing, one 64-byte row a session.
///
/// Cost per packet: one cache line, brought in ahead by prefetch. Memory: 64 bytes a slot, at most
/// three quarters of the slots used, doubled when they are; anonymous pages, so that only touched
/// ones count. Over `sessionsMax` the idle ones are exported.
struct SessionTable: ~Copyable {
  private var slots: UnsafeMutablePointer<SessionRow>
  private var slotsLog2: Int
  private(set) var count = 0
  /// Sessions exported before their end because there were too many.
  private(set) var exportedEarly: UInt64 = 0
  private let tcpIdleTicks: UInt64
  private let idleTicks: UInt64
  private let activeUnits: UInt32
  private let sessionsMax: Int
  private let ahead: UnsafeMutablePointer<SessionPacket>

  /// Packets prepared and prefetched before the first of them is looked up: enough to hide a miss
  /// to memory (about 100 ns), few enough for the line-fill buffers.
  static let window = 32
  private static let firstSlotsLog2 = 14
  /// Longer than a server takes to answer, shorter than a person to ask again.
  private static let silenceTicks = Tick.seconds(1)
  /// Shift from ticks to the unit of `SessionRow.reportedAt`.
  static let reportedAtShift: UInt64 = 18

  init(_ configuration: TrackerConfiguration) {
    tcpIdleTicks = Tick.seconds(configuration.tcpIdleTimeoutSeconds)
    idleTicks = Tick.seconds(configuration.idleTimeoutSeconds)
    activeUnits = UInt32(
      Tick.seconds(configuration.activeTimeoutSeconds) >> SessionTable.reportedAtShift)
    sessionsMax = max(1, configuration.sessionsMax)
    slotsLog2 = SessionTable.firstSlotsLog2
    slots = SessionTable.map(slotsLog2)
    ahead = .allocate(capacity: SessionTable.window)
  }

  deinit {
    munmap(slots, MemoryLayout<SessionRow>.stride << slotsLog2)
    ahead.deallocate()
  }

  /// Fresh slots, all free: the kernel's zero pages, and `SessionRow.free` is 0.
  private static func map(_ slotsLog2: Int) -> UnsafeMutablePointer<SessionRow> {
    let bytes = MemoryLayout<SessionRow>.stride << slotsLog2
    precondition(MemoryLayout<SessionRow>.stride == SessionRow.bytes)
    let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let memory, memory != MAP_FAILED else {
      fatalError("no memory for a session table of \(bytes) bytes")
    }
    madvise(memory, bytes, MADV_HUGEPAGE)
    return memory.bindMemory(to: SessionRow.self, capacity: 1 << slotsLog2)
  }

  /// Books `count` records at `payload`.
  ///
  /// - Complexity: O(1) a packet amortised; no allocation except when the table grows.
  mutating func track(
    _ payload: UnsafeRawPointer, count packets: Int, baseTick: UInt64,
    into sink: inout some SessionSink & ~Copyable
  ) {
    var position = payload
    var left = packets
    while left > 0 {
      let now = min(left, SessionTable.window)
      let shift = UInt64(64 - slotsLog2)
      for index in 0..<now {
        let packet = SessionPacket(PacketRecord(reading: position), baseTick: baseTick)
        position += PacketRecord.bytes
        ahead[index] = packet
        renkei_prefetch(slots + Int(truncatingIfNeeded: packet.hash >> shift))
      }
      for index in 0..<now {
        book(ahead[index], into: &sink)
      }
      left -= now
    }
  }

  @inline(__always)
  private mutating func book(
    _ packet: SessionPacket, into sink: inout some SessionSink & ~Copyable
  ) {
    let mask = 1 << slotsLog2 &- 1
    var index = Int(truncatingIfNeeded: packet.hash >> UInt64(64 - slotsLog2))
    while true {
      let slot = slots + index
      if slot.pointee.state == SessionRow.free { break }
      if slot.pointee.a == packet.a && slot.pointee.b == packet.b
        && SessionTable.rest(slot.pointee) == packet.rest
      {
        if isEnded(slot.pointee, before: packet) {
          sink.export(slot.pointee)
          SessionTable.begin(slot, packet)
        } else {
          add(packet, to: slot, into: &sink)
        }
        return
      }
      index = (index &+ 1) & mask
    }
    SessionTable.begin(slots + index, packet)
    count += 1
    if count &* 4 > (1 << slotsLog2) &* 3 || count > sessionsMax { makeRoom(into: &sink) }
  }

  @inline(__always)
  private static func rest(_ row: SessionRow) -> UInt64 {
    UInt64(row.aPort) | UInt64(row.bPort) << 16 | UInt64(row.protocolNumber) << 32
  }

  @inline(__always)
  private static func begin(_ slot: UnsafeMutablePointer<SessionRow>, _ packet: SessionPacket) {
    var row = SessionRow()
    row.a = packet.a
    row.b = packet.b
    row.aPort = UInt16(truncatingIfNeeded: packet.rest)
    row.bPort = UInt16(truncatingIfNeeded: packet.rest >> 16)
    row.protocolNumber = UInt8(truncatingIfNeeded: packet.rest >> 32)
    row.state = SessionRow.whole
    row.events = packet.events
    if packet.fromB {
      row.events.insert(.firstFromB)
      row.packetsBA = 1
      row.bytesBA = UInt64(packet.lengthBytes)
    } else {
      row.packetsAB = 1
      row.bytesAB = UInt64(packet.lengthBytes)
    }
    row.firstTick = packet.tick
    row.lastTick = packet.tick
    row.reportedAt = UInt32(truncatingIfNeeded: packet.tick >> reportedAtShift)
    slot.pointee = row
  }

  @inline(__always)
  private mutating func add(
    _ packet: SessionPacket, to slot: UnsafeMutablePointer<SessionRow>,
    into sink: inout some SessionSink & ~Copyable
  ) {
    if packet.fromB {
      slot.pointee.packetsBA &+= 1
      slot.pointee.bytesBA &+= UInt64(packet.lengthBytes)
    } else {
      slot.pointee.packetsAB &+= 1
      slot.pointee.bytesAB &+= UInt64(packet.lengthBytes)
    }
    let synAck: SessionEvents = [.synAckFromA, .synAckFromB]
    if !packet.events.isDisjoint(with: synAck) && slot.pointee.handshakeTicks == 0
      && slot.pointee.events.contains(packet.fromB ? .synFromA : .synFromB)
      && packet.tick >= slot.pointee.firstTick
    {
      // At least one tick, since 0 means that it was not measured.
      slot.pointee.handshakeTicks = UInt32(
        clamping: max(1, packet.tick &- slot.pointee.firstTick))
    }
    slot.pointee.events.formUnion(packet.events)
    if packet.tick < slot.pointee.firstTick {
      // Stored behind what it came before: several queues, or files that overlap.
      slot.pointee.firstTick = packet.tick
      if packet.fromB {
        slot.pointee.events.insert(.firstFromB)
      } else {
        slot.pointee.events.remove(.firstFromB)
      }
    }
    if packet.tick > slot.pointee.lastTick {
      let ends: SessionEvents = [.finFromA, .finFromB, .rstFromA, .rstFromB]
      if packet.tick &- slot.pointee.lastTick > SessionTable.silenceTicks
        && packet.events.isDisjoint(with: ends)
      {
        slot.pointee.events.insert(packet.fromB ? .brokeSilenceB : .brokeSilenceA)
      }
      slot.pointee.lastTick = packet.tick
      let now = UInt32(truncatingIfNeeded: packet.tick >> SessionTable.reportedAtShift)
      // The second condition keeps the 32-bit packet counters from running over.
      if now &- slot.pointee.reportedAt > activeUnits && now > slot.pointee.reportedAt
        || (slot.pointee.packetsAB | slot.pointee.packetsBA) >> 31 != 0
      {
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
  private func isEnded(_ row: SessionRow, before packet: SessionPacket) -> Bool {
    let gap = packet.tick > row.lastTick ? packet.tick &- row.lastTick : 0
    let isHandshaking =
      row.protocolNumber == IPProtocolNumber.tcp || row.protocolNumber == IPProtocolNumber.sctp
      || row.protocolNumber == IPProtocolNumber.dccp
    if gap > (isHandshaking ? tcpIdleTicks : idleTicks) { return true }
    let isSyn = !packet.events.isDisjoint(with: [.synFromA, .synFromB])
    guard isSyn && isHandshaking else { return false }
    let answered = !row.events.isDisjoint(with: [.synAckFromA, .synAckFromB])
    let progressed = !row.events.isDisjoint(with: [.progressFromA, .progressFromB])
    let closed = !row.events.isDisjoint(with: [.rstFromA, .rstFromB, .finFromA, .finFromB])
    if closed { return answered || progressed || gap > Tick.seconds(3) }
    // Established by what was seen, and the SYN is no late copy of its own: the ports are reused.
    return progressed && packet.tick > row.firstTick &+ Tick.seconds(1)
  }

  // MARK: - Room

  /// Doubles the table, or, where the cap is reached, exports about the eighth of the sessions that
  /// has been idle longest: at least one, and all where they are equally old.
  ///
  /// - Complexity: O(slots); amortised O(1) a session, since the next time comes when as many are new
  ///   as there were slots, or an eighth of `sessionsMax`.
  private mutating func makeRoom(
    into sink: inout some SessionSink & ~Copyable
  ) {
    var keepAfter: UInt64 = 0
    var newLog2 = slotsLog2
    if count > sessionsMax {
      keepAfter = tickOfOldestEighth()
    } else {
      newLog2 += 1
    }
    let old = slots
    let oldCount = 1 << slotsLog2
    slots = SessionTable.map(newLog2)
    slotsLog2 = newLog2
    count = 0
    let mask = 1 << newLog2 &- 1
    for index in 0..<oldCount where old[index].state != SessionRow.free {
      if old[index].lastTick < keepAfter {
        sink.export(old[index])
        exportedEarly += 1
        continue
      }
      let row = old[index]
      let hash = SessionPacket.hash(row.a, row.b, SessionTable.rest(row))
      var target = Int(truncatingIfNeeded: hash >> UInt64(64 - newLog2))
      while slots[target].state != SessionRow.free { target = (target &+ 1) & mask }
      slots[target] = row
      count += 1
    }
    munmap(old, oldCount * SessionRow.bytes)
  }

  /// A tick before which about an eighth of the sessions were last active, from a sample.
  private func tickOfOldestEighth() -> UInt64 {
    let step = max(1, (1 << slotsLog2) / 65536)
    var sample: [UInt64] = []
    for index in stride(from: 0, to: 1 << slotsLog2, by: step)
    where slots[index].state != SessionRow.free {
      sample.append(slots[index].lastTick)
    }
    sample.sort()
    // One tick more, so that equal times can't keep everything; the table then shrinks for sure.
    return sample.isEmpty ? .max : sample[sample.count / 8] &+ 1
  }

  /// Exports every session and frees its slot.
  mutating func drain(into sink: inout some SessionSink & ~Copyable) {
    for index in 0..<(1 << slotsLog2) where slots[index].state != SessionRow.free {
      sink.export(slots[index])
      slots[index].state = SessionRow.free
    }
    count = 0
  }
}
