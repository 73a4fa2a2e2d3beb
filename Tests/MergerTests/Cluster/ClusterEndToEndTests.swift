import Cluster
import Foundation
import ServiceMap
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Merger
@testable import Tracker

/// Batches of two capture points through trackers and mergers: the same map as an audit of the packets makes.
@Suite struct ClusterEndToEndTests {
  private static let shards = 4
  private let begin = Tick.of(nanoseconds: 1_700_000_040_000_000_000)
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private struct Packet {
    var source: (IPAddress, UInt16)
    var destination: (IPAddress, UInt16)
    var protocolNumber: UInt8
    var flags: TCPFlags = []
    var lengthBytes: UInt16
    var tick: UInt64
  }

  /// Sessions with and without handshake, in IPv4 and IPv6, that go on beside one another for two minutes.
  private func traffic(using generator: inout SeededGenerator) -> [Packet] {
    var packets: [Packet] = []
    for number in 0..<600 {
      let isSix = number % 5 == 0
      func host(_ low: UInt32) -> IPAddress {
        isSix ? IPAddress(high: 0x2001_0DB8 << 32, low: UInt64(low)) : IPAddress(v4: low)
      }
      let client = (
        host(v4("10.0.1.0") + .random(in: 1...40, using: &generator)),
        UInt16.random(in: 40_000...60_000, using: &generator)
      )
      let isTCP = number % 3 > 0
      let server = (
        host(v4("10.0.0.0") + .random(in: 1...6, using: &generator)), UInt16(isTCP ? 443 : 53)
      )
      var tick = begin + .random(in: 0...Tick.seconds(60), using: &generator)
      func packet(_ isBack: Bool, _ flags: TCPFlags) {
        packets.append(
          Packet(
            source: isBack ? server : client, destination: isBack ? client : server,
            protocolNumber: isTCP ? IPProtocolNumber.tcp : IPProtocolNumber.udp,
            flags: isTCP ? flags : [], lengthBytes: .random(in: 40...1500, using: &generator),
            tick: tick))
        tick += .random(in: 1...Tick.seconds(3), using: &generator)
      }
      // Some have begun before the capture.
      if number % 4 > 0 {
        packet(false, .syn)
        packet(true, [.syn, .ack])
      }
      for _ in 0..<Int.random(in: 1...12, using: &generator) {
        packet(.random(using: &generator), .ack)
      }
    }
    return packets.sorted { $0.tick < $1.tick }
  }

  /// What the map of an audit adds up to.
  private func audited(_ packets: [Packet]) throws -> ClusterSums {
    struct Rows: ~Copyable, SessionSink {
      var rows: [SessionRow] = []
      mutating func export(_ row: SessionRow) { rows.append(row) }
    }
    var table = SessionTable(TrackerConfiguration(sessionsMax: 10_000))
    var book = AddressBook()
    var fold = SessionFold()
    var sink = Rows()
    for packet in packets {
      func value(_ address: IPAddress) -> UInt32 {
        if address.isIPv4 { return address.v4 }
        let handle = book.intern(address)?.handle ?? 0
        fold.addresses.learn(handle: handle, address: address)
        return handle
      }
      let bytes = record(packet, value, tick: 0)
      bytes.withUnsafeBytes {
        if let base = $0.baseAddress {
          table.track(base, count: 1, baseTick: packet.tick, into: &sink)
        }
      }
    }
    table.drain(into: &sink)
    for row in sink.rows { fold.add(row) }
    let (addresses, links) = fold.finish()
    return ClusterSums(
      MapStore.Content(capture: CaptureReport(), addresses: addresses, links: links))
  }

  private func record(_ packet: Packet, _ value: (IPAddress) -> UInt32, tick: UInt16) -> [UInt8] {
    let (source, destination) = (value(packet.source.0), value(packet.destination.0))
    let hasHandle = AddressHandle.isHandle(source) || AddressHandle.isHandle(destination)
    let record = PacketRecord(
      destination: destination, destinationPort: packet.destination.1, source: source,
      sourcePort: packet.source.1, protocolNumber: packet.protocolNumber,
      flags: hasHandle ? .hasHandle : [], tcpFlags: packet.flags, lengthBytes: packet.lengthBytes,
      tick: tick)
    var bytes = [UInt8](repeating: 0, count: PacketRecord.bytes)
    bytes.withUnsafeMutableBytes { if let base = $0.baseAddress { record.write(to: base) } }
    return bytes
  }

