import Reporter
import ServiceMap
import Testing
import Wire

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
    #expect(text.contains("captured 366 = mapped 357 + not IP 7 + truncated 2"))
    #expect(text.contains("cut off in packet 75"))
    #expect(text.contains("4 sessions refused or unanswered (2 client-service pairs)"))
    #expect(text.contains("https tcp/443, 10.0.0.5 www.example.net: 2 clients, 74.1 kB"))
    #expect((10...18).contains(text.split(separator: "\n").count))
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
