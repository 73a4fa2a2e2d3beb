import ServiceMap
import TestSupport
import Testing
import Wire

@Suite struct RoleOverridesTests {
  // MARK: Forms

  /// A statement, an endpoint that it matches and one that it just does not.
  static let forms: [(statement: String, inside: String, outside: String)] = [
    ("10.0.0.5:8080/tcp: server", "10.0.0.5 6 8080", "10.0.0.5 17 8080"),
    ("10.0.0.5:8080/tcp: server", "10.0.0.5 6 8080", "10.0.0.5 6 8081"),
    ("10.0.0.5:8080/tcp: server", "10.0.0.5 6 8080", "10.0.0.6 6 8080"),
    ("10.0.0.0/24:8000-8100/tcp: server", "10.0.0.0 6 8000", "9.255.255.255 6 8000"),
    ("10.0.0.0/24:8000-8100/tcp: server", "10.0.0.255 6 8100", "10.0.1.0 6 8100"),
    ("10.0.0.0/24:8000-8100/tcp: server", "10.0.0.9 6 8050", "10.0.0.9 6 8101"),
    ("10.0.0.0/24:8000-8100/tcp: server", "10.0.0.9 6 8050", "10.0.0.9 6 7999"),
    ("10.0.0.8-10.0.1.2:53: server", "10.0.0.8 17 53", "10.0.0.7 17 53"),
    ("10.0.0.8-10.0.1.2:53: server", "10.0.1.2 6 53", "10.0.1.3 6 53"),
    ("10.0.0.7:*/udp: client", "10.0.0.7 17 0", "10.0.0.7 6 0"),
    ("10.0.0.7:*/udp: client", "10.0.0.7 17 65535", "10.0.0.8 17 65535"),
    ("*:6881-6999/*: peer", "2001:db8::7 6 6881", "2001:db8::7 6 6880"),
    ("*:6881-6999/*: peer", "10.9.8.7 17 6999", "10.9.8.7 17 7000"),
    ("10.0.0.9:5000: server", "10.0.0.9 132 5000", "10.0.0.9 132 5001"),
    ("0.0.0.0/0:80/tcp: server", "255.255.255.255 6 80", "2001:db8::1 6 80"),
    ("10.0.0.5/32:80/tcp: server", "10.0.0.5 6 80", "10.0.0.4 6 80"),
    ("[2001:db8::1]:443/tcp: server", "2001:db8::1 6 443", "2001:db8::2 6 443"),
    (
      "[2001:DB8::/32]:*/tcp: client", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 6 1",
      "2001:db9:: 6 1"
    ),
    (
      "[2001:db8::/32]:*/tcp: client", "2001:db8:: 6 1",
      "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 6 1"
    ),
    ("[2001:db8::40/122]:1: server", "2001:db8::7f 6 1", "2001:db8::80 6 1"),
    ("[fe80::1-fe80::9]:546/udp: client", "fe80::9 17 546", "fe80::a 17 546"),
    // What stands for IPv4 lies within ::/0, in numbers.
    ("[::/0]:*: peer", "::1 6 1", "10.0.0.1 6 1"),
    ("[::/0]:*: peer", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 6 1", "0.0.0.0 6 1"),
    ("[::fffe:0:0/95]:*: peer", "::fffe:ffff:ffff 6 1", "255.255.255.255 6 1"),
    ("10.0.0.1:9/SCTP: Server", "10.0.0.1 132 9", "10.0.0.1 6 9"),
    ("10.0.0.1:9/dccp: server", "10.0.0.1 33 9", "10.0.0.1 6 9"),
    ("10.0.0.1:9/udplite: server", "10.0.0.1 136 9", "10.0.0.1 17 9"),
    ("10.0.0.1:*/icmp: server", "10.0.0.1 1 2048", "10.0.0.1 58 2048"),
    ("[2001:db8::1]:*/icmpv6: server", "2001:db8::1 58 0", "2001:db8::1 1 0"),
    ("10.0.0.1:*/esp: peer", "10.0.0.1 50 0", "10.0.0.1 51 0"),
    ("10.0.0.1:*/255: peer", "10.0.0.1 255 0", "10.0.0.1 254 0"),
    ("10.0.0.1:*/006: peer", "10.0.0.1 6 0", "10.0.0.1 0 0"),
    (" 10.0.0.0 / 24 : 1 - 9 / tcp : server ", "10.0.0.3 6 9", "10.0.0.3 6 10"),
    ("\t10.0.0.1\u{3000}-\u{A0}10.0.0.3:5\t:server#why", "10.0.0.3 6 5", "10.0.0.4 6 5"),
    ("[ 2001:db8:: / 32 ] : * : server # IPv6: [x]", "2001:db8::1 6 5", "10.0.0.1 6 5"),
  ]

  @Test("every form of a target matches what it says and nothing beside it", arguments: forms)
  func form(statement: String, inside: String, outside: String) throws {
    let overrides = try RoleOverrides(parsing: statement, path: "roles.txt")
    #expect(try answer(overrides, inside) != nil)
    #expect(try answer(overrides, outside) == nil)
  }

  @Test("the four roles; auto leaves it to the evidence, and so does no line")
  func roles() throws {
    let overrides = try RoleOverrides(
      parsing: "*:1: server\n*:2: client\n*:3: peer\n*:4: auto\n", path: "roles.txt")
    #expect(try answer(overrides, "10.0.0.1 6 1") == "server 1")
    #expect(try answer(overrides, "10.0.0.1 6 2") == "client 2")
    #expect(try answer(overrides, "10.0.0.1 6 3") == "peer 3")
    #expect(try answer(overrides, "10.0.0.1 6 4") == nil)
    #expect(try answer(overrides, "10.0.0.1 6 5") == nil)
    let address = try #require(IPAddress("10.0.0.1"))
    #expect(overrides.role(of: address, protocolNumber: 6, port: 2) == .client)
    #expect(overrides.role(of: address, protocolNumber: 6, port: 4) == nil)
  }

  @Test("the first line that matches decides, whichever of the two is the wider")
  func firstMatch() throws {
    let overrides = try RoleOverrides(
      parsing: """
        10.0.0.5:80/udp: peer
        10.0.0.5:80/tcp: auto
        10.0.0.0/24:80: server
        10.0.0.6:80/tcp: client   # too late
        10.0.0.5:80: client
        10.0.1.6:80/tcp: client
        10.0.1.6:80/tcp: server   # the same again
        *:*: peer
        """, path: "roles.txt")
    #expect(try answer(overrides, "10.0.0.5 17 80") == "peer 1")
    #expect(try answer(overrides, "10.0.0.5 6 80") == nil)
    #expect(try answer(overrides, "10.0.0.5 132 80") == "server 3")
    #expect(try answer(overrides, "10.0.0.6 6 80") == "server 3")
    #expect(try answer(overrides, "10.0.1.6 6 80") == "client 6")
    #expect(try answer(overrides, "2001:db8::1 6 80") == "peer 8")
  }

  @Test("lines are counted as editors do, and their statements kept for explanations")
  func lines() throws {
    let overrides = try RoleOverrides(
      parsing: "\u{FEFF}# über: x\r\n\r\n*:1: server # one\r\n#\u{301}\n\n*:2: client\r*:3: peer",
      path: "roles.txt")
    #expect(overrides.path == "roles.txt")
    #expect(try answer(overrides, "10.0.0.1 6 1") == "server 3")
    #expect(try answer(overrides, "10.0.0.1 6 2") == "client 6")
    #expect(try answer(overrides, "10.0.0.1 6 3") == "peer 7")
    #expect(overrides.text(ofLine: 3) == "*:1: server")
    #expect(overrides.text(ofLine: 1) == nil)
  }

  @Test("no statements, no answers", arguments: ["", "\n", "\u{FEFF}", "# nothing\r\n  \t\r\n"])
  func empty(text: String) throws {
    let overrides = try RoleOverrides(parsing: text, path: "roles.txt")
    #expect(overrides.isEmpty && RoleOverrides().isEmpty)
    #expect(try answer(overrides, "10.0.0.1 6 1") == nil)
    #expect(try !RoleOverrides(parsing: "*:1: auto", path: "").isEmpty)
  }

  // MARK: Errors

  static let form = "write ADDRESS:PORT/PROTOCOL: server|client|peer|auto"

  /// Bad lines, and what the error says after "roles.txt:3: ".
  static let bad: [(line: String, message: String)] = [
    ("10.0.0.5:80800/tcp: server", "\"10.0.0.5:80800/tcp\": port 80800 is above 65535; \(form)"),
    (
      "*:99999999999999999999: peer",
      "\"*:99999999999999999999\": port 99999999999999999999 is above 65535; \(form)"
    ),
    ("*:http: server", "\"*:http\": port \"http\" is no number; \(form)"),
    ("*:+80: server", "\"*:+80\": port \"+80\" is no number; \(form)"),
    ("*:1-: server", "\"*:1-\": port \"\" is no number; \(form)"),
    ("*:1-2-3: server", "\"*:1-2-3\": port \"2-3\" is no number; \(form)"),
    ("*:９: server", "\"*:９\": port \"９\" is no number; \(form)"),
    ("*:9-8: server", "\"*:9-8\": the ports end before they begin; write 8-9"),
    ("*:/tcp: server", "\"*:/tcp\": no port; write a number, or * for all"),
    ("10.0.0.5: server", "\"10.0.0.5: server\": no port; write ADDRESS:*: server for all ports"),
    ("10.0.0.5:80/tcp", "\"10.0.0.5:80/tcp\": no role; \(form)"),
    ("10.0.0.5:80/tcp: # todo", "\"10.0.0.5:80/tcp\": no role; \(form)"),
    ("10.0.0.5:80/tcp: sever", "\"10.0.0.5:80/tcp\": \"sever\" is no role; \(form)"),
    (
      "10.0.0.5:80/tcp: server client", "\"10.0.0.5:80/tcp\": \"server client\" is no role; \(form)"
    ),
    ("server", "\"server\": no port and no role; \(form)"),
    ("10.0.0.5:80:tcp: server", "\"10.0.0.5:80:tcp: server\": too many colons; \(form)"),
    ("*:80/: server", "\"*:80/\": no protocol after the /; write /tcp, or nothing for any"),
    (
      "*:80/tpc: server",
      "\"*:80/tpc\": \"tpc\" is no protocol known here; write tcp, udp, sctp or IANA's number, 0-255"
    ),
    (
      "*:80/tcp/udp: server",
      "\"*:80/tcp/udp\": \"tcp/udp\" is no protocol known here; write tcp, udp, sctp or IANA's number, 0-255"
    ),
    ("*:80/256: server", "\"*:80/256\": protocol 256 is above 255; \(form)"),
    (":80: server", "\":80\": no address; write an address, or * for all"),
    (
      "mail:25/tcp: server",
      "\"mail:25/tcp\": \"mail\" is no address; write IPv4, [IPv6] or *; not a name"
    ),
    (
      "10.0.0.256:25: server",
      "\"10.0.0.256:25\": \"10.0.0.256\" is no address; write IPv4, [IPv6] or *; not a name"
    ),
    (
      "10.0.0.5\u{0}1:2: server",
      "\"10.0.0.5\\u{0}1:2\": \"10.0.0.5\\u{0}1\" is no address; write IPv4, [IPv6] or *; not a name"
    ),
    (
      "\u{1B}[2J:2: server",
      "\"\\u{1b}[2J:2\": \"\\u{1b}[2J\" is no address; write IPv4, [IPv6] or *; not a name"
    ),
    ("10.0.0.0/33:1: server", "\"10.0.0.0/33:1\": prefix length 33 is above 32; \(form)"),
    (
      "10.0.0.0/255.0.0.0:1: server",
      "\"10.0.0.0/255.0.0.0:1\": prefix length \"255.0.0.0\" is no number; \(form)"
    ),
    (
      "10.0.0.5/24:1: server",
      "\"10.0.0.5/24:1\": 10.0.0.5 has bits set past its prefix of 24; write 10.0.0.0/24 for the network or 10.0.0.5 for the address"
    ),
    (
      "10.0.0.5-10.0.0.4:1: server",
      "\"10.0.0.5-10.0.0.4:1\": the range ends before it begins; write 10.0.0.4-10.0.0.5"
    ),
    ("10.0.0.5-:1: server", "\"10.0.0.5-:1\": no address; write an address, or * for all"),
    (
      "2001:db8::1:443/tcp: server",
      "\"2001:db8::1:443/tcp: server\": IPv6 without brackets; write [2001:db8::1]:443/tcp: server"
    ),
    ("::1: server", "\"::1: server\": IPv6 without brackets; write [2001:db8::1]:443/tcp: server"),
    (
      "[2001:db8::1:443/tcp: server",
      "\"[2001:db8::1:443/tcp: server\": the bracket is not closed; write [2001:db8::1]:443/tcp: server"
    ),
    (
      "[2001:db8::]/32:1: server",
      "\"[2001:db8::]/32:1: server\": \"/32\" after the bracket; write a prefix or range inside it, as in [2001:db8::/32]:443/tcp: server"
    ),
    (
      "[2001:db8::/129]:1: server",
      "\"[2001:db8::/129]:1\": prefix length 129 is above 128; \(form)"
    ),
    (
      "[2001:db8::1/32]:1: server",
      "\"[2001:db8::1/32]:1\": 2001:db8::1 has bits set past its prefix of 32; write 2001:db8::/32 for the network or 2001:db8::1 for the address"
    ),
    (
      "[2001:db8::g]:1: server",
      "\"[2001:db8::g]:1\": \"2001:db8::g\" is no address; write IPv6 as in [2001:db8::1]"
    ),
    (
      "[fe80::1%eth0]:1: server",
      "\"[fe80::1%eth0]:1\": captures know no zones; write the address without %"
    ),
    ("[10.0.0.5]:1: server", "\"[10.0.0.5]:1\": IPv4 in brackets; write 10.0.0.5 without them"),
    (
      "[::ffff:10.0.0.5]:1: server",
      "\"[::ffff:10.0.0.5]:1\": IPv4 in brackets; write 10.0.0.5 without them"
    ),
    ("[*]:1: server", "\"[*]:1\": * in brackets; write [::/0] for all of IPv6, * for all"),
    ("[]:1: server", "\"[]:1\": no address; write an address, or * for all"),
  ]

  @Test("a bad line is named: where, what is wrong, what to write", arguments: bad)
  func badLine(line: String, message: String) {
    let error = #expect(throws: RoleOverridesError.self) {
      try RoleOverrides(parsing: "# roles\n*:1: server\n\(line)\nmore junk", path: "roles.txt")
    }
    #expect(error?.description == "roles.txt:3: " + message)
    #expect(error?.line == 3 && error?.path == "roles.txt")
  }

