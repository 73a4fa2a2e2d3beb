import Foundation
import ServiceMap
import TestSupport
import Testing

/// `renkei store`, and maps of a time, as their user runs them.
@Suite struct StoreTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("map.db")
  }

  private func run(_ words: String...) throws -> Command.Result {
    try Command.run(words, environment: ["LC_ALL": "C.UTF-8", "TZ": "UTC"])
  }

  /// Two hours of a unit, the first of them compacted.
  private func unit() throws -> (store: UnitStore, unit: SyntheticUnit) {
    let store = try UnitStore(path: path)
    var unit = SyntheticUnit()
    for _ in 0..<720 { try unit.commit(to: store) }
    let retention = Retention(minutesSeconds: 1800)
    let now = SyntheticUnit.seconds(of: unit.epoch)
    while try store.maintain(retention, nowSeconds: now, budgetSeconds: 1) {}
    return (store, unit)
  }

  private func packets(_ result: Command.Result) -> UInt64? {
    let capture = result.json?["capture"] as? [String: Any]
    let accounting = capture?["accounting"] as? [String: Any]
    return (accounting?["mapped"] as? NSNumber)?.uint64Value
  }

  @Test("a unit's map can be asked for while it is being written, whole or of a time")
  func times() throws {
    var (store, unit) = try unit()
    let all = try run("report", "--store", path, "--format", "json", "-o", "-")
    #expect(all.status == 0, "\(all.errors)")
    #expect(packets(all) == unit.expected(0..<720).mapped)
    // 1795000020 is 2026-11-18T11:07:00Z; the last half hour is kept by minutes.
    let minute = try run(
      "report", "--store", path, "--format", "json", "-o", "-", "--at", "2026-11-18T12:50:30")
    #expect(minute.errors.contains("the map is of 2026-11-18 12:50:00 to 2026-11-18 12:51:00"))
    #expect(packets(minute) == unit.expected((103 * 6)..<(104 * 6)).mapped)
    let hours = try run(
      "report", "--store", path, "--format", "json", "-o", "-", "--to", "2026-11-18T11:30:00Z")
    #expect(hours.errors.contains("the map is of 2026-11-18 11:00:00 to 2026-11-18 12:00:00"))
    #expect(packets(hours) == unit.expected(0..<(53 * 6)).mapped)
    let none = try run("report", "--store", path, "--format", "json", "--at", "2025-01-01")
    #expect(none.status == 1 && none.output.isEmpty)
    #expect(
      none.errors.contains("there are hours from 2026-11-18 11:00:00 to 2026-11-18 12:00:00, "))
    let wrong = try run("report", "--store", path, "--at", "noon")
    #expect(wrong.status == 2 && wrong.errors.contains("--at noon: no time"))
    // The writer goes on undisturbed.
    try unit.commit(to: store)
    let why = try run("why", "10.0.0.1:443/tcp", "--store", path, "--from", "2026-11-18T12:30")
    #expect(why.status == 0, "\(why.errors)")
    #expect(why.text.contains("10.0.0.1:443/tcp is a server"))
  }

  @Test("info tells runs and periods, check finds damage")
  func infoAndCheck() throws {
    let (store, unit) = try unit()
    let info = try #require(try run("store", "info", "--store", path, "--format", "json").json)
    let segments = try #require(info["segments"] as? [[String: Any]])
    #expect(segments.map { $0["resolutionSeconds"] as? Int } == [3600, 60])
    #expect(info["schema"] as? String == "renkei.store/4")
    let runs = try #require(info["runs"] as? [[String: Any]])
    #expect(runs.map { $0["names"] as? [String] } == [["veth0"]])
    let text = try run("store", "info", "--store", path)
    #expect(text.text.contains("hours") && text.text.contains("2026-11-18 12:00:00"))
    #expect(text.text.contains("\(SyntheticUnit.run)"))
    let sound = try run("store", "check", "--store", path)
    #expect(sound.status == 0 && sound.text == "\(path): sound\n", "\(sound.errors)")
    _ = unit
    store.close()
    // A page of links in the middle.
    var bytes = try TemporaryDirectory.read(path)
    let middle = bytes.count / 2 / 4096 * 4096
    for place in (middle + 100)..<(middle + 3000) { bytes[place] = 0x3C }
    let damaged = try folder.write(bytes, to: "damaged.db")
    let found = try run("store", "check", "--store", damaged)
    #expect(found.status == 1 && found.output.isEmpty)
    #expect(found.errors.contains("damaged"))
  }

  @Test("a backup made while the unit writes is whole, one file, and never the store itself")
  func backup() throws {
    var (store, unit) = try unit()
    let copy = folder.path("copy.db")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Command.renkei)
    process.arguments = ["store", "backup", "--store", path, "-o", copy]
    try process.run()
    var epochs: [Int] = []
    while process.isRunning {
      try unit.commit(to: store)
      epochs.append(unit.epoch)
    }
    #expect(process.terminationStatus == 0)
    let content = try MapStore.read(path: copy)
    let mapped = content.links.reduce(0) { $0 + $1.packets }
    #expect((720...unit.epoch).contains { unit.expected(0..<$0).mapped == mapped })
    #expect(try StoreCheck.problems(path: copy) == [])
    // The WAL is the store's; readers of a plain file leave nothing beside it.
    #expect(!FileManager.default.fileExists(atPath: copy + "-wal"))
    // Again over itself, but not over the store, by any name of it.
    #expect(try run("store", "backup", "--store", path, "-o", copy).status == 0)
    let link = folder.path("link.db")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    for target in [path, link] {
      #expect(try run("store", "backup", "--store", path, "-o", target).status == 1)
    }
    #expect(try run("store", "backup", "--store", path, "-o", "/nonexistent/x.db").status == 1)
    try unit.commit(to: store)
    #expect(
      try MapStore.read(path: path).links.reduce(0) { $0 + $1.packets }
        == unit.expected(0..<unit.epoch).mapped)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(left == ["copy.db", "link.db", "map.db", "map.db-shm", "map.db-wal"])
    // What was copied can be gone on with.
    let restored = try UnitStore(path: copy)
    #expect(restored.setAside == nil)
  }

  @Test("who may read and not write reads all the same, also what is left of a WAL")
  func unwritable() throws {
    let (store, unit) = try unit()
    let place = folder.path("readonly")
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    // As a killed unit leaves it, without its -shm.
    for ending in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: path + ending, toPath: place + "/map.db" + ending)
    }
    store.close()
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    let allowed = try Command.run("/usr/bin/setpriv", nobody + ["/bin/true"])
    guard getuid() == 0, allowed.status == 0 else {
      print("skipped: needs root, to become somebody who may not write")
      return
    }
    _ = try Command.run("/bin/chmod", ["-R", "a+rX", folder.path])
    _ = try Command.run("/bin/cp", [Command.renkei, folder.path("renkei")])
    func report() throws -> Command.Result {
      try Command.run(
        "/usr/bin/setpriv",
        nobody + [
          folder.path("renkei"), "report", "--store", place + "/map.db", "--format", "json", "-o",
          "-",
        ])
    }
    let read = try report()
    #expect(read.status == 0, "\(read.errors)")
    #expect(packets(read) == unit.expected(0..<720).mapped)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: place).sorted()
        == ["map.db", "map.db-wal"])
    // A -shm that may not be read is named, with what helps.
    _ = FileManager.default.createFile(
      atPath: place + "/map.db-shm", contents: Data(), attributes: [.posixPermissions: 0o600])
    let refused = try report()
    #expect(refused.status == 1)
    #expect(refused.errors.contains("-shm") && refused.errors.contains("renkei store backup"))
  }
}
