internal import Foundation
internal import Glibc
internal import Wire

/// Puts together how a unit is, from the board, its rings and /proc; keeps what rates need.
final class UnitObserver {
  private let startedAtSeconds = Clock.wallSeconds()
  private var lastAt: Double?
  private var lastItems: [String: UInt64] = [:]
  private var lastPackets: [String: UInt64] = [:]
  private var lastBytes: [String: UInt64] = [:]
  /// What the supervisor found out by itself.
  var warnings: [String] = []
  var configurationPath: String?

  private static let pageBytes = UInt64(sysconf(Int32(_SC_PAGESIZE)))
  private static let clockTicks = Double(sysconf(Int32(_SC_CLK_TCK)))

  /// How the unit is now.
  func status(of unit: UnitSupervisor) -> UnitStatus {
    let plan = unit.plan
    let now = Clock.seconds()
    let elapsed = lastAt.map { max(0.001, now - $0) }
    lastAt = now
    func rate(_ value: UInt64, _ last: inout [String: UInt64], _ key: String) -> Double {
      defer { last[key] = value }
      guard let elapsed, let before = last[key], value >= before else { return 0 }
      return Double(value - before) / elapsed
    }
    var status = UnitStatus()
    status.pid = getpid()
    status.startedAtSeconds = startedAtSeconds
    status.writtenAtSeconds = Clock.wallSeconds()
    status.state = unit.state
    status.configurationPath = configurationPath
    status.warnings = warnings

    // Where the clock was set back, the end of the capture stays where it was.
    let newest = plan.interfaces.indices.map { plan.board.get(.newestTick, of: $0) }.max() ?? 0
    for slot in unit.processes {
      var process = UnitStatus.Process(role: slot.stage.role)
      process.pid = slot.pid
      process.restarts = slot.restarts
      process.lastEnd = slot.lastEnd
      process.state =
        slot.isDone
        ? .ended
        : slot.quickEnds >= UnitSupervisor.quickEndsMax && slot.pid == nil
          ? .failed : slot.pid == nil ? .restarting : .running
      if let line = slot.stage.line {
        process.items = plan.board.get(.items, of: line)
        process.itemsPerSecond = rate(process.items, &lastItems, slot.stage.role)
        let reached = plan.board.get(.newestTick, of: line)
        if slot.stage.kind != .collector && reached > 0 && newest > 0 {
          process.lagSeconds =
            newest > reached ? Double(Tick.nanoseconds(newest - reached)) / 1e9 : 0
        }
      }
      process.inputRingFill = plan.fill(of: slot.stage)
      if let pid = slot.pid { (process.memoryBytes, process.cpuSeconds) = UnitObserver.usage(pid) }
      if process.state == .failed {
        status.warnings.append("the \(process.role) ends again and again: \(slot.lastEnd ?? "")")
      }
      status.processes.append(process)
    }

    var sum = Accounting()
    for (line, name) in plan.interfaces.enumerated() {
      let accounting = plan.board.accounting(of: line)
      for outcome in PacketOutcome.allCases { sum[outcome] += accounting[outcome] }
      let place = status.interfaces.firstIndex { $0.name == name } ?? status.interfaces.count
      if place == status.interfaces.count {
        status.interfaces.append(UnitStatus.Interface(name: name))
      }
      status.interfaces[place].captured += accounting.captured
      status.interfaces[place].capturedBytes += plan.board.get(.frameBytes, of: line)
      status.interfaces[place].droppedByKernel += accounting[.droppedByKernel]
      status.interfaces[place].droppedByRing += accounting[.droppedByRing]
      status.interfaces[place].downs += Int(plan.board.get(.interfaceDowns, of: line))
      switch plan.board.get(.interfaceState, of: line) {
      case 2: status.interfaces[place].state = .down
      case 3: status.interfaces[place].state = .missing
      default: break
      }
      let gaps = plan.board.get(.gaps, of: line)
      if gaps > 0 {
        let seconds = Double(Tick.nanoseconds(plan.board.get(.gapTicks, of: line))) / 1e9
        status.warnings.append(
          "\(name): \(gaps) gap\(gaps == 1 ? "" : "s") in the capture, "
            + "\(Int(seconds.rounded(.up))) s in all; packets of that time are missing")
      }
      let steps = plan.board.get(.clockSteps, of: line)
      if steps > 0 && Int(steps) > status.clock.steps {
        status.clock.steps = Int(steps)
        let ticks = Int64(bitPattern: plan.board.get(.clockStepTicks, of: line))
        status.clock.lastStepSeconds = Double(ticks) * 4096 / 1e9
        status.clock.lastStepAtSeconds =
          Double(Tick.nanoseconds(plan.board.get(.clockStepAt, of: line))) / 1e9
      }
    }
    for place in status.interfaces.indices {
      let one = status.interfaces[place]
      status.interfaces[place].packetsPerSecond = rate(one.captured, &lastPackets, one.name)
      status.interfaces[place].bytesPerSecond = rate(one.capturedBytes, &lastBytes, one.name)
    }
    let dropped = plan.board.accounting(of: plan.splitterLine)
    status.accounting.captured = sum.captured
    // Read after the collectors' counters, it may be ahead of them.
    let lost = plan.board.get(.lostPackets, of: plan.mergerLine)
    let droppedInAll = PacketOutcome.allCases.reduce(0) { $0 + dropped[$1] }
    let sent = sum[.mapped] - min(sum[.mapped], droppedInAll + lost)
    let committed: UInt64
    if let point = plan.capturePoint {
      // What this box has handed over, or keeps on its disk.
      let taken = plan.board.get(.items, of: plan.splitterLine)
      committed = taken - min(taken, droppedInAll)
      status.cluster = UnitObserver.cluster(point, plan.board, plan.splitterLine)
    } else {
      committed = plan.board.get(.committedPackets, of: plan.mergerLine)
    }
    status.accounting.mapped = min(committed, sent)
    status.accounting.inPipeline = sent - status.accounting.mapped
    for outcome in PacketOutcome.allCases where outcome != .mapped {
      let count = sum[outcome] + dropped[outcome] + (outcome == .lostInCrash ? lost : 0)
      if count > 0 { status.accounting.reasons[outcome.name] = count }
    }

    status.sessions.open = plan.trackerLines.reduce(0) { $0 + plan.board.get(.sessions, of: $1) }
    status.sessions.exportedEarly = plan.exportedEarly
    status.sessions.max = UInt64(plan.sessionsMax)
    let merger = plan.mergerLine
    status.links = plan.board.get(.links, of: merger)
    guard plan.capturePoint == nil else { return status }
    status.store.path = unit.configuration.store.path
    status.store.bytes = ["", "-wal"].reduce(0) {
      $0 + UnitObserver.fileBytes(unit.configuration.store.path + $1)
    }
    status.store.commits = plan.board.get(.commits, of: merger)
    let commitNs = plan.board.get(.commitNs, of: merger)
    if commitNs > 0 { status.store.lastCommitAtSeconds = Double(commitNs) / 1e9 }
    if plan.board.get(.storeProblem, of: merger) != 0 {
      status.store.problem =
        "disk full: the map goes on in memory and is written when there is room"
    }
    if plan.board.get(.setAside, of: merger) != 0 {
      let aside = UnitObserver.setAside(unit.configuration.store.path)
      status.store.setAside = aside
      status.warnings.append(
        "the store was damaged; it was set aside as \(aside), and a new one begun")
    }
    return status
  }

