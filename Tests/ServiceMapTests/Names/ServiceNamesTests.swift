import ServiceMap
import Testing
import Wire

@Suite struct ServiceNamesTests {
  @Test("reads services(5): the first name of a port stands, comments and junk are skipped")
  func services() {
    let names = ServiceNames(
      text: """
        # comment
        http\t80/tcp\twww # WorldWideWeb
        web 80/tcp
        domain 53/udp
        broken line
        x 99999/tcp
        """)
    #expect(names.name(protocolNumber: 6, port: 80) == "http")
    #expect(names.name(protocolNumber: 17, port: 80) == "")
    #expect(names.name(protocolNumber: 17, port: 53) == "domain")
    #expect(names.name(protocolNumber: 1, port: 8 << 8) == "echo")
    #expect(names.name(protocolNumber: 58, port: 128 << 8) == "echo")
  }

  @Test("the operator's names win, one server's over a port's, and the first over those after")
  func own() throws {
    var names = ServiceNames(text: "http 80/tcp\nhttps 443/tcp\n")
    names.add(
      text: """
        \u{FEFF}# ours\r
        tcp/50020: Orders\r
        tcp/50020 Other\r
        UDP/9999 Clock of the plant\r
        80/tcp: Intranet\r
        10.0.0.5:50020/tcp: Orders of Tokyo: new\r
        [2001:db8::1]:443/tcp Portal\r
        """)
    let (tokyo, other) = try (
      #require(IPAddress("10.0.0.5")), #require(IPAddress("10.0.0.6"))
    )
    #expect(names.name(protocolNumber: 6, port: 50020) == "Orders")
    #expect(names.name(protocolNumber: 17, port: 50020) == "")
    #expect(names.name(protocolNumber: 17, port: 9999) == "Clock of the plant")
    #expect(names.name(protocolNumber: 6, port: 80) == "Intranet")
    #expect(names.name(of: tokyo, protocolNumber: 6, port: 50020) == "Orders of Tokyo: new")
    #expect(names.name(of: other, protocolNumber: 6, port: 50020) == "Orders")
    let six = try #require(IPAddress("2001:db8::1"))
    #expect(names.name(of: six, protocolNumber: 6, port: 443) == "Portal")
    #expect(names.name(protocolNumber: 6, port: 443) == "https")
    #expect(names.problemCount == 0)
  }

  @Test("lines that say nothing are told with their place, whatever is in them")
  func problems() {
    var names = ServiceNames(text: "")
    names.add(
      text: "tcp/80\ntcp/+80: x\ntcp/65536: x\nfoo/80: x\n10.0.0.999:80/tcp: x\ntcp/81: \u{1B}[31m",
      path: "s.txt")
    #expect(names.problemCount == 5)
    #expect(names.problems.first == "s.txt:1: \"tcp/80\": no name")
    #expect(names.name(protocolNumber: 6, port: 80) == "")
    #expect(names.name(protocolNumber: 6, port: 81) == "\u{FFFD}[31m")
    for _ in 0..<100 { names.add(text: "nonsense") }
    #expect(names.problemCount == 105 && names.problems.count == 20)
  }
}
