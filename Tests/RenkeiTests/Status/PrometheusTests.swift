import Foundation
import TestSupport
import Testing

@testable import Renkei

/// A strict reader of the text format 0.0.4.
private struct Exposition {
  struct Sample: Equatable {
    let labels: [String: String]
    let value: Double
  }

  var types: [String: String] = [:]
  var samples: [String: [Sample]] = [:]
  var errors: [String] = []

  init(_ text: String) {
    var current = ""
    var helped: Set<String> = []
    if !text.hasSuffix("\n") { errors.append("no line feed at the end") }
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
      if let match = line.wholeMatch(of: /# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)/) {
        current = String(match.1)
        if !helped.insert(current).inserted { errors.append("help twice: \(current)") }
      } else if let match = line.wholeMatch(of: /# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)/)
      {
        if String(match.1) != current { errors.append("type without help: \(line)") }
        types[current] = String(match.2)
      } else if let match = line.wholeMatch(
        of: /(?s)([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (NaN|[+-]Inf|-?[0-9.]+(e[+-]?[0-9]+)?)/)
      {
        let name = String(match.1)
        if name != current || types[name] == nil { errors.append("out of its family: \(line)") }
        guard let labels = Exposition.labels(match.2 ?? "{}") else {
          errors.append("labels: \(line)")
          continue
        }
        let sample = Sample(labels: labels, value: Double(match.3.lowercased()) ?? .nan)
        if samples[name, default: []].contains(where: { $0.labels == labels }) {
          errors.append("twice: \(line)")
        }
        samples[name, default: []].append(sample)
      } else {
        errors.append("no line of the format: \(line)")
      }
    }
  }

  /// By characters, so that escapes are read as Prometheus reads them.
  private static func labels(_ text: Substring) -> [String: String]? {
    var rest = text.dropFirst().dropLast()
    var labels: [String: String] = [:]
    while !rest.isEmpty {
      guard let start = rest.prefixMatch(of: /([a-zA-Z_][a-zA-Z0-9_]*)="/) else { return nil }
      rest = rest[start.range.upperBound...]
      var value = ""
      while let character = rest.popFirst(), character != "\"" {
        if character != "\\" {
          value.append(character)
          continue
        }
        switch rest.popFirst() {
        case "n": value.append("\n")
        case "\\": value.append("\\")
        case "\"": value.append("\"")
        default: return nil
        }
      }
      labels[String(start.1)] = value
      if !rest.isEmpty, rest.popFirst() != "," { return nil }
    }
    return labels
  }
}

@Suite struct PrometheusTests {
  @Test("the format is kept, by a strict reader")
  func format() {
    for status in [UnitStatus(), .sample] {
      let exposition = Exposition(status.metrics(version: "1.2"))
      #expect(exposition.errors == [])
      #expect(
        exposition.samples["renkei_build_info"] == [.init(labels: ["version": "1.2"], value: 1)])
    }
  }

  @Test("promtool finds nothing to say", .enabled(if: Tool("promtool").isInstalled))
  func promtool() throws {
    let text = UnitStatus.sample.metrics(version: "1")
    let result = try Command.run(
      "/usr/bin/env", ["promtool", "check", "metrics"], input: Data(text.utf8))
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors == "")
  }

  @Test("names follow the conventions: counters end in _total, base units, one prefix")
  func names() {
    let exposition = Exposition(UnitStatus.sample.metrics(version: "1"))
    #expect(exposition.types.count >= 30)
    for (name, type) in exposition.types {
      #expect(name.hasPrefix("renkei_"))
      #expect((type == "counter") == name.hasSuffix("_total"), "\(name)")
      #expect(!name.contains(/milli|micro|nano|kilo|mega|percent/), "\(name)")
    }
  }

  @Test("the figures are those of the status")
  func figures() {
    let samples = Exposition(UnitStatus.sample.metrics(version: "1")).samples
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
      samples["renkei_\(name)"]?.first { $0.labels == labels }?.value
    }
    #expect(value("state", ["state": "capturing"]) == 1)
    #expect(value("state", ["state": "ended"]) == 0)
    #expect(value("status_timestamp_seconds") == 1_700_086_400.5)
    #expect(value("process_running", ["role": "tracker 1"]) == 1)
    #expect(value("process_running", ["role": "merger"]) == 0)
    #expect(value("process_restarts_total", ["role": "tracker 1"]) == 2)
    #expect(value("ring_fill_ratio", ["role": "tracker 1"]) == 0.25)
    #expect(samples["renkei_ring_fill_ratio"]?.count == 1)
    #expect(value("process_lag_seconds", ["role": "tracker 1"]) == 0.012)
    #expect(value("process_resident_memory_bytes", ["role": "collector eth0"]) == 50_000_000)
    #expect(value("captured_packets_total", ["interface": "eth0"]) == 1_000_250)
    let kernel = ["interface": "eth0", "place": "kernel", "reason": "captureBufferFull"]
    #expect(value("dropped_packets_total", kernel) == 200)
    let ring = ["interface": "eth0", "place": "collector", "reason": "ringFull"]
    #expect(value("dropped_packets_total", ring) == 50)
    #expect(value("unmapped_packets_total", ["reason": "filtered"]) == 1000)
    let unmapped = samples["renkei_unmapped_packets_total"]?.reduce(0) { $0 + $1.value } ?? 0
    #expect(
      value("accounted_packets_total")
        == (value("mapped_packets_total") ?? 0) + (value("pipeline_packets") ?? 0) + unmapped)
    #expect(value("store_problem") == 1)
    #expect(value("last_commit_timestamp_seconds") == 1_700_086_400)
    #expect(value("clock_last_step_seconds") == -3.25)
    #expect(value("sessions_exported_early_total") == 12)
  }

  @Test("foreign text in labels is escaped, and numbers are as Go reads them")
  func escaping() {
    var status = UnitStatus()
    let name = "a\"b\\c\nd\r\ne}{,="
    status.interfaces = [.init(name: name)]
    let exposition = Exposition(status.metrics(version: "1"))
    #expect(exposition.errors == [])
    #expect(
      exposition.samples["renkei_interface_up"] == [.init(labels: ["interface": name], value: 1)])
    #expect(PrometheusText.number(.nan) == "NaN")
    #expect(PrometheusText.number(-.infinity) == "-Inf")
    #expect(PrometheusText.number(0.5) == "0.5")
    #expect(PrometheusText.number(Double(UInt64.max)).wholeMatch(of: /1\.8446\d+e\+?19/) != nil)
  }
}