  @Test("what an error quotes is short")
  func longLine() {
    let error = #expect(throws: RoleOverridesError.self) {
      try RoleOverrides(parsing: String(repeating: "x", count: 1_000_000), path: "roles.txt")
    }
    #expect((error?.description.count ?? .max) < 250)
  }

  @Test("reads a file; says which is missing, a directory, not UTF-8 or far too large")
  func files() throws {
    let directory = try TemporaryDirectory()
    let good = try directory.write("\u{FEFF}*:80: server\r\n".utf8, to: "good.txt")
    #expect(try answer(RoleOverrides(path: good), "10.0.0.1 6 80") == "server 1")

    func failure(_ path: String) -> String? {
      #expect(throws: RoleOverridesError.self) { try RoleOverrides(path: path) }?.description
    }
    let none = directory.path("none.txt")
    #expect(failure(none) == "\(none): does not exist; check the path")
    #expect(failure(directory.path) == "\(directory.path): is a directory; name the file in it")
    let latin = try directory.write(
      Array("*:1: peer\n# f".utf8) + [0xFC, 0x72, 0x0A], to: "latin.txt")
    #expect(failure(latin) == "\(latin):2: is not UTF-8; save the file as UTF-8")
    let wide = try directory.write([0xFF, 0xFE, 0x2A, 0], to: "wide.txt")
    #expect(failure(wide) == "\(wide):1: is not UTF-8; save the file as UTF-8")
    #expect(failure("/dev/zero") == "/dev/zero: is larger than 16 MiB; is it a file of roles?")
    let bad = try directory.write("*:80: sever".utf8, to: "bad.txt")
    #expect(failure(bad) == "\(bad):1: \"*:80\": \"sever\" is no role; \(RoleOverridesTests.form)")
  }

  // MARK: Random files

  @Test("a thousand random files: each look-up answers what a search from line to line does")
  func randomFiles() throws {
    var generator = TestSeed.generator(for: "RoleOverrides random files")
    for _ in 0..<1000 {
      let lines = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        RandomLine(using: &generator)
      }
      let text = lines.map(\.text).joined(separator: Bool.random(using: &generator) ? "\n" : "\r\n")
      let overrides = try RoleOverrides(parsing: text, path: "roles.txt")
      for _ in 0..<50 {
        let address = RandomLine.address(using: &generator)
        let proto = RandomLine.protocolNumbers.randomElement(using: &generator) ?? 6
        let port = RandomLine.port(using: &generator)
        let index = lines.firstIndex {
          $0.matches(address, protocolNumber: proto, port: port)
        }
        var expected: String?
        if let index, let role = lines[index].role, role != .auto {
          expected = "\(role) \(index + 1)"
        }
        let found = overrides.match(address, protocolNumber: proto, port: port)
        #expect(
          found.map { "\($0.role) \($0.line)" } == expected,
          "\(address) \(proto) \(port) in\n\(text)")
        #expect(overrides.role(of: address, protocolNumber: proto, port: port) == found?.role)
      }
    }
  }

  @Test("a thousand files of junk: taken or refused with the line, never a crash")
  func junk() throws {
    var generator = TestSeed.generator(for: "RoleOverrides junk")
    let pieces = [
      "10.0.0.5", "*", ":", ":", ": server", "/", "-", "[", "]", "2001:db8::1", "::", "/tcp", "80",
      "65536", "#", "\n", "\r\n", "\r", " ", "\u{FEFF}", "\u{0}", "\u{301}", "client", "９", "%",
      "[2001:db8::/32]:1/udp: peer\n", "10.0.0.0/8:*: auto\n", "/33", "\u{2028}",
    ]
    let directory = try TemporaryDirectory()
    for _ in 0..<1000 {
      let count = Int.random(in: 1...20, using: &generator)
      var text = ""
      for _ in 0..<count { text += pieces.randomElement(using: &generator) ?? "" }
      do {
        _ = try RoleOverrides(parsing: text, path: "roles.txt").isEmpty
      } catch {
        #expect(error.description.hasPrefix("roles.txt:\(error.line ?? 0): "), "\(text)")
        #expect(!error.description.unicodeScalars.contains { $0.value < 0x20 }, "\(text)")
      }
      // The same with a byte broken, as a file.
      var bytes = Array(text.utf8)
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
        in: 0...255, using: &generator)
      let path = try directory.write(bytes, to: "junk.txt")
      do { _ = try RoleOverrides(path: path) } catch { #expect(error is RoleOverridesError) }
    }
  }

  @Test("thousands of lines of each kind and as many endpoints take no time to speak of")
  func large() throws {
    var text = ""
    for number in 0..<4000 {
      let host = "\(number / 250).\(number % 250)"
      text +=
        "10.0.\(host):443/tcp: server\n10.1.\(host):*/udp: client\n10.2.0.0-10.2.\(host):1: peer\n"
    }
    let overrides = try RoleOverrides(parsing: text, path: "roles.txt")
    var found = 0
    let time = ContinuousClock().measure {
      for number in 0..<UInt32(0x3_0000) {
        let address = IPAddress(v4: 0x0A00_0000 | number)
        if overrides.role(of: address, protocolNumber: 6, port: 443) != nil { found += 1 }
      }
    }
    #expect(found == 4000)
    // From line to line it would be two thousand million comparisons: minutes in a debug build.
    #expect(time < .seconds(20), "\(time)")
  }

  // MARK: Helpers

  /// "role line" of the endpoint "address protocol port"; nil where the file leaves it open.
  private func answer(_ overrides: RoleOverrides, _ endpoint: String) throws -> String? {
    let parts = endpoint.split(separator: " ")
    return overrides.match(
      try #require(IPAddress(String(parts[0]))), protocolNumber: try #require(UInt8(parts[1])),
      port: try #require(UInt16(parts[2]))
    ).map { "\($0.role) \($0.line)" }
  }
}

