internal import Foundation
public import Wire

/// Who hosts and networks are: names and groups from files (docs/names-file.md), and which addresses are
/// the organisation's own. Nothing is asked from the network.
///
/// What files say is hostile: all that leaves this type went through `clean`.
public struct HostDirectory: Sendable {
  private struct Entry: Sendable {
    var name: String?
    /// Index into `groupNames`.
    var group: Int32?
  }

  private var hosts: [IPAddress: Entry] = [:]
  private var networkNames: [Prefix: String] = [:]
  private var networkGroups = PrefixTable<Int32>()
  private var groupNames: [String] = []
  private var groupNumbers: [String: Int32] = [:]
  private var problemList = NamesProblems()
  private var own = PrefixTable<Bool>()

  /// Networks whose addresses are inside; others are outside (`isInside`).
  public var organisation: [Prefix] {
    didSet { own = HostDirectory.table(of: organisation) }
  }

  /// What can't be an address of the internet: private (RFC 1918) and shared addresses (RFC 6598), loopback,
  /// link-local and unique local ones (RFC 3927, 4193, 4291).
  public static let privateNetworks: [Prefix] = [
    "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.168.0.0/16", "::1", "fc00::/7", "fe80::/10",
  ].compactMap { Prefix($0) }

  public init() {
    organisation = HostDirectory.privateNetworks
    own = HostDirectory.table(of: organisation)
  }

  private static func table(of networks: [Prefix]) -> PrefixTable<Bool> {
    var table = PrefixTable<Bool>()
    for network in networks { table.set(network, true) }
    return table
  }

  // MARK: - Files

  /// Adds what `path` says: hosts(5) form (`address name aliases…`) or CSV (`address-or-CIDR,name,group`).
  /// What is known already stands, so the file that matters most comes first.
  ///
  /// - Parameter reportsProblems: false for a file that nobody wrote for renkei.
  /// - Throws: where the file can't be read. Lines that say nothing are skipped (`problems`).
  /// - Complexity: O(bytes), some seconds for a million lines.
  public mutating func add(file path: String, reportsProblems: Bool = true) throws {
    add(bytes: try NamesText.read(path: path), path: path, reportsProblems)
  }

  /// - Parameter path: what problems call the text.
  public mutating func add(text: String, path: String = "names") {
    add(bytes: Array(text.utf8), path: path, true)
  }

  /// Lines that were skipped, as `file:line: text: reason`: the first 20.
  public var problems: [String] { problemList.shown }
  /// All of them.
  public var problemCount: Int { problemList.count }

  private mutating func add(bytes: [UInt8], path: String, _ reportsProblems: Bool) {
    var isFirst = true
    bytes.withUnsafeBufferPointer { bytes in
      NamesText.forEachLine(of: bytes) { line, number in
        guard let first = line.first, first != UInt8(ascii: "#") else { return }
        let reason = add(line, isHeaderAllowed: isFirst)
        isFirst = false
        guard let reason, reportsProblems else { return }
        problemList.add(path, number, NamesText.string(line.prefix(200)), reason)
      }
    }
  }

  /// Answers what is wrong with the line; nil: nothing.
  private mutating func add(
    _ line: Slice<UnsafeBufferPointer<UInt8>>, isHeaderAllowed: Bool
  ) -> String? {
    let fields: [String]
    if let separator = HostDirectory.separator(of: line) {
      guard let found = HostDirectory.fields(of: line, separator) else {
        return "a quote is not closed"
      }
      fields = found
    } else {
      // hosts(5): blanks between, aliases after the name, a comment anywhere.
      fields = line.prefix { $0 != UInt8(ascii: "#") }
        .split(maxSplits: 2) { NamesText.isBlank($0) }
        .prefix(2).map { NamesText.string($0) }
    }
    guard let target = Prefix(fields[0]) else {
      if isHeaderAllowed && !fields[0].utf8.contains(where: { (0x30...0x39).contains($0) }) {
        return nil
      }
      return "no address and no network"
    }
    func field(_ number: Int) -> String? {
      guard number < fields.count else { return nil }
      let text = HostDirectory.clean(fields[number])
      return text.isEmpty ? nil : text
    }
    let (name, group) = (field(1), field(2).map { groupNumber($0) })
    if name == nil && group == nil { return "neither a name nor a group" }
    if target.isAddress {
      var entry = hosts[target.address] ?? Entry()
      entry.name = entry.name ?? name
      entry.group = entry.group ?? group
      hosts[target.address] = entry
    } else {
      if let name, networkNames[target] == nil { networkNames[target] = name }
      if let group, networkGroups[target] == nil { networkGroups.set(target, group) }
    }
    return nil
  }

