import Foundation
import Glibc
import TestSupport
import Testing
import Wire

@testable import Splitter

@Suite struct SplitterServiceTests {
  /// A record without its relative time.
  struct Seen: Hashable {
    var source: IPAddress
    var destination: IPAddress
    var sourcePort: UInt16
    var tick: UInt64
  }

  /// Splits `batches` over `trackers`, and gives what each got, resolved.
  private func split(_ batches: [[UInt8]], trackers: Int) throws -> [[Seen]] {
    let input = try makeRing(slots: 256, slotBytes: 65536)
    var writer = RingWriter(try openRing(input))
    for batch in batches {
      writer.reserve().copyBytes(from: batch)
      writer.publish()
    }
    writer.close()
    let outputs = try (0..<trackers).map { _ in try makeRing(slots: 256, slotBytes: 65536) }
    defer { for descriptor in outputs + [input] { close(descriptor) } }
    let status = try StatusBoard(processes: 1)
    try SplitterService.run(
      input: try openRing(input), trackers: trackers, output: { try openRing(outputs[$0]) },
      status: status, process: 0)
    return try outputs.map { descriptor in
      var table = AddressTable()
      var seen: [Seen] = []
      for slot in try drain(try openRing(descriptor)) {
        try slot.withUnsafeBytes { bytes in
          let batch = try BatchReader(bytes)
          guard batch.header.kind == .records else { return }
          batch.forEachAddress { table.learn(handle: $0, address: $1) }
          for index in 0..<batch.header.itemCount {
            let record = PacketRecord(
              reading: try #require(batch.payload.baseAddress) + index * PacketRecord.bytes)
            seen.append(
              Seen(
                source: table.address(of: record.source),
                destination: table.address(of: record.destination), sourcePort: record.sourcePort,
                tick: batch.header.baseTick + UInt64(record.tick)))
          }
        }
      }
      return seen
    }
  }

  @Test(
    "loses no record, keeps times and addresses, one owner for each pair", arguments: [1, 2, 5])
  func conservation(trackers: Int) throws {
    var generator = SeededGenerator(seed: 11)
    var batches: [[UInt8]] = []
    var sent: [Seen] = []
    let six = (0..<40).map { IPAddress(high: 0x2001_0DB8 << 32, low: UInt64($0) * 7 + 1) }
    var told = Set<Int>()
    for number in 0..<150 {
      let base = UInt64(1_000_000 + number * 3_000)
      var records: [PacketRecord] = []
      var entries: [(UInt32, IPAddress)] = []
      for _ in 0..<200 {
        func pick() -> (UInt32, IPAddress) {
          if generator.next() as UInt64 % 4 == 0 {
            let index = Int.random(in: 0..<six.count, using: &generator)
            let handle = AddressHandle.first + UInt32(index)
            if told.insert(index).inserted { entries.append((handle, six[index])) }
            return (handle, six[index])
          }
          let value = v4("10.0.0.0") + UInt32.random(in: 1...60, using: &generator)
          return (value, IPAddress(v4: value))
        }
        let (source, from) = pick()
        let (destination, to) = pick()
        let port: UInt16 = generator.next()
        let tick = UInt16.random(in: 0...UInt16.max, using: &generator)
        let hasHandle = AddressHandle.isHandle(source) || AddressHandle.isHandle(destination)
        records.append(
          PacketRecord(
            destination: destination, destinationPort: 80, source: source, sourcePort: port,
            protocolNumber: 6, flags: hasHandle ? .hasHandle : [], lengthBytes: 60, tick: tick))
        sent.append(
          Seen(source: from, destination: to, sourcePort: port, tick: base + UInt64(tick)))
      }
      batches.append(makeBatch(records, baseTick: base, addresses: entries))
    }
    let got = try split(batches, trackers: trackers)
    func counted(_ seen: [Seen]) -> [Seen: Int] {
      seen.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }
    #expect(counted(got.flatMap { $0 }) == counted(sent))
    var owner: [Set<IPAddress>: Int] = [:]
    for (tracker, seen) in got.enumerated() {
      for one in seen {
        let pair: Set<IPAddress> = [one.source, one.destination]
        #expect(owner[pair, default: tracker] == tracker)
        owner[pair] = tracker
      }
    }
    if trackers > 1 { #expect(got.allSatisfy { !$0.isEmpty }) }
  }

  @Test("tells a tracker each address once, before its first record, whatever batch that is in")
  func entriesOnce() throws {
    // Rings with small slots, so that batches end for want of room for a record's two entries.
    let outputs = try (0..<2).map { _ in try makeRing(slots: 512, slotBytes: 4096) }
    defer { for descriptor in outputs { close(descriptor) } }
    var splitting = Splitting(output: try FanOut(2) { try openRing(outputs[$0]) }, trackers: 2)
    func batch(_ first: Int, announced: Bool) -> [UInt8] {
      let handles = (first..<first + 200).map { AddressHandle.first + UInt32($0) }
      let records = stride(from: 0, to: 200, by: 2).map { index in
        PacketRecord(
          destination: handles[index], destinationPort: 80, source: handles[index + 1],
          sourcePort: 1, protocolNumber: 6, flags: .hasHandle, lengthBytes: 60)
      }
      let entries = handles.map { ($0, IPAddress(high: 0x2001_0DB8 << 32, low: UInt64($0) * 77)) }
      return makeBatch(records, addresses: announced ? entries : [])
    }
    let firsts = Array(stride(from: 0, to: 6000, by: 200))
    var held: [[UInt8]]? =
      firsts.map { batch($0, announced: true) } + firsts.map { batch($0, announced: false) }
    #expect(try splitting.begin(with: &held) == 6000)
    splitting.output.close()
    var records = 0
    for descriptor in outputs {
      var known = Set<UInt32>()
      let slots = try drain(try openRing(descriptor))
      #expect(slots.count > 10)
      for slot in slots {
        try slot.withUnsafeBytes { bytes in
          let batch = try BatchReader(bytes)
          batch.forEachAddress { handle, _ in #expect(known.insert(handle).inserted) }
          for index in 0..<batch.header.itemCount {
            let record = PacketRecord(
              reading: try #require(batch.payload.baseAddress) + index * PacketRecord.bytes)
            #expect(known.isSuperset(of: [record.source, record.destination]))
            records += 1
          }
        }
      }
    }
    #expect(records == 6000)
  }

  @Test("an empty stream ends all outputs")
  func empty() throws {
    #expect(try split([], trackers: 3).allSatisfy { $0.isEmpty })
  }

  @Test("bytes that are no batch are an error, not a crash")
  func garbage() {
    #expect(throws: BatchError.self) {
      try split([[UInt8](repeating: 7, count: 65536)], trackers: 2)
    }
  }
}