/// A random line whose meaning is known without reading it. Addresses and ports are few, so that
/// lines overlap and look-ups hit.
private struct RandomLine {
  static let protocolNumbers: [UInt8] = [1, 6, 17, 132]

  private(set) var text = ""
  private var isAnyAddress = false
  private var first = IPAddress(high: 0, low: 0)
  private var last = IPAddress(high: 0, low: 0)
  private var ports = UInt16.min...UInt16.max
  private var protocolNumber: UInt8?
  private(set) var role: RoleOverrides.Role?

  init(using generator: inout SeededGenerator) {
    if Int.random(in: 0..<10, using: &generator) == 0 {
      text = ["", "  # *:*: server", "\t"].randomElement(using: &generator) ?? ""
      return
    }
    let address = chooseAddress(using: &generator)
    let one = RandomLine.port(using: &generator)
    let other = RandomLine.port(using: &generator)
    var service = "*"
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: break
    case 1:
      ports = min(one, other)...max(one, other)
      service = "\(ports.lowerBound)-\(ports.upperBound)"
    default:
      ports = one...one
      service = "\(one)"
    }
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: break
    case 1: service += "/*"
    default:
      let number = RandomLine.protocolNumbers.randomElement(using: &generator) ?? 6
      protocolNumber = number
      service += Bool.random(using: &generator) ? "/\(number)" : "/\(ProtocolName.of(number))"
    }
    let roles: [RoleOverrides.Role] = [.server, .client, .peer, .auto]
    let chosen = roles.randomElement(using: &generator) ?? .auto
    role = chosen
    let space = Bool.random(using: &generator) ? " " : ""
    text = "\(space)\(address)\(space):\(space)\(service)\(space): \(chosen)\(space)# why: no"
  }

  func matches(_ address: IPAddress, protocolNumber: UInt8, port: UInt16) -> Bool {
    guard role != nil, ports.contains(port) else { return false }
    if let wanted = self.protocolNumber, wanted != protocolNumber { return false }
    if isAnyAddress { return true }
    return address.isIPv4 == first.isIPv4 && first <= address && address <= last
  }

  private mutating func chooseAddress(using generator: inout SeededGenerator) -> String {
    let one = RandomLine.address(using: &generator)
    var text = "\(one)"
    first = one
    last = one
    switch Int.random(in: 0..<6, using: &generator) {
    case 0:
      isAnyAddress = true
      return "*"
    case 1:
      let width = one.isIPv4 ? 32 : 128
      let bits = Int.random(in: 0...width, using: &generator)
      first = one.masked(v4Bits: bits, v6Bits: bits)
      // Set bit by bit, unlike the code under test.
      for bit in 0..<(width - bits) {
        last = IPAddress(
          high: bit < 64 ? last.high : last.high | 1 << UInt64(bit - 64),
          low: bit < 64 ? last.low | 1 << UInt64(bit) : last.low)
      }
      text = "\(first)/\(bits)"
    case 2:
      var other = RandomLine.address(using: &generator)
      while other.isIPv4 != one.isIPv4 { other = RandomLine.address(using: &generator) }
      first = min(one, other)
      last = max(one, other)
      text = "\(first)-\(last)"
    default: break
    }
    return one.isIPv4 ? text : "[\(text)]"
  }

  static func address(using generator: inout SeededGenerator) -> IPAddress {
    let few = UInt64.random(in: 0..<12, using: &generator)
    return switch Int.random(in: 0..<8, using: &generator) {
    case 0...3: IPAddress(v4: 0x0A00_0000 + UInt32(few))
    case 4: IPAddress(v4: few < 6 ? UInt32(few) : UInt32.max - UInt32(few))
    case 5, 6: IPAddress(high: 0x2001_0DB8_0000_0000, low: few)
    default:
      few < 6 ? IPAddress(high: 0, low: few) : IPAddress(high: .max, low: .max - (few - 6))
    }
  }

  static func port(using generator: inout SeededGenerator) -> UInt16 {
    [0, 1, 2, 3, 80, 443, 65534, 65535].randomElement(using: &generator) ?? 0
  }
}
