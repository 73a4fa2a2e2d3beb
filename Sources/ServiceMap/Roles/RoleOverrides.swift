internal import Glibc
public import Wire

/// What the operator says about the roles of endpoints, from a file.
///
/// Shape: one statement a line, `TARGET: ROLE`; docs/roles-file.md has the forms. The first line
/// that matches an endpoint decides, as in an access list. Two values are equal where their files
/// hold the same statements on the same lines and are named alike.
public struct RoleOverrides: Equatable, Sendable {
  /// What a line says of the endpoints it matches; the raw values are the words of the file.
  public enum Role: String, Sendable {
    /// It is asked: the other side of its traffic is the client.
    case server
    /// It asks, and never serves.
    case client
    /// Either side asks.
    case peer
    /// The evidence decides: an exception from a wider line below.
    case auto
  }

  /// The file as the caller named it; "" where there is none.
  public let path: String
  /// In the order of the file.
  private var rules: [Rule] = []
  /// The statements by their lines, without comments.
  private var texts: [Int: String] = [:]
  /// The rules of one address and one port; each list ascends.
  private var single: [Endpoint: [Int]] = [:]
  /// All other rules.
  private var ranged = RangeIndex([])

  /// No overrides: the evidence decides everywhere.
  public init() {
    path = ""
  }

  /// Reads statements from `text`: LF, CRLF or CR between lines, a byte order mark may lead.
  ///
  /// - Parameter path: what errors and explanations call the file.
  /// - Throws: the first line that is no statement: where, what is wrong, what to write.
  /// - Complexity: O(n log n) time and space in the number of lines.
  public init(parsing text: String, path: String) throws(RoleOverridesError) {
    self.path = path
    var ranges: [(addresses: ClosedRange<IPAddress>, rule: Int)] = []
    let hasMark = text.unicodeScalars.first == "\u{FEFF}"
    // As Characters, since "\r\n" is one of them; empty lines too, since they count.
    let lines = text.dropFirst(hasMark ? 1 : 0).split(omittingEmptySubsequences: false) {
      $0 == "\n" || $0 == "\r\n" || $0 == "\r"
    }
    for (index, line) in lines.enumerated() {
      // As scalars, since "#" with a combining mark is another Character.
      let text = trimmed(Substring(line.unicodeScalars.prefix { $0 != "#" }))
      if text.isEmpty { continue }
      let statement: Statement
      var quote = text
      do {
        let fields = try Fields(text)
        quote = fields.target
        statement = try Statement(fields)
      } catch {
        throw RoleOverridesError(path: path, line: index + 1, quoting: quote, error.reason)
      }
      let number = rules.count
      rules.append(
        Rule(
          ports: statement.ports, protocolNumber: statement.protocolNumber, role: statement.role,
          line: index + 1))
      texts[index + 1] = String(text)
      if let endpoint = statement.endpoint {
        // Nothing gets past an earlier line for the same protocol, so a list has at most 257.
        let earlier = single[endpoint, default: []]
        let isHidden = earlier.contains {
          rules[$0].protocolNumber == nil || rules[$0].protocolNumber == statement.protocolNumber
        }
        if !isHidden { single[endpoint, default: []].append(number) }
      } else {
        ranges += statement.addresses.map { ($0, number) }
      }
    }
    ranged = RangeIndex(ranges)
  }

