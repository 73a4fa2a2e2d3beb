import Cluster
import Foundation
import ServiceMap
import TestSupport
import Wire

@testable import Merger

/// What a collector says of itself in these tests: one run, with packets that never become records.
struct ClusterPoint {
  let name: String
  var run: UInt64
  var sent: UInt64 = 0
  var filtered: UInt64 = 0
  var past: [CaptureReport] = []

  var report: CaptureReport {
    var report = CaptureReport(files: [CaptureReport.File(name: "eth0", packets: sent + filtered)])
    report.startNs = run
    report.endNs = run + 1_000_000_000
    report.frameBytes = 100 * (sent + filtered)
    report.accounting = ["mapped": sent, "filtered": filtered]
    return report
  }

  mutating func restart() {
    past.append(report)
    run += 1_000_000_000
    (sent, filtered) = (0, 0)
  }
}

/// A shard as its trackers report it: sessions at random, each packet seen by some of the capture points.
struct ClusterShard {
  /// One session, with what each point has seen of it.
  struct Session {
    /// The smaller true address first.
    var row: SessionRow
    var hosts: (a: IPAddress, b: IPAddress)
    var seen: [PointSighting]
    var period: UInt32 = 0

    /// As a map that counts each packet once has it, worked out anew: per direction what one point has seen.
    var counted: (row: SessionRow, elsewhere: UInt64) {
      var row = row
      let all = seen.reduce(0) { $0 + UInt64($1.packetsAB) + UInt64($1.packetsBA) }
      let ab = seen.max { ($0.packetsAB, $0.bytesAB) < ($1.packetsAB, $1.bytesAB) }
      let ba = seen.max { ($0.packetsBA, $0.bytesBA) < ($1.packetsBA, $1.bytesBA) }
      (row.packetsAB, row.bytesAB) = (ab?.packetsAB ?? 0, ab?.bytesAB ?? 0)
      (row.packetsBA, row.bytesBA) = (ba?.packetsBA ?? 0, ba?.bytesBA ?? 0)
      return (row, all - UInt64(row.packetsAB) - UInt64(row.packetsBA))
    }
  }

  let shard: Int
  let shardCount: Int
  let pointNames: [String]
  private(set) var sessions: [Session] = []
  private var before: [Int: Session] = [:]
  /// Which life of which tracker; handles and the order of sides differ from one to the next.
  var incarnation: UInt64 = 1
  private(set) var epoch: UInt64 = 0
  private var counts: [EpochReport.Point]
  private(set) var recordsSequence: UInt64 = 0

  init(_ shard: Int, of shardCount: Int, points: [String]) {
    self.shard = shard
    self.shardCount = shardCount
    pointNames = points
    counts = points.map { name in
      var point = EpochReport.Point()
      point.name = name
      return point
    }
  }

  private func host(_ number: Int) -> IPAddress {
    // Low halves are told apart as well: 10.<shard>.0.<number>, or that in IPv6, or in 240.0.0.0/4.
    let low = 0x0A00_0000 | UInt32(shard) << 16 | UInt32(number)
    switch number % 4 {
    case 0: return IPAddress(high: 0x2001_0DB8 << 32, low: UInt64(low))
    case 3: return IPAddress(v4: low | 0xF000_0000)
    default: return IPAddress(v4: low)
    }
  }

