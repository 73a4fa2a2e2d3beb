import Foundation
import GRDB
import TestSupport
import Testing
import Wire

@testable import ServiceMap

/// A store of several segments that somebody has altered: refused, or harmless.
@Suite struct SegmentDamageTests {
  static let damages: [(sql: String, isRefused: Bool)] = [
    ("UPDATE link SET packets_ab = packets_ab + 1 WHERE id % 7 = 3", true),
    ("UPDATE link SET packets_ab = -1 WHERE id % 7 = 3", true),
    ("UPDATE link SET sessions = -9223372036854775808", true),
    ("UPDATE link SET sessions = 9223372036854775807", true),
    // Each segment by itself would do.
    ("UPDATE link SET bytes_ab = 1 << 55", true),
    ("UPDATE link SET handshake_ticks_sum = -(1 << 61)", true),
    ("UPDATE link SET a = 999", true),
    ("UPDATE link SET b = 1 << 40", true),
    ("UPDATE segment SET totals = '{}'", true),
    ("UPDATE segment SET state = 3 WHERE id = 2", false),
    ("UPDATE segment SET id = 99 WHERE id = 2", true),
    ("UPDATE segment SET begin = 1 << 60", false),
    ("UPDATE segment SET resolution = 7", false),
    ("UPDATE segment SET resolution = 0", false),
    ("DELETE FROM run", false),
    ("DELETE FROM segment", false),
    ("UPDATE link SET sessions = -5, refused = -1, two_way = 9, first_from_b = -3", false),
    ("UPDATE link SET sessions = 0, unanswered = 1 << 40", false),
    ("UPDATE link SET packets_ab = -packets_ba, packets_ba = packets_ab + 2 * packets_ba", false),
    ("UPDATE link SET bytes_ab = -1, bytes_ba = -1000", false),
    ("UPDATE link SET handshakes = -1, handshake_ticks_min = 5", false),
    ("UPDATE link SET a_ports = 4294967295, b_ports = 4294967295", false),
    ("UPDATE link SET b_ports = 4294967295, has_handshake = 0, protocol = 17", false),
    ("UPDATE link SET a_ports = 0, b_ports = 0, addresses = 0", false),
    ("UPDATE link SET addresses = 4294967295, has_handshake = 0", false),
    ("UPDATE link SET a = b, a_port = b_port, has_handshake = 0", false),
    ("UPDATE link SET protocol = id % 256, events = id % 65536", false),
    ("UPDATE link SET first_tick = -1, last_tick = 0", false),
    ("UPDATE address SET address = '0.0.0.0'", false),
    ("UPDATE address SET address = '240.0.0.1'", false),
    ("UPDATE address SET address = '224.0.0.1'", false),
    ("UPDATE address SET address = 'ff02::1'", false),
  ]

  @Test("what was altered is refused or harmless, also to the writer", arguments: damages)
  func damaged(sql: String, isRefused: Bool) throws {
    let folder = try TemporaryDirectory()
    let path = folder.path("map.db")
    var store: UnitStore? = try UnitStore(path: path)
    var unit = SyntheticUnit()
    for _ in 0..<24 { try unit.commit(to: try #require(store)) }
    store?.close()
    store = nil
    let queue = try DatabaseQueue(path: path)
    try queue.writeWithoutTransaction { database in
      try database.execute(sql: "PRAGMA foreign_keys = OFF")
      try database.execute(sql: sql)
      #expect(database.totalChangesCount > 0)
    }
    try queue.close()
    if isRefused {
      #expect(throws: StoreError.self) { try MapStore.load(path: path) }
      #expect((try? StoreCheck.problems(path: path)) != [])
    } else if let content = try? MapStore.read(path: path) {
      let map = content.map()
      #expect(map.accounting[.mapped] == content.links.reduce(0) { $0 + $1.packets })
      #expect(content.links.allSatisfy { !$0.isSubtracting || content.coverage == nil })
    }
    _ = try? StoreInfo.read(path: path)
    _ = try? MapStore.read(path: path, range: .at(Int(SyntheticUnit.begin) + 5))
    // To throw is the right thing too.
    guard let again = try? UnitStore(path: path) else { return }
    _ = try? again.segment(beginSeconds: SyntheticUnit.begin)
    var left = 200
    while left > 0,
      (try? again.maintain(
        Retention(minutesSeconds: 60), nowSeconds: SyntheticUnit.begin + 1_000_000,
        budgetSeconds: 0)) == true
    {
      left -= 1
    }
  }
}
