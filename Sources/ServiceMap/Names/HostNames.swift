internal import Foundation
public import Wire

/// Names of addresses, from files; never from the network unless asked (`resolve`).
public struct HostNames: Sendable {
  private var names: [IPAddress: String] = [:]

  public init() {}

  /// Adds the names in `path`: hosts(5) form (`address name aliases…`) or CSV (`address,name`).
  /// A name that is there already stands, so the file that matters most comes first.
  ///
  /// - Throws: where the file can't be read. Lines that hold no address are skipped.
  public mutating func add(file path: String) throws {
    add(text: try String(contentsOfFile: path, encoding: .utf8))
  }

  public mutating func add(text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let text = line.prefix { $0 != "#" }
      // Names in CSV may have spaces; in hosts(5) a space begins an alias.
      let isCSV = text.contains { $0 == "," || $0 == ";" }
      let fields = text.split { isCSV ? $0 == "," || $0 == ";" : $0.isWhitespace }
        .map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "\" \t")) }
      guard fields.count >= 2, let address = IPAddress(fields[0]), !fields[1].isEmpty else {
        continue
      }
      if names[address] == nil { names[address] = fields[1] }
    }
  }

  public subscript(address: IPAddress) -> String? { names[address] }
}