  /// A packet, seen by the points with these numbers.
  mutating func packet(
    by points: [Int], tick: UInt64, using generator: inout SeededGenerator
  ) {
    var place = sessions.count
    if !sessions.isEmpty && Int.random(in: 0..<4, using: &generator) > 0 {
      place = .random(in: 0..<sessions.count, using: &generator)
    } else {
      let one = host(.random(in: 0..<4, using: &generator))
      let other = host(.random(in: 4..<16, using: &generator))
      var row = SessionRow()
      row.state = SessionRow.whole
      row.protocolNumber = Bool.random(using: &generator) ? 6 : 17
      let (service, client) = (
        row.protocolNumber == 6 ? UInt16(443) : 53,
        UInt16.random(in: 50_000...50_400, using: &generator)
      )
      (row.aPort, row.bPort) = one < other ? (service, client) : (client, service)
      row.firstTick = tick
      if Bool.random(using: &generator) { row.events.insert(.firstFromB) }
      sessions.append(
        Session(
          row: row, hosts: one < other ? (one, other) : (other, one),
          seen: [PointSighting](repeating: PointSighting(), count: pointNames.count)))
    }
    if before[place] == nil {
      var old = sessions[place]
      if place >= sessions.count - 1 && old.seen.allSatisfy({ $0 == PointSighting() }) {
        old.row.state = SessionRow.free
      }
      before[place] = old
    }
    let isBack = Bool.random(using: &generator)
    let length = UInt64.random(in: 40...1500, using: &generator)
    for point in points {
      if isBack {
        sessions[place].seen[point].packetsBA += 1
        sessions[place].seen[point].bytesBA += length
      } else {
        sessions[place].seen[point].packetsAB += 1
        sessions[place].seen[point].bytesAB += length
      }
      counts[point].packets += 1
      counts[point].recordsOfRun += 1
    }
    recordsSequence += UInt64(points.count)
    sessions[place].row.lastTick = max(sessions[place].row.lastTick, tick)
    sessions[place].period = UInt32(Tick.nanoseconds(tick) / 60_000_000_000)
    guard sessions[place].row.protocolNumber == 6 else { return }
    let events: [SessionEvents] = [
      .synFromA, .synFromB, .synAckFromA, .synAckFromB, .rstFromA, .progressFromA, .progressFromB,
      .progressFromA, .progressFromB, [],
    ]
    sessions[place].row.events.formUnion(events.randomElement(using: &generator) ?? [])
    let synAck: SessionEvents = [.synAckFromA, .synAckFromB]
    if sessions[place].row.handshakeTicks == 0,
      !sessions[place].row.events.isDisjoint(with: synAck)
    {
      sessions[place].row.handshakeTicks = .random(in: 1...99, using: &generator)
    }
  }

  /// Records of a batch that never comes.
  mutating func miss(_ records: UInt64, of point: Int) {
    counts[point].missing += records
    counts[point].recordsOfRun += records
  }

  mutating func begin(run: UInt64, of point: Int) {
    guard counts[point].run != run else { return }
    counts[point].run = run
    counts[point].recordsOfRun = 0
  }

  /// What is sealed now, in messages of at most `entriesMax` entries.
  mutating func seal(
    _ points: [ClusterPoint], entriesMax: Int = 20, isLast: Bool = false
  ) -> [EpochReport] {
    epoch += 1
    let entries = before.sorted { $0.key < $1.key }.map { (place, old) in
      self.entry(place, before: old, after: sessions[place])
    }
    before = [:]
    if isLast { for place in counts.indices { counts[place].isEnded = true } }
    return reports(.changes, entries, points, entriesMax)
  }

  func snapshot(_ points: [ClusterPoint], entriesMax: Int = 20) -> [EpochReport] {
    let entries = sessions.indices.map { place in
      var none = sessions[place]
      none.row.state = SessionRow.free
      return entry(place, before: none, after: sessions[place])
    }
    return reports(.snapshot, entries, points, entriesMax)
  }

  private func entry(
    _ place: Int, before: Session, after: Session
  ) -> (EpochReport.Entry, hosts: (IPAddress, IPAddress)) {
    var entry = EpochReport.Entry()
    entry.number = UInt32(place + 1)
    entry.period = after.period
    (entry.before, entry.sightingsBefore) = told(before)
    (entry.after, entry.sightingsAfter) = told(after)
    return (entry, after.hosts)
  }

  /// The row with what all points have seen, its sides in this life's order.
  private func told(_ session: Session) -> (SessionRow, [PointSighting]) {
    guard session.row.state != SessionRow.free else { return (SessionRow(), []) }
    var row = session.row
    for one in session.seen {
      row.packetsAB += one.packetsAB
      row.packetsBA += one.packetsBA
      row.bytesAB += one.bytesAB
      row.bytesBA += one.bytesBA
    }
    var others = Array(session.seen.dropFirst())
    if isTurned { row = row.exchanged }
    if isTurned {
      others = others.map { one in
        var other = one
        (other.packetsAB, other.packetsBA) = (one.packetsBA, one.packetsAB)
        (other.bytesAB, other.bytesBA) = (one.bytesBA, one.bytesAB)
        return other
      }
    }
    while others.last == PointSighting() { others.removeLast() }
    return (row, others)
  }

