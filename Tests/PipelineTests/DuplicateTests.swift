import Foundation
import TestSupport
import Testing

/// The recorded office, as a mirror port that copies both directions would have delivered it.
@Suite struct DuplicateTests {
  private let folder: TemporaryDirectory
  /// The packets of the office: header and frame.
  private let packets: [(header: Data, frame: Data)]
  private let fileHeader: Data

  init() throws {
    folder = try TemporaryDirectory()
    let file = try Data(contentsOf: URL(fileURLWithPath: OfficeTests.capture))
    fileHeader = file.prefix(24)
    var packets: [(Data, Data)] = []
    var offset = 24
    while offset < file.count {
      let length = file.subdata(in: offset + 8..<offset + 12).withUnsafeBytes {
        Int(UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self)))
      }
      packets.append(
        (
          file.subdata(in: offset..<offset + 16),
          file.subdata(in: offset + 16..<offset + 16 + length)
        ))
      offset += 16 + length
    }
    self.packets = packets
  }

  /// What the port behind the router shows: other link addresses, one hop less, another VLAN.
  private func forwarded(_ frame: Data, vlan: Bool) -> Data {
    var frame = [UInt8](frame)
    guard frame.count >= 34, frame[12] == 8, frame[13] == 0 else { return Data(frame) }
    frame[5] ^= 0x55
    frame[11] ^= 0x55
    frame[22] &-= 1
    frame[24] &+= 1
    if vlan { frame.insert(contentsOf: [0x81, 0, 0, 7], at: 12) }
    return Data(frame)
  }

  private func write(_ packets: [(header: Data, frame: Data)], to name: String) throws -> String {
    var file = fileHeader
    for packet in packets {
      var header = packet.header
      let count = UInt32(packet.frame.count)
      for index in 0..<4 {
        header[header.startIndex + 8 + index] = UInt8(truncatingIfNeeded: count >> (8 * index))
        header[header.startIndex + 12 + index] = header[header.startIndex + 8 + index]
      }
      file += header + packet.frame
    }
    return try folder.write(file, to: name)
  }

  /// The map's hosts, failures, …: everything behind the capture's own figures.
  private func map(_ path: String, _ options: [String] = []) throws -> (Substring, [String: Int]) {
    let result = try Command.run(["audit", "-q", "-r", path, "--format", "json"] + options)
    try #require(result.status == 0, "\(result.errors)")
    let capture = try #require(result.json?["capture"] as? [String: Any])
    let accounting = try #require(capture["accounting"] as? [String: Int])
    #expect(
      accounting["captured"] == accounting.filter { $0.key != "captured" }.map(\.value).reduce(0, +)
    )
    #expect(accounting["captured"] == capture["packets"] as? Int)
    let text = result.text
    let begin = try #require(text.range(of: "\"summary\"")).lowerBound
    return (text[begin...], accounting)
  }

  private var isIP: (Data) -> Bool {
    { $0.count > 14 && ($0[$0.startIndex + 12] == 8 && $0[$0.startIndex + 13] == 0) }
  }

  @Test("gives the map of the office for packets that come twice", arguments: [1, 2])
  func twice(oneIn: Int) throws {
    let plain = try map(OfficeTests.capture)
    #expect(plain.1["duplicate"] == 0)
    var copies = 0
    var doubled: [(header: Data, frame: Data)] = []
    for (index, packet) in packets.enumerated() {
      doubled.append(packet)
      guard isIP(packet.frame), index % oneIn == 0 else { continue }
      doubled.append((packet.header, forwarded(packet.frame, vlan: index % 4 == 0)))
      copies += 1
    }
    let path = try write(doubled, to: "doubled.pcap")
    let found = try map(path)
    #expect(found.0 == plain.0)
    #expect(found.1["duplicate"] == copies)
    #expect(found.1["mapped"] == plain.1["mapped"])
    let counted = try map(path, ["--no-deduplicate"])
    #expect(counted.1["duplicate"] == 0)
    #expect(counted.1["mapped"] == plain.1["mapped"].map { $0 + copies })
  }

  @Test("tells the reader, in both languages, in text and on the page")
  func said() throws {
    let path = try write(packets.flatMap { [$0, $0] }, to: "doubled.pcap")
    for (language, words) in [
      ("en", "were copies of packets already seen"), ("ja", "既に見たパケットの複製だった"),
    ] {
      for format in ["text", "html"] {
        let result = try Command.run([
          "audit", "-q", "-r", path, "--format", format, "-o", "-", "--lang", language,
        ])
        #expect(result.status == 0, "\(result.errors)")
        let text = result.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(text.contains(words), "\(format) \(language)")
      }
    }
  }
}
