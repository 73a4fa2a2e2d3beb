import Foundation
import GRDB
import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct UnitStoreTests {
  let folder: TemporaryDirectory
  let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("map.db")
  }

  private func packets(_ content: MapStore.Content) -> UInt64 {
    content.links.reduce(0) { $0 + $1.packets }
  }

  @Test("what was committed is there for readers at once, and for the next opening")
  func commits() throws {
    var unit = SyntheticUnit()
    var store: UnitStore? = try UnitStore(path: path)
    #expect(store?.setAside == nil)
    #expect(try store?.progress(ofRun: SyntheticUnit.run) == nil)
    for epoch in 0..<40 {
      try unit.commit(to: try #require(store))
      let content = try MapStore.read(path: path)
      let expected = unit.expected(0..<(epoch + 1))
      #expect(packets(content) == expected.mapped)
      #expect(content.capture.accounting["mapped"] == expected.mapped)
      #expect(content.capture.accounting["filtered"] ?? 0 == expected.filtered)
      #expect(content.capture.frameBytes == 114 * expected.mapped)
      #expect(content.capture.files.map(\.name) == ["veth0"])
      if epoch % 7 == 6 {
        store?.close()
        store = nil
        let again = try UnitStore(path: path)
        store = again
        unit = SyntheticUnit()
        try unit.resume(from: again)
        #expect(unit.epoch == epoch + 1)
      }
    }
    #expect(try StoreCheck.problems(path: path) == [])
  }

  @Test("a segment comes back as it was committed, and replacing a link replaces all of it")
  func segment() throws {
    let store = try UnitStore(path: path)
    var generator = TestSeed.generator(for: "UnitStoreTests.segment")
    let ids = Sample.addresses(50, mixed: true).map { store.id(of: $0) }
    #expect(Set(ids).count == 50)
    func links() -> [Link] {
      (0..<100).map { _ in
        var link = Sample.random(hosts: 50, using: &generator)
        (link.a, link.b) = (ids[link.a], ids[link.b])
        return link
      }
    }
    var all = links()
    // One that subtracts.
    all[7].unanswered = 0 &- 1
    func commit(_ changed: [(number: Int, link: Link)]) throws {
      var accounting = Accounting()
      accounting[.mapped] = all.reduce(0) { $0 &+ $1.packets }
      accounting[.notIP] = 3
      try store.commit(
        UnitCommit(
          run: 1, progress: [1, 2, 3], capture: CaptureReport(),
          segments: [
            SegmentChange(beginSeconds: 600, accounting: accounting, links: changed)
          ]))
      let found = try #require(try store.segment(beginSeconds: 600))
      #expect(found.links == all)
      #expect(found.accounting == accounting)
    }
    try commit(all.enumerated().map { ($0.offset, $0.element) })
    for (number, link) in zip([0, 50, 99], links()) { all[number] = link }
    try commit([0, 50, 99].map { ($0, all[$0]) })
    #expect(try store.segment(beginSeconds: 660) == nil)
    #expect(try store.progress(ofRun: 1) == [1, 2, 3])
    #expect(try store.progress(ofRun: 2) == nil)
    for (address, id) in zip(Sample.addresses(50, mixed: true), ids) {
      #expect(store.id(of: address) == id && store.address(of: id) == address)
    }
  }

  @Test("a commit that fails leaves nothing behind, and the next one works")
  func nothingHalf() throws {
    let store = try UnitStore(path: path)
    var unit = SyntheticUnit()
    try unit.commit(to: store)
    let before = try MapStore.read(path: path)
    var bad = unit.next(for: store)
    let good = bad
    bad.segments[0].links.append((number: 1 << 24, link: bad.segments[0].links[0].link))
    #expect(throws: StoreError.self) { try store.commit(bad) }
    #expect(try MapStore.read(path: path).links == before.links)
    #expect(try store.progress(ofRun: SyntheticUnit.run)?.first == 1)
    try store.commit(good)
    #expect(packets(try MapStore.read(path: path)) == unit.expected(0..<2).mapped)
    #expect(try StoreCheck.problems(path: path) == [])
  }

  @Test("a damaged file is set aside with its WAL, and a new one begun")
  func damaged() throws {
    for (name, first) in [("pages", 3 * 4096), ("header", 0)] {
      let path = folder.path("\(name).db")
      var store: UnitStore? = try UnitStore(path: path)
      var unit = SyntheticUnit()
      for _ in 0..<100 { try unit.commit(to: try #require(store)) }
      store?.close()
      store = nil
      var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      let end = name == "header" ? 100 : bytes.count
      for place in stride(from: first, to: end, by: 3) { bytes[place] = 0xA5 }
      try bytes.write(to: URL(fileURLWithPath: path))
      try Data("left over".utf8).write(to: URL(fileURLWithPath: path + "-wal"))
      let again = try UnitStore(path: path)
      let place = try #require(again.setAside)
      #expect(place.contains("\(name).db.damaged-2"))
      #expect(try Data(contentsOf: URL(fileURLWithPath: place)) == bytes)
      #expect(FileManager.default.fileExists(atPath: place + "-wal"))
      var new = SyntheticUnit()
      try new.resume(from: again)
      #expect(new.epoch == 0)
      try new.commit(to: again)
      #expect(packets(try MapStore.read(path: path)) == new.expected(0..<1).mapped)
    }
  }

  @Test("what is no renkei store, or of a newer version, stays untouched")
  func foreign() throws {
    let text = folder.path("text.db")
    try Data("this is a text file that somebody else needs".utf8)
      .write(to: URL(fileURLWithPath: text))
    let other = folder.path("other.db")
    let queue = try DatabaseQueue(path: other)
    try queue.write { try $0.execute(sql: "CREATE TABLE meta (a, b); CREATE TABLE diary (day)") }
    try queue.close()
    let newer = folder.path("newer.db")
    let next = try DatabaseQueue(path: newer)
    try next.write {
      try $0.execute(sql: "CREATE TABLE meta (key, value)")
      try $0.execute(sql: "INSERT INTO meta VALUES ('schema', 'renkei.store/5')")
    }
    try next.close()
    for path in [text, other, newer] {
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(throws: StoreError.self) { try UnitStore(path: path) }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")).count == 3)
    // A database without any table is a store that was begun when the power went.
    let empty = folder.path("empty.db")
    let nothing = try DatabaseQueue(path: empty)
    try nothing.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 0; VACUUM") }
    try nothing.close()
    #expect(try UnitStore(path: empty).setAside == nil)
  }

  @Test("a second writer is kept away, and not after the first has ended")
  func oneWriter() throws {
    let first = try UnitStore(path: path)
    #expect(throws: StoreError.self) { try UnitStore(path: path) }
    first.close()
    let second = try UnitStore(path: path)
    var unit = SyntheticUnit()
    try unit.commit(to: second)
  }

  /// The tables of version 2, as a release made them.
  private static let tablesBefore = """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE watermark (tracker INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);
    CREATE TABLE address (id INTEGER PRIMARY KEY, address TEXT NOT NULL);
    CREATE TABLE link (
      a INTEGER REFERENCES address, b INTEGER REFERENCES address,
      protocol INTEGER, a_port INTEGER, b_port INTEGER, a_ports INTEGER, b_ports INTEGER,
      addresses INTEGER, has_handshake INTEGER, events INTEGER, sessions INTEGER,
      first_from_b INTEGER, two_way INTEGER, refused INTEGER, unanswered INTEGER,
      half_open INTEGER, unasked INTEGER, unheard INTEGER, packets_ab INTEGER,
      packets_ba INTEGER, bytes_ab INTEGER, bytes_ba INTEGER, first_tick INTEGER,
      last_tick INTEGER, handshakes INTEGER, handshake_ticks_sum INTEGER,
      handshake_ticks_min INTEGER);
    """

  @Test("a store of version 2 is migrated, and gone on with")
  func migration() throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write { database in
      try database.execute(sql: UnitStoreTests.tablesBefore)
      try database.execute(
        sql: """
          INSERT INTO meta VALUES ('schema', 'renkei.store/2'), ('capture', ?)
          """,
        arguments: [
          """
          {"files":[{"name":"old.pcap","packets":9}],"filter":"","frameBytes":700,\
          "lengthSaturated":0,"sessionsExportedEarly":0,"startNs":1600000000000000000,\
          "endNs":1600000100000000000,"accounting":{"mapped":7,"notIP":2}}
          """
        ])
      try database.execute(sql: "INSERT INTO watermark VALUES (0, 4)")
      try database.execute(sql: "INSERT INTO address VALUES (0, '10.0.0.1'), (1, '10.0.0.2')")
      try database.execute(
        sql: """
          INSERT INTO link VALUES (0, 1, 6, 443, 50000, 1, 2, 1, 1, 6150, 2, 2, 2, 0, 0, 0, 0, 0,
            3, 4, 300, 400, 390625000000000, 390625000000900, 2, 60, 30)
          """)
    }
    try queue.close()
    #expect(throws: StoreError.self) { try MapStore.read(path: path) }
    let store = try UnitStore(path: path)
    let old = try MapStore.read(path: path)
    #expect(old.addresses.map(\.description) == ["10.0.0.1", "10.0.0.2"])
    let link = try #require(old.links.first)
    #expect(old.links.count == 1 && link.aPort == 443 && link.bPorts == 2 && link.packets == 7)
    #expect(link.handshakeTicksMin == 30 && link.hasHandshake && link.lastTick % 1000 == 900)
    #expect(old.capture.accounting == ["mapped": 7, "notIP": 2])
    var unit = SyntheticUnit()
    for _ in 0..<10 { try unit.commit(to: store) }
    let all = try MapStore.read(path: path)
    #expect(packets(all) == 7 + unit.expected(0..<10).mapped)
    #expect(all.capture.files.map(\.name) == ["old.pcap", "veth0"])
    #expect(all.capture.startNs == 1_600_000_000_000_000_000)
    #expect(packets(try MapStore.read(path: path, range: .at(1_600_000_050))) == 7)
    #expect(try StoreCheck.problems(path: path) == [])
  }

  @Test("a store of version 3 is read as it is, and migrated by who writes it")
  func version3() throws {
    var unit = SyntheticUnit()
    let first = try UnitStore(path: path)
    for _ in 0..<10 { try unit.commit(to: first) }
    first.close()
    let written = try MapStore.read(path: path)
    // As a release made it.
    let queue = try DatabaseQueue(path: path)
    try queue.writeWithoutTransaction { database in
      try database.execute(sql: "ALTER TABLE link DROP COLUMN seen_elsewhere")
      try database.execute(sql: "UPDATE meta SET value = 'renkei.store/3' WHERE key = 'schema'")
    }
    try queue.close()
    #expect(try MapStore.read(path: path).links == written.links)
    #expect(try StoreInfo.read(path: path).schema == "renkei.store/3")
    #expect(try StoreCheck.problems(path: path) == [])
    let second = try UnitStore(path: path)
    #expect(second.setAside == nil)
    #expect(try MapStore.read(path: path).links == written.links)
    #expect(try StoreInfo.read(path: path).schema == MapStore.schema)
    for _ in 0..<10 { try unit.commit(to: second) }
    #expect(packets(try MapStore.read(path: path)) == unit.expected(0..<20).mapped)
    #expect(try StoreCheck.problems(path: path) == [])
  }
}