  /// Reads the file at `path`, which may be a pipe.
  ///
  /// - Throws: `RoleOverridesError` where the file is missing, a directory, may not be read, is
  ///   larger than 16 MiB, is not UTF-8, or holds a line that is no statement.
  public init(path: String) throws {
    let bytes = try RoleOverrides.bytes(of: path)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      // No sequence of UTF-8 goes across a line feed, so one of the lines is to blame.
      let line = bytes.split(separator: 10, omittingEmptySubsequences: false)
        .firstIndex { String(validating: $0, as: UTF8.self) == nil }
      throw RoleOverridesError(
        path: path, line: line.map { $0 + 1 }, "is not UTF-8; save the file as UTF-8")
    }
    try self.init(parsing: text, path: path)
  }

  /// Whether there is no statement at all, so that no endpoint needs to be looked up.
  public var isEmpty: Bool { rules.isEmpty }

  /// The role that the file gives an endpoint; nil where no line matches, or where the first that
  /// does says `auto`. So this never answers `.auto`.
  ///
  /// - Complexity: as `match`.
  public func role(of address: IPAddress, protocolNumber: UInt8, port: UInt16) -> Role? {
    match(address, protocolNumber: protocolNumber, port: port)?.role
  }

  /// The same with the number of the line that decides, from 1, for explanations.
  ///
  /// - Complexity: O(log n + m) in the number of lines n and of those m that are no single address
  ///   and port and whose addresses hold this one. Lines of a single address and port cost O(1)
  ///   together, however many.
  public func match(
    _ address: IPAddress, protocolNumber: UInt8, port: UInt16
  ) -> (role: Role, line: Int)? {
    if rules.isEmpty { return nil }
    var first = rules.count
    if !single.isEmpty, let numbers = single[Endpoint(address: address, port: port)] {
      for number in numbers where rules[number].covers(protocolNumber, port) {
        first = number
        break
      }
    }
    first = ranged.first(at: address, before: first) { rules[$0].covers(protocolNumber, port) }
    guard first < rules.count, rules[first].role != .auto else { return nil }
    return (rules[first].role, rules[first].line)
  }

  /// The statement on a line, without its comment; nil where there is none.
  ///
  /// - Parameter line: from 1, as `match` answers it.
  public func text(ofLine line: Int) -> String? { texts[line] }

  /// The whole of a file.
  private static func bytes(of path: String) throws(RoleOverridesError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    if file < 0 { throw unreadable(path, errno) }
    defer { close(file) }
    // Not by the file's size: a pipe has none.
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(file, &chunk, chunk.count)
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw unreadable(path, errno)
      }
      bytes += chunk[..<count]
      // /dev/zero, or a capture given by mistake.
      if bytes.count > 16 << 20 {
        throw RoleOverridesError(
          path: path, line: nil, "is larger than 16 MiB; is it a file of roles?")
      }
    }
  }

  private static func unreadable(_ path: String, _ number: Int32) -> RoleOverridesError {
    let reason =
      switch number {
      case ENOENT: "does not exist; check the path"
      case EISDIR: "is a directory; name the file in it"
      case EACCES: "may not be read; check its permissions and those of its folder"
      default: "cannot be read: \(String(cString: strerror(number)))"
      }
    return RoleOverridesError(path: path, line: nil, reason)
  }
}

/// Why a file of roles was not taken.
///
/// The description is one line for the operator: where, what, what to do.
public struct RoleOverridesError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file as the caller named it.
  public let path: String
  /// The line, from 1; nil where it is the whole file.
  public let line: Int?
  public let description: String

  fileprivate init(path: String, line: Int?, quoting text: Substring? = nil, _ reason: String) {
    self.path = path
    self.line = line
    description =
      path + (line.map { ":\($0)" } ?? "") + ": " + (text.map { quoted($0) + ": " } ?? "") + reason
  }
}

/// What is needed of a statement once its addresses are indexed.
private struct Rule: Equatable, Sendable {
  let ports: ClosedRange<UInt16>
  /// nil for any.
  let protocolNumber: UInt8?
  let role: RoleOverrides.Role
  let line: Int

  func covers(_ protocolNumber: UInt8, _ port: UInt16) -> Bool {
    ports.contains(port) && (self.protocolNumber ?? protocolNumber) == protocolNumber
  }
}

private struct Endpoint: Hashable, Sendable {
  let address: IPAddress
  let port: UInt16
}

// MARK: - Reading a statement

/// Why a text is no statement.
private struct Fault: Error {
  let reason: String

