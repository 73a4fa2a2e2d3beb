import Foundation
import ServiceMap
import TestSupport
import Testing
import Wire

@Suite struct MapStoreTests {
  private func temporaryPath() -> String {
    NSTemporaryDirectory() + "renkei-store-\(UUID().uuidString).db"
  }

  private func sample() -> (CaptureReport, [IPAddress], [Relation]) {
    var capture = CaptureReport(files: [.init(name: "a \"quoted\" name.pcap")], filter: "tcp")
    capture.startNs = 5
    capture.accounting = ["mapped": 7, "notIP": 3]
    var generator = SeededGenerator(seed: 2)
    let addresses = (0..<50).map {
      $0 % 3 == 0
        ? IPAddress(high: 0x2001_0DB8 << 32, low: UInt64($0)) : IPAddress(v4: 0x0A00_0000 + $0)
    }
    let relations = (0..<200).map { index -> Relation in
      var relation = Relation(
        server: index % 50, client: (index * 7 + 1) % 50, protocolNumber: 6,
        port: UInt16(index + 1), kind: RelationKind.allCases[index % 6],
        basis: Basis.allCases[index % 9], confidence: 0.75)
      relation.packetsToServer = generator.next() >> 16
      relation.bytesToServer = 1 << 50
      relation.firstTick = generator.next() >> 12
      relation.lastTick = generator.next() >> 12
      relation.sessions = 3
      return relation
    }
    return (capture, addresses, relations)
  }

  @Test("gives back the map that was written")
  func roundTrip() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (capture, addresses, relations) = sample()
    try MapStore.create(
      path: path, capture: capture, addresses: addresses, relations: relations, watermarks: [1, 2])
    let map = try MapStore.load(path: path)
    let direct = ServiceMap(capture: capture, addresses: addresses, relations: relations)
    #expect(map.relations == direct.relations)
    #expect(map.capture == capture)
    #expect(map.hosts.map(\.address) == direct.hosts.map(\.address))
    #expect(map.summary == direct.summary)
    #expect(map.accounting[.notIP] == 3)
    #expect(!FileManager.default.fileExists(atPath: path + "-journal"))
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
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (capture, addresses, relations) = sample()
    try MapStore.create(
      path: path, capture: capture, addresses: addresses, relations: relations, watermarks: [])
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for size in stride(from: 0, to: whole.count, by: 512) {
      try whole.prefix(size).write(to: URL(fileURLWithPath: path))
      #expect(throws: (any Error).self, "cut at \(size)") { try MapStore.load(path: path) }
    }
  }

  @Test("refuses values that a report would trap on", arguments: Damage.allCases)
  func foreignValues(damage: Damage) throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var (capture, addresses, relations) = sample()
    switch damage {
    case .confidenceTooLarge: relations[3].confidence = 1e300
    case .confidenceInfinite: relations[3].confidence = .infinity
    case .negativeCounter: relations[3].packetsToClient = .max
    case .sumTooLarge: for index in relations.indices { relations[index].bytesToServer = 1 << 55 }
    case .timeTooLate: relations[3].lastTick = 1 << 53
    case .packetsTooMany: capture.accounting["filtered"] = .max
    }
    try MapStore.create(
      path: path, capture: capture, addresses: addresses, relations: relations, watermarks: [])
    #expect(throws: StoreError.self) { try MapStore.load(path: path) }
  }

  enum Damage: CaseIterable {
    case confidenceTooLarge, confidenceInfinite, negativeCounter, sumTooLarge
    case timeTooLate, packetsTooMany
  }

  @Test("a place where nothing can be written is a clear error")
  func unwritable() {
    let (capture, addresses, relations) = sample()
    #expect(throws: StoreError.self) {
      try MapStore.create(
        path: "/nonexistent/map.db", capture: capture, addresses: addresses, relations: relations,
        watermarks: [])
    }
  }
}
