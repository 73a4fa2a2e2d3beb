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
