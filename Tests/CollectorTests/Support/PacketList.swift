import Glibc
import TestSupport

@testable import Collector

/// A sink that keeps copies of all packets.
struct PacketList: PacketSink {
  struct Packet: Equatable {
    var bytes: [UInt8]
    var originalLength: Int
    var timestampNs: UInt64
    var linkType: LinkType
  }

  var packets: [Packet] = []

  mutating func take(_ packet: CapturedPacket) throws(Never) {
    let bytes = UnsafeRawBufferPointer(start: packet.bytes, count: packet.capturedLength)
    packets.append(
      Packet(
        bytes: Array(bytes), originalLength: packet.originalLength,
        timestampNs: packet.timestampNs, linkType: packet.linkType))
  }
}

/// What reading a capture gave.
struct Reading: Equatable {
  var packets: [PacketList.Packet]
  var damage: CaptureDamage?

  /// The whole capture as one window, as a mapped file is.
  init(whole file: [UInt8]) throws {
    var list = PacketList()
    damage = file.withUnsafeBytes { bytes in
      guard var parser = CaptureParser(beginning: bytes) else { return nil }
      return parser.parse(bytes, isLast: true, into: &list).damage
    }
    packets = list.packets
  }

  /// The file at `path`, mapped or decompressed.
  init(path: String) throws {
    var list = PacketList()
    damage = try CaptureReader(path: path).read(into: &list)
    packets = list.packets
  }

  /// The file at `path` as if it came through a pipe, with a sliding buffer of `windowBytes` at
  /// first.
  init(streaming path: String, windowBytes: Int) throws {
    let descriptor = open(path, O_RDONLY)
    var list = PacketList()
    let source = DescriptorSource(descriptor: descriptor, closesDescriptor: true, bufferBytes: 64)
    let reader = try CaptureReader(streaming: source, name: path, windowBytes: windowBytes)
    damage = try reader.read(into: &list)
    packets = list.packets
  }
}
