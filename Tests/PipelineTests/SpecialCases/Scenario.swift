import Foundation
import TestSupport
import Testing

/// Who has the smaller addresses, and of which family. No verdict may depend on it.
enum Layout: String, CaseIterable, CustomTestStringConvertible {
  case serversLow, clientsLow, serversLow6, clientsLow6

  /// For what IPv6 has no like of: broadcast, ports of DHCPv4.
  static let ipv4: [Layout] = [.serversLow, .clientsLow]

  var is6: Bool { self == .serversLow6 || self == .clientsLow6 }
  var areServersLow: Bool { self == .serversLow || self == .serversLow6 }
  var testDescription: String { rawValue }
}

/// An address; `host[53]` is its endpoint.
struct Host: Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
  let description: String

  init(_ address: String) { description = address }
  init(stringLiteral address: String) { description = address }

  subscript(port: UInt16) -> Endpoint { Endpoint(host: self, port: port) }

  /// The service that answers its pings, as `ScenarioMap.services` names it.
  var ping: String { "\(self) \(is6 ? "ipv6-icmp/32768" : "icmp/2048")" }
  var is6: Bool { description.contains(":") }
}

/// A host and a port; `udp`, `tcp`, `sctp` name it as `ScenarioMap.services` does.
struct Endpoint: Hashable {
  let host: Host
  let port: UInt16

  var udp: String { "\(host) udp/\(port)" }
  var tcp: String { "\(host) tcp/\(port)" }
  var sctp: String { "\(host) sctp/\(port)" }
}

/// A small piece of traffic, packet by packet, and what renkei makes of it.
///
/// Packets have their true lengths, an identification of their own, and follow each other by 0.4 ms
/// unless `wait` says otherwise.
struct Scenario {
  struct Sent {
    var time: Double
    var from: Endpoint
    var to: Endpoint
    var packet: [UInt8]
  }

  let layout: Layout
  private(set) var sent: [Sent] = []
  /// Seconds since the capture began.
  private var now = 0.0
  private var generator = SeededGenerator(seed: 20_080_331)

  init(_ layout: Layout) { self.layout = layout }

  // MARK: - Hosts

  /// The n-th host on the servers' side, from 1.
  func server(_ n: Int = 1) -> Host { inside(n, isLow: layout.areServersLow) }

  /// The n-th host on the clients' side, from 1.
  func client(_ n: Int = 1) -> Host { inside(n, isLow: !layout.areServersLow) }

  /// The n-th host anywhere in the world, between the two sides' addresses.
  func stranger(_ n: Int) -> Host {
    var number = SeededGenerator(seed: UInt64(n))
    let bits = number.next()
    if layout.is6 {
      return Host("2001:db8:5:\(hex(bits & 0x7FFF | 0x1000))::\(hex(bits >> 32 & 0x7FFF | 0x1000))")
    }
    return Host("\(20 + bits % 80).\(bits >> 8 & 255).\(bits >> 16 & 255).\(1 + bits >> 24 % 200)")
  }

  /// A group by the last part of its IPv6 address or by its IPv4 address.
  func group(_ address4: String, _ address6: String) -> Host {
    Host(layout.is6 ? address6 : address4)
  }

  private func inside(_ n: Int, isLow: Bool) -> Host {
    if layout.is6 { return Host("2001:db8:\(isLow ? 1 : 9)::\(hex(UInt64(n)))") }
    return Host("\(isLow ? 10 : 203).1.\(n / 200).\(n % 200 + 1)")
  }

  private func hex(_ number: UInt64) -> String { String(number, radix: 16) }

  /// A port that a client takes for one session (Linux: 32768 to 60999).
  mutating func ephemeral(_ host: Host) -> Endpoint {
    host[.random(in: 32768...60999, using: &generator)]
  }

  // MARK: - Time

  mutating func wait(_ seconds: Double) { now += seconds }

  // MARK: - Packets

  /// One UDP datagram.
  mutating func udp(_ from: Endpoint, _ to: Endpoint, bytes: Int = 60) {
    send(from, to, 17, Frame.udp(from.port, to.port, .init(repeating: 0, count: bytes)))
  }

  /// A datagram to the server and its answer, `times` times.
  mutating func exchange(
    _ client: Endpoint, _ server: Endpoint, times: Int = 1, every seconds: Double = 1
  ) {
    for _ in 0..<times {
      udp(client, server, bytes: 48)
      udp(server, client, bytes: 96)
      wait(seconds)
    }
  }

  static let session = ">S <SA >A >PA <A <PA >A >FA <FA >A"
  static let midstream = ">PA <A <PA >A <PA >A"

