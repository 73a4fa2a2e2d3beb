/// All relations of a run: an open-addressing hash table over a list of rows.
///
/// The standard library's dictionary is seeded anew in each process; here even the order of the rows
/// in memory is the same each time. Sessions are added when they end, so the table costs nothing
/// per packet.
struct TruthTable {
  /// The rows, in the order in which they first came.
  private(set) var relations: [Relation] = []
  /// Index into `relations` plus one at the place of the hash, 0 where free; a power of two.
  private var index = [UInt32](repeating: 0, count: 1 << 14)

  /// Adds a session of which packets were written.
  ///
  /// - Complexity: O(1), amortised.
  mutating func add(_ session: Session, kind: ServiceKind, hasKnownPorts: Bool) {
    var row = Relation(
      server: session.serverAddress, client: session.clientAddress, port: session.serverPort,
      transport: session.transport,
      basis: TruthTable.basis(of: session, kind: kind, hasKnownPorts: hasKnownPorts),
      isIPv6: session.traits.contains(.ipv6))
    if relations.count * 2 >= index.count { grow() }
    let place = find(row)
    if index[place] == 0 {
      relations.append(row)
      index[place] = UInt32(relations.count)
    }
    let position = Int(index[place]) - 1
    row = relations[position]
    row.sessions += 1
    row.answered += session.traits.contains(.answered) ? 1 : 0
    row.fromClient += UInt64(session.writtenFromClient)
    row.fromServer += UInt64(session.writtenFromServer)
    relations[position] = row
  }

  /// Writes the rows, sorted, as tab-separated text under a header line.
  ///
  /// - Throws: `GeneratorError.file`.
  func write(to path: String) throws(GeneratorError) {
    var file = try CaptureFile(path: path)
    try file.write(TruthTable.header)
    for row in relations.sorted(by: { $0.order < $1.order }) {
      let columns = [
        Address.text(row.server, isIPv6: row.isIPv6), "\(row.transport.rawValue)", "\(row.port)",
        Address.text(row.client, isIPv6: row.isIPv6), "\(row.sessions)", row.basis.text,
        "\(row.answered)", "\(row.fromClient)", "\(row.fromServer)",
      ]
      try file.write(columns.joined(separator: "\t") + "\n")
    }
    try file.flush()
  }

  /// The first line of the file.
  private static let header =
    "server_ip\tip_proto\tserver_port\tclient_ip\tsessions\tbasis\tanswered\tpkts_c2s\tpkts_s2c\n"

  /// Which basis the session's row has.
  private static func basis(
    of session: Session, kind: ServiceKind, hasKnownPorts: Bool
  ) -> Basis {
    if session.transport == .tcp { return .syn }
    if kind.provider == .group { return .mcast }
    if session.clientPort == session.serverPort { return .first }
    if hasKnownPorts, case .fixed = kind.port { return .first }
    return .weak
  }

  /// Place in the index of a row, or the free place where it belongs.
  private func find(_ row: Relation) -> Int {
    let mask = index.count - 1
    var place = Int(truncatingIfNeeded: row.hash) & mask
    while index[place] != 0, !relations[Int(index[place]) - 1].isSameRow(as: row) {
      place = (place + 1) & mask
    }
    return place
  }

  /// Doubles the index.
  private mutating func grow() {
    index = [UInt32](repeating: 0, count: index.count * 2)
    for position in relations.indices {
      index[find(relations[position])] = UInt32(position + 1)
    }
  }
}
