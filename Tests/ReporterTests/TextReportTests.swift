import Reporter
import Testing
import Wire

@testable import ServiceMap

@Suite struct TextReportTests {
  private func reporter(_ map: ServiceMap, _ language: ReportLanguage = .en) -> MapReport {
    MapReport(map: map, serviceNames: FakeMap.serviceNames, language: language, version: "test")
  }

  private func full(_ map: ServiceMap, _ language: ReportLanguage = .en) throws -> String {
    let folder = TemporaryFolder()
    try reporter(map, language).write(.text, to: folder["map.txt"])
    return try folder.text("map.txt")
  }

  @Test("states the identity of the accounting, the warnings and the failures")
  func summary() {
    let text = reporter(FakeMap.small(hostileNames: false)).summaryText()
    #expect(text.contains("captured 374 = mapped 365 + not IP 7 + truncated 2"))
    #expect(text.contains("cut off in packet 75"))
    #expect(text.contains("4 sessions refused or unanswered (2 client-service pairs)"))
    #expect(text.contains("https tcp/443, 10.0.0.5 www.example.net: 2 clients, 74.1 kB"))
    let whole = text.split { " \n".contains($0) }.joined(separator: " ")
    #expect(
      whole.contains(
        "Roles without handshake: 99.2\u{A0}% right, 0.5\u{A0}% undecided, 0.3\u{A0}% wrong on 1,000"
      ))
    #expect((10...20).contains(text.split(separator: "\n").count))
  }

  @Test("fits into 100 columns", arguments: ReportLanguage.allCases)
  func width(language: ReportLanguage) throws {
    let text = try full(FakeMap.big(hosts: 300, relations: 2000), language)
    for line in text.split(separator: "\n") {
      // East Asian characters take two columns, and three bytes of UTF-8.
      let columns = line.unicodeScalars.reduce(0) { $0 + ($1.value >= 0x2E80 ? 2 : 1) }
      #expect(columns <= 100, "\(line)")
    }
  }

  @Test("says how complete the map is, which side is likelier, and how many ports a scan has")
  func completeness() throws {
    let text = try full(FakeMap.small(hostileNames: false))
    #expect(text.contains("Of 200 sessions, 1 (0.5\u{A0}%) was seen in one direction only."))
    #expect(text.contains("Who serves is undecided in 19 packets (5.2\u{A0}%) and 1.70 kB"))
    #expect(text.contains("Of 7 services, 1 was first seen in the last tenth of the capture"))
    #expect(text.contains("tcp/23 and 65,534 more ports"))
    #expect(text.contains("A, 0.82"))
    #expect(text.contains("neither"))
    #expect(!text.contains("mostly one direction"))
  }

  @Test("draws no conclusion from the last tenth that the figures do not bear")
  func newServices() throws {
    func text(_ services: Int, _ new: Int?, isPartial: Bool = false) throws -> String {
      var map = FakeMap.small(hostileNames: false)
      map.completeness.services = services
      map.completeness.newServices = new
      map.completeness.isPartial = isPartial
      return try full(map).split { " \n".contains($0) }.joined(separator: " ")
    }
    #expect(try text(340, 18).contains("a longer one would likely show more"))
    #expect(try text(340, 17).contains("a longer one may show a few more"))
    #expect(try text(340, 0).contains("Of 340 services, none was first seen"))
    #expect(try text(340, nil).contains("shorter than ten seconds"))
    #expect(!(try text(0, 0).contains("last tenth")))
    let partial = try text(340, 0, isPartial: true)
    #expect(partial.matches(of: /mostly one direction/).count == 1)
  }

  @Test("says that the rule could not be checked where no handshake was captured")
  func unchecked() {
    let map = ServiceMap(capture: CaptureReport(), addresses: [], relations: [])
    #expect(reporter(map).summaryText().contains("the rule could not be checked"))
  }

  @Test("lets no foreign name steer the terminal")
  func controls() throws {
    let files = [CaptureReport.File(name: "a\u{1B}[2J\nb\u{202E}.pcap")]
    let text = try full(FakeMap.small(files: files))
    #expect(!text.contains("\u{1B}"))
    #expect(!text.contains("\u{202E}"))
    #expect(text.contains("a\u{FFFD}[2J\u{FFFD}b"))
  }

  @Test("reports an empty capture", arguments: ReportLanguage.allCases)
  func empty(language: ReportLanguage) throws {
    let map = ServiceMap(capture: CaptureReport(), addresses: [], relations: [])
    #expect(!(try full(map, language)).isEmpty)
  }
}
