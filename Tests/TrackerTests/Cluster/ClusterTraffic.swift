import Cluster
import TestSupport
import Wire

/// A packet as a capture point sees it.
struct TrafficPacket {
  var source: IPAddress
  var sourcePort: UInt16
  var destination: IPAddress
  var destinationPort: UInt16
  var number: UInt8
  var flags: TCPFlags
  var lengthBytes: UInt16
  var tick: UInt64

  var shardKey: (UInt32, UInt32) {
    (VirtualShard.key(of: source), VirtualShard.key(of: destination))
  }
}

/// Traffic at random, and how points of a cluster publish it.
enum ClusterTraffic {
  static let startTick = Tick.of(nanoseconds: 1_700_000_000_000_000_000)

  /// Packets of sessions that begin, end, are reused and fall silent, IPv4 and IPv6, no two at one tick.
  static func packets(
    _ count: Int, endpoints: UInt32, secondsEach: Double, using generator: inout SeededGenerator
  ) -> [TrafficPacket] {
    var packets: [TrafficPacket] = []
    var tick = startTick
    for _ in 0..<count {
      tick += 1 + UInt64(.random(in: 0...2 * secondsEach, using: &generator) * 244140.625)
      switch Int.random(in: 0..<6000, using: &generator) {
      case 0: tick += Tick.seconds(30)
      case 1...4: tick += Tick.seconds(3)
      default: break
      }
      let isSix = Int.random(in: 0..<3, using: &generator) == 0
      let one = UInt32.random(in: 1...endpoints, using: &generator)
      let other = UInt32.random(in: 1...4, using: &generator)
      let client =
        isSix
        ? IPAddress(high: 0x2001_0DB8 << 32, low: UInt64(one))
        : one % 7 == 0 ? IPAddress(v4: 0xF100_0000 + one) : IPAddress(v4: v4("10.0.0.0") + one)
      let server =
        isSix
        ? IPAddress(high: 0x2001_0DB8 << 32, low: UInt64(one % 2) << 32 + UInt64(other))
        : IPAddress(v4: v4("10.1.0.0") + other)
      let isTCP = Bool.random(using: &generator)
      let isBack = Bool.random(using: &generator)
      let flags: [TCPFlags] = [
        .syn, [.syn, .ack], .ack, .ack, .ack, .ack, [.psh, .ack], [.fin, .ack], .rst,
      ]
      let port = UInt16.random(in: 50_000...50_003, using: &generator)
      packets.append(
        TrafficPacket(
          source: isBack ? server : client, sourcePort: isBack ? 80 : port,
          destination: isBack ? client : server, destinationPort: isBack ? port : 80,
          number: isTCP ? IPProtocolNumber.tcp : IPProtocolNumber.udp,
          flags: isTCP ? flags.randomElement(using: &generator) ?? .ack : [],
          lengthBytes: .random(in: 40...1500, using: &generator), tick: tick))
    }
    return packets
  }

  /// A message and when it is published.
  struct Message {
    var atTick: UInt64
    var batch: RecordBatch
  }

  /// The batches of a point, as its splitter makes them: by shard and minute, a part of a second each, and one with nothing but
  /// the time now and then.
  ///
  /// - Parameters:
  ///   - lagSeconds: how much later than the packets they are published.
  ///   - runs: how often the collector is started, one run after the other.
  static func messages(
    of packets: [TrafficPacket], point: String, shards: Int, lagSeconds: Double = 0, runs: Int = 1,
    recordsMax: Int = 150, using generator: inout SeededGenerator
  ) -> [Message] {
    var messages: [Message] = []
    let perRun = (packets.count + runs - 1) / max(1, runs)
    for run in 0..<runs {
      let some = packets.dropFirst(run * perRun).prefix(perRun)
      var cut = Cut(
        point: point, run: UInt64(1000 + run), shards: shards, lagTicks: ticks(lagSeconds))
      var flushed = some.first?.tick ?? startTick
      var wait = UInt64.random(in: 1...Tick.seconds(1), using: &generator)
      for packet in some {
        let isFull = cut.records > recordsMax
        if packet.tick > flushed + wait || isFull || cut.period != minute(packet.tick) {
          cut.flush(reachedTick: packet.tick, to: &messages, isAll: packet.tick > flushed + wait)
          flushed = packet.tick
          wait = .random(in: 1...Tick.seconds(1), using: &generator)
        }
        cut.append(packet)
      }
      cut.finish(to: &messages)
    }
    return messages
  }