  /// A capture point that publishes.
  private struct Point {
    let name: String
    let run: UInt64
    var sequences = [UInt64](repeating: 0, count: shards)
    var before = [UInt64](repeating: 0, count: shards)
    var report = CaptureReport(files: [CaptureReport.File(name: "eth0")])
  }

  private func publish(
    _ packets: ArraySlice<Packet>, of point: inout Point, reachedTick: UInt64,
    isLast: Bool = false, to log: MemoryLog
  ) throws {
    point.report.accounting = [
      "mapped": point.before.reduce(0, +) + UInt64(packets.count), "notIP": point.sequences[0] / 3,
    ]
    point.report.startNs = Tick.nanoseconds(begin)
    point.report.endNs = Tick.nanoseconds(reachedTick)
    let bits = UInt64(Self.shards.trailingZeroBitCount)
    let cut = Dictionary(grouping: packets) {
      VirtualShard.of(
        VirtualShard.key(of: $0.source.0), VirtualShard.key(of: $0.destination.0), bits: bits)
    }
    for shard in 0..<Self.shards {
      var batches: [RecordBatch] = []
      func next(_ baseTick: UInt64) -> RecordBatch {
        var batch = RecordBatch()
        (batch.point, batch.run) = (point.name, point.run)
        (batch.shard, batch.shardCount) = (UInt16(shard), UInt16(Self.shards))
        batch.baseTick = baseTick
        batch.period = UInt32(Tick.nanoseconds(baseTick) / 60_000_000_000)
        batch.reachedTick = reachedTick
        return batch
      }
      for packet in cut[shard] ?? [] {
        let minute = UInt32(Tick.nanoseconds(packet.tick) / 60_000_000_000)
        if batches.isEmpty || packet.tick - batches[batches.count - 1].baseTick > 65_000
          || batches[batches.count - 1].period != minute
        {
          batches.append(next(packet.tick))
        }
        var batch = batches.removeLast()
        let tick = UInt16(packet.tick - batch.baseTick)
        let bytes = record(
          packet,
          { address in
            if address.isIPv4 { return address.v4 }
            if let place = batch.addresses.firstIndex(of: address) {
              return AddressHandle.first + UInt32(place)
            }
            batch.addresses.append(address)
            return AddressHandle.first + UInt32(batch.addresses.count - 1)
          }, tick: tick)
        batch.records += bytes
        batches.append(batch)
      }
      if batches.isEmpty { batches.append(next(reachedTick)) }
      for place in batches.indices {
        point.sequences[shard] += 1
        batches[place].sequence = point.sequences[shard]
        batches[place].recordsBefore = point.before[shard]
        point.before[shard] += UInt64(batches[place].recordCount)
        if place == batches.count - 1 {
          batches[place].isLast = isLast
          if shard == 0 {
            batches[place].report = [UInt8](try JSONEncoder().encode(point.report))
          }
        }
        let entry = LogEntry(
          subject: ClusterSubject.records(point: point.name, shard: shard),
          id: "\(point.name).\(point.run).\(shard).\(point.sequences[shard])",
          payload: batches[place].encoded())
        #expect(try log.store([entry]) == nil)
      }
    }
  }

  /// A process of the cluster on a thread of its own.
  private final class Process: Sendable {
    private let isStopping = Mutex(false)
    private let error = Mutex<String?>(nil)
    private let hasEnded = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable (() -> Bool) throws -> Void) {
      Thread.detachNewThread { [self] in
        do {
          try body { isStopping.withLock { $0 } }
        } catch {
          self.error.withLock { $0 = "\(error)" }
        }
        hasEnded.signal()
      }
    }

