import Foundation
import Testing
import Wire

@testable import Collector

@Suite struct ReportTextTests {
  private func report(files: Int) -> CaptureReport {
    let files = (0..<files).map { index in
      CaptureReport.File(
        name: "/captures/file-\(index).pcap", packets: 10, warning: index % 10 == 9 ? "cut" : nil)
    }
    return CaptureReport(files: files, filter: "tcp")
  }

  private func decode(_ text: [UInt8]) throws -> CaptureReport {
    try JSONDecoder().decode(CaptureReport.self, from: Data(text))
  }

  @Test("is the whole report where it fits")
  func fits() throws {
    let whole = report(files: 3)
    #expect(try decode(ReportText.encode(whole, bytesMax: 4000)) == whole)
  }

  @Test("says how many files it leaves out where they do not fit, always the same ones")
  func tooManyFiles() throws {
    let text = try ReportText.encode(report(files: 5000), bytesMax: 3968)
    #expect(text.count <= 3968)
    #expect(try text == ReportText.encode(report(files: 5000), bytesMax: 3968))
    let short = try decode(text)
    let kept = short.files.count - 1
    #expect(kept > 20)
    #expect(short.files.last?.name == "(\(5000 - kept) more files)")
    #expect(short.files.reduce(0) { $0 + $1.packets } == 50_000)
    #expect(short.files.last?.warning?.hasSuffix("of them damaged or cut off") == true)
  }

  @Test("shortens a filter that alone is too long")
  func longFilter() throws {
    var long = report(files: 2)
    long.filter = String(repeating: "tcp or ", count: 1000) + "tcp"
    let text = try ReportText.encode(long, bytesMax: 3968)
    #expect(text.count <= 3968)
    #expect(try decode(text).files.first?.packets == 20)
  }
}