  private mutating func groupNumber(_ name: String) -> Int32 {
    if let known = groupNumbers[name] { return known }
    let number = Int32(groupNames.count)
    groupNames.append(name)
    groupNumbers[name] = number
    return number
  }

  /// What separates the fields of a line of CSV; nil where it has the form of hosts(5).
  private static func separator(of line: Slice<UnsafeBufferPointer<UInt8>>) -> UInt8? {
    let isSeparator = { (byte: UInt8) in byte == UInt8(ascii: ",") || byte == UInt8(ascii: ";") }
    if line.first == UInt8(ascii: "\"") { return line.first(where: isSeparator) ?? 0x2C }
    let rest = line.drop {
      !NamesText.isBlank($0) && !isSeparator($0) && $0 != UInt8(ascii: "#")
    }
    return rest.first { !NamesText.isBlank($0) }.flatMap { isSeparator($0) ? $0 : nil }
  }

  /// The fields of a line of CSV (RFC 4180, but no line ends in fields); nil where a quote is not closed.
  static func fields(
    of line: Slice<UnsafeBufferPointer<UInt8>>, _ separator: UInt8
  ) -> [String]? {
    let quote = UInt8(ascii: "\"")
    var fields: [String] = []
    var place = line.startIndex
    while true {
      while place < line.endIndex, NamesText.isBlank(line[place]) { place += 1 }
      var end = place
      if place < line.endIndex, line[place] == quote {
        var text: [UInt8] = []
        end += 1
        while true {
          guard end < line.endIndex else { return nil }
          if line[end] == quote {
            guard end + 1 < line.endIndex, line[end + 1] == quote else { break }
            end += 1
          }
          text.append(line[end])
          end += 1
        }
        fields.append(NamesText.string(text))
        while end < line.endIndex, line[end] != separator { end += 1 }
      } else {
        while end < line.endIndex, line[end] != separator { end += 1 }
        fields.append(NamesText.string(NamesText.trimmed(line.base[place..<end])))
      }
      guard end < line.endIndex else { return fields }
      place = end + 1
    }
  }

  // MARK: - Asking

  public func name(of address: IPAddress) -> String? { hosts[address]?.name }

  /// The group of the host itself, else that of the longest network that has one.
  ///
  /// - Complexity: O(different prefix lengths).
  public func group(of address: IPAddress) -> String? {
    (hosts[address]?.group ?? networkGroups.longest(address)).map { groupNames[Int($0)] }
  }

  /// The name of this very network.
  public func networkName(of network: Prefix) -> String? {
    network.isAddress ? name(of: network.address) : networkNames[network]
  }

  /// Whether the address belongs to the organisation. Groups and unspecified addresses belong to no one, and
  /// count as inside.
  ///
  /// - Complexity: O(different prefix lengths).
  public func isInside(_ address: IPAddress) -> Bool {
    address.isMulticastOrBroadcast || address.isUnspecified || own.longest(address) != nil
  }

  // MARK: - Hostile text

  /// A name from outside as it may be shown: no control characters, nothing that turns the direction of what
  /// stands beside it, no line ends (U+FFFD instead), and not longer than a DNS name can be.
  ///
  /// Markup is text: who writes HTML or CSV escapes it there.
  ///
  /// - Parameter bytesMax: UTF-8 bytes, "…" included where it is cut.
  public static func clean(_ text: String, bytesMax: Int = 255) -> String {
    var isPlain = true
    var count = 0
    for byte in text.utf8 {
      count += 1
      if byte < 0x20 || byte >= 0x7F { isPlain = false }
      if count > bytesMax { break }
    }
    if isPlain && count <= bytesMax { return text }
    var result: [Unicode.Scalar] = []
    var bytes = 0
    // How much stays where it is cut: "…" has three bytes and must fit.
    var cut = 0
    for scalar in text.unicodeScalars {
      let shown = isSafe(scalar) ? scalar : "\u{FFFD}"
      let width = UTF8.width(shown)
      guard bytes + width <= bytesMax else {
        result.removeSubrange(cut...)
        result.append("…")
        break
      }
      bytes += width
      result.append(shown)
      if bytes + 3 <= bytesMax { cut = result.count }
    }
    var text = ""
    text.unicodeScalars.append(contentsOf: result)
    return text
  }

  private static func isSafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0: false
    // Bidirectional marks, embeddings, overrides and isolates; line and paragraph separators.
    case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: false
    default: true
    }
  }
}
