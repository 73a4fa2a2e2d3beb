internal import ArgumentParser
internal import Reporter
internal import ServiceMap
internal import Wire

struct WhyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Explain why an endpoint is judged a server, a client, or neither.",
    usage: """
      renkei why ADDRESS:PORT[/PROTOCOL] --store MAP.DB [options]
      renkei why ADDRESS:PORT[/PROTOCOL] -r FILE [-r FILE …] [options] ['filter']
      """,
    discussion: """
      Says what the endpoint is and how sure that is, what was seen of it, how each piece of evidence \
      was weighed, and what would change the verdict. Evidence multiplies the odds: "×12 for server" \
      makes the odds of server twelve times what they were. Where a handshake decides, the rest is weighed \
      as well, as if no handshake had been captured.

      IPv6 addresses stand in brackets. Without /PROTOCOL every protocol is explained in which the \
      port was seen. With -r the captures are audited first, and nothing is kept.

      Examples:
        renkei why 10.0.0.5:8080/tcp --store map.db
        renkei why 10.0.0.5:53 -r trace.pcap
        renkei why '[2001:db8::1]:443/tcp' --store map.db --roles roles.txt
        renkei why 10.0.0.5:8080/tcp --store map.db --format json | jq '.endpoints[].changes'
        renkei why 10.0.0.5:8080/tcp --store map.db --from -2h

      Exit status: 0 explained, 1 an error or an endpoint that was not seen, 2 wrong usage.
      """)

  /// What it is written as.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json
  }

  @Argument(
    help: ArgumentHelp("The endpoint: 10.0.0.5:8080/tcp.", valueName: "address:port/protocol"))
  var endpoint: String

  @OptionGroup var input: MapInput

  @OptionGroup var rolesOption: RolesOption

  @Option(help: "text (default) or json.")
  var format: Format = .text

  @Option(help: "Language of the text: en or ja. Default: from LANG.")
  var lang: ReportLanguage?

  @Flag(name: .shortAndLong, help: "No progress on standard error.")
  var quiet = false

  func validate() throws {
    _ = try EndpointName(endpoint)
  }

  func run() throws {
    let asked = try EndpointName(endpoint)
    let overrides = try rolesOption.overrides()
    let content = try input.content(isQuiet: quiet)
    let judge = RoleJudge(
      links: content.links, addresses: content.addresses, overrides: overrides)
    let protocols =
      asked.protocolNumber.map { [$0] } ?? judge.protocols(at: asked.address, port: asked.port)
    let explanations = protocols.compactMap { number in
      judge.explain(
        Explanation.Endpoint(address: asked.address, protocolNumber: number, port: asked.port))
    }
    guard !explanations.isEmpty else { throw RunError(asked.unseen(by: judge)) }
    let report = ExplanationReport(explanations)
    try ExplanationReport.print(
      format == .json ? report.json() : report.text(lang ?? .ofEnvironment))
  }
}

/// An endpoint as it was asked for.
struct EndpointName: Equatable {
  let address: IPAddress
  let port: UInt16
  /// nil: any.
  let protocolNumber: UInt8?
  private let text: String

  /// - Throws: `ValidationError` that says what is wrong and shows how it is meant.
  init(_ text: String) throws {
    self.text = text
    func wrong(_ what: String) -> ValidationError {
      ValidationError(
        Terminal.oneLine("\(text): \(what)") + "; write 10.0.0.5:8080/tcp or [2001:db8::1]:443/tcp")
    }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2 else { throw wrong("more than one /") }
    if parts.count == 2 {
      let known = (UInt8.min...UInt8.max).first {
        ProtocolName.hasPorts($0) && ProtocolName.of($0) == parts[1].lowercased()
      }
      guard let known else {
        throw wrong("\"\(parts[1])\" is no protocol with ports (tcp, udp, sctp …)")
      }
      protocolNumber = known
    } else {
      protocolNumber = nil
    }
    guard let colon = parts[0].lastIndex(of: ":") else { throw wrong("no port") }
    var host = parts[0][..<colon]
    let digits = parts[0][parts[0].index(after: colon)...]
    let isBracketed = host.first == "[" && host.last == "]"
    if isBracketed {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw wrong("an IPv6 address stands in brackets")
    }
    guard !host.contains("%"), let address = IPAddress(String(host)), address.isIPv4 != isBracketed
    else { throw wrong("\"\(host)\" is no address; names are not looked up") }
    guard digits.allSatisfy({ ("0"..."9").contains($0) }), let port = UInt16(digits) else {
      throw wrong("\"\(digits)\" is no port from 0 to 65535")
    }
    self.address = address
    self.port = port
  }

  /// One line for an endpoint that was not seen: what was, nearest to it.
  func unseen(by judge: RoleJudge) -> String {
    let sightings = judge.sightings(of: address)
    if sightings.isEmpty {
      let near = judge.addresses(like: address, count: 3).map { "\($0)" }.joined(separator: ", ")
      return "\(text): \(address) was not seen"
        + (near.isEmpty ? "" : "; addresses most like it that were: \(near)")
    }
    // A client's ports are kept as one with a number, so that the port may have been among them.
    let hidden = sightings.filter {
      $0.ports > 1 && $0.endpoint.port < port
        && $0.endpoint.protocolNumber == protocolNumber ?? $0.endpoint.protocolNumber
    }
    var answer = "\(text): this port was not seen"
    if let one = hidden.first {
      answer =
        "\(text): not kept by itself; \(address) used \(one.ports.description) ports from "
        + "\(one.endpoint.port) upwards as a client"
      if let other = one.other { answer += ", ask about \(other)" }
    }
    func listed(_ list: [Sighting]) -> String {
      let shown = list.prefix(8).map { one in
        "\(one.endpoint.port)/\(ProtocolName.of(one.endpoint.protocolNumber))"
      }
      return shown.joined(separator: ", ") + (list.count > 8 ? " and \(list.count - 8) more" : "")
    }
    let services = sightings.filter(\.isService)
    if !services.isEmpty { answer += "; \(address) provides \(listed(services))" }
    let others = sightings.filter { !$0.isService && $0.ports == 1 }.sorted { one, other in
      abs(Int(one.endpoint.port) - Int(port)) < abs(Int(other.endpoint.port) - Int(port))
    }
    if !others.isEmpty {
      answer += "; \(services.isEmpty ? "" : "its ")other ports nearest to it: \(listed(others))"
    }
    return answer
  }
}
