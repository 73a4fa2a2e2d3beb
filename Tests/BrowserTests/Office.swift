import Foundation
import TestSupport

/// Reports of the example office, made once by the built command.
struct Office {
  private let folder: TemporaryDirectory
  let store: String
  /// The static report, as a URL.
  let page: String
  /// All addresses of the map.
  let hosts: [String]

  static let shared = Result { try Office() }
  static let hostile = Result { try Office(isHostile: true) }

  /// What names there are, as a file.
  let names: String

  private static let example = Command.root + "/Examples/office"

  /// - Parameter isHostile: each host has one of `HostileName.all`.
  private init(isHostile: Bool = false) throws {
    folder = try TemporaryDirectory()
    store = folder.path("map.db")
    let html = folder.path("office.html")
    page = "file://\(html)"
    let json = folder.path("office.json")
    try Office.renkei(["audit", "-q", "-r", Office.example + "/office.pcap", "-o", store])
    try Office.renkei(["report", "--store", store, "-o", json])
    let map = try JSONSerialization.jsonObject(with: Data(TemporaryDirectory.read(json)))
    let hosts = (map as? [String: Any])?["hosts"] as? [[String: Any]] ?? []
    self.hosts = hosts.compactMap { $0["address"] as? String }
    var names = Office.example + "/names.hosts"
    if isHostile {
      let lines = self.hosts.enumerated().map {
        "\($0.element),\(HostileName.all[$0.offset % HostileName.all.count])\n"
      }
      names = try folder.write(Array(lines.joined().utf8), to: "names.csv")
    }
    self.names = names
    try Office.renkei(["report", "--store", store, "--names", names, "-o", html])
  }

  private static func renkei(_ arguments: [String]) throws {
    let result = try Command.run(arguments)
    guard result.status == 0 else { throw BrowserError("renkei \(arguments): \(result.errors)") }
  }
}