  /// How the box and its cluster get on, by the publisher's line.
  private static func cluster(
    _ point: String, _ board: borrowing StatusBoard, _ line: Int
  ) -> UnitStatus.Cluster {
    var cluster = UnitStatus.Cluster(capturePoint: point)
    cluster.isReachable = board.get(.clusterState, of: line) == 1
    cluster.batches = board.get(.batches, of: line)
    cluster.bytes = board.get(.batchBytes, of: line)
    cluster.spoolBytes = board.get(.spoolBytes, of: line)
    cluster.spooledRecords = board.get(.spooledRecords, of: line)
    cluster.spoolDamaged = board.get(.spoolDamaged, of: line)
    cluster.disconnects = board.get(.disconnects, of: line)
    return cluster
  }

  /// The newest of the damaged files beside a store.
  private static func setAside(_ path: String) -> String {
    let url = URL(fileURLWithPath: path)
    let folder = url.deletingLastPathComponent().path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let own = "\(url.lastPathComponent).damaged-"
    let newest = names.filter { $0.hasPrefix(own) && $0.hasSuffix("Z") }.max()
    return newest.map { "\(folder)/\($0)" } ?? "\(path).damaged-…"
  }

  private static func fileBytes(_ path: String) -> UInt64 {
    var facts = stat()
    return stat(path, &facts) == 0 ? UInt64(facts.st_size) : 0
  }

  /// Resident memory and the time used, of a process (proc(5)).
  static func usage(_ pid: pid_t) -> (memoryBytes: UInt64, cpuSeconds: Double) {
    func words(_ name: String) -> [Substring] {
      let text = (try? String(contentsOfFile: "/proc/\(pid)/\(name)", encoding: .utf8)) ?? ""
      // The command's name may have blanks.
      return (text.split(separator: ")").last ?? "").split(whereSeparator: \.isWhitespace)
    }
    let memory = words("statm").dropFirst().first.flatMap { UInt64($0) } ?? 0
    let stat = words("stat")
    let ticks = [11, 12].reduce(0.0) { sum, place in
      sum + (place < stat.count ? Double(stat[place]) ?? 0 : 0)
    }
    return (memory * pageBytes, ticks / clockTicks)
  }
}
