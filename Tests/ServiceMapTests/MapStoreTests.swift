import Foundation
import GRDB
import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct MapStoreTests {
  private func temporaryPath() -> String {
    NSTemporaryDirectory() + "renkei-store-\(UUID().uuidString).db"
  }

  private func sample() -> (CaptureReport, [IPAddress], [Link]) {
    var capture = CaptureReport(files: [.init(name: "a \"quoted\" name.pcap")], filter: "tcp")
    capture.startNs = 5
    capture.accounting = ["mapped": 7, "notIP": 3]
    var generator = SeededGenerator(seed: 2)
    let links = (0..<200).map { _ in Sample.random(hosts: 50, using: &generator) }
    return (capture, Sample.addresses(50, mixed: true), links)
  }

  /// A store of the sample at a path of its own, removed after `body`.
  private func withStore(
    _ change: (inout CaptureReport, inout [IPAddress], inout [Link]) -> Void = { _, _, _ in },
    _ body: (String) throws -> Void
  ) throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var (capture, addresses, links) = sample()
    change(&capture, &addresses, &links)
    try MapStore.create(
      path: path, capture: capture, addresses: addresses, links: links, watermarks: [1, 2])
    try body(path)
  }

  @Test("gives back every field of every link that was written")
  func roundTrip() throws {
    // Every counter has a value of its own, so that no two columns can be exchanged unseen.
    var all = Link(
      a: 1, b: 2, protocolNumber: 17, aPort: 65535, bPort: 0, hasHandshake: true,
      events: SessionEvents(rawValue: .max))
    all.aPorts = .max
    all.bPorts = 77
    let counters: [WritableKeyPath<Link, UInt64>] = [
      \.sessions, \.firstFromB, \.twoWay, \.refused, \.unanswered, \.halfOpen, \.unasked, \.unheard,
      \.packetsAB, \.packetsBA, \.bytesAB, \.bytesBA, \.firstTick, \.lastTick, \.handshakes,
      \.handshakeTicksSum, \.handshakeTicksMin,
    ]
    for (number, counter) in counters.enumerated() {
      all[keyPath: counter] = 1 << 40 + UInt64(number)
    }
    let (capture, addresses, links) = sample()
    try withStore({ $2.append(all) }) { path in
      let content = try MapStore.read(path: path)
      #expect(content.links == links + [all])
      #expect(content.addresses == addresses)
      #expect(content.capture == capture)
      #expect(!FileManager.default.fileExists(atPath: path + "-journal"))
    }
  }

  @Test("loads the map that the links judged directly would give")
  func load() throws {
    let (capture, addresses, links) = sample()
    try withStore { path in
      let map = try MapStore.load(path: path)
      let judge = RoleJudge(links: links, addresses: addresses)
      let direct = ServiceMap(
        capture: capture, addresses: addresses, relations: judge.relations())
      #expect(map.relations == direct.relations)
      #expect(map.hosts.map(\.address) == direct.hosts.map(\.address))
      #expect(map.summary == direct.summary)
      #expect(map.capture == capture && map.accounting[.notIP] == 3)
      #expect(map.completeness == Completeness(judge: judge, map: direct))
      #expect(map.selfCheck == SelfCheck(links: links, addresses: addresses))
    }
  }

  @Test("what the operator says at loading turns what is stored")
  func overrides() throws {
    let undecided = Sample.midway(1, 28471, 2, 28000)
    try withStore({ $2 = [undecided] }) { path in
      #expect(try MapStore.load(path: path).relations.map(\.kind) == [.undecided])
      let said = try RoleOverrides(parsing: "10.0.0.2:28000/tcp: server", path: "roles")
      let relation = try #require(try MapStore.load(path: path, overrides: said).relations.first)
      #expect(relation.kind == .provided && relation.basis == .overridden && relation.port == 28000)
    }
  }

  @Test("says what is wrong with a file that is no store")
  func noStore() throws {
    #expect(throws: StoreError.self) { try MapStore.load(path: temporaryPath()) }
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    for content in ["", "this is a text file and not a database at all", "SQLite format 3\0"] {
      try content.write(toFile: path, atomically: false, encoding: .utf8)
      #expect(throws: StoreError.self) { try MapStore.load(path: path) }
    }
  }

  @Test("a store cut anywhere is an error or the whole map, never a crash or half of one")
  func cut() throws {
    try withStore { path in
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      for size in stride(from: 0, to: whole.count, by: 512) {
        try whole.prefix(size).write(to: URL(fileURLWithPath: path))
        #expect(throws: (any Error).self, "cut at \(size)") { try MapStore.load(path: path) }
      }
    }
  }

  @Test("a place where nothing can be written is a clear error")
  func unwritable() {
    let (capture, addresses, links) = sample()
    #expect(throws: StoreError.self) {
      try MapStore.create(
        path: "/nonexistent/map.db", capture: capture, addresses: addresses, links: links,
        watermarks: [])
    }
  }
}
