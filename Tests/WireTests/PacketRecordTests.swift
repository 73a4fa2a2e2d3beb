import TestSupport
import Testing
import Wire

@Suite struct PacketRecordTests {
  @Test("reads back every field it wrote, at any alignment", arguments: 0..<16)
  func roundTrip(offset: Int) {
    var generator = SeededGenerator(seed: UInt64(offset))
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16)
    defer { memory.deallocate() }
    for _ in 0..<1000 {
      let record = PacketRecord(
        destination: generator.next(), destinationPort: generator.next(),
        source: generator.next(), sourcePort: generator.next(), protocolNumber: generator.next(),
        flags: RecordFlags(rawValue: generator.next()),
        tcpFlags: TCPFlags(rawValue: generator.next()), lengthBytes: generator.next(),
        tick: generator.next())
      record.write(to: memory + offset)
      #expect(PacketRecord(reading: memory + offset) == record)
    }
  }

  @Test("writes 19 bytes and not one more")
  func size() {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: 32)
    defer { memory.deallocate() }
    memory.initialize(repeating: 0xAA, count: 32)
    PacketRecord(
      destination: 0, destinationPort: 0, source: 0, sourcePort: 0, protocolNumber: 0,
      lengthBytes: 0
    ).write(to: memory)
    #expect((0..<19).allSatisfy { memory[$0] == 0 })
    #expect((19..<32).allSatisfy { memory[$0] == 0xAA })
  }

  @Test("has the layout of figure 3: destination, port, source, port, protocol, flags, length")
  func layout() {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: 19)
    defer { memory.deallocate() }
    PacketRecord(
      destination: 0x0403_0201, destinationPort: 0x0605, source: 0x0A09_0807,
      sourcePort: 0x0C0B, protocolNumber: 0x0D, flags: RecordFlags(rawValue: 0x0E),
      tcpFlags: TCPFlags(rawValue: 0x0F), lengthBytes: 0x1110, tick: 0x1312
    ).write(to: memory)
    #expect((0..<19).map { memory[$0] } == Array(1...19))
  }
}