  /// TCP segments: `>` is from the client, `<` from the server, the letters are flags, `-` is none.
  /// Those with P carry data.
  mutating func tcp(_ client: Endpoint, _ server: Endpoint, _ segments: String = session) {
    for segment in segments.split(separator: " ") {
      let (from, to) = segment.first == ">" ? (client, server) : (server, client)
      let data = segment.contains("P") ? (from == client ? 240 : 1160) : 0
      let flags = segment.reduce(0 as UInt8) { flags, letter in
        flags | (["F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32][letter] ?? 0)
      }
      tcp(from, to, flags: flags, bytes: data)
    }
  }

  mutating func tcp(_ from: Endpoint, _ to: Endpoint, flags: UInt8, bytes: Int = 0) {
    let data = [UInt8](repeating: 0, count: bytes)
    send(from, to, 6, Frame.tcp(from.port, to.port, flags: flags, data))
  }

  /// SCTP chunks by number (RFC 9260 section 3.2): `>1 <2 >10 <11 >0 <3`.
  mutating func sctp(_ client: Endpoint, _ server: Endpoint, _ chunks: String) {
    for chunk in chunks.split(separator: " ") {
      let (from, to) = chunk.first == ">" ? (client, server) : (server, client)
      let type = UInt8(chunk.dropFirst()) ?? 255
      send(from, to, 132, Frame.sctp(from.port, to.port, chunk: type))
    }
  }

  /// A ping, and its reply unless nobody is there.
  mutating func ping(_ client: Host, _ server: Host, isAnswered: Bool = true) {
    icmp(client, server, layout.is6 ? 128 : 8, 0)
    if isAnswered { icmp(server, client, layout.is6 ? 129 : 0, 0) }
  }

  /// What `from` says of the last packet sent: that there is nobody at the port.
  mutating func portUnreachable(from: Host) {
    guard let last = sent.last else { return }
    icmp(from, last.from.host, layout.is6 ? 1 : 3, layout.is6 ? 4 : 3, about: last)
  }

  /// What a router says of the last packet sent: that it has travelled too far.
  mutating func timeExceeded(from: Host) {
    guard let last = sent.last else { return }
    icmp(from, last.from.host, layout.is6 ? 3 : 11, 0, about: last)
  }

  private mutating func icmp(
    _ from: Host, _ to: Host, _ type: UInt8, _ code: UInt8, about: Sent? = nil
  ) {
    let quoted = about.map { Array($0.packet.prefix(layout.is6 ? 48 : 28)) }
    let data = quoted ?? [UInt8](repeating: 0, count: 56)
    send(from[0], to[0], layout.is6 ? 58 : 1, Frame.icmp(type: type, code: code, data))
  }

  private mutating func send(
    _ from: Endpoint, _ to: Endpoint, _ protocolNumber: UInt8, _ payload: [UInt8]
  ) {
    let (source, destination) = (from.host.description, to.host.description)
    let packet =
      from.host.is6
      ? Frame.ipv6(source, destination, nextHeader: protocolNumber, payload)
      : Frame.ipv4(
        source, destination, protocolNumber: protocolNumber,
        identification: UInt16(truncatingIfNeeded: sent.count + 1), payload)
    sent.append(Sent(time: now, from: from, to: to, packet: packet))
    now += 0.0004
  }

  // MARK: - What the tap misses

  /// Keeps only what these hosts sent: a tap on one direction.
  mutating func keepOnly(from isKept: (Host) -> Bool) {
    sent.removeAll { !isKept($0.from.host) }
  }

  /// Keeps one packet of each session, whichever it happens to be: a sampling tap.
  mutating func keepOneOfEachSession() {
    let sessions = Dictionary(grouping: sent.indices) { Set([sent[$0].from, sent[$0].to]) }
    let kept = sessions.values.sorted { ($0.first ?? 0) < ($1.first ?? 0) }
      .compactMap { $0.randomElement(using: &generator) }
    sent = kept.sorted().map { sent[$0] }
  }

  // MARK: - The verdict

  /// Writes it as a capture, and gives its path.
  func write(to folder: TemporaryDirectory) throws -> String {
    let start: UInt64 = 1_700_000_000_000_000_000
    let packets = sent.map { one in
      TestPacket(
        Frame.ethernet(one.from.host.is6 ? .ipv6 : .ipv4, one.packet),
        timestampNs: start + UInt64(one.time * 1e9))
    }
    return try folder.write(PcapWriter.file(packets, nanoseconds: true), to: "c.pcap")
  }

  /// The map that renkei makes of it; its sums and ranges are checked.
  func map(sourceLocation: SourceLocation = #_sourceLocation) throws -> ScenarioMap {
    let folder = try TemporaryDirectory()
    let capture = try write(to: folder)
    let json = folder.path("map.json")
    let result = try Command.run([
      // The same ACK twice is no copy here.
      "audit", "-q", "--no-deduplicate", "-r", capture, "-o", json,
    ])
    try #require(result.status == 0, "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.errors.isEmpty, sourceLocation: sourceLocation)
    let map = try ScenarioMap(
      JSONDecoder().decode(
        MapDocument.self, from: Data(contentsOf: URL(fileURLWithPath: json))))
    map.checkSums(captured: sent.count, sourceLocation)
    map.checkHonesty(of: self, sourceLocation)
    return map
  }
}