    func stop() -> String? {
      isStopping.withLock { $0 = true }
      hasEnded.wait()
      return error.withLock { $0 }
    }
  }

  private func tracker(_ name: String, _ server: MemoryServer) -> Process {
    let settings = ClusterTrackerSettings(
      name: name, shards: Self.shards, tracker: TrackerConfiguration(sessionsMax: 40_000),
      epochSeconds: 0.05, host: "test", version: "test")
    return Process {
      try ClusterTrackerService.run(settings, log: MemoryLog(on: server), isStopping: $0)
    }
  }

  private func merger(
    _ name: String, _ layout: ClusterLayout, _ server: MemoryServer
  ) -> Process {
    var settings = ClusterMergerSettings(
      name: name, layout: layout, store: folder.path("\(name).db"))
    (settings.commitSeconds, settings.statusSeconds, settings.greetingSeconds) = (0.05, 0.05, 0.1)
    // The packets are years old.
    let forEver = 1 << 40
    settings.retention = Retention(
      minutesSeconds: forEver, hoursSeconds: forEver, daysSeconds: forEver, bytesMax: nil)
    return Process { [settings] in
      try ClusterMergerService.run(settings, log: MemoryLog(on: server), isStopping: $0)
    }
  }

  @Test("trackers and mergers come and go; the map is that of an audit, each packet counted once")
  func endToEnd() throws {
    var generator = TestSeed.generator(for: "cluster, end to end")
    let packets = traffic(using: &generator)
    let server = MemoryServer()
    let log = MemoryLog(on: server)
    let layout = ClusterLayout(createdNs: 1_700_000_000_000_000_000, shards: Self.shards)
    try log.put([UInt8](try JSONEncoder().encode(layout)), for: "layout", in: .cluster)

    var (one, other) = (Point(name: "core-1", run: 1), Point(name: "core-2", run: 1))
    var trackers = [tracker("t1", server), tracker("t2", server)]
    var mergers = [merger("first", layout, server)]
    let steps = 40
    var elsewhere: UInt64 = 0
    for step in 0..<steps {
      let part = packets[packets.count * step / steps..<packets.count * (step + 1) / steps]
      let reached = part.last?.tick ?? begin
      try publish(part, of: &one, reachedTick: reached, isLast: step == steps - 1, to: log)
      // The second point sees some of it, a moment later.
      let some = part.filter { _ in Int.random(in: 0..<3, using: &generator) > 0 }.map { packet in
        var packet = packet
        packet.tick += 20
        return packet
      }
      elsewhere += UInt64(some.count)
      try publish(
        some[...], of: &other, reachedTick: reached + 20, isLast: step == steps - 1, to: log)
      usleep(30_000)
      if step == 10 { mergers.append(merger("second", layout, server)) }
      if step == 15 { #expect(trackers.removeFirst().stop() == nil) }
      if step == 20 { trackers.append(tracker("t3", server)) }
      if step == 25 {
        #expect(mergers.removeFirst().stop() == nil)
        mergers.append(merger("first", layout, server))
      }
    }
    var complete: Set<String> = []
    for _ in 0..<1500 where complete.count < 2 {
      usleep(20_000)
      for (key, value) in try log.all("merger.", in: .status) {
        let status = try JSONDecoder().decode(ProcessStatus.self, from: Data(value.value))
        #expect(status.problem == nil)
        if status.merger?.captured == one.report.captured + other.report.captured,
          status.merger?.inPipeline == 0
        {
          complete.insert(key)
        }
      }
    }
    #expect(complete == ["merger.first", "merger.second"])
    for process in trackers + mergers { #expect(process.stop() == nil) }
    let expected = try audited(packets)
    for name in ["first", "second"] {
      let content = try MapStore.read(path: folder.path("\(name).db"))
      var sums = ClusterSums(content)
      let accounting = content.capture.accounting
      #expect(sums.elsewhere == elsewhere)
      sums.forgetElsewhere()
      #expect(sums.differences(from: expected) == [])
      #expect(accounting["mapped"] == UInt64(packets.count))
      #expect(accounting["seenElsewhere"] == elsewhere)
      #expect(
        accounting.values.reduce(0, +) == one.report.captured + other.report.captured)
      #expect(try StoreCheck.problems(path: folder.path("\(name).db")) == [])
    }
  }
}

extension CaptureReport {
  fileprivate var captured: UInt64 { accounting.values.reduce(0, +) }
}
