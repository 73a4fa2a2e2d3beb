import ArgumentParser
import Reporter
import TestSupport
import Testing

@testable import Renkei

@Suite struct OutputPlanTests {
  private func plan(_ outputs: [String], _ format: ReportFormat? = nil) throws -> OutputPlan {
    try OutputPlan(outputs: outputs, format: format, defaultName: "x.html")
  }

  private func reports(_ pairs: [(ReportFormat, String)]) -> [OutputPlan.Report] {
    pairs.map { OutputPlan.Report(format: $0.0, path: $0.1) }
  }

  @Test("without a word it is a page named after the capture")
  func nothing() throws {
    #expect(try plan([]).reports == reports([(.html, "x.html")]))
  }

  @Test("a format alone goes to standard output, but a page to its file")
  func formatAlone() throws {
    #expect(try plan([], .json).reports == reports([(.json, "-")]))
    #expect(try plan([], .text).reports == reports([(.text, "-")]))
    #expect(try plan([], .html).reports == reports([(.html, "x.html")]))
  }

  @Test("the ending tells the format, several at once, with the store beside")
  func endings() throws {
    let several = try plan(["a.html", "b.json", "c.csv", "d.txt", "m.db"])
    #expect(
      several.reports
        == reports([(.html, "a.html"), (.json, "b.json"), (.csv, "c.csv"), (.text, "d.txt")]))
    #expect(several.store == "m.db")
    #expect(try plan(["m.db"]).reports.isEmpty)
  }

  @Test("a format decides where there is one output, and where an ending tells nothing")
  func formatDecides() throws {
    #expect(try plan(["out"], .json).reports == reports([(.json, "out")]))
    #expect(try plan(["page.html"], .json).reports == reports([(.json, "page.html")]))
    #expect(try plan(["-"], .csv).reports == reports([(.csv, "-")]))
    #expect(
      try plan(["m.db"], .json) == OutputPlan(outputs: ["m.db"], format: .json, defaultName: "x"))
    #expect(try plan(["m.db"], .json).reports == reports([(.json, "-")]))
  }

  @Test("what can't be told is refused", arguments: [["out"], ["out.pdf"], ["a.db", "b.db"]])
  func refused(outputs: [String]) {
    #expect(throws: ValidationError.self) { try plan(outputs) }
  }

  @Test(
    "a page is named like its capture, without folders and endings",
    arguments: [
      ("/a/b/trace.pcap", "trace.html"), ("x.pcapng.gz", "x.html"), ("day.1.cap.zst", "day.1.html"),
      ("-", "stdin.html"), ("plain", "plain.html"),
    ])
  func names(capture: String, page: String) {
    #expect(OutputPlan.defaultName(for: capture) == page)
  }
}

@Suite struct ProgressTests {
  @Test("shows percent, packets, rate and time left; no percent where the end is unknown")
  func line() {
    let half = ProgressBar.line(bytes: 50, total: 100, packets: 1_234_567, seconds: 2)
    #expect(half.contains("50 %"))
    #expect(half.contains("1,234,567 packets"))
    #expect(half.contains("617.3 kpps"))
    #expect(half.contains("2 s left"))
    #expect(
      ProgressBar.line(bytes: 50, total: 0, packets: 7, seconds: 1) == "7 packets  7 pps")
    #expect(
      ProgressBar.line(bytes: 100, total: 100, packets: 7, seconds: 1).contains("finishing"))
    #expect(!ProgressBar.line(bytes: 0, total: 100, packets: 0, seconds: 0).contains("left"))
  }
}
