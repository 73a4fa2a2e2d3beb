import ServiceMap
import Testing
import Wire

@Suite struct NamesTests {
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

  @Test("reads names from hosts files and CSV; what came first stands")
  func hosts() throws {
    var names = HostNames()
    names.add(text: "10.0.0.1 web www # the web\n# 10.0.0.2 no\n2001:DB8::1\tsix\n")
    names.add(
      text: """
        address,name
        10.0.0.1,other
        "10.0.0.3","printer"
        10.0.0.4;nas
        10.0.0.5, "Mail Server, old"
        10.0.0.6,PC of Tanaka,x
        """)
    #expect(names[try #require(IPAddress("10.0.0.1"))] == "web")
    #expect(names[try #require(IPAddress("10.0.0.2"))] == nil)
    #expect(names[try #require(IPAddress("2001:db8::1"))] == "six")
    #expect(names[try #require(IPAddress("10.0.0.3"))] == "printer")
    #expect(names[try #require(IPAddress("10.0.0.4"))] == "nas")
    #expect(names[try #require(IPAddress("10.0.0.6"))] == "PC of Tanaka")
  }
}
