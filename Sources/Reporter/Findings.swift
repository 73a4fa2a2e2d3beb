internal import ServiceMap
internal import Wire

/// A sentence of the phrase table with the figures in it. The page needs key and figures apart, to put
/// it into the other language.
struct Statement {
  struct Value {
    /// Lower case: it becomes part of an attribute's name.
    let name: String
    let value: String
  }

  let key: String
  let values: [Value]
  let text: String

  init(_ phrases: Phrases, _ key: String, _ values: KeyValuePairs<String, String> = [:]) {
    self.key = key
    self.values = values.map { Value(name: $0.key, value: $0.value) }
    text = phrases.filled(key, values)
  }
}

/// What a report says of the map itself: how well roles are judged, and how much is missing.
struct Findings {
  let selfCheck: Statement
  /// That silence means nothing in this capture; nil where it does.
  let partial: Statement?
  /// The rest of how complete the map is.
  let completeness: [Statement]

  /// Above this share of services that appeared in the last tenth, there are likely more to come: if they
  /// appeared evenly over the whole time, it would be a tenth.
  private static let manyNew = 0.05

  init(map: ServiceMap, phrases: Phrases) {
    let check = map.selfCheck
    func part(_ count: Int) -> String {
      HumanUnits.share(UInt64(max(0, count)), of: UInt64(check.endpoints))
    }
    selfCheck =
      check.endpoints == 0
      ? Statement(phrases, "selfCheck.none")
      : Statement(
        phrases, "selfCheck.some",
        [
          "right": part(check.right), "undecided": part(check.undecided),
          "wrong": part(check.wrong), "endpoints": HumanUnits.count(check.endpoints),
        ])
    let complete = map.completeness
    partial = complete.isPartial ? Statement(phrases, "completeness.partial") : nil
    completeness = [
      Findings.directions(complete, phrases), Findings.undecided(complete, map, phrases),
      Findings.dropped(complete, phrases), Findings.new(complete, phrases),
    ].compactMap(\.self)
  }

  private static func directions(_ complete: Completeness, _ phrases: Phrases) -> Statement? {
    let sessions = HumanUnits.count(complete.sessions)
    if complete.sessions == 0 { return nil }
    if complete.oneWaySessions == 0 {
      return Statement(phrases, "completeness.twoWay", ["sessions": sessions])
    }
    return Statement(
      phrases, "completeness.oneWay",
      [
        "sessions": sessions, "count": HumanUnits.count(complete.oneWaySessions),
        "share": HumanUnits.share(complete.oneWaySessions, of: complete.sessions),
      ])
  }

  private static func undecided(
    _ complete: Completeness, _ map: ServiceMap, _ phrases: Phrases
  ) -> Statement? {
    if map.accounting[.mapped] == 0 { return nil }
    if complete.undecidedPackets == 0 { return Statement(phrases, "completeness.decided") }
    return Statement(
      phrases, "completeness.undecided",
      [
        "packets": HumanUnits.count(complete.undecidedPackets),
        "packetshare": HumanUnits.share(complete.undecidedPackets, of: map.accounting[.mapped]),
        "bytes": HumanUnits.bytes(complete.undecidedBytes),
        "byteshare": HumanUnits.share(complete.undecidedBytes, of: map.bytes),
      ])
  }

  private static func dropped(_ complete: Completeness, _ phrases: Phrases) -> Statement {
    if complete.droppedPackets == 0 { return Statement(phrases, "completeness.kept") }
    return Statement(
      phrases, "completeness.dropped", ["count": HumanUnits.count(complete.droppedPackets)])
  }

  private static func new(_ complete: Completeness, _ phrases: Phrases) -> Statement? {
    if complete.services == 0 { return nil }
    guard let new = complete.newServices else { return Statement(phrases, "completeness.short") }
    let services = HumanUnits.count(complete.services)
    if new == 0 { return Statement(phrases, "completeness.settled", ["services": services]) }
    let isMany = Double(new) > manyNew * Double(complete.services)
    return Statement(
      phrases, isMany ? "completeness.many" : "completeness.few",
      ["services": services, "count": HumanUnits.count(new)])
  }
}
