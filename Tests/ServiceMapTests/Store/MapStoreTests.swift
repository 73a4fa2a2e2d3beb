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

  /// A store of the sample, or of what is given, at a path of its own, removed after `body`.
  /// A store whose packets do not add up is refused.
  private static func adding(up links: [Link], in capture: CaptureReport) -> CaptureReport {
    var capture = capture
    capture.accounting["mapped"] = links.reduce(0) { $0 + $1.packets }
    return capture
  }

  private func withStore(
    capture: CaptureReport? = nil, links: [Link]? = nil, _ body: (String) throws -> Void
  ) throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let sample = sample()
    let written = MapStoreTests.adding(up: links ?? sample.2, in: capture ?? sample.0)
    try MapStore.create(
      path: path,
      MapStore.Content(capture: written, addresses: sample.1, links: links ?? sample.2),
      watermarks: [1, 2])
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
      \.packetsAB, \.packetsBA, \.bytesAB, \.bytesBA, \.elsewhere, \.firstTick, \.lastTick,
      \.handshakes,
      \.handshakeTicksSum, \.handshakeTicksMin,
    ]
    for (number, counter) in counters.enumerated() {
      all[keyPath: counter] = 1 << 40 + UInt64(number)
    }
    let (capture, addresses, links) = sample()
    try withStore(links: links + [all]) { path in
      let content = try MapStore.read(path: path)
      #expect(content.links == links + [all])
      #expect(content.addresses == addresses)
      #expect(content.capture == MapStoreTests.adding(up: links + [all], in: capture))
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
      #expect(map.capture == MapStoreTests.adding(up: links, in: capture))
      #expect(map.accounting[.notIP] == 3)
      #expect(map.completeness == Completeness(judge: judge, map: direct))
      #expect(map.selfCheck == SelfCheck(links: links, addresses: addresses))
    }
  }

  @Test("what the operator says at loading turns what is stored")
  func overrides() throws {
    let undecided = Sample.midway(1, 28471, 2, 28000)
    try withStore(links: [undecided]) { path in
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
    let links = sample().2
    try withStore { path in
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      func read(cutAt size: Int) throws -> [Link]? {
        try whole.prefix(size).write(to: URL(fileURLWithPath: path))
        // To throw is the right thing too.
        return try? MapStore.read(path: path).links
      }
      for size in stride(from: 0, to: whole.count, by: 512) {
        let found = try read(cutAt: size)
        // SQLite fills up a page that the file ends in; what was cut off may be such zeros.
        #expect(found == nil || found == links, "cut at \(size) of \(whole.count)")
      }
    }
  }

  /// What a statement does to a store, and whether reading it must fail: else it must be harmless.
  static let damages: [(sql: String, isRefused: Bool)] = [
    ("UPDATE link SET packets_ab = -1 WHERE rowid = 3", true),
    ("UPDATE link SET sessions = -9223372036854775808 WHERE rowid = 3", true),
    ("UPDATE link SET handshake_ticks_sum = -7 WHERE rowid = 3", true),
    ("UPDATE link SET refused = 1e300 WHERE rowid = 3", true),
    ("UPDATE link SET bytes_ab = 1 << 55", true),
    ("UPDATE link SET unheard = 1 << 62 WHERE rowid = 3", true),
    ("UPDATE link SET last_tick = 1 << 53 WHERE rowid = 3", true),
    ("UPDATE link SET first_tick = -2 WHERE rowid = 3", true),
    ("UPDATE link SET handshake_ticks_min = 1 << 53 WHERE rowid = 3", true),
    ("UPDATE link SET a_port = 70000 WHERE rowid = 3", true),
    ("UPDATE link SET b_port = -1 WHERE rowid = 3", true),
    ("UPDATE link SET a_ports = -1 WHERE rowid = 3", true),
    ("UPDATE link SET b_ports = 1 << 32 WHERE rowid = 3", true),
    ("UPDATE link SET protocol = 256 WHERE rowid = 3", true),
    ("UPDATE link SET events = 65536 WHERE rowid = 3", true),
    ("UPDATE link SET a = 999 WHERE rowid = 3", true),
    ("UPDATE link SET b = -1 WHERE rowid = 3", true),
    ("DELETE FROM address WHERE id = 3", true),
    ("UPDATE address SET address = 'no address' WHERE id = 3", true),
    ("UPDATE address SET address = x'00ff' WHERE id = 3", true),
    ("UPDATE meta SET value = 'renkei.store/1' WHERE key = 'schema'", true),
    ("UPDATE run SET capture = '{'", true),
    ("UPDATE run SET capture = x'00ff'", true),
    ("UPDATE segment SET totals = '{'", true),
    ("UPDATE segment SET totals = '{}'", true),
    ("UPDATE segment SET state = 9", true),
    ("UPDATE segment SET state = 'text'", true),
    ("UPDATE segment SET resolution = -1", true),
    ("UPDATE segment SET resolution = 1 << 40", true),
    ("UPDATE segment SET begin = -1", true),
    ("UPDATE segment SET begin = 1 << 62", true),
    ("UPDATE segment SET id = 1 << 50", true),
    ("UPDATE segment SET id = -1", true),
    ("UPDATE link SET id = id + (1 << 24) WHERE id = 3", true),
    ("DROP TABLE segment", true),
    ("DROP TABLE run", true),
    ("DELETE FROM meta", true),
    ("DROP TABLE link", true),
    ("DROP TABLE address", true),
    ("UPDATE link SET a_ports = 0", false),
    ("UPDATE link SET b_ports = 0", false),
    ("UPDATE link SET a_ports = 4294967295, b_ports = 4294967295", false),
    ("UPDATE link SET events = rowid * 327", false),
    ("UPDATE link SET has_handshake = 7", false),
    ("UPDATE link SET sessions = 0", false),
    ("UPDATE link SET sessions = 0, refused = 1 << 40, half_open = 1 << 40", false),
    ("UPDATE link SET first_from_b = 1 << 50, two_way = 1 << 50", false),
    ("UPDATE link SET first_tick = last_tick + 9", false),
    ("UPDATE link SET first_tick = -1, last_tick = 0", false),
    ("UPDATE link SET handshakes = 0, handshake_ticks_sum = 9", false),
    ("UPDATE link SET handshakes = 9, handshake_ticks_min = -1", false),
    ("UPDATE link SET a = b, a_port = b_port", false),
    ("UPDATE link SET protocol = rowid % 256", false),
    ("UPDATE link SET a = 'text', b_port = 'text', packets_ab = 'text'", false),
    ("UPDATE address SET address = '224.0.0.1'", false),
    ("UPDATE address SET address = '0.0.0.0'", false),
    ("UPDATE address SET address = '10.0.0.255'", false),
    ("DELETE FROM link", false),
    ("DELETE FROM run", false),
    ("DELETE FROM segment", false),
    ("UPDATE run SET progress = 'text'", false),
    ("UPDATE segment SET resolution = 60", false),
    ("UPDATE run SET id = 7", false),
    ("UPDATE segment SET id = 7", true),
    ("UPDATE segment SET begin = 1 << 60", false),
  ]

  @Test("what was altered is refused or harmless, and no report can trap on it", arguments: damages)
  func damaged(sql: String, isRefused: Bool) throws {
    try withStore { path in
      let queue = try DatabaseQueue(path: path)
      try queue.writeWithoutTransaction { database in
        try database.execute(sql: "PRAGMA foreign_keys = OFF")
        try database.execute(sql: sql)
        #expect(isRefused || database.totalChangesCount > 0)
      }
      try queue.close()
      if isRefused {
        #expect(throws: StoreError.self) { try MapStore.load(path: path) }
        return
      }
      // To refuse it is right too.
      guard let content = try? MapStore.read(path: path) else { return }
      let map = try MapStore.load(path: path)
      #expect(map.accounting[.mapped] == content.links.reduce(0) { $0 + $1.packets })
      _ = EvidenceTable.rows(of: RoleJudge(links: content.links, addresses: content.addresses))
        .reduce(0) { $0 + $1.count }
    }
  }

  @Test("packet counters that no sum has room for are refused")
  func packetsTooMany() throws {
    var capture = sample().0
    capture.accounting["filtered"] = .max
    try withStore(capture: capture) { path in
      #expect(throws: StoreError.self) { try MapStore.load(path: path) }
    }
  }

  @Test("the largest counters that are let through add up without a trap")
  func largest() throws {
    for column in [
      "sessions", "first_from_b", "two_way", "refused", "unanswered", "half_open", "unasked",
      "unheard", "packets_ab", "packets_ba", "bytes_ab", "bytes_ba", "handshakes",
      "handshake_ticks_sum",
    ] {
      try withStore { path in
        let queue = try DatabaseQueue(path: path)
        // The other counters are below 2⁴⁰ together.
        try queue.write { database in
          try database.execute(sql: "UPDATE link SET \(column) = ((1 << 62) - (1 << 40)) / 200")
        }
        try queue.close()
        // Packets that the capture does not know of are refused.
        guard !column.hasPrefix("packets") else {
          #expect(throws: StoreError.self) { try MapStore.load(path: path) }
          return
        }
        let map = try MapStore.load(path: path)
        #expect(map.relations.count > 100, "\(column)")
      }
    }
  }

  @Test("a place where nothing can be written is a clear error")
  func unwritable() {
    let (capture, addresses, links) = sample()
    #expect(throws: StoreError.self) {
      try MapStore.create(
        path: "/nonexistent/map.db",
        MapStore.Content(capture: capture, addresses: addresses, links: links), watermarks: [])
    }
  }
}
