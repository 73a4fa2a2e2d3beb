internal import Glibc
internal import Wire

/// Who of two endpoints is the server, and how sure that is.
public struct Verdict: Equatable, Sendable {
  public var serverIsA: Bool
  /// Probability that it is right, 0.5–1.
  public var confidence: Double
  /// The evidence that weighs most for it.
  public var basis: Basis
}

/// The one rule that turns evidence into roles where no handshake decides.
///
/// Each piece of evidence adds a log-odds; the sum's logistic is the confidence. Source: features
/// of Takara (2008) section 3.3 (peer addresses, peer ports), and what measurement added; the weights
/// are fitted (`RoleWeights`).
public enum RoleRule {
  /// Below this confidence a pair stays undecided.
  public static let decidedAbove = 0.93
  /// No sum of circumstances is as sure as a handshake.
  private static let confidenceMax = 0.998
  /// Two endpoints that only know each other, at ports that mean nothing, name no service: what else is
  /// known of their hosts makes one likelier, and listing a client's port is worse than listing none.
  private static let confidenceOfStrangersMax = 0.9
  private static let anchorMin = 2.0
  /// Log-odds of "server" for an endpoint that answered handshakes in other sessions.
  private static let servedLogOdds = 6.0

  /// What each piece of evidence adds for A as the server.
  @inline(__always) public static func contributions(
    _ features: RoleFeatures, protocolNumber: UInt8, a: EndpointEvidence, b: EndpointEvidence
  ) -> Contributions {
    let isUDP = protocolNumber == IPProtocolNumber.udp || protocolNumber == IPProtocolNumber.udplite
    let weights = isUDP ? RoleWeights.udp : RoleWeights.tcp
    var all = Contributions()
    for index in features.values.indices {
      all[index] = features.values[index] * weights.values[index]
    }
    all[Contributions.served] =
      servedLogOdds * ((a.served > 0 ? 1 : 0) - (b.served > 0 ? 1 : 0))
    return all
  }

  /// Judges the pair by what `contributions` gave; symmetric: exchanging A and B exchanges the verdict.
  ///
  /// - Complexity: O(1); once for each link without a handshake, not for each packet.
  public static func judge(_ contributions: Contributions) -> Verdict {
    let sum = contributions.sum
    let towards = sum >= 0 ? 1.0 : -1.0
    // The basis is the strongest evidence of behaviour; a port number only where there is no other.
    var strongest = (part: 0.0, index: -1)
    for index in 0..<Contributions.count where contributions[index] * towards > strongest.part {
      strongest = (contributions[index] * towards, index)
    }
    var anchor = abs(contributions[Contributions.served])
    anchor += abs(contributions[.peers])
    anchor += abs(contributions[.peerPorts])
    anchor += abs(contributions[.portKnown])
    anchor += abs(contributions[.portCommon])
    anchor += abs(contributions[.firstOfWhole])
    anchor += abs(contributions[.asked])
    let limit = anchor < anchorMin ? confidenceOfStrangersMax : confidenceMax
    return Verdict(
      serverIsA: sum >= 0, confidence: min(limit, 1 / (1 + exp(-abs(sum)))),
      basis: strongest.index < 0 ? .none : basis(strongest.index))
  }

  private static func basis(_ index: Int) -> Basis {
    switch RoleFeatures.Feature(rawValue: index) {
    case .peers, .peerPorts, .asked: .fanIn
    case .firstSpeaker, .firstOfWhole, .silence: .firstSpeaker
    case .portKnown, .portRange, .portCommon, .notEphemeral: .port
    case .host: .behaviour
    case nil: .knownServer
    }
  }
}

/// What each piece of evidence adds for A as the server, in log-odds: in the order of
/// `RoleFeatures.Feature`, and last whether the endpoints answered handshakes elsewhere.
public struct Contributions: Sendable {
  private var parts = InlineArray<12, Double>(repeating: 0)

  /// The index of what comes last, and how many there are.
  static var served: Int { count - 1 }
  static var count: Int { 12 }

  /// Nothing speaks for either side.
  public init() {}

  @inline(__always) public subscript(index: Int) -> Double {
    get { parts[index] }
    set { parts[index] = newValue }
  }
  @inline(__always) subscript(feature: RoleFeatures.Feature) -> Double { parts[feature.rawValue] }

  /// Added up from the first to the last, since the order shows in the last digits.
  @inline(__always) var sum: Double {
    var sum = 0.0
    for index in parts.indices { sum += parts[index] }
    return sum
  }
}