  private var isTurned: Bool { incarnation % 2 == 0 }

  private func reports(
    _ kind: EpochReport.Kind, _ entries: [(EpochReport.Entry, hosts: (IPAddress, IPAddress))],
    _ points: [ClusterPoint], _ entriesMax: Int
  ) -> [EpochReport] {
    let parts = max(1, (entries.count + entriesMax - 1) / entriesMax)
    return (0..<parts).map { part in
      var report = EpochReport()
      report.kind = kind
      report.shard = UInt16(shard)
      report.shardCount = UInt16(shardCount)
      report.owner = "tracker-\(incarnation)"
      report.incarnation = incarnation
      report.epoch = epoch
      report.part = UInt32(part)
      report.isLastPart = part == parts - 1
      report.recordsSequence = recordsSequence
      report.newestTick = sessions.map(\.row.lastTick).max() ?? 0
      report.points = counts
      if shard == 0 {
        for (place, point) in points.enumerated() {
          report.points[place].report =
            (try? JSONEncoder().encode(point.report)).map { [UInt8]($0) } ?? []
          report.points[place].pastReports = point.past.compactMap {
            (try? JSONEncoder().encode($0)).map { [UInt8]($0) }
          }
        }
      }
      func value(_ address: IPAddress) -> UInt32 {
        if address.isIPv4 && !AddressHandle.isHandle(address.v4) { return address.v4 }
        if let place = report.addresses.firstIndex(of: address) {
          return AddressHandle.first + UInt32(place)
        }
        report.addresses.append(address)
        return AddressHandle.first + UInt32(report.addresses.count - 1)
      }
      for (one, hosts) in entries.dropFirst(part * entriesMax).prefix(entriesMax) {
        var entry = one
        let (a, b) = isTurned ? (hosts.1, hosts.0) : hosts
        (entry.after.a, entry.after.b) = (value(a), value(b))
        if entry.before.state != SessionRow.free {
          (entry.before.a, entry.before.b) = (entry.after.a, entry.after.b)
        }
        report.entries.append(entry)
      }
      return report
    }
  }
}

/// What the links of a map add up to, by hosts.
struct ClusterSums: Equatable {
  private(set) var counters: [String: [UInt64]] = [:]

  /// A store joins ports that only ever spoke to one endpoint, where no handshake was seen, so they mean nothing.
  private mutating func add(_ link: Link, _ a: IPAddress, _ b: IPAddress) {
    let key = "\(a) \(b) \(link.protocolNumber) \(link.hasHandshake ? "\(link.aPort)" : "-")"
    let values = [
      link.sessions, link.firstFromB, link.twoWay, link.refused, link.unanswered, link.halfOpen,
      link.unasked, link.unheard, link.packetsAB, link.packetsBA, link.bytesAB, link.bytesBA,
      link.handshakes, link.handshakeTicksSum, link.elsewhere,
    ]
    let before = counters[key] ?? [UInt64](repeating: 0, count: values.count)
    let sum = zip(before, values).map { $0 &+ $1 }
    counters[key] = sum.allSatisfy { $0 == 0 } ? nil : sum
  }

  init(_ content: MapStore.Content) {
    for link in content.links {
      let (a, b) = (content.addresses[link.a], content.addresses[link.b])
      let isTurned = !link.hasHandshake && b < a
      add(isTurned ? link.exchanged : link, isTurned ? b : a, isTurned ? a : b)
    }
  }

  init(_ shards: [ClusterShard]) {
    for session in shards.flatMap(\.sessions) {
      let (row, elsewhere) = session.counted
      let server = Handshake.server(of: row)
      var link = SessionFold.link(row, hasHandshake: server != nil, exchanged: server == false)
      link.elsewhere = elsewhere
      let (a, b) = session.hosts
      add(link, server == false ? b : a, server == false ? a : b)
    }
  }

  /// What differs, in a few lines; empty where nothing does.
  func differences(from other: ClusterSums) -> [String] {
    Set(counters.keys).union(other.counters.keys).filter { counters[$0] != other.counters[$0] }
      .prefix(5).map { "\($0): \(counters[$0] ?? []) and \(other.counters[$0] ?? [])" }
  }
}
