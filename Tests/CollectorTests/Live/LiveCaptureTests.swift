import Foundation
import TestSupport
import Testing
import Wire

@testable import Collector

/// Captures from real interfaces, in a network namespace of their own.
@Suite(
  .serialized,
  .enabled(if: NetworkNamespace.isAllowed && Tool("python3").isInstalled, "takes root and python3"))
struct LiveCaptureTests {
  @Test("takes every packet, in order, and ends when it is told to")
  func everyPacket() throws {
    let run = try LiveRun()
    let collector = try run.start()
    try run.namespace.send(LiveRun.frames(0..<20_000))
    // At once: what the kernel still holds belongs to the capture.
    collector.send(signal: SIGTERM)
    #expect(collector.wait() == 0)
    #expect(collector.errors == "")
    let (headers, records) = try run.drain()
    #expect(records.map(LiveRun.number) == Array(0..<20_000))
    #expect(headers.map(\.sequence) == Array(1...UInt64(headers.count)))
    #expect(headers.allSatisfy { $0.period > 0 })
    let accounting = try run.accounting()
    #expect(accounting[.mapped] == 20_000)
    #expect(accounting.captured == 20_000)
    #expect(headers.last?.accounting == accounting)
    #expect(try run.get(.items) == 20_000)
    // Ethernet, IPv4, UDP, 20 bytes.
    #expect(try run.get(.frameBytes) == 20_000 * 62)
    let now = Tick.of(nanoseconds: UInt64(Date().timeIntervalSince1970 * 1e9))
    let (start, end) = try (run.get(.startTick), run.get(.endTick))
    #expect(start <= end && end <= now && now - start < Tick.seconds(60))
    #expect(try run.get(.clockSteps) == 0)
    #expect(try run.get(.gaps) == 0)
  }

  @Test("beats while nothing comes, and publishes single packets soon")
  func idle() throws {
    let run = try LiveRun()
    let collector = try run.start()
    try run.namespace.send(LiveRun.frames(0..<1))
    let began = Date()
    try run.waitFor(.outcomes) { $0 == 1 }
    // A block of the kernel's, and the batch's age.
    #expect(Date().timeIntervalSince(began) < 1)
    usleep(2_500_000)
    collector.send(signal: SIGINT)
    #expect(collector.wait() == 0)
    let headers = try run.drain().headers
    let beats = headers.filter { $0.itemCount == 0 }
    #expect((2...4).contains(beats.count))
    for (earlier, later) in zip(beats, beats.dropFirst()) {
      #expect(later.baseTick - earlier.baseTick > Tick.nanoseconds(1) / 4096)
      #expect(later.period > 0)
    }
  }

  @Test("ends by itself after as many packets, or as much time")
  func limits() throws {
    let run = try LiveRun(collectors: 2)
    let counting = try run.start(["--count", "100"])
    let timed = try run.start(["--for", "1.5"], collector: 1)
    try run.namespace.send(LiveRun.frames(0..<1000))
    #expect(counting.wait() == 0)
    #expect(timed.wait(limitSeconds: 5) == 0)
    #expect(try run.drain().records.count == 100)
    #expect(try run.drain(collector: 1).records.count == 1000)
  }

  @Test("counts what the ring has no room for")
  func ringDrops() throws {
    // 4 slots of 4 KiB hold 828 records, and nobody reads them.
    let run = try LiveRun(slotCount: 4, slotBytes: 4096)
    let collector = try run.start()
    try run.namespace.send(LiveRun.frames(0..<5000))
    try run.waitFor(.items) { $0 == 5000 }
    collector.send(signal: SIGTERM)
    #expect(collector.wait() == 0)
    let accounting = try run.accounting()
    let records = try run.drain().records
    #expect(accounting[.droppedByRing] > 4000)
    #expect(accounting[.mapped] == UInt64(records.count))
    #expect(accounting.captured == 5000)
  }

  @Test("counts what the kernel has no room for")
  func kernelDrops() throws {
    let run = try LiveRun()
    let collector = try run.start(["--buffer-bytes", "\(1 << 20)"])
    collector.send(signal: SIGSTOP)
    try run.namespace.send(LiveRun.frames(0..<20_000, payloadBytes: 200))
    collector.send(signal: SIGCONT)
    collector.send(signal: SIGTERM)
    #expect(collector.wait() == 0)
    let accounting = try run.accounting()
    #expect(accounting[.droppedByKernel] > 10_000)
    #expect(accounting[.mapped] > 0)
    #expect(accounting.captured == 20_000)
    #expect(try run.drain().records.count == Int(accounting[.mapped]))
  }

