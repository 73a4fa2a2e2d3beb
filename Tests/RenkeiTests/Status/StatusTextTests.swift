import Foundation
import Reporter
import TestSupport
import Testing

@testable import Renkei

@Suite struct StatusTextTests {
  private func text(
    _ status: UnitStatus = .sample, _ condition: UnitCondition = .running,
    _ language: ReportLanguage = .en
  ) -> String {
    StatusText(
      status, condition: condition, now: 1_700_086_401, language: language, version: "9.9"
    ).text
  }

  @Test("the whole text of a busy unit")
  func whole() {
    #expect(
      text() == """
        renkei 9.9: capturing, for 1 d 0 h (process 4711, /etc/renkei/renkei.yaml)

        Processes
          Process          PID  State       Restarts  Items/s  Ring      Lag   Memory         CPU
          collector eth0  4712  running            0    1,235     -        -  50.0 MB      12.5 s
          tracker 1       4713  running            2    1,230  25 %  12.0 ms   400 MB  1 min 39 s
          merger             -  restarting         1        0     -        -      0 B         0 s
          tracker 1 ended last: killed by signal 9

        Interfaces
          Interface  State    Packets  Packets/s     Bit rate  Lost: kernel  Lost: ring  Downs
          eth0       up     1,000,250      1,235  7.90 Mbit/s           200          50      1

        Packets
          captured           1,000,250    100\u{A0}%
          in the map           990,000   99.0\u{A0}%
          on the way to it       9,000    0.9\u{A0}%
          filtered               1,000    0.1\u{A0}%
          dropped by kernel        200  <\u{A0}0.1\u{A0}%
          dropped by ring           50  <\u{A0}0.1\u{A0}%

        Map
          Store               /var/lib/renkei/map.db, 812 MB
          Last commit         1.00 s ago, of 86,400
          Can't be kept       disk full
          Damaged, set aside  /var/lib/renkei/map.db.damaged
          Links               4,321
          Open sessions       81,234 of at most 4,000,000; 12 exported early for want of room
          Clock steps         1, the last -3.25 s on 2023-11-14 22:15:00 UTC

        Warnings
          eth0 was down for 12 s

        """)
  }

  @Test("no line is wider than 100 columns", arguments: ReportLanguage.allCases)
  func width(language: ReportLanguage) {
    var status = UnitStatus.sample
    status.processes[0].itemsPerSecond = 123_456_789
    status.processes[0].lagSeconds = 1e6
    status.processes[0].pid = 4_194_303
    status.interfaces[0].captured = 123_456_789_012
    status.interfaces[0].packetsPerSecond = 12_345_678
    for line in text(status, .running, language).split(separator: "\n") {
      #expect(TextTable.width(String(line)) <= 100, "\(line)")
    }
  }

  @Test("says first that a unit does not run", arguments: ReportLanguage.allCases)
  func notRunning(language: ReportLanguage) {
    let word = language == .en ? ["does not run", "hangs"] : ["動作していない", "応答していない"]
    var ended = UnitStatus.sample
    ended.state = .ended
    func first(_ status: UnitStatus, _ condition: UnitCondition) -> String {
      String(text(status, condition, language).split(separator: "\n")[0])
    }
    #expect(first(ended, .ended).contains(word[0]))
    #expect(first(.sample, .dead).contains(word[0]))
    #expect(first(.sample, .stale(seconds: 60)).contains(word[1]))
    #expect(
      StatusText.missing(.missing(path: "/run/x"), language: language).contains(word[0]))
  }

  @Test("figures that make no sense don't end the program")
  func nonsense() {
    var status = UnitStatus.sample
    status.startedAtSeconds = .nan
    status.writtenAtSeconds = -.infinity
    status.processes[1].lagSeconds = .infinity
    status.processes[1].inputRingFill = .nan
    status.processes[1].itemsPerSecond = -1e300
    status.interfaces[0].bytesPerSecond = 1e300
    status.processes[1].restarts = -5
    status.clock.lastStepSeconds = 1e300
    status.accounting.reasons = ["filtered": .max, "other": .max]
    for condition in [UnitCondition.running, .ended, .dead, .stale(seconds: .infinity)] {
      #expect(!text(status, condition).isEmpty)
      _ = status.illness(condition)
    }
  }

  @Test("packets that are not accounted for are shown; a reason without words by its name")
  func unbalanced() {
    var status = UnitStatus.sample
    status.accounting.mapped -= 7
    status.accounting.reasons["strange"] = 3
    status.accounting.reasons["escape\u{1B}[2J"] = 1
    let lines = text(status).split(separator: "\n")
    #expect(lines.contains { $0.contains("not accounted for") && $0.contains(" 3 ") })
    #expect(lines.contains { $0.hasPrefix("  strange ") })
    #expect(!text(status).contains("\u{1B}"))
  }

  @Test("every state has words in both languages", arguments: ReportLanguage.allCases)
  func complete(language: ReportLanguage) {
    let phrases = Phrases(language, of: StatusPhrases.rows)
    let states =
      UnitStatus.Process.State.allCases.map(\.rawValue)
      + UnitStatus.Interface.State.allCases.map(\.rawValue)
    for key in states.map({ "state.\($0)" }) + ["unit.starting", "unit.capturing", "unit.draining"]
    {
      #expect(phrases[key] != key)
    }
    for row in StatusPhrases.rows {
      #expect(!row.en.isEmpty && !row.ja.isEmpty && row.key.contains("."), "\(row.key)")
      // What one language fills in, the other does as well.
      #expect(
        Set(row.en.matches(of: /\{\w+\}/).map(\.output))
          == Set(row.ja.matches(of: /\{\w+\}/).map(\.output)), "\(row.key)")
    }
    #expect(
      !text(.sample, .running, language).contains(
        /(unit|state|packets|title|process|interface)\.[a-z]/))
  }
}
