internal import ArgumentParser
internal import ServiceMap

/// What the weights of the role rule are fitted on (Benchmarks/fit-roles.py): the features of every link
/// without a handshake, as tab-separated text.
struct EvidenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "evidence", shouldDisplay: false)

  @Option var store: String
  @OptionGroup var time: TimeOptions

  func run() throws {
    let content = try MapStore.read(path: store, range: try time.range())
    let judge = RoleJudge(links: content.links, addresses: content.addresses)
    print(EvidenceTable.header)
    for row in EvidenceTable.rows(of: judge) { print(row) }
  }
}
