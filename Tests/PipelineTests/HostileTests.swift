import Foundation
import TestSupport
import Testing

/// What crafted traffic and unusual surroundings must not do. Each was once a defect.
@Suite struct HostileTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// One UDP or TCP packet over Ethernet and IPv4, as few bytes as it takes.
  private func frame(
    _ from: String, _ fromPort: UInt16, _ to: String, _ toPort: UInt16, flags: UInt8? = nil
  ) -> [UInt8] {
    func be(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
    func address(_ text: String) -> [UInt8] { text.split(separator: ".").compactMap { UInt8($0) } }
    var transport = be(fromPort) + be(toPort)
    if let flags {
      transport += [0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 1, 0, 0, 0, 0, 0]
    } else {
      transport += be(8) + [0, 0]
    }
    let header: [UInt8] =
      [0x45, 0] + be(UInt16(20 + transport.count)) + [0, 0, 0, 0, 64, flags == nil ? 17 : 6, 0, 0]
    return [UInt8](repeating: 2, count: 12) + [8, 0] + header + address(from) + address(to)
      + transport
  }

  /// A capture of frames with their times in seconds.
  private func capture(_ packets: [(Double, [UInt8])], name: String = "c.pcap") throws -> String {
    func le(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 255) } }
    var bytes: [UInt8] =
      le(0xA1B2_C3D4) + [2, 0, 4, 0] + le(0) + le(0) + le(65535) + le(1)
    for (second, frame) in packets {
      let micros = UInt64(second * 1e6) + 1_700_000_000_000_000
      bytes += le(UInt32(micros / 1_000_000)) + le(UInt32(micros % 1_000_000))
      bytes += le(UInt32(frame.count)) + le(UInt32(frame.count)) + frame
    }
    return try folder.write(bytes, to: name)
  }

  private func audit(_ options: [String]) throws -> [String: Any] {
    let result = try Command.run(["audit", "-q", "--format", "json"] + options)
    try #require(result.status == 0, "\(result.errors)")
    return try #require(result.json)
  }

  /// "address protocol/port" of everything that is provided.
  private func services(_ map: [String: Any]) throws -> Set<String> {
    var found = Set<String>()
    for host in try #require(map["hosts"] as? [[String: Any]]) {
      for one in try #require(host["provides"] as? [[String: Any]]) {
        found.insert("\(host["address"] ?? "") \(one["protocol"] ?? "")/\(one["port"] ?? "")")
      }
    }
    return found
  }

  @Test("a session answered only after the active timeout is a service, and one session")
  func lateAnswer() throws {
    var packets: [(Double, [UInt8])] = []
    for minute in 0..<40 {
      packets.append((Double(minute) * 60, frame("10.0.0.1", 40000, "10.0.0.2", 1194)))
    }
    for index in 0..<100 {
      let second = 2400 + Double(index) * 0.1
      packets.append((second, frame("10.0.0.1", 40000, "10.0.0.2", 1194)))
      packets.append((second + 0.01, frame("10.0.0.2", 1194, "10.0.0.1", 40000)))
    }
    let map = try audit(["-r", try capture(packets)])
    #expect(try services(map) == ["10.0.0.2 udp/1194"])
    #expect((map["summary"] as? [String: Any])?["sessions"] as? Int == 1)
    #expect((map["failures"] as? [Any])?.isEmpty == true)
  }

  @Test("answers stored ahead of their questions do not turn the roles")
  func reordered() throws {
    var packets: [(Double, [UInt8])] = []
    for index in 0..<20 {
      let second = Double(index)
      let port = UInt16(45000 + index)
      packets.append((second + 0.00004, frame("10.0.0.2", 33333, "10.0.0.1", port)))
      packets.append((second, frame("10.0.0.1", port, "10.0.0.2", 33333)))
    }
    #expect(try services(try audit(["-r", try capture(packets)])) == ["10.0.0.2 udp/33333"])
  }

  @Test(
    "scans make no service of anybody, answered with resets or not",
    arguments: [UInt8(0x01), 0x00, 0x29, 0x10], [true, false])
  func scan(flags: UInt8, isAnswered: Bool) throws {
    var packets: [(Double, [UInt8])] = []
    for index in 0..<2000 {
      let victim = "10.0.\(index % 20).7"
      let port = UInt16(1000 + index / 20)
      let second = Double(index) * 0.001
      packets.append((second, frame("10.9.9.9", 55550, victim, port, flags: flags)))
      if isAnswered {
        packets.append((second + 0.0005, frame(victim, port, "10.9.9.9", 55550, flags: 0x14)))
      }
    }
    #expect(try services(try audit(["-r", try capture(packets)])) == [])
  }

  @Test("answers that nobody asked for make no service of the one who gets them")
  func amplification() throws {
    let packets = (0..<500).map { index in
      (Double(index) * 0.001, frame("8.8.\(index / 250).\(index % 250)", 53, "10.0.0.1", 4444))
    }
    let map = try audit(["-r", try capture(packets)])
    #expect(try services(map) == [])
    #expect((map["failures"] as? [Any])?.isEmpty == true)
  }

  @Test("a SYN+ACK from a group makes no server of the group")
  func groupServer() throws {
    let packets = [
      (0.0, frame("239.1.1.1", 80, "10.0.0.1", 5000, flags: 0x12)),
      (0.1, frame("10.0.0.1", 5000, "239.1.1.1", 80, flags: 0x10)),
    ]
    #expect(try services(try audit(["-r", try capture(packets)])) == [])
  }

  @Test("files that overlap in time are read with a warning")
  func overlap() throws {
    let one = try capture(
      [(0, frame("10.0.0.1", 1, "10.0.0.2", 2)), (9, frame("10.0.0.1", 1, "10.0.0.2", 2))],
      name: "one.pcap")
    let two = try capture([(5, frame("10.0.0.2", 2, "10.0.0.1", 1))], name: "two.pcap")
    let capture = try #require(
      try audit(["-r", one, "-r", two])["capture"] as? [String: Any])
    #expect((capture["warnings"] as? [String])?.first?.contains("overlaps in time") == true)
  }

  @Test("the same file twice is refused")
  func twice() throws {
    let path = try capture([(0, frame("10.0.0.1", 1, "10.0.0.2", 2))])
    let result = try Command.run(["audit", "-r", path, "-r", folder.path + "/./c.pcap"])
    #expect(result.status == 1 && result.errors.contains("named twice"))
  }

  @Test("standard input first, and names that begin with a dash")
  func dashes() throws {
    let path = try capture([(0, frame("10.0.0.1", 1, "10.0.0.2", 2))], name: "-dash.pcap")
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    for arguments in [["-r", "-", "-r", path], ["--read=-dash.pcap"]] {
      let result = try Command.run(
        ["audit", "-q", "--format", "json"] + arguments, input: data, in: folder.path)
      #expect(result.status == 0, "\(result.errors)")
    }
  }

  @Test("a store alone leaves nothing beside it")
  func storeAlone() throws {
    let path = try capture([(0, frame("10.0.0.1", 1, "10.0.0.2", 2))])
    let result = try Command.run(["audit", "-q", "-r", path, "-o", "m.db"], in: folder.path)
    #expect(result.status == 0, "\(result.errors)")
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(left == ["c.pcap", "m.db"])
  }

  @Test("works with its standard descriptors closed, and names a file size limit in words")
  func surroundings() throws {
    let path = try capture([(0, frame("10.0.0.1", 1, "10.0.0.2", 2))])
    let closed = try Command.run(
      "/bin/sh",
      ["-c", "exec \"$0\" audit -q -r \"$1\" -o x.html <&- >&- 2>&-", Command.renkei, path],
      in: folder.path)
    #expect(closed.status == 0)
    let limited = try Command.run(
      "/bin/sh",
      ["-c", "ulimit -f 1; exec \"$0\" audit -q -r \"$1\" -o y.html", Command.renkei, path],
      in: folder.path)
    #expect(limited.status == 1 && limited.errors.hasPrefix("renkei: "), "\(limited.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("y.html")))
  }

  @Test("what can be read before damage in a compressed file is read")
  func damagedCompression() throws {
    let gzip = Tool("gzip")
    guard gzip.isInstalled else { return }
    var packed = try gzip.run(["-c", OfficeTests.capture]).output
    packed[packed.count - 6] ^= 0xFF  // The check sum, behind all data.
    let map = try audit(["-r", try folder.write(packed, to: "crc.pcap.gz")])
    let capture = try #require(map["capture"] as? [String: Any])
    #expect(capture["packets"] as? Int == 7169)
    #expect((capture["warnings"] as? [String])?.count == 1)
  }
}
