import TestSupport
import Testing
import Wire

@Suite struct BatchTests {
  private func record(_ port: UInt16) -> PacketRecord {
    PacketRecord(
      destination: v4("10.0.0.1"), destinationPort: port, source: v4("10.0.0.2"), sourcePort: 99,
      protocolNumber: 6, lengthBytes: 60)
  }

  @Test("gives back records, addresses and header as written")
  func roundTrip() throws {
    let address = try #require(IPAddress("2001:db8::1"))
    let bytes = makeBatch(
      (0..<100).map(record), baseTick: 1234, addresses: [(AddressHandle.first, address)])
    try bytes.withUnsafeBytes { bytes in
      let batch = try BatchReader(bytes)
      #expect(batch.header.itemCount == 100)
      #expect(batch.header.baseTick == 1234)
      var entries: [(UInt32, IPAddress)] = []
      batch.forEachAddress { entries.append(($0, $1)) }
      #expect(entries.count == 1)
      #expect(entries[0].0 == AddressHandle.first && entries[0].1 == address)
      for index in 0..<100 {
        let start = try #require(batch.payload.baseAddress) + index * PacketRecord.bytes
        #expect(PacketRecord(reading: start) == record(UInt16(index)))
      }
    }
  }

  @Test("records and address entries share the room and never meet")
  func room() {
    var slot = [UInt8](repeating: 0, count: 4096)
    slot.withUnsafeMutableBytes { bytes in
      var writer = BatchWriter(slot: bytes, header: BatchHeader(kind: .records))
      var handle = AddressHandle.first
      while writer.hasRoom(bytes: PacketRecord.bytes, entries: 1) {
        writer.append(handle: handle, address: IPAddress(high: UInt64(handle), low: 1))
        writer.append(record(1))
        handle += 1
      }
      writer.finish()
      let count = Int(handle - AddressHandle.first)
      #expect(count == (4096 - BatchHeader.bytes) / (PacketRecord.bytes + 20))
      let batch = try? BatchReader(UnsafeRawBufferPointer(bytes))
      #expect(batch?.header.itemCount == count)
      var next = AddressHandle.first
      batch?.forEachAddress { handle, address in
        #expect(handle == next && address.high == UInt64(handle))
        next += 1
      }
    }
  }

  @Test("refuses a header with any one bit changed")
  func damage() {
    let good = makeBatch([record(1)])
    for bit in 0..<BatchHeader.bytes * 8 {
      var bad = good
      bad[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: BatchError.self) {
        _ = try bad.withUnsafeBytes { try BatchReader($0).header }
      }
    }
  }

  @Test("fuzz: no bytes make a reader look outside its slot")
  func fuzz() throws {
    var generator = TestSeed.generator(for: "BatchTests.fuzz")
    let seed = TestSeed.current
    let good = makeBatch((0..<50).map(record), addresses: [(AddressHandle.first, IPAddress(v4: 1))])
    var accepted = 0
    for _ in 0..<20_000 {
      var bytes = Array(good.prefix(Int.random(in: 0...2048, using: &generator)))
      for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = generator.next()
      }
      bytes.withUnsafeBytes { slot in
        guard let batch = try? BatchReader(slot) else { return }
        accepted += 1
        #expect(batch.payload.count <= slot.count, "seed \(seed)")
        #expect(
          batch.header.addressCount * BatchHeader.addressEntryBytes
            <= slot.count - BatchHeader.bytes - batch.payload.count, "seed \(seed)")
        batch.forEachAddress { _, _ in }
      }
    }
    #expect(accepted > 0, "seed \(seed): the fuzz never got past the header")
  }
}
