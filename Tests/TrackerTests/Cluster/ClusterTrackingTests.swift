import Cluster
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
    _ view: View, _ faults: ClusterRun.Faults, packets count: Int = 4000, compactMin: Int = 16_384
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
    #expect(run.merger.refused == run.refusals)
    let undisturbed = try run.undisturbed()
    #expect(undisturbed.contradictions == [])
    #expect(run.merger.all == undisturbed.all)
    #expect(run.merger.elsewhere == undisturbed.elsewhere)
    if view.isWhole {
      let audited = try ClusterRun.audited(packets, configuration)
      #expect(audited.count > 200)
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
    "compaction forgets only what can't be met again, whoever lags", arguments: View.allCases)
  func compaction(view: View) throws {
    let run = try run(view, ClusterTrackingTests.everything, compactMin: 20)
    #expect(run.merger.shards.values.allSatisfy { $0.snapshots > 3 && $0.exportedEarly == 0 })
  }
}
