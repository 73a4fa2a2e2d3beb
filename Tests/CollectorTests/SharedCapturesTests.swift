import Foundation
import TestSupport
import Testing
import Wire

@testable import Collector

/// Captures of all kinds that others made (see `SharedCaptures`).
@Suite(.enabled(if: SharedCaptures.arePresent)) struct SharedCapturesTests {
  @Test(
    "reads each of them in time, and accounts for every packet", arguments: [true, false])
  func everyFile(decapsulate: Bool) throws {
    for path in SharedCaptures.files("real", "large", "encap", "bad") {
      let begin = DispatchTime.now().uptimeNanoseconds
      let run = try CollectorRun(
        CollectorConfiguration(files: [path], decapsulate: decapsulate), slotCount: 16)
      let seconds = Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e9
      #expect(seconds < 5, "\(path)")
      if let failure = run.failure {
        let error = try #require(failure as? CollectorError, "\(path)")
        #expect(error.description.contains(path))
        #expect(path.contains("/bad/"), "\(error)")
      } else {
        #expect(run.accountsForEverything, "\(path)")
      }
    }
  }

  @Test("says the same about each of them whether mapped or streamed")
  func streamed() throws {
    for path in SharedCaptures.files("encap", "bad") {
      guard let mapped = try? Reading(path: path) else { continue }
      let streamed = try Reading(streaming: path, windowBytes: 100)
      #expect(streamed == mapped, "\(path)")
    }
  }

  @Test(
    "counts as many packets as capinfos, wherever that reads the file",
    .enabled(if: Tool("capinfos").isInstalled))
  func packetCounts() throws {
    for path in SharedCaptures.files("real", "encap", "bad") {
      let output = try Tool("capinfos").run(["-c", "-M", "-T", "-r", path]).text
      // An empty file is 0 packets to capinfos, and an error here.
      guard let text = output.split(separator: "\t").last, TemporaryDirectory.size(path) > 0,
        let expected = UInt64(text.trimmingCharacters(in: .whitespacesAndNewlines))
      else { continue }
      let run = try CollectorRun(CollectorConfiguration(files: [path]))
      #expect(run.report?.files.first?.packets == expected, "\(path)")
    }
  }

  /// Files in which something is known to differ, and why.
  private static let different: Set<String> = [
    // tshark shows an `ip.len` that cannot be: less than the header's own length.
    "tcpdump__ipv4_invalid_total_length_2",
    // The outer packet is IPv6, and tshark's first `ip.len` is that of one inside.
    "flow-pkt-recursion", "6-4-gre-ppp", "4in6tunnel", "PPoE_pppoe", "GrePackets", "synthetic",
    // IPv6 between IPv4-mapped addresses.
    "http-response-line",
    // More than 16 bits of length.
    "bigtcp-ipv4-geneve-ipv4",
    // 48 frames within each other, of which 16 are opened.
    "pbb-recursive-frames",
  ]

  @Test(
    "sums up the IPv4 lengths that tshark sums up", .enabled(if: Tool("tshark").isInstalled),
    arguments: SharedCaptures.files("encap").filter { path in
      !different.contains { path.contains($0) }
    }.enumerated().filter { $0.offset % 5 == 0 }.map(\.element))
  func lengths(path: String) throws {
    let output = try Tool("tshark").run([
      "-n", "-r", path, "-o", "ip.defragment:FALSE", "-T", "fields", "-E", "occurrence=f", "-e",
      "ip.len",
    ]).text
    let expected = output.split(separator: "\n").compactMap { Int($0) }
    let run = try CollectorRun(
      CollectorConfiguration(files: [path], decapsulate: false, deduplicate: false))
    let lengths = run.records.filter(\.source.isIPv4).map { Int($0.record.lengthBytes) }
    #expect(lengths.count == expected.count)
    #expect(lengths.reduce(0, +) == expected.reduce(0, +))
  }
}
