import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct HostDirectoryTests {
  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
  private func prefix(_ text: String) throws -> Prefix { try #require(Prefix(text)) }

  @Test("reads names from hosts files and CSV; what came first stands")
  func hosts() throws {
    var names = HostDirectory()
    names.add(text: "10.0.0.1 web www # the web, old\n# 10.0.0.2 no\n2001:DB8::1\tsix\n")
    names.add(
      text: """
        address,name
        10.0.0.1,other
        "10.0.0.3","printer"
        10.0.0.4;nas
        10.0.0.5, "Mail ""Server"", old"
        10.0.0.6 , PC of Tanaka
        """)
    #expect(names.name(of: try address("10.0.0.1")) == "web")
    #expect(names.name(of: try address("10.0.0.2")) == nil)
    #expect(names.name(of: try address("2001:db8::1")) == "six")
    #expect(names.name(of: try address("10.0.0.3")) == "printer")
    #expect(names.name(of: try address("10.0.0.4")) == "nas")
    #expect(names.name(of: try address("10.0.0.5")) == "Mail \"Server\", old")
    #expect(names.name(of: try address("10.0.0.6")) == "PC of Tanaka")
    #expect(names.problems == [])
  }

  @Test("groups: of the host, else of the longest network; names of networks are theirs alone")
  func groups() throws {
    var names = HostDirectory()
    names.add(
      text: """
        \u{FEFF}network;name;group\r
        10.0.0.0/8;Company;\r
        10.1.0.0/16;Tokyo;East\r
        10.1.2.0/24;;"East; servers"\r
        10.1.2.9;printer;\r
        10.1.2.10;;Printers\r
        0.0.0.0/0;;World\r
        2001:db8::/32;Lab;Lab six\r
        10.1.2.0/24;Rack;Later\r
        """)
    #expect(names.problems == [])
    #expect(names.group(of: try address("10.1.2.3")) == "East; servers")
    #expect(names.group(of: try address("10.1.3.3")) == "East")
    #expect(names.group(of: try address("10.2.0.1")) == "World")
    #expect(names.group(of: try address("10.1.2.9")) == "East; servers")
    #expect(names.group(of: try address("10.1.2.10")) == "Printers")
    #expect(names.group(of: try address("2001:db8:1::1")) == "Lab six")
    #expect(names.group(of: try address("2001:db9::1")) == nil)
    #expect(names.name(of: try address("10.1.2.9")) == "printer")
    #expect(names.name(of: try address("10.1.0.0")) == nil)
    #expect(names.networkName(of: try prefix("10.1.0.0/16")) == "Tokyo")
    #expect(names.networkName(of: try prefix("10.1.2.0/24")) == "Rack")
    #expect(names.networkName(of: try prefix("10.1.3.0/24")) == nil)
  }

  @Test("bad lines are skipped, counted and told")
  func problems() throws {
    var names = HostDirectory()
    names.add(
      text: """
        address,name,group
        10.0.0.1,"open
        10.0.0.1/8,slip
        10.0.0.300,x
        10.0.0.2,,
        name,10.0.0.2

        10.0.0.9,ok
        """, path: "n.csv")
    #expect(
      names.problems == [
        "n.csv:2: \"10.0.0.1,\"open\": a quote is not closed",
        "n.csv:3: \"10.0.0.1/8,slip\": no address and no network",
        "n.csv:4: \"10.0.0.300,x\": no address and no network",
        "n.csv:5: \"10.0.0.2,,\": neither a name nor a group",
        "n.csv:6: \"name,10.0.0.2\": no address and no network",
      ])
    #expect(names.name(of: try address("10.0.0.9")) == "ok")
  }

  @Test("inside are private networks, those that are named, and groups")
  func organisation() throws {
    var names = HostDirectory()
    for text in [
      "10.255.0.1", "172.31.0.1", "192.168.3.4", "100.64.0.1", "169.254.1.1", "127.0.0.1", "::1",
      "fd00::1", "fe80::1", "224.0.0.251", "255.255.255.255", "ff02::1", "0.0.0.0", "::",
    ] {
      #expect(names.isInside(try address(text)), "\(text)")
    }
    for text in ["8.8.8.8", "172.32.0.1", "2001:db8::1", "203.0.113.5", "::2"] {
      #expect(!names.isInside(try address(text)), "\(text)")
    }
    names.organisation.append(try prefix("203.0.113.0/24"))
    #expect(names.isInside(try address("203.0.113.5")))
    #expect(names.isInside(try address("10.0.0.1")))
    names.organisation = [try prefix("10.1.0.0/16")]
    #expect(!names.isInside(try address("10.0.0.1")))
    #expect(names.isInside(try address("10.1.0.1")))
  }

  @Test("names come out short, without controls and without what turns the text")
  func clean() {
    #expect(HostDirectory.clean("web <b>\"1\"</b>") == "web <b>\"1\"</b>")
    #expect(HostDirectory.clean("日本語 – é 👩‍💻") == "日本語 – é 👩‍💻")
    #expect(
      HostDirectory.clean("a\u{0}\u{7}\r\n\u{1B}[2J\u{85}\u{7F}b")
        == "a\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}[2J\u{FFFD}\u{FFFD}b")
    for scalar
      in "\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}\u{2066}\u{2067}\u{2068}\u{2069}\u{200E}\u{200F}\u{2028}\u{2029}\u{61C}"
      .unicodeScalars
    {
      #expect(HostDirectory.clean("x\(scalar)y") == "x\u{FFFD}y")
    }
    #expect(HostDirectory.clean(String(repeating: "x", count: 255)).utf8.count == 255)
    let long = HostDirectory.clean(String(repeating: "x", count: 10_000))
    #expect(long == String(repeating: "x", count: 252) + "…")
    let wide = HostDirectory.clean(String(repeating: "漢", count: 10_000))
    #expect(wide.utf8.count <= 255 && wide.hasSuffix("漢…"))
    #expect(HostDirectory.clean(String(repeating: "\u{202E}", count: 300)).utf8.count <= 255)
  }

  @Test("whatever bytes are in a file, what comes out is clean")
  func fuzz() throws {
    var generator = TestSeed.generator(for: "HostDirectoryTests.fuzz")
    let pieces: [[UInt8]] = [
      Array("10.0.0.1".utf8), Array("10.0.0.0/24".utf8), Array("2001:db8::5".utf8), [0x2C], [0x3B],
      [0x22], [0x22, 0x22], [0x0A], [0x0D], [0x0D, 0x0A], [0x20], [0x23], [0xE2, 0x80, 0xAE],
      [0xFF], [0x00], Array("name".utf8), [0xEF, 0xBB, 0xBF], [UInt8](repeating: 0x61, count: 300),
    ]
    let folder = try TemporaryDirectory()
    for _ in 0..<300 {
      let bytes = (0..<60).flatMap { _ in pieces.randomElement(using: &generator) ?? [] }
      let path = try folder.write(bytes, to: "names.csv")
      var names = HostDirectory()
      try names.add(file: path)
      let host = try address("10.0.0.1")
      let network = try prefix("10.0.0.0/24")
      let found = [names.name(of: host), names.group(of: host), names.networkName(of: network)]
      for text in found.compactMap({ $0 }) + names.problems {
        #expect(!text.isEmpty && HostDirectory.clean(text, bytesMax: 10_000) == text)
      }
      for text in found.compactMap({ $0 }) { #expect(text.utf8.count <= 255) }
    }
  }

  @Test("many lines load in time that grows with their number")
  func many() throws {
    let text = (0..<50_000).map {
      "10.\($0 >> 16).\($0 >> 8 & 255).\($0 & 255),host \($0),g\($0 % 7)"
    }
    .joined(separator: "\n")
    var names = HostDirectory()
    names.add(text: text)
    #expect(names.name(of: try address("10.0.195.79")) == "host 49999")
    #expect(names.group(of: try address("10.0.195.79")) == "g5")
    #expect(names.problemCount == 0)
  }
}

@Suite struct PrefixTests {
  @Test("reads and writes networks; bits past the length are refused")
  func text() throws {
    for text in ["10.0.0.0/8", "0.0.0.0/0", "10.1.2.3", "::/0", "2001:db8::/32", "fe80::1"] {
      #expect(Prefix(text)?.description == text)
    }
    #expect(Prefix("10.1.2.3/32")?.description == "10.1.2.3")
    for text in [
      "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/+8", "::/129", "10.0.0.0/8/8",
      "x/8", "10.0.0.0/ 8",
    ] {
      #expect(Prefix(text) == nil, "\(text)")
    }
  }

  @Test("contains what has its bits, of its family")
  func contains() throws {
    let ten = try #require(Prefix("10.0.0.0/8"))
    #expect(ten.contains(try #require(IPAddress("10.255.255.255"))))
    #expect(!ten.contains(try #require(IPAddress("11.0.0.0"))))
    let all = try #require(Prefix("::/0"))
    #expect(all.contains(try #require(IPAddress("2001:db8::1"))))
    #expect(!all.contains(try #require(IPAddress("10.0.0.1"))))
    #expect(!(try #require(Prefix("0.0.0.0/0"))).contains(try #require(IPAddress("::1"))))
  }
}