  static func ticks(_ seconds: Double) -> UInt64 { UInt64(seconds * 244140.625) }
  static func minute(_ tick: UInt64) -> UInt32 {
    UInt32(Tick.nanoseconds(tick) / 60_000_000_000)
  }

  private struct Cut {
    let point: String
    let run: UInt64
    let shards: Int
    let lagTicks: UInt64
    var open: [[TrafficPacket]]
    var sequences: [UInt64]
    var before: [UInt64]
    var records = 0
    var total: UInt64 = 0
    var reached: UInt64 = 0
    var period: UInt32 = 0

    init(point: String, run: UInt64, shards: Int, lagTicks: UInt64) {
      self.point = point
      self.run = run
      self.shards = shards
      self.lagTicks = lagTicks
      open = Array(repeating: [], count: shards)
      sequences = Array(repeating: 0, count: shards)
      before = sequences
    }

    mutating func append(_ packet: TrafficPacket) {
      let key = packet.shardKey
      let bits = UInt64(shards.trailingZeroBitCount)
      open[VirtualShard.of(key.0, key.1, bits: bits)].append(packet)
      records += 1
      total += 1
      reached = max(reached, packet.tick)
      period = minute(packet.tick)
    }

    mutating func flush(
      reachedTick: UInt64, to messages: inout [Message], isAll: Bool, isLast: Bool = false
    ) {
      for shard in 0..<shards where isAll || isLast || !open[shard].isEmpty {
        var batches: [[TrafficPacket]] = []
        for packet in open[shard] {
          if let first = batches.last?.first, packet.tick - first.tick <= UInt64(UInt16.max) {
            batches[batches.count - 1].append(packet)
          } else {
            batches.append([packet])
          }
        }
        if batches.isEmpty { batches = [[]] }
        for (number, packets) in batches.enumerated() {
          var batch = RecordBatch()
          batch.point = point
          batch.run = run
          batch.shard = UInt16(shard)
          batch.shardCount = UInt16(shards)
          sequences[shard] += 1
          batch.sequence = sequences[shard]
          batch.recordsBefore = before[shard]
          before[shard] += UInt64(packets.count)
          batch.reachedTick = number == batches.count - 1 ? reachedTick : packets[0].tick
          batch.baseTick = packets.first?.tick ?? reachedTick
          batch.period = minute(batch.baseTick)
          batch.isLast = isLast && number == batches.count - 1
          if shard == 0 {
            batch.report = report(of: point, packets: total)
          }
          fill(&batch, with: packets)
          messages.append(Message(atTick: reachedTick + lagTicks, batch: batch))
        }
        open[shard] = []
      }
      records = 0
    }

    mutating func finish(to messages: inout [Message]) {
      flush(reachedTick: reached, to: &messages, isAll: true, isLast: true)
    }
  }

  /// A collector's report.
  static func report(of point: String, packets: UInt64) -> [UInt8] {
    Array(
      """
      {"files":[{"name":"eth0","packets":\(packets)}],"filter":"","frameBytes":0,\
      "lengthSaturated":0,"sessionsExportedEarly":0,"accounting":{"mapped":\(packets)}}
      """.utf8)
  }

  /// Writes the records, with handles of the message's own.
  static func fill(_ batch: inout RecordBatch, with packets: [TrafficPacket]) {
    var handles: [IPAddress: UInt32] = [:]
    var addresses: [IPAddress] = []
    func value(_ address: IPAddress) -> UInt32 {
      if address.isIPv4 && !AddressHandle.isHandle(address.v4) { return address.v4 }
      if let known = handles[address] { return known }
      let handle = AddressHandle.first + UInt32(addresses.count)
      addresses.append(address)
      handles[address] = handle
      return handle
    }
    var bytes = [UInt8](repeating: 0, count: packets.count * PacketRecord.bytes)
    bytes.withUnsafeMutableBytes { raw in
      for (number, packet) in packets.enumerated() {
        let source = value(packet.source)
        let destination = value(packet.destination)
        let hasHandle = AddressHandle.isHandle(source) || AddressHandle.isHandle(destination)
        let record = PacketRecord(
          destination: destination, destinationPort: packet.destinationPort, source: source,
          sourcePort: packet.sourcePort, protocolNumber: packet.number,
          flags: hasHandle ? .hasHandle : [], tcpFlags: packet.flags,
          lengthBytes: packet.lengthBytes, tick: UInt16(packet.tick - batch.baseTick))
        if let base = raw.baseAddress { record.write(to: base + number * PacketRecord.bytes) }
      }
    }
    batch.addresses = addresses
    batch.records = bytes
  }
}
