/// The features of links without a handshake as text, for fitting.
public enum EvidenceTable {
  /// Column names; features by `RoleFeatures.Feature.name`.
  public static var header: String {
    ([
      "a", "a_port", "b", "b_port", "protocol", "sessions", "a_ports", "b_ports", "partial",
      "served",
    ]
      + RoleFeatures.Feature.allCases.map(\.name)).joined(separator: "\t")
  }

  /// A line for each link that the rule decides: two-way ones, and all where the capture shows one
  /// direction only.
  public static func rows(of judge: RoleJudge) -> some Sequence<String> {
    judge.links.indices.lazy.filter { number in
      let link = judge.links[number]
      return !link.hasHandshake && link.isEvidence(isPartial: judge.evidence.isPartial)
        && !link.isToGroup(judge.addresses)
    }.map { number in
      let link = judge.links[number]
      let (a, b) = judge.endpoints(ofLink: number)
      let features = judge.evidence.features(of: link, a: a, b: b)
      let served = (a.served > 0 ? 1 : 0) - (b.served > 0 ? 1 : 0)
      let words: [String] =
        [
          "\(judge.addresses[link.a])", "\(link.aPort)", "\(judge.addresses[link.b])",
          "\(link.bPort)", "\(link.protocolNumber)", "\(link.sessions)", "\(link.aPorts)",
          "\(link.bPorts)", judge.evidence.isPartial ? "1" : "0", "\(served)",
        ] + RoleFeatures.Feature.allCases.map { "\(features[$0])" }
      return words.joined(separator: "\t")
    }
  }
}