  /// - Parameter advice: what to write; the general form where nothing better is known.
  init(_ problem: String, write advice: String = "ADDRESS:PORT/PROTOCOL: server|client|peer|auto") {
    reason = "\(problem); write \(advice)"
  }
}

/// The parts of a statement between its colons, without the spaces around them.
private struct Fields {
  /// All before the role.
  let target: Substring
  /// Without its brackets.
  let address: Substring
  let isBracketed: Bool
  let ports: Substring
  /// nil where there is no "/".
  let protocolName: Substring?
  let role: Substring

  init(_ statement: Substring) throws(Fault) {
    isBracketed = statement.first == "["
    var rest = statement
    if isBracketed {
      guard let close = statement.firstIndex(of: "]") else {
        throw Fault("the bracket is not closed", write: "[2001:db8::1]:443/tcp: server")
      }
      rest = statement[statement.index(after: close)...]
    }
    let parts = rest.split(separator: ":", omittingEmptySubsequences: false).map(trimmed)
    if isBracketed {
      guard parts[0].isEmpty else {
        throw Fault(
          "\(quoted(parts[0])) after the bracket",
          write: "a prefix or range inside it, as in [2001:db8::/32]:443/tcp: server")
      }
      address = trimmed(statement[..<rest.startIndex].dropFirst().dropLast())
    } else {
      address = parts[0]
      if parts.count > 3, !address.contains("."), address != "*" {
        throw Fault("IPv6 without brackets", write: "[2001:db8::1]:443/tcp: server")
      }
    }
    guard parts.count > 1 else { throw Fault("no port and no role") }
    guard parts.count > 2 else {
      if RoleOverrides.Role(rawValue: parts[1].lowercased()) != nil {
        throw Fault("no port", write: "ADDRESS:*: \(parts[1].lowercased()) for all ports")
      }
      throw Fault("no role")
    }
    guard parts.count == 3 else { throw Fault("too many colons") }
    let service = parts[1].split(
      separator: "/", maxSplits: 1, omittingEmptySubsequences: false
    ).map(trimmed)
    ports = service[0]
    protocolName = service.count > 1 ? service[1] : nil
    role = parts[2]
    target = trimmed(statement[..<(statement.lastIndex(of: ":") ?? statement.endIndex)])
  }
}

/// One statement as read.
private struct Statement {
  /// One range; two where IPv6 lies on both sides of what stands for IPv4.
  let addresses: [ClosedRange<IPAddress>]
  let ports: ClosedRange<UInt16>
  /// nil for any.
  let protocolNumber: UInt8?
  let role: RoleOverrides.Role

  /// Where the target is one address and one port.
  var endpoint: Endpoint? {
    guard let only = addresses.first, only.lowerBound == only.upperBound, ports.count == 1 else {
      return nil
    }
    return Endpoint(address: only.lowerBound, port: ports.lowerBound)
  }

  init(_ fields: Fields) throws(Fault) {
    addresses = try Statement.addresses(fields.address, isBracketed: fields.isBracketed)
    ports = try Statement.ports(fields.ports)
    protocolNumber = try Statement.protocolNumber(fields.protocolName ?? "*")
    guard let role = RoleOverrides.Role(rawValue: fields.role.lowercased()) else {
      throw fields.role.isEmpty ? Fault("no role") : Fault("\(quoted(fields.role)) is no role")
    }
    self.role = role
  }

  // MARK: Addresses

