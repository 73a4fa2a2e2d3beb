internal import ArgumentParser
internal import Foundation
internal import Reporter
internal import ServiceMap
internal import Wire

/// How a map is made of what was measured: who hosts are, what belongs together, what the operator knows.
struct MapOptions: ParsableArguments {
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Who hosts are: a hosts file (address name) or CSV (address-or-network,name,group). May be "
        + "given several times; /etc/hosts is read as well. See docs/names-file.md.",
      valueName: "file"))
  var names: [String] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Your own names of services, one a line: tcp/50020: Orders. May be given several times.",
      valueName: "file"))
  var serviceNames: [String] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "A network that belongs to the organisation, besides the private ones. May be given several "
        + "times.", valueName: "network"))
  var organisation: [String] = []

  @Flag(help: "Show hosts outside the organisation as networks: /24, and /48 of IPv6.")
  var foldOutside = false

  @OptionGroup var rolesOption: RolesOption

  @Flag(help: "Ask the DNS for the names of hosts that have none. Without it nothing is looked up.")
  var resolve = false

  @Option(help: ArgumentHelp("Prefix length that makes an IPv4 network.", valueName: "bits"))
  var ipv4Prefix = 24

  @Option(help: ArgumentHelp("Prefix length that makes an IPv6 network.", valueName: "bits"))
  var ipv6Prefix = 64

  func validate() throws {
    guard (0...32).contains(ipv4Prefix) else { throw ValidationError("--ipv4-prefix: 0 to 32") }
    guard (0...128).contains(ipv6Prefix) else { throw ValidationError("--ipv6-prefix: 0 to 128") }
    for text in organisation where Prefix(text) == nil {
      throw ValidationError("--organisation \(text): no network, as in 203.0.113.0/24")
    }
  }

  private var networkBits: ServiceMap.NetworkBits { .init(v4: ipv4Prefix, v6: ipv6Prefix) }

  /// The map of what a store holds.
  ///
  /// - Throws: as `directory`; `RoleOverridesError`.
  func map(of content: MapStore.Content, _ directory: HostDirectory) throws -> ServiceMap {
    var map = content.map(
      overrides: try rolesOption.overrides(), networkBits: networkBits,
      name: { directory.name(of: $0) })
    if foldOutside { map = map.folded(outside: directory) }
    return resolve ? map.named(ReverseLookup.names(of: map)) : map
  }

  /// How pages are made of a store.
  ///
  /// - Throws: as `map`.
  func source(of store: String) throws -> MapSource.Options {
    var source = MapSource.Options(path: store)
    source.overrides = try rolesOption.overrides()
    source.networkBits = networkBits
    source.directory = try directory()
    source.serviceNames = try services()
    source.foldsOutside = foldOutside
    if resolve {
      let cache = NameCache()
      source.names = { cache.names(for: $0) }
    }
    return source
  }

  /// The names, groups and own networks that were asked for. Lines of the user's files that say nothing are
  /// named on standard error.
  ///
  /// - Throws: `RunError` where a file can't be read.
  func directory(isQuiet: Bool = false) throws -> HostDirectory {
    var directory = HostDirectory()
    directory.organisation += organisation.compactMap { Prefix($0) }
    for file in names {
      try MapOptions.read(file, "--names") { try directory.add(file: file) }
    }
    try? directory.add(file: "/etc/hosts", reportsProblems: false)
    if !isQuiet { MapOptions.tell(directory.problems, directory.problemCount) }
    return directory
  }

  /// As `directory`.
  func services(isQuiet: Bool = false) throws -> ServiceNames {
    var services = ServiceNames()
    for file in serviceNames {
      try MapOptions.read(file, "--service-names") { try services.add(file: file) }
    }
    if !isQuiet { MapOptions.tell(services.problems, services.problemCount) }
    return services
  }

  private static func read(_ file: String, _ option: String, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      throw RunError(
        "\(option) \(file): cannot be read: \((error as NSError).localizedDescription)")
    }
  }

  private static func tell(_ problems: [String], _ count: Int) {
    for problem in problems { Terminal.standardError("renkei: skipped \(problem)\n") }
    guard count > problems.count else { return }
    Terminal.standardError("renkei: skipped \(count - problems.count) more lines\n")
  }

  /// The same options as words, for another process.
  var words: [String] {
    var words = ["--ipv4-prefix", "\(ipv4Prefix)", "--ipv6-prefix", "\(ipv6Prefix)"]
    words += names.map { "--names=\($0)" } + (resolve ? ["--resolve"] : [])
    words += serviceNames.map { "--service-names=\($0)" }
    words += organisation.map { "--organisation=\($0)" } + (foldOutside ? ["--fold-outside"] : [])
    return words + (rolesOption.roles.map { ["--roles=\($0)"] } ?? [])
  }
}
