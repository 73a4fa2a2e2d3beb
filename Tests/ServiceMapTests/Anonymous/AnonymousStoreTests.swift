import Foundation
import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct AnonymousStoreTests {
  private let folder: TemporaryDirectory
  private let key = [UInt8](1...32)

  init() throws { folder = try TemporaryDirectory() }

  /// Relations with addresses for numbers, those made other ones by `address`.
  private func texts(_ map: ServiceMap, _ address: (IPAddress) throws -> IPAddress) rethrows
    -> [String]
  {
    try map.relations.map { relation in
      var plain = relation
      (plain.server, plain.client) = (0, 0)
      let server = try address(map.hosts[relation.server].address)
      let client = try address(map.hosts[relation.client].address)
      return "\(server) \(client) \(plain)"
    }.sorted()
  }

  @Test("the map of the copy is the same between other addresses, and says nothing of names")
  func audit() throws {
    var generator = TestSeed.generator(for: "AnonymousStoreTests.audit")
    let links = (0..<300).map { _ in
      // Which of two equal sides is the server, addresses decide; so all have handshakes.
      var link = Sample.random(hosts: 40, using: &generator)
      link.hasHandshake = true
      return link
    }
    var capture = CaptureReport(
      files: [
        .init(name: "/home/tanaka/secret.pcap", packets: 9, warning: "secret.pcap is cut off"),
        .init(name: "eth-secret", packets: 1),
      ], filter: "host secret.example")
    capture.accounting = ["mapped": links.reduce(0) { $0 + $1.packets }, "notIP": 3]
    var addresses = Sample.addresses(40, mixed: true)
    addresses[1] = IPAddress(v4: 0xE000_00FB)
    addresses[2] = IPAddress(v4: 0x0808_0808)
    let content = MapStore.Content(capture: capture, addresses: addresses, links: links)
    let (path, copy) = (folder.path("map.db"), folder.path("shared.db"))
    try MapStore.create(path: path, content, watermarks: [1, 2])
    try AnonymousStore.write(path: path, to: copy, key: key)
    let pseudonyms = try AddressPseudonyms(key: key)
    let before = try MapStore.read(path: path)
    let after = try MapStore.read(path: copy)
    #expect(after.links == before.links)
    let used = Set(links.flatMap { [$0.a, $0.b] }).count
    #expect(after.addresses.count == used)
    let (map, shared) = (before.map(), after.map())
    #expect(try texts(shared) { $0 } == texts(map) { try pseudonyms.pseudonym(of: $0) })
    #expect(shared.summary.hosts == map.summary.hosts)
    #expect(shared.summary.services == map.summary.services)
    #expect(shared.accounting == map.accounting)
    let bytes = Data(try TemporaryDirectory.read(copy))
    for word in ["secret", "tanaka", "8.8.8.8"] {
      #expect(bytes.range(of: Data(word.utf8)) == nil, "\(word)")
    }
    #expect(shared.capture.files.map(\.name) == ["capture 1", "capture 2"])
    #expect(shared.capture.files.map { $0.warning != nil } == [true, false])
    #expect(!shared.capture.filter.isEmpty)
    #expect(try StoreCheck.problems(path: copy) == [])
    // The same key gives the same copy.
    try AnonymousStore.write(path: path, to: folder.path("again.db"), key: key)
    #expect(Data(try TemporaryDirectory.read(folder.path("again.db"))) == bytes)
    #expect(throws: StoreError.self) { try AnonymousStore.write(path: path, to: path, key: key) }
  }

  @Test("a unit's store is copied with all of its times, while it is being written")
  func unit() throws {
    let generator = TestSeed.generator(for: "AnonymousStoreTests.unit")
    let (path, copy) = (folder.path("map.db"), folder.path("shared.db"))
    var store = try RandomStore(path: path, generator: generator)
    for _ in 0..<20 { try store.commit(beginsMinute: true) }
    try AnonymousStore.write(path: path, to: copy, key: key)
    for range in [
      nil, TimeRange(from: Int(RandomStore.begin) + 300, to: Int(RandomStore.begin) + 600),
    ] {
      let before = try MapStore.read(path: path, range: range)
      let after = try MapStore.read(path: copy, range: range)
      #expect(after.links.count == before.links.count && after.coverage == before.coverage)
      #expect(after.addresses.count == before.addresses.count)
      #expect(
        after.links.reduce(0) { $0 + $1.bytesAB + $1.bytesBA }
          == before.links.reduce(0) { $0 + $1.bytesAB + $1.bytesBA })
      let (map, shared) = (before.map(), after.map())
      #expect(shared.relations.count == map.relations.count)
      #expect(shared.summary.hosts == map.summary.hosts)
    }
    #expect(try StoreCheck.problems(path: copy) == [])
    #expect(try StoreInfo.read(path: copy).runs.map(\.names) == [["capture 1"]])
  }
}