  @Test("goes on when the interface comes up again")
  func downAndUp() throws {
    let run = try LiveRun()
    let collector = try run.start()
    try run.namespace.send(LiveRun.frames(0..<100))
    try run.namespace.ip("link", "set", NetworkNamespace.inside, "down")
    try run.waitFor(.interfaceState) { $0 == 2 }
    usleep(1_200_000)
    try run.namespace.ip("link", "set", NetworkNamespace.inside, "up")
    try run.waitFor(.interfaceState) { $0 == 1 }
    try run.namespace.send(LiveRun.frames(100..<200))
    collector.send(signal: SIGTERM)
    #expect(collector.wait() == 0)
    #expect(try run.drain().records.map(LiveRun.number) == Array(0..<200))
    #expect(try run.get(.interfaceDowns) == 1)
    #expect(try run.get(.gaps) == 1)
    let gapTicks = try run.get(.gapTicks)
    #expect(gapTicks > Tick.seconds(1) && gapTicks < Tick.seconds(5))
  }

  @Test("leaves a removed interface to the next process, which waits for it")
  func removed() throws {
    let run = try LiveRun()
    let first = try run.start()
    try run.namespace.send(LiveRun.frames(0..<100))
    try run.waitFor(.outcomes) { $0 == 100 }
    try run.namespace.ip("link", "del", NetworkNamespace.inside)
    #expect(first.wait() == 75)
    #expect(try run.get(.interfaceState) == 3)
    let second = try run.start(isExpectedUp: false)
    usleep(1_300_000)
    #expect(try run.get(.interfaceState) == 3)
    try run.namespace.addPair()
    try run.waitFor(.interfaceState) { $0 == 1 }
    try run.namespace.send(LiveRun.frames(100..<200))
    second.send(signal: SIGTERM)
    #expect(second.wait() == 0)
    let (headers, records) = try run.drain()
    #expect(records.map(LiveRun.number) == Array(0..<200))
    #expect(headers.map(\.sequence) == headers.map(\.sequence).sorted())
    #expect(try run.accounting().captured == 200)
    #expect(try run.get(.interfaceDowns) == 1)
    #expect(try run.get(.gaps) == 1)
    #expect(try run.get(.gapTicks) > Tick.seconds(1))
  }

  @Test("waits for an interface that is down, and can be told to end while it does")
  func downAtStart() throws {
    let run = try LiveRun()
    try run.namespace.ip("link", "set", NetworkNamespace.inside, "down")
    let first = try run.start(isExpectedUp: false)
    try run.waitFor(.interfaceState) { $0 == 2 }
    try run.namespace.ip("link", "set", NetworkNamespace.inside, "up")
    try run.waitFor(.interfaceState) { $0 == 1 }
    try run.namespace.ip("link", "del", NetworkNamespace.inside)
    #expect(first.wait() == 75)
    let second = try run.start(isExpectedUp: false)
    usleep(300_000)
    second.send(signal: SIGTERM)
    #expect(second.wait(limitSeconds: 5) == 0)
    let headers = try run.drain().headers
    #expect(!headers.isEmpty && headers.allSatisfy { $0.itemCount == 0 })
  }

  @Test("has the first packet that comes with the carrier")
  func carrier() throws {
    let run = try LiveRun()
    try run.namespace.ip("link", "set", NetworkNamespace.outside, "down")
    let collector = try run.start(isExpectedUp: false)
    try run.waitFor(.interfaceState) { $0 == 2 }
    try run.namespace.ip("link", "set", NetworkNamespace.outside, "up")
    try run.namespace.send(LiveRun.frames(0..<10))
    collector.send(signal: SIGTERM)
    #expect(collector.wait() == 0)
    #expect(try run.drain().records.count == 10)
    #expect(try run.get(.gaps) == 1)
  }

