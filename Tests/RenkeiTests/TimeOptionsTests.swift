import ArgumentParser
import Foundation
import Reporter
import ServiceMap
import Testing

@testable import Renkei

@Suite struct TimeOptionsTests {
  /// 2026-11-21 15:30:45 in Tokyo.
  private let now = Date(timeIntervalSince1970: 1_795_242_645)

  private func seconds(_ text: String, zone: String = "Asia/Tokyo") -> Int? {
    TimeText.date(text, now: now, timeZone: TimeZone(identifier: zone) ?? .gmt).map {
      Int($0.timeIntervalSince1970)
    }
  }

  @Test("a time of day is today's, a date its midnight, here")
  func local() {
    #expect(seconds("15:30:45") == 1_795_242_645)
    #expect(seconds("00:00") == 1_795_186_800)
    #expect(seconds("2026-11-21") == 1_795_186_800)
    #expect(seconds("2026-11-21T15:30:45") == 1_795_242_645)
    #expect(seconds("2026-11-21 15:30:45.25") == 1_795_242_645)
    #expect(seconds("2026-11-21T15:30") == 1_795_242_600)
    #expect(seconds("today") == 1_795_186_800)
    #expect(seconds("yesterday") == 1_795_186_800 - 86_400)
    #expect(seconds("2026-11-21", zone: "UTC") == 1_795_219_200)
  }

  @Test("a zone says where, wherever it is read")
  func zones() {
    for zone in ["Asia/Tokyo", "UTC", "America/Lima"] {
      #expect(seconds("2026-11-21T06:30:45Z", zone: zone) == 1_795_242_645)
      #expect(seconds("2026-11-21T15:30:45+09:00", zone: zone) == 1_795_242_645)
      #expect(seconds("2026-11-21T01:30:45-0500", zone: zone) == 1_795_242_645)
    }
  }

  @Test("a time before now")
  func relative() {
    #expect(seconds("now") == 1_795_242_645)
    #expect(seconds("-90m") == 1_795_242_645 - 5400)
    #expect(seconds("-2h") == 1_795_242_645 - 7200)
    #expect(seconds("-7d") == 1_795_242_645 - 7 * 86_400)
    #expect(seconds("-30s") == 1_795_242_645 - 30)
  }

  @Test(
    "what is no time is none",
    arguments: [
      "", "noon", "2h", "-2", "-h", "-2x", "--2h", "25:00", "12:60", "2026-02-30", "2026-13-01",
      "2026-11-21T25:00", "2026-11-21T", "21.11.2026", "2026-11-21T06:30+9", "1795242645",
      "-99999999999999999999d", "12:00 ",
    ])
  func none(text: String) {
    #expect(seconds(text) == nil)
  }

  @Test("a moment, a range, either end open; not both, nor backwards")
  func options() throws {
    func range(_ words: String...) throws -> TimeRange? {
      try TimeOptions.parse(words).range(now: now)
    }
    #expect(try range() == nil)
    #expect(try range("--at", "-2h") == .at(1_795_242_645 - 7200))
    #expect(try range("--from", "-2h") == TimeRange(from: 1_795_242_645 - 7200))
    #expect(try range("--to=-2h") == TimeRange(to: 1_795_242_645 - 7200))
    #expect(
      try range("--from", "-2h", "--to", "now")
        == TimeRange(from: 1_795_242_645 - 7200, to: 1_795_242_645))
    for wrong in [
      ["--at", "now", "--from", "-2h"], ["--from", "now", "--to", "-2h"], ["--at", "noon"],
    ] {
      #expect(throws: (any Error).self) { try TimeOptions.parse(wrong) }
    }
  }

  @Test("says where the map is of more time than was asked for")
  func note() {
    let coverage = MapStore.Coverage(
      beginSeconds: 3600, endSeconds: 7200, segments: 1, resolutions: 3600...3600)
    #expect(TimeOptions.note(coverage, asked: .at(4000))?.contains("can't be cut") == true)
    #expect(TimeOptions.note(coverage, asked: TimeRange(from: 3600, to: 7200)) == nil)
    #expect(TimeOptions.note(coverage, asked: nil) == nil)
    #expect(TimeOptions.note(nil, asked: .at(4000)) == nil)
  }
}
