internal import Foundation
internal import GRDB
internal import Wire

/// A copy of a store to share with others: the same map between other addresses (`AddressPseudonyms`), without
/// names of files and interfaces, warnings' texts, filters, and what a unit needs to go on.
///
/// Times, ports, packets and octets stay as they are.
public enum AnonymousStore {
  /// Writes the copy into a hidden file beside the target, which is renamed once it is complete.
  ///
  /// It is made row by row: a copy of the file would hold what was deleted in it.
  ///
  /// - Throws: `StoreError`; the target is as it was then.
  /// - Complexity: O(links), and some 5 µs an IPv4 address, 20 µs an IPv6 one.
  public static func write(path: String, to target: String, key: [UInt8]) throws {
    let pseudonyms = try AddressPseudonyms(key: key)
    var configuration = Configuration()
    // Addresses come after the links, once it is known which are in use.
    configuration.foreignKeysEnabled = false
    try StoreCopy.write(
      path: path, to: target, action: "write", configuration: configuration
    ) { source, copy in
      let reader = try StoreReader(source, path: path)
      try copy.execute(sql: "PRAGMA journal_mode = OFF")
      try copy.inTransaction {
        try write(reader, pseudonyms, into: copy)
        return .commit
      }
    }
  }

  private static func write(
    _ reader: StoreReader, _ pseudonyms: AddressPseudonyms, into target: Database
  ) throws {
    try target.execute(sql: StoreSchema.tables)
    try target.execute(
      sql: "INSERT INTO meta VALUES ('schema', ?)", arguments: [StoreSchema.name])
    let encoder = JSONEncoder()
    // The same map gives the same bytes.
    encoder.outputFormatting = .sortedKeys
    var names: [String: String] = [:]
    for run in reader.runs {
      let capture = anonymous(run.capture, &names)
      try target.execute(
        sql: "INSERT INTO run VALUES (?, ?, NULL)",
        arguments: [
          Int64(bitPattern: run.id),
          String(decoding: try encoder.encode(capture), as: UTF8.self),
        ])
    }
    var isUsed: Set<Int> = []
    let links = try RowWriter(target, "INSERT INTO link", columns: LinkRow.columns)
    var waiting: [(id: Int64, link: Link)] = []
    func flush() throws {
      try links.write(waiting.count) { bulk, parameter, place in
        LinkRow.bind(waiting[place].link, id: waiting[place].id, to: bulk, from: parameter)
      }
      waiting.removeAll(keepingCapacity: true)
    }
    for segment in reader.segments {
      try target.execute(
        sql: "INSERT INTO segment VALUES (?, ?, ?, ?, ?)",
        arguments: [
          segment.id, SegmentState.closed.rawValue, segment.resolution, segment.begin,
          try segment.totals.text(),
        ])
      try reader.forEachLink(of: segment) { id, link in
        isUsed.insert(link.a)
        isUsed.insert(link.b)
        waiting.append((id, link))
        if waiting.count == 4096 { try flush() }
      }
      try flush()
    }
    // What no link has any more, nobody need know of.
    let addresses = try RowWriter(target, "INSERT INTO address", columns: 2)
    try reader.forEachAddress { id, address in
      guard isUsed.contains(Int(id)) else { return }
      let text = try pseudonyms.pseudonym(of: address).description
      try addresses.write(1) { bulk, parameter, _ in
        bulk.bind(parameter, id)
        bulk.bind(parameter + 1, text)
      }
    }
  }

  /// - Parameter names: what captures and interfaces are called instead, the same ones the same.
  private static func anonymous(
    _ capture: CaptureReport, _ names: inout [String: String]
  ) -> CaptureReport {
    var other = capture
    for place in other.files.indices {
      let name = other.files[place].name
      let number = names.count + 1
      let pseudonym = names[name] ?? "capture \(number)"
      names[name] = pseudonym
      other.files[place].name = pseudonym
      if other.files[place].warning != nil { other.files[place].warning = "damaged or cut off" }
    }
    // That there was one changes what the map means.
    if !other.filter.isEmpty { other.filter = "(not told)" }
    return other
  }
}
