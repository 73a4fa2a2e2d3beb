import TestSupport
import Testing
import Wire

@testable import Collector

/// Foreign bytes must never make the collector read outside of them, loop, or miscount. In debug
/// builds every read of the decoder is asserted.
@Suite struct FuzzTests {
  /// Frames that reach far into the decoder.
  private static let seeds: [(LinkType, [UInt8])] =
    LinkLayerTests.frames + LinkLayerTests.frames6
    + LinkLayerTests.shims.map { (.ethernet, $0) }
    + TunnelTests.tunnels.map { (.ethernet, $0.1) }

  private func mutate(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
      let index = Int.random(in: 0..<bytes.count, using: &generator)
      switch UInt8.random(in: 0..<6, using: &generator) {
      case 0: bytes[index] = .random(in: 0...255, using: &generator)
      case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 2: bytes[index] = [0, 0xFF, 0x7F, 0x80].randomElement(using: &generator) ?? 0
      case 3: bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
      case 4: bytes.insert(contentsOf: bytes.prefix(index), at: index)
      default: bytes.remove(at: index)
      }
    }
    return bytes
  }

  @Test("decodes mutated frames of every link type without reading outside of them")
  func mutatedFrames() {
    var generator = TestSeed.generator(for: "mutatedFrames")
    var decoder = FrameDecoder()
    for round in 0..<600 {
      for (type, frame) in FuzzTests.seeds {
        let mutated = mutate(frame, &generator)
        let original = Bool.random(using: &generator) ? mutated.count : mutated.count + 1000
        let decoded = DecodedFrame(
          decoding: mutated, originalLength: original, linkType: type,
          timestampNs: UInt64(round) * 1_000_000, by: &decoder)
        #expect(decoded.outcome != .filtered && decoded.outcome != .addressBookFull)
      }
    }
  }

  @Test("decodes random bytes as every link type")
  func randomFrames() {
    var generator = TestSeed.generator(for: "randomFrames")
    var decoder = FrameDecoder()
    for type in LinkType.allCases {
      for _ in 0..<800 {
        let count = Int.random(in: 0...120, using: &generator)
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        _ = DecodedFrame(decoding: bytes, linkType: type, by: &decoder)
      }
    }
  }

  @Test("gives the same answer on the fast way and on the general one for mutated frames")
  func fastWay() {
    var generator = TestSeed.generator(for: "fastWay")
    let frames = [
      Frame.ethernet(.ipv4, Frame.ipv4(protocolNumber: 6, Frame.tcp(1, 2, [9, 9, 9]))),
      Frame.ethernet(.ipv4, Frame.ipv4(protocolNumber: 17, Frame.udp(1, 2, Frame.tcp(1, 2)))),
    ]
    for _ in 0..<20_000 {
      var frame = frames[Int.random(in: 0..<2, using: &generator)]
      let index = Int.random(in: 14..<frame.count, using: &generator)
      frame[index] = .random(in: 0...255, using: &generator)
      // Two tags keep the third one off the fast way.
      let tagged = Array(frame.prefix(12)) + [0x81, 0, 0, 5] + Array(frame.dropFirst(12))
      let twice = Array(tagged.prefix(12)) + [0x81, 0, 0, 6] + Array(tagged.dropFirst(12))
      let expected = DecodedFrame(twice)
      #expect(DecodedFrame(frame) == expected, "\(frame)")
      #expect(DecodedFrame(tagged) == expected, "\(frame)")
    }
  }

  /// Plain packets mostly, and what is just not plain: other lengths, types, protocols, ports,
  /// addresses and times, cut off anywhere, and some twice.
  private func nearlyPlain(_ count: Int, _ generator: inout SeededGenerator) -> [TestPacket] {
    var packets: [TestPacket] = []
    var ns: UInt64 = 1_700_000_000_000_000_000
    for index in 0..<count {
      let payload = [UInt8](repeating: 7, count: .random(in: 0...24, using: &generator))
      let ports: [UInt16] = [
        53, 443, 4789, 6081, 50_000, UInt16.random(in: 0 ... .max, using: &generator),
      ]
      let one = ports.randomElement(using: &generator) ?? 1
      let other = ports.randomElement(using: &generator) ?? 1
      let isTCP = Bool.random(using: &generator)
      let packet = Frame.ipv4(
        protocolNumber: isTCP ? 6 : 17, identification: UInt16(index & 3 == 0 ? 0 : index),
        isTCP ? Frame.tcp(one, other, payload) : Frame.udp(one, other, payload))
      var frame =
        index % 5 == 0
        ? Frame.ethernet(.vlan, Frame.vlan(5, .ipv4, packet)) : Frame.ethernet(.ipv4, packet)
      let originalLength = frame.count
      switch Int.random(in: 0..<12, using: &generator) {
      case 0: frame[.random(in: 12..<frame.count, using: &generator)] ^= 1 << (index & 7)
      case 1: frame[.random(in: 12..<38, using: &generator)] = 0xFF
      case 2: frame = Array(frame.prefix(.random(in: 0...70, using: &generator)))
      case 3: frame = mutate(frame, &generator)
      case 4: frame += [UInt8](repeating: 0, count: .random(in: 1...20, using: &generator))
      default: break
      }
      ns &+= .random(in: 0...400_000, using: &generator)
      if index % 70 == 0 { ns &-= .random(in: 0...60_000_000, using: &generator) }
      if index % 90 == 0 { ns &+= .random(in: 0...400_000_000, using: &generator) }
      packets.append(
        TestPacket(frame, timestampNs: ns, originalLength: max(originalLength, frame.count)))
      if let last = packets.last, index % 6 == 0 { packets.append(last) }
    }
    return packets
  }

  private func pcapng(_ packets: [TestPacket], order: ByteOrder) -> [UInt8] {
    var writer = PcapngWriter()
    writer.section(order)
    writer.interface(resolution: 9)
    writer.interface(resolution: 9)
    for (index, packet) in packets.enumerated() {
      if index % 40 == 39 {
        // Without a time of its own.
        writer.simplePacket(packet.bytes)
      } else {
        writer.packet(
          packet.bytes, interface: index % 50 == 0 ? 1 : 0, ticks: packet.timestampNs,
          originalLength: packet.originalLength)
      }
    }
    return writer.bytes
  }

  @Test(
    "gives the same on the short way as on the general one, which files of the other byte order go")
  func shortWay() throws {
    var generator = TestSeed.generator(for: "shortWay")
    let directory = try TemporaryDirectory()
    for round in 0..<40 {
      let packets = nearlyPlain(1000, &generator)
      let files = try [
        PcapWriter.file(packets, order: .little, nanoseconds: true),
        PcapWriter.file(packets, order: .big, nanoseconds: true),
        pcapng(packets, order: .little), pcapng(packets, order: .big),
      ].enumerated().map { try directory.write($1, to: "\($0)") }
      for deduplicates in [false, true] {
        let runs = try files.map { file in
          var configuration = CollectorConfiguration(files: [file], deduplicate: deduplicates)
          configuration.decapsulate = round % 2 == 0
          return try CollectorRun(configuration, slotBytes: 4096)
        }
        for (run, general) in [(runs[0], runs[1]), (runs[2], runs[3])] {
          #expect(run.failure == nil)
          #expect(run.accountsForEverything)
          #expect(run.records == general.records)
          #expect(run.entries.map(\.1) == general.entries.map(\.1))
          #expect(run.headers.map(\.accounting) == general.headers.map(\.accounting))
          #expect(run.headers.map(\.baseTick) == general.headers.map(\.baseTick))
          #expect(run.report?.startNs == general.report?.startNs)
          #expect(run.report?.endNs == general.report?.endNs)
          #expect(run.report?.frameBytes == general.report?.frameBytes)
        }
        #expect(runs[0].report?.startNs == packets.map(\.timestampNs).min())
        #expect(runs[0].report?.endNs == packets.map(\.timestampNs).max())
      }
    }
  }

  @Test("takes the same runs of packets whole and through small windows", arguments: [true, false])
  func windowedRuns(isPcap: Bool) throws {
    var generator = TestSeed.generator(for: "windowedRuns")
    for _ in 0..<60 {
      let packets = nearlyPlain(150, &generator)
      var file = isPcap ? PcapWriter.file(packets) : pcapng(packets, order: .little)
      // A claim of a length that is not there.
      if Bool.random(using: &generator) {
        file[.random(in: 24..<file.count, using: &generator)] ^= 0x41
      }
      let whole = try batches(file) { _ in file.count }
      #expect(try batches(file) { .random(in: 1...$0, using: &generator) } == whole)
      #expect(try batches(file) { _ in .random(in: 1...200, using: &generator) } == whole)
    }
  }

  /// What is in the ring after `file` was read: counters and items of each batch; each window in memory of its own, so
  /// that the address sanitizer sees reads beyond it. `windowBytes` gets what is left.
  private func batches(_ file: [UInt8], windowBytes: (Int) -> Int) throws -> [Batch] {
    let descriptor = try makeRing(slots: 64, slotBytes: 4096)
    var recorder = try PacketRecorder(
      decoder: FrameDecoder(), filter: "", deduplicates: true,
      writer: RecordWriter(
        ring: RingWriter(try openRing(descriptor)), streamID: 1, capturePoint: 1,
        addressCapacity: 100))
    recorder.beginFile()
    guard var parser = file.withUnsafeBytes({ CaptureParser(beginning: $0) }) else { return [] }
    var begin = 0
    var grown = 0
    while true {
      let length = min(file.count - begin, max(grown, windowBytes(file.count - begin)))
      let window = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
      defer { window.deallocate() }
      window.copyBytes(from: file[begin..<begin + length])
      let isLast = begin + length == file.count
      let step = parser.parse(UnsafeRawBufferPointer(window), isLast: isLast, into: &recorder)
      begin += step.consumed
      if step.damage != nil || isLast { break }
      grown = step.consumed == 0 ? length * 2 : 0
    }
    recorder.end(report: Array("\(recorder.packets) \(recorder.frameBytes)".utf8))
    return try drain(try openRing(descriptor)).map { slot in
      try slot.withUnsafeBytes { bytes in
        let reader = try BatchReader(bytes)
        return Batch(
          accounting: reader.header.accounting, baseTick: reader.header.baseTick,
          items: Array(reader.payload))
      }
    }
  }

  private struct Batch: Equatable {
    var accounting: Accounting
    var baseTick: UInt64
    var items: [UInt8]
  }

  @Test(
    "parses mutated captures of both formats, whole and through small windows alike",
    arguments: [true, false])
  func mutatedCaptures(isPcap: Bool) throws {
    var generator = TestSeed.generator(for: "mutatedCaptures")
    let file =
      isPcap ? PcapWriter.file(PcapParserTests.packets) : PcapngParserTests.mixed
    for _ in 0..<3000 {
      let mutated = mutate(file, &generator)
      let whole = try Reading(whole: mutated)
      #expect(whole.packets.reduce(0) { $0 + $1.bytes.count } <= mutated.count)
      let windowed = windowedReading(mutated, .random(in: 1...64, using: &generator))
      #expect(windowed == whole)
    }
  }

  /// As the sliding buffer does it, without a file: windows grow only when nothing was consumed.
  private func windowedReading(_ file: [UInt8], _ windowBytes: Int) -> Reading? {
    file.withUnsafeBytes { bytes in
      var list = PacketList()
      guard var parser = CaptureParser(beginning: bytes) else { return try? Reading(whole: file) }
      var begin = 0
      var length = windowBytes
      while true {
        let end = min(bytes.count, begin + length)
        let step = parser.parse(
          UnsafeRawBufferPointer(rebasing: bytes[begin..<end]), isLast: end == bytes.count,
          into: &list)
        begin += step.consumed
        if step.damage != nil || end == bytes.count {
          return Reading(packets: list.packets, damage: step.damage)
        }
        length = step.consumed == 0 ? length * 2 : windowBytes
      }
    }
  }

  @Test("keeps its books on captures full of mutated frames")
  func accounting() throws {
    var generator = TestSeed.generator(for: "accounting")
    let directory = try TemporaryDirectory()
    let packets = (0..<5000).map { index in
      let seed = FuzzTests.seeds[index % FuzzTests.seeds.count]
      return TestPacket(
        mutate(seed.1, &generator), timestampNs: .random(in: 0...1 << 61, using: &generator))
    }
    for linkType in [1, 101, 113, 127] as [UInt32] {
      let path = try directory.write(PcapWriter.file(packets, linkType: linkType), to: "a")
      for filter in ["", "tcp or vlan", "not port 80"] {
        let run = try CollectorRun(CollectorConfiguration(files: [path], filter: filter))
        #expect(run.failure == nil)
        #expect(run.accountsForEverything)
        #expect(run.accounting.captured == 5000)
      }
    }
  }
}
extension Reading {
  init(packets: [PacketList.Packet], damage: CaptureDamage?) {
    self.packets = packets
    self.damage = damage
  }
}
