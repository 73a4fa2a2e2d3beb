import TestSupport
import Testing

@testable import Wire

/// Damage to messages, with and without a checksum that says otherwise.
enum WireFuzz {
  /// The message with the checksum that belongs to it.
  static func resealed(_ message: [UInt8]) -> [UInt8] {
    guard message.count >= WireEnvelope.bytes else { return message }
    var message = message
    let checksum = message.withUnsafeBytes { WireEnvelope.checksum(of: $0) }
    for index in 0..<8 { message[8 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * index)) }
    return message
  }

  /// The body of a message, as it is before it is compressed.
  static func body(of message: [UInt8], _ kind: WireEnvelope.Kind) throws -> [UInt8] {
    try WireEnvelope.open(message, kind) { reader throws(WireError) in
      [UInt8](try reader.take(reader.remaining))
    }
  }

  static func message(_ kind: WireEnvelope.Kind, body: [UInt8]) -> [UInt8] {
    var scratch: [UInt8] = []
    return WireEnvelope.seal(kind, body: body, scratch: &scratch)
  }

  /// Decodes what may be anything. What is accepted must be within its bounds, and encode again.
  static func tryBatch(_ message: [UInt8]) throws {
    guard let batch = try? RecordBatch(decoding: message) else { return }
    #expect(batch.records.count % PacketRecord.bytes == 0)
    #expect(batch.recordCount <= RecordBatch.recordsMax)
    for place in 0..<batch.recordCount {
      let record = batch.records[place * PacketRecord.bytes..<(place + 1) * PacketRecord.bytes]
      let bytes = Array(record)
      let (destination, source) = bytes.withUnsafeBytes {
        (
          $0.loadUnaligned(as: UInt32.self), $0.loadUnaligned(fromByteOffset: 6, as: UInt32.self)
        )
      }
      for value in [UInt32(littleEndian: destination), UInt32(littleEndian: source)] {
        try #require(
          !AddressHandle.isHandle(value)
            || Int(value - AddressHandle.first) < batch.addresses.count)
      }
    }
    #expect(try RecordBatch(decoding: batch.encoded()) == batch)
  }

  static func tryReport(_ message: [UInt8]) throws {
    guard let report = try? EpochReport(decoding: message) else { return }
    #expect(report.entries.count <= EpochReport.entriesMax)
    for value in report.entries.flatMap({ [$0.before.a, $0.before.b, $0.after.a, $0.after.b] }) {
      try #require(
        !AddressHandle.isHandle(value) || Int(value - AddressHandle.first) < report.addresses.count)
    }
    #expect(try EpochReport(decoding: report.encoded()) == report)
  }
}

@Suite struct WireFuzzTests {
  private static let seeds: [UInt64] = [1, 2, 3]

  private func batch(_ seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return WireSamples.batch(records: 24, addresses: 3, &generator).encoded()
  }

  private func report(_ seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return WireSamples.report(entries: 4, addresses: 3, points: 1, &generator).encoded()
  }

  @Test("no flipped bit goes unnoticed", arguments: seeds)
  func bitFlips(seed: UInt64) {
    for message in [batch(seed), report(seed)] {
      var message = message
      // Among them the seeds have every bit.
      for bit in stride(from: Int(seed), to: 8 * message.count, by: WireFuzzTests.seeds.count) {
        message[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(throws: WireError.self) { try RecordBatch(decoding: message) }
        #expect(throws: WireError.self) { try EpochReport(decoding: message) }
        message[bit / 8] ^= 1 << UInt8(bit % 8)
      }
    }
  }

  @Test("refuses every beginning of a message, also one with a right checksum", arguments: seeds)
  func truncations(seed: UInt64) {
    for message in [batch(seed), report(seed)] {
      for length in 0..<message.count {
        let short = Array(message.prefix(length))
        for bytes in [short, WireFuzz.resealed(short)] {
          #expect(throws: WireError.self) { try RecordBatch(decoding: bytes) }
          #expect(throws: WireError.self) { try EpochReport(decoding: bytes) }
        }
      }
    }
  }

  @Test("refuses every beginning of a body", arguments: seeds)
  func shortBodies(seed: UInt64) throws {
    let batch = try WireFuzz.body(of: batch(seed), .records)
    for length in 0..<batch.count {
      let message = WireFuzz.message(.records, body: Array(batch.prefix(length)))
      #expect(throws: WireError.inconsistent) { try RecordBatch(decoding: message) }
    }
    let report = try WireFuzz.body(of: report(seed), .epoch)
    for length in 0..<report.count {
      let message = WireFuzz.message(.epoch, body: Array(report.prefix(length)))
      #expect(throws: WireError.inconsistent) { try EpochReport(decoding: message) }
    }
  }

  @Test("a flipped bit behind a right checksum is refused, or is another message", arguments: seeds)
  func resealedFlips(seed: UInt64) throws {
    for (message, check) in [
      (batch(seed), WireFuzz.tryBatch), (report(seed), WireFuzz.tryReport),
    ] {
      var message = message
      for bit in stride(from: Int(seed), to: 8 * message.count, by: 3) {
        message[bit / 8] ^= 1 << UInt8(bit % 8)
        try check(WireFuzz.resealed(message))
        message[bit / 8] ^= 1 << UInt8(bit % 8)
      }
    }
  }

  @Test("a body with other bytes in it is refused, or is another message", arguments: seeds)
  func damagedBodies(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for (kind, message, check) in [
      (WireEnvelope.Kind.records, batch(seed), WireFuzz.tryBatch),
      (.epoch, report(seed), WireFuzz.tryReport),
    ] {
      let body = try WireFuzz.body(of: message, kind)
      for place in body.indices {
        var damaged = body
        damaged[place] = [0, 1, 0x7F, 0xFF, generator.next()].randomElement(using: &generator) ?? 0
        try check(WireFuzz.message(kind, body: damaged))
        // Counts of four bytes that are enormous.
        damaged.replaceSubrange(place..<min(place + 4, body.count), with: [255, 255, 255, 255])
        try check(WireFuzz.message(kind, body: damaged))
        damaged = body
        damaged.remove(at: place)
        try check(WireFuzz.message(kind, body: damaged))
        damaged = body
        damaged.insert(generator.next(), at: place)
        try check(WireFuzz.message(kind, body: damaged))
      }
    }
  }

  @Test("any bytes may come", arguments: seeds)
  func randomBytes(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for length in 0..<600 {
      let bytes = WireSamples.bytes(length, &generator)
      try WireFuzz.tryBatch(bytes)
      try WireFuzz.tryReport(bytes)
      if length > 0 {
        try WireFuzz.tryBatch(WireFuzz.message(.records, body: bytes))
        try WireFuzz.tryReport(WireFuzz.message(.epoch, body: bytes))
      }
      // A head that is right, and behind it anything, which says that it is 16 MiB.
      var message = Array(batch(seed).prefix(WireEnvelope.bytes)) + bytes
      message.replaceSubrange(16..<20, with: [0, 0, 0, 1])
      message[20] = UInt8(truncatingIfNeeded: length)
      message[21] = UInt8(truncatingIfNeeded: length >> 8)
      message[22] = 0
      #expect(throws: WireError.inconsistent) {
        try RecordBatch(decoding: WireFuzz.resealed(message))
      }
    }
  }
}
