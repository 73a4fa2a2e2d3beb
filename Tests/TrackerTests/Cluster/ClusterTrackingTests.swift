import Cluster
import Foundation
import TestSupport
import Testing
import Wire

@testable import Tracker

/// Trackers that are killed, cut off and taken for dead, against one table that is not.
@Suite struct ClusterTrackingTests {
  /// What two points see of the traffic.
  enum View: String, CaseIterable, Sendable {
    case one, identical, lagging, disjoint, overlapping, lossy

    var lagSeconds: Double { self == .lagging ? 60 : 0.2 }
    /// Whether the sessions are those of all packets in their order.
    var isWhole: Bool { self != .lossy }

    func split(
      _ packets: [TrafficPacket], using generator: inout SeededGenerator
    ) -> [[TrafficPacket]] {
      func flow(_ packet: TrafficPacket) -> Int {
        let ports = packet.sourcePort ^ packet.destinationPort
        return Int(ports) + Int(packet.source.low ^ packet.destination.low) & 0xFFFF
      }
      switch self {
      case .one: return [packets]
      case .identical, .lagging: return [packets, packets]
      case .disjoint:
        return [packets.filter { flow($0) % 2 == 0 }, packets.filter { flow($0) % 2 == 1 }]
      case .overlapping:
        return [packets.filter { flow($0) % 3 != 0 }, packets.filter { flow($0) % 3 != 1 }]
      case .lossy:
        return (0..<3).map { _ in
          packets.filter { _ in Int.random(in: 0..<10, using: &generator) > 0 }
        }
      }
    }
  }

  private static let everything = ClusterRun.Faults(
    kills: 12, joins: 15, zombies: 12, cutOffs: 12, lostAnswers: 25, replays: 15, garbage: 8)

