/// Relations by key, in order of first appearance.
struct RelationTable {
  private(set) var rows: [Relation] = []
  private var index = KeyIndex()

  init(capacity: Int) {
    rows.reserveCapacity(capacity)
  }

  static func key(_ one: Relation) -> Key {
    // What is undecided or a notice is kept apart from what is provided at the same endpoint.
    let apart = one.kind.isService || one.kind == .failed ? 0 : UInt64(one.kind.rawValue)
    return Key(
      UInt64(one.server) << 32 | UInt64(one.client),
      UInt64(one.port) | UInt64(one.clientPort) << 16 | UInt64(one.protocolNumber) << 32
        | apart << 40)
  }

  /// Adds `one` to the relation with the same key. The best basis and its confidence stand.
  mutating func add(_ one: Relation) {
    let number = index.number(of: RelationTable.key(one))
    guard number < rows.count else {
      rows.append(one)
      return
    }
    if one.answered > 0 && rows[number].answered == 0 {
      // A request that failed says nothing about the role; an answer does.
      rows[number].basis = one.basis
      rows[number].confidence = one.confidence
      rows[number].kind = one.kind
    } else if (one.answered > 0) == (rows[number].answered > 0) {
      rows[number].takeRole(of: one)
    }
    if one.kind == .provided && rows[number].kind == .peer { rows[number].kind = .provided }
    rows[number].add(one)
  }
}