  @Test("names the interfaces that there are where there is none of the name")
  func missing() throws {
    let run = try LiveRun()
    try run.namespace.ip("link", "set", NetworkNamespace.outside, "down")
    let collector = try run.start(interface: "eth7", isExpectedUp: false)
    #expect(collector.wait() == 1)
    #expect(
      collector.errors
        == "renkei: eth7: no such interface; there are: lo, out0 (down), in0 (down)\n")
  }

  @Test("keeps the VLAN tag that a card takes off")
  func vlan() throws {
    let run = try LiveRun(collectors: 2)
    let tagged = try run.start(["--", "vlan 7"])
    let other = try run.start(["--", "vlan 8"], collector: 1)
    // The kernel takes the tag off each frame that it receives, as a card would, before any socket sees it.
    try run.namespace.send(LiveRun.frames(0..<50, vlan: 7))
    for collector in [tagged, other] {
      collector.send(signal: SIGTERM)
      #expect(collector.wait() == 0)
    }
    #expect(try run.accounting()[.mapped] == 50)
    #expect(try run.drain().records.map(LiveRun.number) == Array(0..<50))
    #expect(try run.accounting(collector: 1)[.filtered] == 50)
  }

  @Test("captures from all interfaces together")
  func anyInterface() throws {
    let run = try LiveRun()
    let collector = try run.start(interface: "any")
    // From 1: what has no identification might be no copy.
    try run.namespace.send(LiveRun.frames(1..<201))
    collector.send(signal: SIGTERM)
    #expect(collector.wait() == 0)
    // Seen going out at one end and coming in at the other.
    let accounting = try run.accounting()
    #expect(accounting[.mapped] == 200)
    #expect(accounting[.duplicate] == 200)
    #expect(accounting.captured == 400)
  }

  @Test("shares an interface among collectors, both directions of a session in one")
  func fanout() throws {
    let run = try LiveRun(collectors: 2)
    let collectors = try (0..<2).map { member in
      try run.start(
        ["--fanout", "77", "--fanout-member", "\(member)", "--no-deduplicate"], collector: member)
    }
    var frames: [[UInt8]] = []
    for round in 0..<5 {
      for session in 0..<400 {
        let (client, server) = ("10.0.0.1", "10.0.\(session % 7).2")
        let port = UInt16(20_000 + session)
        frames.append(
          Frame.ethernet(
            .ipv4,
            round % 2 == 0
              ? Frame.ipv4(client, server, protocolNumber: 17, Frame.udp(port, 443))
              : Frame.ipv4(server, client, protocolNumber: 17, Frame.udp(443, port))))
      }
    }
    try run.namespace.send(frames)
    var sessions: [Set<UInt16>] = []
    var captured: UInt64 = 0
    for (member, collector) in collectors.enumerated() {
      collector.send(signal: SIGTERM)
      #expect(collector.wait() == 0)
      let records = try run.drain(collector: member).records
      sessions.append(
        Set(records.map { $0.sourcePort == 443 ? $0.destinationPort : $0.sourcePort }))
      captured += try run.accounting(collector: member).captured
      #expect(try run.accounting(collector: member)[.mapped] == UInt64(records.count))
    }
    #expect(captured == UInt64(frames.count))
    #expect(sessions[0].isDisjoint(with: sessions[1]))
    #expect(sessions.allSatisfy { $0.count > 100 })
    #expect(sessions[0].union(sessions[1]).count == 400)
  }

  @Test("takes no packet twice when a second collector joins the first")
  func fanoutUnderLoad() throws {
    let run = try LiveRun(collectors: 2)
    func start(_ member: Int) throws -> StageProcess {
      try run.start(
        ["--fanout", "78", "--fanout-member", "\(member)", "--no-deduplicate"], collector: member)
    }
    let sent = 40_000
    let first = try start(0)
    let sender = try run.namespace.startSending(LiveRun.frames(0..<sent), perSecond: 20_000)
    try run.waitFor(.items) { $0 > 1000 }
    let second = try start(1)
    sender.waitUntilExit()
    for collector in [first, second] {
      collector.send(signal: SIGTERM)
      #expect(collector.wait() == 0)
    }
    let numbers = try (0..<2).map { try run.drain(collector: $0).records.map(LiveRun.number) }
    #expect(numbers.allSatisfy { $0.count > 5000 })
    #expect(Set(numbers[0]).isDisjoint(with: numbers[1]))
    // But for what came within the two system calls that the joining takes.
    #expect(numbers[0].count + numbers[1].count > sent - 200)
  }

  @Test("accounts for every packet when it is killed again and again", .timeLimit(.minutes(1)))
  func killed() throws {
    let run = try LiveRun()
    var generator = TestSeed.generator(for: "killed collector")
    let sent = 60_000
    var collector = try run.start()
    let sender = try run.namespace.startSending(LiveRun.frames(0..<sent), perSecond: 20_000)
    var kills: UInt64 = 0
    while sender.isRunning {
      usleep(.random(in: 100_000...400_000, using: &generator))
      collector.send(signal: SIGKILL)
      #expect(collector.wait() == -SIGKILL)
      #expect(try run.accounting().captured <= UInt64(sent))
      kills += 1
      collector = try run.start(isExpectedUp: false)
      try run.waitFor(.gaps) { $0 == kills }
    }
    sender.waitUntilExit()
    #expect(kills > 2)
    collector.send(signal: SIGTERM)
    #expect(collector.wait() == 0)
    let (headers, records) = try run.drain()
    let accounting = try run.accounting()
    // What the next stage has is exact: each packet once, as many as the accounting says.
    #expect(accounting[.mapped] == UInt64(records.count))
    #expect(Set(records.map(LiveRun.number)).count == records.count)
    #expect(headers.last?.accounting == accounting)
    #expect(accounting.captured == (try run.get(.items)) + accounting[.droppedByKernel])
    #expect(accounting.captured <= UInt64(sent))
    #expect(accounting[.lostInCrash] > 0)
    #expect(try run.get(.gaps) == kills)
    #expect(try run.get(.gapTicks) > 0)
  }
}