  private func run(
    _ view: View, _ faults: ClusterRun.Faults, packets count: Int = 1500, compactMin: Int = 16_384
  ) throws -> ClusterRun {
    var generator = TestSeed.generator(for: "cluster tracking \(view)")
    let configuration = TrackerConfiguration(tcpIdleTimeoutSeconds: 20, idleTimeoutSeconds: 5)
    let packets = ClusterTraffic.packets(
      count, endpoints: 40, secondsEach: 0.06, using: &generator)
    let views = view.split(packets, using: &generator)
    var messages: [ClusterTraffic.Message] = []
    for (number, seen) in views.enumerated() {
      messages += ClusterTraffic.messages(
        of: seen, point: "p\(number)", shards: 2, lagSeconds: number == 0 ? 0 : view.lagSeconds,
        runs: 2, using: &generator)
    }
    // Each point's keep their order.
    let order = messages.enumerated().sorted {
      ($0.element.atTick, $0.offset) < ($1.element.atTick, $1.offset)
    }
    var run = ClusterRun(shards: 2, configuration)
    run.settings.compactMin = compactMin
    try run.run(order.map(\.element), faults: faults, using: &generator)

    let total = views.reduce(0) { $0 + UInt64($1.count) }
    #expect(run.merger.contradictions == [])
    #expect(run.merger.packets == total && run.merger.missing == 0)
    #expect(run.merger.mapped + run.merger.elsewhere == total)
    if faults.reorders > 0 {
      // What was taken ahead of its place is refused when the next owner comes to that place.
      #expect(
        run.refusals.allSatisfy { (run.merger.refused[$0.key] ?? 0) >= $0.value }
          && run.merger.refused.keys.allSatisfy { run.refusals[$0] != nil || $0 == "replayed" })
      return run
    }
    #expect(run.merger.refused == run.refusals)
    let undisturbed = try run.undisturbed()
    #expect(undisturbed.contradictions == [])
    #expect(run.merger.all == undisturbed.all)
    #expect(run.merger.elsewhere == undisturbed.elsewhere)
    if view.isWhole {
      let audited = try ClusterRun.audited(packets, configuration)
      #expect(audited.count > 100)
      let found = run.merger.all
      #expect(found == audited)
      if found != audited {
        let (one, other) = (Set(found), Set(audited))
        print("too much:", one.subtracting(other).sorted().prefix(3).map(\.description))
        print("too little:", other.subtracting(one).sorted().prefix(3).map(\.description))
      }
      #expect(run.merger.mapped == UInt64(count))
    }
    return run
  }

  @Test("undisturbed, the points together make the sessions of an audit", arguments: View.allCases)
  func undisturbed(view: View) throws {
    let run = try run(view, .init())
    #expect(run.stops == 0)
  }

  @Test(
    "killed, cut off, taken for dead: nothing is counted twice, nothing is missing",
    arguments: View.allCases)
  func disturbed(view: View) throws {
    let run = try run(view, ClusterTrackingTests.everything)
    #expect(run.stops > 0)
    #expect(run.merger.refused["replayed", default: 0] > 0)
  }

  @Test(
    "compaction forgets only what can't be met again, whoever lags",
    arguments: [View.one, .identical, .lagging, .lossy])
  func compaction(view: View) throws {
    let run = try run(view, ClusterTrackingTests.everything, compactMin: 20)
    #expect(run.merger.shards.values.allSatisfy { $0.exportedEarly == 0 })
    #expect(run.merger.shards.values.reduce(0) { $0 + $1.snapshots } > 3)
  }

  @Test(
    "batches that are stored in another order are all taken", arguments: [View.one, .identical])
  func reordered(view: View) throws {
    var faults = ClusterTrackingTests.everything
    faults.reorders = 40
    // With everything else going wrong at the same time a few batches are still refused as old now and then.
    withKnownIssue("reordered batches, with kills and zombies", isIntermittent: true) {
      _ = try run(view, faults)
    }
  }

  /// What a tracker says of itself.
  private func status(_ name: String, _ log: MemoryLog) throws -> ProcessStatus {
    let value = try #require(try log.get("tracker.\(name)", in: .status))
    return try JSONDecoder().decode(ProcessStatus.self, from: Data(value.value))
  }

  private func settings(_ name: String, shards: Int) -> ClusterTrackerSettings {
    var settings = ClusterTrackerSettings(
      name: name, shards: shards, tracker: TrackerConfiguration(idleTimeoutSeconds: 1),
      host: "here", version: "0")
    settings.rowsMax = 8192
    settings.addressesExactly = 1 << 12
    return settings
  }

  @Test("a dead tracker's shards are another's within seconds, and both say what they have")
  func takeover() throws {
    var generator = TestSeed.generator(for: "takeover")
    let server = MemoryServer()
    let collector = MemoryLog(on: server)
    let logs = [MemoryLog(on: server), MemoryLog(on: server)]
    let trackers = try [("a", 1), ("b", 2)].enumerated().map {
      try ClusterTracking(
        settings($1.0, shards: 8), log: logs[$0], incarnation: UInt64($1.1))
    }
    let packets = ClusterTraffic.packets(
      800, endpoints: 60, secondsEach: 0.02, using: &generator)
    let messages = ClusterTraffic.messages(
      of: packets, point: "p", shards: 8, using: &generator)
    func publish(_ some: some Sequence<ClusterTraffic.Message>) throws {
      for one in some {
        let subject = ClusterSubject.records(point: "p", shard: Int(one.batch.shard))
        let id = "\(one.batch.shard).\(one.batch.sequence)"
        #expect(
          try collector.store([.init(subject: subject, id: id, payload: one.batch.encoded())])
            == nil)
      }
    }
    func turn(_ some: [ClusterTracking], from: Double, seconds: Double) throws {
      for step in 0..<Int(seconds * 10) {
        for one in some { _ = try one.turn(nowSeconds: from + Double(step) / 10) }
      }
    }
    try turn([trackers[0]], from: 0, seconds: 3)
    #expect(trackers[0].shards == Set(0..<8))
    try turn(trackers, from: 3, seconds: 8)
    #expect(trackers.map(\.shards.count) == [4, 4])
    #expect(trackers[0].shards.isDisjoint(with: trackers[1].shards))
    try publish(messages.prefix(messages.count / 2))
    try turn(trackers, from: 11, seconds: 4)
    #expect(try status("a", collector).tracker?.shards.map(\.shard) == trackers[0].shards.sorted())
    // b dies; what comes meanwhile waits in the stream.
    try publish(messages.suffix(from: messages.count / 2))
    try turn([trackers[0]], from: 15, seconds: 8)
    #expect(trackers[0].shards == Set(0..<8))
    let said = try status("a", collector)
    let seconds = try #require(said.tracker?.lastTakeoverSeconds)
    #expect(seconds >= 4 && seconds <= 6)
    let part = try #require(said.tracker)
    #expect(part.shards.allSatisfy { $0.pending == 0 && $0.epoch > 0 })
    #expect(said.problem == nil && said.items > 400 && said.memoryBytes > 0)
    #expect(part.takeovers == 8 && part.superseded == 0)
    var merger = HonestMerger()
    try merger.read(server.messages(of: .epochs))
    #expect(merger.contradictions == [] && merger.mapped == 800)
    // b was only asleep: it notices, and gets its half back in the end.
    try turn(trackers, from: 23, seconds: 8)
    #expect(trackers.map(\.shards.count) == [4, 4])
    trackers[1].stop(nowSeconds: 31)
    try turn([trackers[0]], from: 31, seconds: 2)
    #expect(trackers[0].shards == Set(0..<8))
  }

  @Test("a book that is full is made anew, with the addresses of the sessions that there are")
  func addresses() throws {
    let server = MemoryServer()
    let collector = MemoryLog(on: server)
    var settings = settings("a", shards: 1)
    settings.addressesExactly = 64
    settings.compactMin = 4
    settings.epochSeconds = 0
    let tracker = try ClusterTracking(settings, log: MemoryLog(on: server), incarnation: 1)
    var messages: [ClusterTraffic.Message] = []
    var generator = TestSeed.generator(for: "addresses")
    // Each host is there for a moment; a minute later its session is over.
    let packets = (0..<400).map { number in
      TrafficPacket(
        source: IPAddress(high: 0x2001_0DB8 << 32, low: UInt64(number)), sourcePort: 5000,
        destination: IPAddress(v4: v4("10.0.0.1")), destinationPort: 53, number: 17, flags: [],
        lengthBytes: 80, tick: ClusterTraffic.startTick + UInt64(number) * Tick.seconds(4))
    }
    messages = ClusterTraffic.messages(of: packets, point: "p", shards: 1, using: &generator)
    var now = 0.0
    for message in messages {
      let entry = LogEntry(
        subject: ClusterSubject.records(point: "p", shard: 0), id: "\(message.batch.sequence)",
        payload: message.batch.encoded())
      #expect(try collector.store([entry]) == nil)
      for _ in 0..<6 {
        now += 0.2
        _ = try tracker.turn(nowSeconds: now)
      }
    }
    for _ in 0..<200 {
      now += 0.2
      _ = try tracker.turn(nowSeconds: now)
    }
    var merger = HonestMerger()
    try merger.read(server.messages(of: .epochs))
    #expect(merger.contradictions == [] && merger.mapped == 400 && merger.all.count == 400)
    #expect(try status("a", collector).tracker?.takeovers ?? 0 > 1)
  }

  @Test("the service waits for the cluster, and refuses one with other shards")
  func service() throws {
    let log = MemoryLog()
    #expect(throws: ClusterError.self) {
      try ClusterTrackerService.run(settings("a", shards: 4), log: log) { false }
    }
    let layout = try JSONEncoder().encode(ClusterLayout(createdNs: 1, shards: 8))
    try log.put([UInt8](layout), for: "layout", in: .cluster)
    #expect(throws: ClusterError.self) {
      try ClusterTrackerService.run(settings("a", shards: 4), log: log) { false }
    }
    var turns = 0
    log.isCutOff = true
    try ClusterTrackerService.run(settings("a", shards: 8), log: log) {
      turns += 1
      if turns == 3 { log.isCutOff = false }
      return turns == 40
    }
    #expect(try log.get("assignment", in: .cluster) != nil)
    #expect(try log.get("tracker.a", in: .status) == nil)
    log.refusal = "no permission"
    #expect(throws: ClusterError.refused("no permission")) {
      try ClusterTrackerService.run(settings("a", shards: 8), log: log) { false }
    }
  }
}
