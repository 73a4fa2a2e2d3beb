import Foundation
import TestSupport
import Testing

@testable import Renkei

/// Units that capture for real, and what they go through; beside tcpdump(8) on the same packets.
@Suite(
  .serialized,
  .enabled(
    if: NetworkNamespace.isAllowed && Tool("python3").isInstalled && Tool("tcpdump").isInstalled,
    "takes root, python3 and tcpdump"))
struct UnitTests {
  @Test("the live map is the map of what tcpdump captured, and every packet is accounted for")
  func sameAsFile() throws {
    let run = try UnitRun(try NetworkNamespace())
    try run.configure()
    let frames = try UnitTraffic.office()
    let beside = try Beside(run)
    try run.start()
    let sender = try run.namespace.startSending(frames, perSecond: 4000)
    var captured: UInt64 = 0
    var mapped: UInt64 = 0
    // `wait` looks at the balance of each status.
    try run.wait("all captured") { status in
      #expect(status.accounting.captured >= captured && status.accounting.mapped >= mapped)
      (captured, mapped) = (status.accounting.captured, status.accounting.mapped)
      return captured == UInt64(frames.count) && status.accounting.inPipeline == 0
    }
    sender.waitForEnd()
    try beside.end(after: frames)

    // Metrics say the same as the status.
    let page = try Command.run(
      "/usr/bin/env",
      run.namespace.prefix + [
        "python3", "-c",
        "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9477/metrics').read().decode())",
      ])
    #expect(page.text.contains("\nrenkei_accounted_packets_total \(frames.count)\n"))
    #expect(page.text.contains("\nrenkei_mapped_packets_total \(mapped)\n"))
    #expect(page.text.contains("renkei_interface_up{interface=\"in0\"} 1\n"))
    for stage in ["collector in0", "splitter", "tracker 1", "tracker 2", "merger"] {
      #expect(page.text.contains("renkei_process_running{role=\"\(stage)\"} 1\n"))
    }

    // All of it was done by processes that may do nothing else.
    let children = run.children()
    #expect(
      children.map(\.stage).sorted() == ["collect", "merge", "serve", "split", "track", "track"])
    let nobody = try #require(SystemUser(name: "nobody"))
    for child in children {
      let facts = try String(contentsOfFile: "/proc/\(child.pid)/status", encoding: .utf8)
      let uid = nobody.uid
      #expect(facts.contains("Uid:\t\(uid)\t\(uid)\t\(uid)\t\(uid)\n"), "\(child.stage)")
      for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        #expect(facts.contains("\(set):\t0000000000000000\n"), "\(child.stage)")
      }
      #expect(facts.contains("NoNewPrivs:\t1\n"), "\(child.stage)")
    }

    #expect(run.end() == 0)
    #expect(run.errors == "")
    #expect(run.status?.state == .ended)
    #expect(try run.map() == UnitRun.map(of: beside.capture))
    let accounting = try run.accounting()
    #expect(accounting["captured", default: 0] == frames.count)
    #expect(accounting["mapped", default: 0] == Int(mapped))
  }

  @Test(
    "the map is the same when splitter, trackers, merger and reporter are killed again and again",
    .timeLimit(.minutes(2)))
  func killed() throws {
    let run = try UnitRun(try NetworkNamespace())
    try run.configure()
    var generator = TestSeed.generator(for: "killed unit")
    let office = try UnitTraffic.office()
    // The same sessions again, each after its end.
    let frames = office + office + office
    let beside = try Beside(run)
    try run.start()
    let sender = try run.namespace.startSending(frames, perSecond: 4000)
    var kills: [String: Int] = [:]
    while sender.isRunning {
      usleep(.random(in: 50_000...350_000, using: &generator))
      let victims = run.children().filter { $0.stage != "collect" }
      guard let victim = victims.randomElement(using: &generator) else { continue }
      kill(victim.pid, SIGKILL)
      kills[victim.stage, default: 0] += 1
    }
    sender.waitForEnd()
    try beside.end(after: frames)
    #expect(run.end() == 0)
    print("killed: \(kills)")
    #expect(kills.values.reduce(0, +) >= 12 && kills.count == 4)
    let status = try #require(run.status)
    #expect(status.processes.reduce(0) { $0 + $1.restarts } >= 12)
    #expect(status.accounting.captured == UInt64(frames.count))
    #expect(status.accounting.reasons.keys.filter { $0.hasPrefix("dropped") } == [])
    #expect(try run.map() == UnitRun.map(of: beside.capture))
  }

  @Test("a killed collector leaves a gap that is shown, and everything else is exact")
  func killedCollector() throws {
    let run = try UnitRun(try NetworkNamespace())
    try run.configure()
    let frames = try UnitTraffic.office()
    try run.start()
    let sender = try run.namespace.startSending(frames, perSecond: 3000)
    for number in 1...2 as ClosedRange<UInt64> {
      try run.wait("capturing") { $0.accounting.captured > number * 1000 }
      let collector = try #require(run.children().first { $0.stage == "collect" })
      kill(collector.pid, SIGKILL)
      try run.wait("started again") { $0.warnings.contains { $0.contains("\(number) gap") } }
    }
    sender.waitForEnd()
    try run.wait("committed") { $0.accounting.inPipeline == 0 }
    #expect(run.end() == 0)
    let status = try #require(run.status)
    #expect(status.accounting.isBalanced && status.accounting.inPipeline == 0)
    #expect(status.warnings.contains { $0.hasPrefix("in0: 2 gaps in the capture, ") })
    #expect(status.accounting.captured <= UInt64(frames.count))
    #expect(status.accounting.captured > UInt64(frames.count) / 2)
    // The report says the same.
    let accounting = try run.accounting()
    #expect(accounting["captured", default: 0] == Int(status.accounting.captured))
    #expect(accounting["mapped", default: 0] == Int(status.accounting.mapped))
    #expect(
      accounting["lostInCrash", default: 0] == Int(status.accounting.reasons["lostInCrash"] ?? 0))
    #expect(try run.warnings().contains { $0.contains("2 gaps in the capture, ") })
  }

  @Test("a killed supervisor leaves no process and no memory, and the next one goes on")
  func killedSupervisor() throws {
    let run = try UnitRun(try NetworkNamespace())
    try run.configure()
    let shared = { try FileManager.default.contentsOfDirectory(atPath: "/dev/shm").sorted() }
    let before = try shared().filter { $0.contains("renkei") }
    let frames = try UnitTraffic.office()
    var committed: [UInt64] = []
    for part in [frames[..<3000], frames[3000...]] {
      try run.start()
      try run.namespace.send(Array(part), perSecond: 5000)
      let status = try run.wait("committed") {
        $0.accounting.captured == UInt64(part.count) && $0.accounting.inPipeline == 0
      }
      committed.append(status.accounting.mapped)
      let children = run.children()
      #expect(children.count == 6)
      if committed.count == 1 {
        run.send(signal: SIGKILL)
        #expect(run.waitForEnd() == -SIGKILL)
        let limit = Date() + 20
        while children.contains(where: { kill($0.pid, 0) == 0 }), Date() < limit { usleep(10_000) }
      } else {
        #expect(run.end() == 0)
      }
      #expect(children.allSatisfy { kill($0.pid, 0) != 0 })
    }
    #expect(try shared().filter { $0.contains("renkei") } == before)
    let accounting = try run.accounting()
    #expect(accounting["captured", default: 0] == frames.count)
    #expect(accounting["mapped", default: 0] == Int(committed[0] + committed[1]))
    let info = try Command.run(["store", "info", "--store", run.store])
    #expect(info.status == 0, "\(info.errors)")
  }

  @Test("SIGHUP takes a changed configuration over, and keeps the old one where the new is broken")
  func reload() throws {
    let run = try UnitRun(try NetworkNamespace())
    try run.configure()
    let frames = try UnitTraffic.office()
    try run.start()
    let first = run.pid
    let pid = { run.status.flatMap { status in status.processes.first?.pid } }
    try run.namespace.send(Array(frames[..<1000]))
    try run.wait("captured") { $0.accounting.captured == 1000 }

    // A word that there is not: the unit goes on as before, and says so.
    let before = pid()
    let good = try String(contentsOfFile: run.configuration, encoding: .utf8)
    _ = try run.folder.write(Data((good + "pipelin: {}\n").utf8), to: "renkei.yaml")
    run.send(signal: SIGHUP)
    let refused = try run.wait("warned") { !$0.warnings.isEmpty }
    #expect(refused.warnings.contains { $0.contains("not taken over") && $0.contains("pipelin") })
    #expect(run.errors.contains("the configuration was not taken over"))
    #expect(pid() == before)
    try run.namespace.send(Array(frames[1000..<2000]))
    try run.wait("captured") { $0.accounting.captured == 2000 && $0.accounting.inPipeline == 0 }

    try run.configure(trackers: 1, filter: "udp")
    run.send(signal: SIGHUP)
    let changed = try run.wait("started over") {
      $0.state == .capturing && !$0.processes.contains { $0.role == "tracker 2" }
    }
    #expect(changed.pid == first && changed.warnings.isEmpty)
    try run.namespace.send(Array(frames[2000..<3000]))
    let filtered = try run.wait("captured") {
      $0.accounting.captured == 1000 && $0.accounting.inPipeline == 0
    }
    #expect(filtered.accounting.reasons["filtered", default: 0] > 100)
    #expect(run.end() == 0)
    #expect(try run.accounting()["captured", default: 0] == 3000)
    #expect(
      try run.accounting()["filtered", default: 0]
        == Int(filtered.accounting.reasons["filtered", default: 0]))
  }

  @Test("a full disk is said, and nothing is missing once there is room", .timeLimit(.minutes(2)))
  func fullDisk() throws {
    let folder = try TemporaryDirectory()
    guard let disk = try SmallDisk(folder.path("disk"), megabytes: 8) else { return }
    let run = try UnitRun(try NetworkNamespace(), place: disk.path)
    chmod(disk.path, 0o777)
    try run.configure()
    let frames = try UnitTraffic.office()
    let beside = try Beside(run)
    try run.start()
    try run.namespace.send(Array(frames[..<1000]), perSecond: 4000)
    try run.wait("committed") { $0.accounting.mapped > 0 && $0.accounting.inPipeline == 0 }
    try disk.fill()
    try run.namespace.send(Array(frames[1000...]), perSecond: 4000)
    let full = try run.wait("full") {
      $0.store.problem != nil && $0.accounting.captured == UInt64(frames.count)
    }
    #expect(full.store.problem?.contains("disk full") == true)
    #expect(full.processes.allSatisfy { $0.restarts == 0 && $0.state == .running })
    try disk.makeRoom()
    try run.wait("committed") { $0.store.problem == nil && $0.accounting.inPipeline == 0 }
    try beside.end(after: frames)
    #expect(run.end() == 0)
    #expect(try run.map() == UnitRun.map(of: beside.capture))
  }

  @Test("a damaged store is set aside by name, and a new one begun")
  func damaged() throws {
    let run = try UnitRun(try NetworkNamespace())
    try run.configure()
    let place = (run.store as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    chmod(place, 0o777)
    try run.start()
    let frames = try UnitTraffic.office()
    try run.namespace.send(Array(frames[..<1000]))
    try run.wait("committed") { $0.accounting.captured == 1000 && $0.accounting.inPipeline == 0 }
    #expect(run.end() == 0)
    var bytes = try TemporaryDirectory.read(run.store)
    // Not the first pages: what has nothing of a store in it is not touched at all.
    for index in stride(from: bytes.count / 2, to: bytes.count, by: 7) { bytes[index] ^= 0x5A }
    try Data(bytes).write(to: URL(fileURLWithPath: run.store))
    chmod(run.store, 0o666)
    try run.start()
    try run.namespace.send(Array(frames[1000..<1500]))
    let status = try run.wait("committed") {
      $0.accounting.captured == 500 && $0.accounting.inPipeline == 0 && $0.store.setAside != nil
    }
    let aside = try #require(status.store.setAside)
    #expect(status.warnings.contains { $0.contains("damaged") && $0.contains(aside) })
    #expect(try TemporaryDirectory.read(aside) == bytes)
    #expect(run.end() == 0)
    #expect(try run.accounting()["captured", default: 0] == 500)
  }

  @Test("an interface that is not there ends the run, and those that are there are named")
  func missingInterface() throws {
    let run = try UnitRun(try NetworkNamespace())
    try run.configure(interfaces: "[eth7]")
    try run.start(isExpectedUp: false)
    #expect(run.waitForEnd(limitSeconds: 20) == 1)
    #expect(run.errors.contains("eth7: no such interface; there are: "))
    #expect(run.errors.contains("in0") && run.errors.contains("out0"))
    #expect(run.children().isEmpty)
  }

  @Test("an interface that goes away and comes back is waited for")
  func interfaceRemoved() throws {
    let run = try UnitRun(try NetworkNamespace())
    try run.configure()
    let frames = try UnitTraffic.office()
    try run.start()
    try run.namespace.send(Array(frames[..<1000]))
    try run.wait("captured") { $0.accounting.captured == 1000 }
    try run.namespace.ip("link", "del", NetworkNamespace.inside)
    try run.wait("missing") { $0.interfaces.first?.state == .missing }
    try run.namespace.addPair()
    try run.wait("back") { $0.interfaces.first?.state == .up }
    try run.namespace.send(Array(frames[1000..<2000]))
    let status = try run.wait("captured") {
      $0.accounting.captured == 2000 && $0.accounting.inPipeline == 0
    }
    #expect(status.interfaces.first?.downs == 1)
    #expect(status.warnings.contains { $0.contains("1 gap in the capture") })
    #expect(run.end() == 0)
    #expect(try run.accounting()["captured", default: 0] == 2000)
  }

  @Test("two interfaces, one of them shared by two collectors, are one map")
  func interfaces() throws {
    let namespace = try NetworkNamespace()
    try namespace.ip("link", "add", "in1", "type", "veth", "peer", "name", "out1")
    for end in ["in1", "out1"] { try namespace.ip("link", "set", end, "up") }
    let run = try UnitRun(namespace)
    try run.configure(interfaces: "[{name: in0, collectors: 2}, in1]")
    let frames = try UnitTraffic.office()
    try run.start()
    #expect(run.children().count { $0.stage == "collect" } == 3)
    try namespace.send(Array(frames[..<4000]), perSecond: 8000)
    try namespace.send(Array(frames[4000...]), into: "out1", perSecond: 8000)
    let status = try run.wait("captured") {
      $0.accounting.captured == UInt64(frames.count) && $0.accounting.inPipeline == 0
    }
    #expect(status.interfaces.map(\.name) == ["in0", "in1"])
    #expect(status.interfaces.map(\.captured) == [4000, UInt64(frames.count - 4000)])
    let shares = status.processes.filter { $0.role.hasPrefix("collector in0") }.map(\.items)
    #expect(shares.count == 2 && shares.allSatisfy { $0 > 200 })
    #expect(run.end() == 0)
    // The same services as in the file; packets of one session on two interfaces may have crossed.
    let office = try services(["audit", "-r", OfficeTests.capture])
    let live = try services(["report", "--store", run.store])
    #expect(office.count > 20 && live == office)
  }

  @Test("a flood of address pairs stays within the caps, and the rest of the map is right")
  func flood() throws {
    let run = try UnitRun(try NetworkNamespace())
    try run.configure(trackers: 1, pipeline: ["linksMax: 2000"])
    let text = try String(contentsOfFile: run.configuration, encoding: .utf8)
      .replacingOccurrences(of: "sessionsMax: 100000", with: "sessionsMax: 32768")
    _ = try run.folder.write(Data(text.utf8), to: "renkei.yaml")
    // A SYN each, from anywhere to anywhere in two networks; every twelfth frame is the office's.
    var generator = TestSeed.generator(for: "flood")
    let office = try UnitTraffic.office()
    let pattern = Frame.ethernet(
      .ipv4, Frame.ipv4("172.16.0.0", "172.20.0.0", protocolNumber: 6, Frame.tcp(1, 1, flags: 2)))
    var frames: [[UInt8]] = []
    for frame in office {
      frames.append(frame)
      for _ in 0..<11 {
        var one = pattern
        let bits = generator.next()
        for (place, shift) in [(28, 0), (29, 8), (32, 16), (33, 24), (34, 32), (36, 40)] {
          one[place] = UInt8(truncatingIfNeeded: bits >> UInt64(shift))
        }
        frames.append(one)
      }
    }
    try run.start()
    let sender = try run.namespace.startSending(frames, perSecond: 30_000)
    var openMax: UInt64 = 0
    var linksMax: UInt64 = 0
    let status = try run.wait("captured") { status in
      openMax = max(openMax, status.sessions.open)
      linksMax = max(linksMax, status.links)
      return status.accounting.captured == UInt64(frames.count)
        && status.accounting.inPipeline == 0
    }
    sender.waitForEnd()
    #expect(status.sessions.max == 32_768 && openMax <= 32_768)
    #expect(status.sessions.exportedEarly > 20_000)
    // Joined as soon as they are too many; two minutes may be open at once.
    #expect(linksMax < 20_000)
    #expect(status.accounting.reasons.keys.filter { $0.hasPrefix("dropped") } == [])
    #expect(status.processes.allSatisfy { $0.restarts == 0 })
    #expect(run.end() == 0)
    let accounting = try run.accounting()
    #expect(accounting["captured", default: 0] == frames.count)
    let live = try services(["report", "--store", run.store])
    #expect(try services(["audit", "-r", OfficeTests.capture]).subtracting(live) == [])
  }

  @Test("an audit of an interface ends after its time or its packets, and leaves report and map")
  func audit() throws {
    let run = try UnitRun(try NetworkNamespace())
    let office = try UnitTraffic.office()
    let sender = try run.namespace.startSending(office + office + office, perSecond: 2000)
    defer {
      kill(sender.processIdentifier, SIGKILL)
      sender.waitForEnd()
    }
    func audit(_ options: [String]) throws -> Command.Result {
      let words =
        run.namespace.prefix + [Command.renkei, "audit", "-i", "in0"] + options
      return try Command.run("/usr/bin/env", words, in: run.folder.path)
    }
    let timed = try audit(["--for", "2s", "-o", "x.html", "-o", "map.db"])
    #expect(timed.status == 0, "\(timed.errors)")
    #expect(timed.seconds > 2)
    #expect(TemporaryDirectory.size(run.folder.path("x.html")) > 10_000)
    let left = try FileManager.default.contentsOfDirectory(atPath: run.folder.path).sorted()
    #expect(left == ["map.db", "x.html"])
    let kept = try Command.run(
      ["report", "--store", run.folder.path("map.db"), "--format", "json"])
    let capture = kept.json?["capture"] as? [String: Any]
    let accounting = capture?["accounting"] as? [String: Int] ?? [:]
    #expect(accounting["captured", default: 0] > 1000)
    #expect(
      accounting["captured", default: 0]
        == accounting.filter { $0.key != "captured" }.values.reduce(0, +))

    let counted = try audit(["--count", "700", "--format", "json", "-o", "-"])
    #expect(counted.status == 0, "\(counted.errors)")
    let packets = (counted.json?["capture"] as? [String: Any])?["packets"] as? Int
    #expect(packets == 700)
  }

  /// Who serves what to whom.
  private func services(_ arguments: [String]) throws -> Set<[String]> {
    let result = try Command.run(arguments + ["--format", "csv"])
    try #require(result.status == 0, "\(result.errors)")
    let lines = result.text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    #expect(lines.first?.prefix(8).last == "client")
    return Set(
      lines.dropFirst().filter { $0.first == "provided" }.map { $0.prefix(8).map(String.init) })
  }
}
