import ServiceMap
import TestSupport
import Wire

@testable import Merger

/// A tracker as its merger sees it: sessions at random, changed in place and told of by epochs.
struct UnitSessions {
  let memory: SessionMemory
  private var rows: UnsafeMutablePointer<SessionRow>
  private(set) var count = 0
  private(set) var packets: UInt64 = 0
  private let network: UInt32

  /// - Parameter network: where its clients are; sessions of two trackers have nothing in common.
  init(rowsMax: Int = 2000, network: String) throws {
    memory = try SessionMemory(name: "test-sessions", rowsMax: rowsMax)
    rows = memory.recover().rows
    self.network = v4(network)
  }

  /// The sessions as they are by now.
  var sessions: [SessionRow] {
    (0..<count).map { place in
      var row = rows[place]
      row.state = row.kind
      return row
    }
  }

  /// A packet of a new session or of one that there is. What is said of a handshake may come late.
  mutating func packet(tick: UInt64, using generator: inout SeededGenerator) {
    let isNew = count == 0 || Int.random(in: 0..<4, using: &generator) == 0
    if isNew && count < memory.rowsMax {
      SessionMemory.save(SessionRow(), number: count + 1, to: memory.log)
      var row = SessionRow()
      row.a = v4("10.0.0.1") + .random(in: 0...2, using: &generator)
      row.aPort = [53, 80, 443].randomElement(using: &generator) ?? 80
      row.b = network + .random(in: 1...9, using: &generator)
      row.bPort = .random(in: 50_000...50_400, using: &generator)
      row.protocolNumber = row.aPort == 53 ? 17 : 6
      row.state = SessionRow.whole | SessionRow.changed
      row.firstTick = tick
      if Bool.random(using: &generator) { row.events.insert(.firstFromB) }
      rows[count] = row
      count += 1
      change(count - 1, tick, &generator)
    } else {
      change(.random(in: 0..<count, using: &generator), tick, &generator)
    }
  }

  private mutating func change(
    _ place: Int, _ tick: UInt64, _ generator: inout SeededGenerator
  ) {
    if rows[place].state & SessionRow.changed == 0 {
      SessionMemory.save(rows[place], number: place + 1, to: memory.log)
      rows[place].state |= SessionRow.changed
    }
    packets += 1
    let isBack = Bool.random(using: &generator)
    let length = UInt64.random(in: 40...1500, using: &generator)
    if isBack {
      rows[place].packetsBA += 1
      rows[place].bytesBA += length
    } else {
      rows[place].packetsAB += 1
      rows[place].bytesAB += length
    }
    rows[place].lastTick = max(rows[place].lastTick, tick)
    guard rows[place].protocolNumber == 6 else { return }
    let events: [SessionEvents] = [
      .synFromA, .synFromB, .synAckFromA, .synAckFromB, .rstFromA, .progressFromA, .progressFromB,
      .progressFromA, .progressFromB, [],
    ]
    rows[place].events.formUnion(events.randomElement(using: &generator) ?? [])
    let synAck: SessionEvents = [.synAckFromA, .synAckFromB]
    if rows[place].handshakeTicks == 0 && !rows[place].events.isDisjoint(with: synAck) {
      rows[place].handshakeTicks = .random(in: 1...99, using: &generator)
    }
  }

  func seal(period: UInt64, isLast: Bool = false) {
    var seal = SessionMemory.Seal()
    seal.packets = packets
    seal.period = period
    seal.isLast = isLast ? 1 : 0
    memory.seal(seal, rowCount: count)
  }
}

/// What links count, by what they are links of: a sum over periods, without what only tells where it was seen.
struct LinkSums: Equatable {
  /// Hosts, ports, protocol and whether there was a handshake.
  private(set) var counters: [[UInt64]: [UInt64]] = [:]

  /// - Parameter isStored: a store joins ports that only ever spoke to one endpoint, where no handshake was
  ///   seen, so they mean nothing.
  mutating func add(_ link: Link, isStored: Bool = false) {
    let hasPorts = link.hasHandshake || !isStored
    let key: [UInt64] = [
      UInt64(link.a), UInt64(link.b), hasPorts ? UInt64(link.aPort) : 0,
      link.hasHandshake || isStored ? 0 : UInt64(link.bPort),
      UInt64(link.protocolNumber), link.hasHandshake ? 1 : 0,
    ]
    let values = [
      link.sessions, link.firstFromB, link.twoWay, link.refused, link.unanswered, link.halfOpen,
      link.unasked, link.unheard, link.packetsAB, link.packetsBA, link.bytesAB, link.bytesBA,
      link.handshakes, link.handshakeTicksSum,
    ]
    let before = counters[key] ?? [UInt64](repeating: 0, count: values.count)
    let sum = zip(before, values).map { $0 &+ $1 }
    // A session that turned out to be another link's leaves nothing.
    counters[key] = sum.allSatisfy { $0 == 0 } ? nil : sum
  }

  init() {}

  /// Of the sessions of a whole capture.
  init(_ sessions: [SessionRow], isStored: Bool = false) {
    for row in sessions {
      let server = Handshake.server(of: row)
      add(
        SessionFold.link(row, hasHandshake: server != nil, exchanged: server == false),
        isStored: isStored)
    }
  }

  init(_ content: MapStore.Content) {
    for var link in content.links {
      link.a = Int(content.addresses[link.a].v4)
      link.b = Int(content.addresses[link.b].v4)
      // Of a link without a handshake the smaller address comes first, in a tracker's rows as well.
      add(link.hasHandshake || link.a < link.b ? link : link.exchanged, isStored: true)
    }
  }

  /// What differs, in a few lines; empty where nothing does.
  func differences(from other: LinkSums) -> [String] {
    Set(counters.keys).union(other.counters.keys).filter { counters[$0] != other.counters[$0] }
      .prefix(5).map {
        "\($0): \(counters[$0] ?? []) and \(other.counters[$0] ?? [])"
      }
  }
}
