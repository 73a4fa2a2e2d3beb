internal import Glibc
internal import Wire

/// The life of one live capture: waits for the interface, takes packets, and does in between what is due.
struct LiveCapture: ~Copyable {
  private let live: LiveConfiguration
  private let signals: StopSignals
  private var sink: LiveSink
  private var clocks = ClockWatch()
  /// Whether a process before this one captured from the interface.
  private let goesOn: Bool
  /// Since when nothing is captured that should be, CLOCK_BOOTTIME; nil while all is well.
  private var awaySinceNs: Int64?
  /// The batch that was open at the last look, and since when.
  private var openBatch: UInt64?
  private var openSinceNs: Int64 = 0
  private var beatNs: Int64 = 0
  private var lookNs: Int64 = 0

  /// Packets between two looks at everything else: 2 ms at 2 million a second.
  private static let runPackets: UInt64 = 4096
  /// How long a record may wait for its batch to fill.
  private static let openNsMax: Int64 = 50_000_000
  private static let beatNsMax: Int64 = 1_000_000_000
  /// How often the kernel is asked for its drops, and for the state of the interface.
  private static let lookNsMax: Int64 = 200_000_000
  /// A beat promises no more than that nothing from before the last blocks will come.
  private static let beatSlackNs: Int64 = 200_000_000
  /// How long the kernel's buffer is emptied at the end.
  private static let drainNsMax: Int64 = 1_000_000_000

  private enum InterfaceState: UInt64 {
    case notYet = 0
    case capturing, down, missing
  }

  init(live: LiveConfiguration, signals: StopSignals, sink: consuming LiveSink) {
    self.live = live
    self.signals = signals
    goesOn = sink.get(.interfaceState) != InterfaceState.notYet.rawValue
    self.sink = sink
    if goesOn { beginGapOfPredecessor() }
  }

  // MARK: - Opening

  /// The open interface, after waiting for it where that makes sense; nil where it was told to end.
  mutating func open() throws -> LiveHandle? {
    if live.onlyEnds {
      sink.close(at: wallNs)
      return nil
    }
    var pauseMilliseconds: Int32 = 200
    while true {
      var pauseMillisecondsMax: Int32 = 5000
      do throws(LiveHandle.Failure) {
        return try LiveHandle.open(live)
      } catch {
        switch error {
        case .lasting(let failure): throw failure
        case .down:
          // Whoever switches it on expects packets.
          pauseMillisecondsMax = 200
          set(.down)
        case .missing where goesOn: set(.missing)
        case .missing:
          throw CollectorError.noInterface(name: live.interface, existing: NetworkInterface.all())
        }
      }
      pauseMilliseconds = min(pauseMilliseconds, pauseMillisecondsMax)
      guard idle(milliseconds: pauseMilliseconds) else {
        sink.close(at: wallNs)
        return nil
      }
      pauseMilliseconds *= 2
    }
  }

  /// - Returns: false where it was told to end.
  private mutating func idle(milliseconds: Int32) -> Bool {
    for _ in 0..<milliseconds / 50 {
      if signals.isPending { return false }
      usleep(50_000)
      attend(tookSome: false)
    }
    return true
  }

  // MARK: - Capturing

  mutating func run(_ opened: consuming LiveHandle) throws -> LiveCollectorService.End {
    var handle = opened
    let takenBefore = sink.taken
    sink.linkType = handle.linkType
    sink.foreign = handle.foreign
    endGap()
    guard isThere(handle.index) else {
      leave()
      return .interfaceRemoved
    }
    let endNs = live.durationSeconds.map { ClockWatch.read(CLOCK_BOOTTIME) + Int64($0 * 1e9) }
    var failures = 0
    while true {
      let wanted = live.packetsMax.map { $0 - min($0, sink.taken) } ?? .max
      let isOver = wanted == 0 || endNs.map { ClockWatch.read(CLOCK_BOOTTIME) >= $0 } ?? false
      if isOver || signals.isPending {
        finish(&handle, takenBefore: takenBefore, drains: wanted > 0)
        return .complete
      }
      let count = handle.dispatch(Int32(min(wanted, LiveCapture.runPackets)), to: &sink)
      attend(tookSome: count ?? 0 > 0)
      if ClockWatch.read(CLOCK_BOOTTIME) >= lookNs {
        lookNs = ClockWatch.read(CLOCK_BOOTTIME) + LiveCapture.lookNsMax
        sink.countDroppedByKernel(handle.readDrops())
        sink.expect(
          handle.delivered - min(handle.delivered, sink.taken - takenBefore))
        guard isThere(handle.index) else {
          leave()
          return .interfaceRemoved
        }
      }
      switch count {
      case nil:
        // While it is down, or while its end is not known yet.
        failures = awaySinceNs == nil ? failures + 1 : 0
        if failures > 40 {
          throw CollectorError.badInterface(name: live.interface, reason: handle.failureReason)
        }
        usleep(50_000)
      case 0:
        failures = 0
        _ = handle.wait(milliseconds: LiveHandle.blockMilliseconds)
      default: failures = 0
      }
    }
  }

