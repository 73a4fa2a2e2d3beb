internal import Foundation
public import Wire

/// Names of ports: the operator's own (docs/names-file.md), else those of services(5).
public struct ServiceNames: Sendable {
  /// Of services(5).
  private var names: [UInt32: String] = [:]
  /// The operator's, of a port on any host, and of one host's.
  private var own: [UInt32: String] = [:]
  private var ownOfServers: [Endpoint: String] = [:]
  private var problemList = NamesProblems()

  private struct Endpoint: Hashable, Sendable {
    var server: IPAddress
    var key: UInt32
  }

  /// Reads a file in the form of services(5): `name port/protocol aliases… # comment`. The first
  /// name of a port stands. An absent file gives no names.
  public init(path: String = "/etc/services") {
    self.init(text: (try? String(contentsOfFile: path, encoding: .utf8)) ?? "")
  }

  public init(text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let fields = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      guard fields.count >= 2 else { continue }
      let parts = fields[1].split(separator: "/")
      guard parts.count == 2, let port = UInt16(parts[0]),
        let number = ServiceNames.protocols[String(parts[1])]
      else { continue }
      let key = ServiceNames.key(number, port)
      if names[key] == nil { names[key] = String(fields[0]) }
    }
  }

  /// The service's name; "" where it has none.
  ///
  /// ICMP requests are named by their type (RFC 792, RFC 4443). QUIC's 443/udp is "https" there.
  public func name(protocolNumber: UInt8, port: UInt16) -> String {
    if protocolNumber == IPProtocolNumber.icmp || protocolNumber == IPProtocolNumber.icmpv6 {
      return ServiceNames.icmp[ServiceNames.key(protocolNumber, port >> 8)] ?? ""
    }
    let key = ServiceNames.key(protocolNumber, port)
    return own[key] ?? names[key] ?? ""
  }

  /// The same of a service of one server, which may have a name of its own.
  public func name(of server: IPAddress, protocolNumber: UInt8, port: UInt16) -> String {
    if !ownOfServers.isEmpty {
      let endpoint = Endpoint(server: server, key: ServiceNames.key(protocolNumber, port))
      if let name = ownOfServers[endpoint] { return name }
    }
    return name(protocolNumber: protocolNumber, port: port)
  }

  // MARK: - The operator's names

  /// Adds the names of a file with lines `tcp/50020: Orders` or `10.0.0.5:50020/tcp: Orders of Tokyo`. They
  /// win over services(5); among themselves what came first stands.
  ///
  /// - Throws: where the file can't be read. Lines that say nothing are skipped (`problems`).
  public mutating func add(file path: String) throws {
    add(bytes: try NamesText.read(path: path), path: path)
  }

  /// - Parameter path: what problems call the text.
  public mutating func add(text: String, path: String = "services") {
    add(bytes: Array(text.utf8), path: path)
  }

  /// Lines that were skipped, as `file:line: text: reason`: the first 20.
  public var problems: [String] { problemList.shown }
  /// All of them.
  public var problemCount: Int { problemList.count }

  private mutating func add(bytes: [UInt8], path: String) {
    bytes.withUnsafeBufferPointer { bytes in
      NamesText.forEachLine(of: bytes) { line, number in
        guard let first = line.first, first != UInt8(ascii: "#") else { return }
        guard let reason = add(NamesText.string(line)[...]) else { return }
        problemList.add(path, number, NamesText.string(line.prefix(200)), reason)
      }
    }
  }

  /// Answers what is wrong with the line; nil: nothing.
  private mutating func add(_ line: Substring) -> String? {
    // The target has no blanks; after it a colon, blanks, or both.
    let target = line.prefix { $0 != " " && $0 != "\t" }
    let name = HostDirectory.clean(
      String(line.dropFirst(target.count).drop { $0 == " " || $0 == "\t" || $0 == ":" }))
    if name.isEmpty { return "no name" }
    let parts = (target.last == ":" ? target.dropLast() : target)
      .split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return "no tcp/PORT" }
    if let number = ServiceNames.protocols[parts[0].lowercased()] {
      guard let port = ServiceNames.port(parts[1]) else { return "no port" }
      let key = ServiceNames.key(number, port)
      own[key] = own[key] ?? name
      return nil
    }
    guard let number = ServiceNames.protocols[parts[1].lowercased()] else {
      return "no protocol with ports"
    }
    // `50020/tcp`, `10.0.0.5:50020/tcp`, `[2001:db8::1]:50020/tcp`.
    guard let colon = parts[0].lastIndex(of: ":") else {
      guard let port = ServiceNames.port(parts[0]) else { return "no port" }
      let key = ServiceNames.key(number, port)
      own[key] = own[key] ?? name
      return nil
    }
    var host = parts[0][..<colon]
    if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
    guard let server = IPAddress(String(host)),
      let port = ServiceNames.port(parts[0][colon...].dropFirst())
    else { return "no ADDRESS:PORT" }
    let endpoint = Endpoint(server: server, key: ServiceNames.key(number, port))
    ownOfServers[endpoint] = ownOfServers[endpoint] ?? name
    return nil
  }

  /// Digits only: `UInt16` would take a sign too.
  private static func port(_ text: Substring) -> UInt16? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt16(text) : nil
  }

  private static func key(_ protocolNumber: UInt8, _ port: UInt16) -> UInt32 {
    UInt32(protocolNumber) << 16 | UInt32(port)
  }

  private static let protocols: [String: UInt8] = [
    "tcp": IPProtocolNumber.tcp, "udp": IPProtocolNumber.udp, "sctp": IPProtocolNumber.sctp,
    "dccp": IPProtocolNumber.dccp, "udplite": IPProtocolNumber.udplite,
  ]

  private static let icmp: [UInt32: String] = [
    key(1, 3): "unreachable", key(1, 5): "redirect", key(1, 8): "echo", key(1, 11): "time-exceeded",
    key(1, 12): "parameter-problem", key(1, 13): "timestamp", key(1, 17): "address-mask",
    key(58, 1): "unreachable", key(58, 2): "packet-too-big", key(58, 3): "time-exceeded",
    key(58, 4): "parameter-problem", key(58, 128): "echo", key(58, 130): "mld-query",
    key(58, 131): "mld-report", key(58, 132): "mld-done", key(58, 133): "router-solicitation",
    key(58, 134): "router-advertisement", key(58, 135): "neighbor-solicitation",
    key(58, 136): "neighbor-advertisement", key(58, 137): "redirect", key(58, 143): "mld2-report",
  ]
}
