import TestSupport
import Testing

@testable import Wire

@Suite struct RecordBatchCodecTests {
  @Test(
    "gives back what was encoded, byte for byte",
    arguments: [0, 1, 2, 3, 63, 500, 3440], [0, 1, 40])
  func roundTrip(records: Int, addresses: Int) throws {
    var generator = TestSeed.generator(for: "RecordBatchCodecTests.roundTrip")
    for isWild in [false, true] {
      let batch = WireSamples.batch(
        records: records, addresses: addresses, isWild: isWild, &generator)
      #expect(try RecordBatch(decoding: batch.encoded()) == batch)
    }
  }

  @Test("holds as many records and addresses as it may, and no session twice")
  func largest() throws {
    var generator = SeededGenerator(seed: 1)
    let batch = WireSamples.batch(
      records: RecordBatch.recordsMax, addresses: 1 << 16, isWild: true, &generator)
    #expect(try RecordBatch(decoding: batch.encoded()) == batch)
  }

  @Test("keeps the order of packets of one flow, and endpoints that are equal")
  func sameEndpoints() throws {
    var batch = RecordBatch()
    for tick in [5, 3, 3, 65_535, 0] as [UInt16] {
      batch.records += WireSamples.bytes(
        of: PacketRecord(
          destination: 7, destinationPort: 9, source: 7, sourcePort: 9, protocolNumber: 17,
          lengthBytes: tick, tick: tick))
    }
    #expect(try RecordBatch(decoding: batch.encoded()) == batch)
  }

  @Test("carries a report without records")
  func reportOnly() throws {
    var batch = RecordBatch()
    batch.point = "core-1"
    batch.isLast = true
    batch.report = Array(#"{"files":[]}"#.utf8)
    let message = batch.encoded()
    #expect(try RecordBatch(decoding: message) == batch)
    // Any collection of bytes will do.
    #expect(try RecordBatch(decoding: message.lazy.map { $0 }) == batch)
    #expect(try RecordBatch(decoding: [message, [1, 2]].joined().prefix(message.count)) == batch)
  }

  @Test("an encoder's second message owes nothing to its first")
  func encoderIsReused() {
    var generator = TestSeed.generator(for: "RecordBatchCodecTests.encoderIsReused")
    var encoder = RecordBatchEncoder()
    for records in [3000, 0, 10, 500, 1] {
      let batch = WireSamples.batch(records: records, addresses: 3, &generator)
      #expect(encoder.encode(batch) == batch.encoded())
    }
  }

  @Test("takes at most 7 bytes for a record of ordinary traffic")
  func size() {
    var generator = SeededGenerator(seed: 2)
    let batch = WireSamples.batch(records: 3440, &generator)
    #expect(batch.encoded().count < 7 * 3440)
  }

  @Test("refuses a handle that has no address, and takes the last one that has")
  func handles() throws {
    for (isSource, handle, isKnown) in [
      (true, 0, true), (false, 1, true), (true, 2, false), (false, 2, false),
      (true, Int(AddressHandle.count) - 1, false),
    ] {
      var batch = RecordBatch()
      batch.addresses = [IPAddress(high: 1, low: 2), IPAddress(high: 3, low: 4)]
      let value = AddressHandle.first + UInt32(handle)
      batch.records = WireSamples.bytes(
        of: PacketRecord(
          destination: isSource ? 1 : value, destinationPort: 2, source: isSource ? value : 1,
          sourcePort: 3, protocolNumber: 6, lengthBytes: 40))
      let message = batch.encoded()
      if isKnown {
        #expect(try RecordBatch(decoding: message) == batch)
      } else {
        #expect(throws: WireError.inconsistent) { try RecordBatch(decoding: message) }
      }
    }
  }

  @Test("says what is wrong with a message that is none of its own")
  func refusals() throws {
    let message = RecordBatch().encoded()
    func changed(_ offset: Int, _ value: UInt8) -> [UInt8] {
      var changed = message
      changed[offset] = value
      return changed
    }
    func refuses(_ bytes: [UInt8], _ error: WireError) {
      #expect(throws: error) { try RecordBatch(decoding: bytes) }
    }
    refuses([], .tooShort)
    refuses(Array(message.prefix(WireEnvelope.bytes - 1)), .tooShort)
    refuses(changed(0, 0), .notAMessage)
    refuses(changed(WireEnvelope.bytes, ~message[WireEnvelope.bytes]), .brokenChecksum)
    refuses(changed(4, 2), .brokenChecksum)
    refuses(WireFuzz.resealed(changed(4, 2)), .unknownVersion(2))
    refuses(WireFuzz.resealed(changed(6, 3)), .unknownKind(3))
    refuses(EpochReport().encoded(), .unknownKind(2))
    refuses(WireFuzz.resealed(changed(16, 255)), .inconsistent)
    refuses(WireFuzz.resealed(message + [0]), .inconsistent)
    #expect(throws: WireError.unknownKind(1)) { try EpochReport(decoding: message) }
  }
}