  /// Whether the interface is still the one that was opened. Keeps its state.
  private mutating func isThere(_ index: Int32) -> Bool {
    switch NetworkInterface(named: live.interface) {
    case .up(index):
      endGap()
      set(.capturing)
      return true
    case .off(index), .noCarrier(index):
      if awaySinceNs == nil { beginGap() }
      set(.down)
      return true
    default: return false
    }
  }

  /// What is due between two runs of packets.
  private mutating func attend(tookSome: Bool) {
    guard let now = ClockWatch.now() else { return }
    if let stepNs = clocks.look(wallNs: now.wallNs, bootNs: now.bootNs) {
      sink.add(1, to: .clockSteps)
      // Ticks of 4,096 ns; the sign is kept.
      sink.set(.clockStepTicks, to: UInt64(bitPattern: stepNs >> 12))
      sink.set(.clockStepAt, to: Tick.of(nanoseconds: UInt64(max(0, now.wallNs))))
    }
    if sink.openBatch == nil || sink.openBatch != openBatch {
      if openBatch != nil || sink.openBatch != nil { beatNs = now.bootNs + LiveCapture.beatNsMax }
      openBatch = sink.openBatch
      openSinceNs = now.bootNs
    } else if now.bootNs - openSinceNs >= LiveCapture.openNsMax {
      sink.publish()
      openBatch = nil
      beatNs = now.bootNs + LiveCapture.beatNsMax
    }
    if tookSome { sink.tellNewest() }
    if now.bootNs >= beatNs {
      beatNs = now.bootNs + LiveCapture.beatNsMax
      // Where packets come that make no records, older ones than now may still be in the kernel's buffer.
      let idleNs = UInt64(max(0, now.wallNs - LiveCapture.beatSlackNs))
      sink.beat(at: tookSome ? sink.latestNs : idleNs)
      if awaySinceNs != nil { stretchGap(to: now.bootNs) }
    }
    sink.tell()
  }

  // MARK: - The end

  /// Takes what the kernel has already, and ends the stream.
  private mutating func finish(
    _ handle: inout LiveHandle, takenBefore: UInt64, drains: Bool
  ) {
    handle.refuse()
    let limitNs = ClockWatch.read(CLOCK_BOOTTIME) + LiveCapture.drainNsMax
    while drains, ClockWatch.read(CLOCK_BOOTTIME) < limitNs {
      guard let count = handle.dispatch(Int32(LiveCapture.runPackets), to: &sink) else { break }
      // The block that was being filled comes when it is old enough.
      if count == 0, !handle.wait(milliseconds: 2 * LiveHandle.blockMilliseconds) { break }
    }
    sink.countDroppedByKernel(handle.readDrops())
    // What the second was too short for.
    if drains {
      let taken = sink.taken - takenBefore
      sink.countDroppedByKernel(handle.delivered - min(handle.delivered, taken))
    }
    endGap()
    sink.close(at: wallNs)
  }

  /// Leaves the stream to the next process.
  private mutating func leave() {
    if awaySinceNs == nil { beginGap() }
    endGap()
    set(.missing)
    sink.publish()
    sink.beat(at: wallNs)
    sink.tell()
  }

  private var wallNs: UInt64 { UInt64(max(0, ClockWatch.read(CLOCK_REALTIME))) }

  // MARK: - Gaps

  private func set(_ state: InterfaceState) { sink.set(.interfaceState, to: state.rawValue) }

  private mutating func beginGap() {
    sink.add(1, to: .interfaceDowns)
    sink.add(1, to: .gaps)
    awaySinceNs = ClockWatch.read(CLOCK_BOOTTIME)
  }

  /// From the last sign of the process before to now. Where that one was waiting for the interface, it has
  /// counted the gap itself.
  private mutating func beginGapOfPredecessor() {
    if sink.get(.interfaceState) == InterfaceState.capturing.rawValue { sink.add(1, to: .gaps) }
    let newest = sink.get(.newestTick)
    let now = Tick.of(nanoseconds: wallNs)
    if newest > 0, now > newest { sink.add(now - newest, to: .gapTicks) }
    awaySinceNs = ClockWatch.read(CLOCK_BOOTTIME)
  }

  private mutating func stretchGap(to nowNs: Int64) {
    guard let since = awaySinceNs else { return }
    sink.add(Tick.of(nanoseconds: UInt64(max(0, nowNs - since))), to: .gapTicks)
    awaySinceNs = nowNs
  }

  private mutating func endGap() {
    stretchGap(to: ClockWatch.read(CLOCK_BOOTTIME))
    awaySinceNs = nil
  }
}