  private static func addresses(
    _ text: Substring, isBracketed: Bool
  ) throws(Fault) -> [ClosedRange<IPAddress>] {
    if text == "*" {
      if isBracketed { throw Fault("* in brackets", write: "[::/0] for all of IPv6, * for all") }
      return [IPAddress(high: 0, low: 0)...IPAddress(high: .max, low: .max)]
    }
    let first: IPAddress
    let last: IPAddress
    if let slash = text.firstIndex(of: "/") {
      first = try address(text[..<slash], isBracketed: isBracketed)
      let bits = try number(
        text[slash...].dropFirst(), "prefix length", max: first.isIPv4 ? 32 : 128)
      let network = first.masked(v4Bits: bits, v6Bits: bits)
      guard network == first else {
        // A slip in the address or in the length; guessing which would match the wrong hosts.
        throw Fault(
          "\(first) has bits set past its prefix of \(bits)",
          write: "\(network)/\(bits) for the network or \(first) for the address")
      }
      last = network.last(bits: bits)
    } else if let dash = text.firstIndex(of: "-") {
      first = try address(text[..<dash], isBracketed: isBracketed)
      last = try address(text[dash...].dropFirst(), isBracketed: isBracketed)
      guard first <= last else {
        throw Fault("the range ends before it begins", write: "\(last)-\(first)")
      }
    } else {
      first = try address(text, isBracketed: isBracketed)
      last = first
    }
    if first.isIPv4 { return [first...last] }
    // IPv4 is held in the midst of IPv6, and no one who writes ::/0 means it.
    var parts: [ClosedRange<IPAddress>] = []
    let below = IPAddress(high: 0, low: 0xFFFE_FFFF_FFFF)
    let above = IPAddress(high: 0, low: 0x1_0000_0000_0000)
    if first <= below { parts.append(first...min(last, below)) }
    if last >= above { parts.append(max(first, above)...last) }
    return parts
  }

  private static func address(
    _ text: Substring, isBracketed: Bool
  ) throws(Fault) -> IPAddress {
    let text = trimmed(text)
    if text.isEmpty { throw Fault("no address", write: "an address, or * for all") }
    if text.contains("%") {
      throw Fault("captures know no zones", write: "the address without %")
    }
    // Checked here too, since inet_pton(3) ends at a NUL.
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), let address = IPAddress(String(text))
    else {
      throw Fault(
        "\(quoted(text)) is no address",
        write: isBracketed ? "IPv6 as in [2001:db8::1]" : "IPv4, [IPv6] or *; not a name")
    }
    if isBracketed && address.isIPv4 {
      throw Fault("IPv4 in brackets", write: "\(address) without them")
    }
    return address
  }

  // MARK: Ports and protocols

  private static func ports(_ text: Substring) throws(Fault) -> ClosedRange<UInt16> {
    if text == "*" { return 0...UInt16.max }
    if text.isEmpty { throw Fault("no port", write: "a number, or * for all") }
    guard let dash = text.firstIndex(of: "-") else {
      let port = UInt16(try number(text, "port", max: 65535))
      return port...port
    }
    let first = UInt16(try number(text[..<dash], "port", max: 65535))
    let last = UInt16(try number(text[dash...].dropFirst(), "port", max: 65535))
    guard first <= last else {
      throw Fault("the ports end before they begin", write: "\(last)-\(first)")
    }
    return first...last
  }

  private static func protocolNumber(_ text: Substring) throws(Fault) -> UInt8? {
    if text == "*" { return nil }
    if text.isEmpty { throw Fault("no protocol after the /", write: "/tcp, or nothing for any") }
    if let named = protocols[text.lowercased()] { return named }
    if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      return UInt8(try number(text, "protocol", max: 255))
    }
    throw Fault(
      "\(quoted(text)) is no protocol known here", write: "tcp, udp, sctp or IANA's number, 0-255")
  }

  /// The names that reports use, and the other common one of ICMPv6.
  private static let protocols: [String: UInt8] = {
    var numbers: [String: UInt8] = ["icmpv6": IPProtocolNumber.icmpv6]
    for number in UInt8.min...UInt8.max { numbers[ProtocolName.of(number)] = number }
    return numbers
  }()

  /// Digits only: Int() would take a sign too.
  private static func number(
    _ text: Substring, _ what: String, max: Int
  ) throws(Fault) -> Int {
    let text = trimmed(text)
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw Fault("\(what) \(quoted(text)) is no number")
    }
    // What does not fit Int is above too.
    guard let value = Int(text), value <= max else {
      throw Fault("\(what) \(shown(text)) is above \(max)")
    }
    return value
  }
}

extension IPAddress {
  /// The last address of the network whose first this is.
  fileprivate func last(bits: Int) -> IPAddress {
    isIPv4
      ? IPAddress(v4: v4 | UInt32.max >> bits)
      : IPAddress(high: high | UInt64.max >> bits, low: low | UInt64.max >> max(0, bits - 64))
  }
}

private func trimmed(_ text: Substring) -> Substring {
  guard let first = text.firstIndex(where: { !$0.isWhitespace }),
    let last = text.lastIndex(where: { !$0.isWhitespace })
  else { return text[text.endIndex...] }
  return text[first...last]
}

private func quoted(_ text: Substring) -> String { "\"\(shown(text))\"" }

/// Text of the file for one line of a terminal: short, and nothing in it acts on the terminal.
private func shown(_ text: Substring) -> String {
  var result = ""
  for scalar in text.unicodeScalars.prefix(80) {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator:
      result += "\\u{\(String(scalar.value, radix: 16))}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return text.unicodeScalars.count > 80 ? result + "…" : result
}

// MARK: - Looking up

/// Which of many address ranges hold an address: a segment tree over the cells into which the
/// ends of the ranges cut the address space. A range is entered at the O(log n) nodes that make it
/// up, so wide ranges one within another take no more room than narrow ones side by side.
private struct RangeIndex: Equatable, Sendable {
  /// The first address of each cell, ascending, from the lowest there is.
  private var cells: [IPAddress] = []
  /// Rules by node, ascending. The children of node n are 2n and 2n + 1, the leaf of cell c is
  /// cells.count + c; node 0 is none.
  private var nodes: [[Int]] = []

  /// - Parameter ranges: rules ascend; ranges of one rule don't overlap.
  init(_ ranges: [(addresses: ClosedRange<IPAddress>, rule: Int)]) {
    if ranges.isEmpty { return }
    var starts: Set = [IPAddress(high: 0, low: 0)]
    for (addresses, _) in ranges {
      starts.insert(addresses.lowerBound)
      if let next = addresses.upperBound.next { starts.insert(next) }
    }
    cells = starts.sorted()
    nodes = Array(repeating: [], count: 2 * cells.count)
    for (addresses, rule) in ranges {
      var first = cells.count + cell(of: addresses.lowerBound)
      var end = cells.count + cell(of: addresses.upperBound) + 1
      while first < end {
        if first & 1 == 1 {
          nodes[first].append(rule)
          first += 1
        }
        if end & 1 == 1 {
          end -= 1
          nodes[end].append(rule)
        }
        first >>= 1
        end >>= 1
      }
    }
  }

  /// The first rule before `limit` whose addresses hold `address` and that `matches`; else `limit`.
  ///
  /// - Complexity: O(log n), and a call of `matches` for each rule that holds the address.
  func first(at address: IPAddress, before limit: Int, where matches: (Int) -> Bool) -> Int {
    if cells.isEmpty { return limit }
    var best = limit
    var node = cells.count + cell(of: address)
    while node > 0 {
      for rule in nodes[node] {
        if rule >= best { break }
        if matches(rule) {
          best = rule
          break
        }
      }
      node >>= 1
    }
    return best
  }

  /// The cell that holds `address`, by binary search.
  private func cell(of address: IPAddress) -> Int {
    var low = 0
    var high = cells.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if cells[middle] <= address { low = middle } else { high = middle }
    }
    return low
  }
}

extension IPAddress {
  /// The address after this; nil after the last.
  fileprivate var next: IPAddress? {
    if low < .max { return IPAddress(high: high, low: low + 1) }
    return high < .max ? IPAddress(high: high + 1, low: 0) : nil
  }
}
